//! Mistakes that only calls at the same time can meet: the rules of linearizability find each of them from every
//! seed, on either flavour of runtime.

#![expect(clippy::unwrap_used, reason = "tests, and what stands around them")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::task::yield_now;
use tubeatlas_contract::{Effort, Flavour, Options, RULES, Status, run};
use tubeatlas_domain::{
    Channel, ChannelId, LeaseToken, ProcessingTask, ProcessingTaskId, TaskFailure, TaskStatus, Video, VideoId,
};
use tubeatlas_faults::{At, FaultyHarness, Hooks, ReadHook, StoreHook, TaskHook, WriteHook};
use tubeatlas_ports::{
    ClaimRequest, PageRequest, ProcessingTaskFilter, ProcessingTaskOrder, Result, Revision, Store, Stored,
    UnitOfWork, Upserted, Visibility,
};

/// How many seeds each fault is looked for from.
const SEEDS: u64 = 20;

/// In each of these runs the rule rejects the store, and says so with these words.
#[track_caller]
fn found(rule: &str, says: &str, hooks: fn() -> Hooks) {
    let rule = RULES.iter().find(|it| it.id() == rule).unwrap();
    for flavour in Flavour::ALL {
        for seed in 1..=SEEDS {
            let options = Options { seed, effort: Effort::Full, ..Options::default() };
            let result = run(rule, FaultyHarness(hooks), flavour, &options);
            let message = result.message.unwrap_or_default();
            assert_eq!(result.status, Status::Fail, "{flavour}, seed {seed}: {message}");
            assert!(message.contains(says) && message.contains(&format!("of seed {seed}:")), "{message}");
        }
    }
}

const NO_MOMENTS: &str = "no such moments explain these answers";

/// Checks the revision, and writes when somebody else may have written meanwhile.
struct ChecksThenWrites;

#[async_trait]
impl WriteHook<Channel> for ChecksThenWrites {
    async fn update(
        &self,
        at: &At<'_>,
        channel: &Channel,
        expected: Option<Revision>,
    ) -> Result<Stored<Channel>> {
        if let Some(stored) = at.inner.channels().get(&channel.id, Visibility::Live).await? {
            stored.check_revision(expected)?;
        }
        yield_now().await;
        at.inner.channels().update(channel, None).await
    }
}

#[test]
fn a_lost_update_is_found() {
    found("LIN-K-001", NO_MOMENTS, || Hooks::new().writes(ChecksThenWrites));
}

/// Remembers what it read, and forgets it with each write; but a slow reader remembers what was read before the
/// write when it has been forgotten already.
#[derive(Clone, Default)]
struct RemembersTooLate(Arc<Mutex<HashMap<ChannelId, Stored<Channel>>>>);

impl RemembersTooLate {
    fn forget(&self, id: &ChannelId) {
        self.0.lock().unwrap().remove(id);
    }
}

#[async_trait]
impl ReadHook<Channel> for RemembersTooLate {
    async fn get(
        &self,
        at: &At<'_>,
        id: &ChannelId,
        visibility: Visibility,
    ) -> Result<Option<Stored<Channel>>> {
        let remembered = self.0.lock().unwrap().get(id).cloned();
        if remembered.is_some() {
            return Ok(remembered);
        }
        let read = at.inner.channels().get(id, visibility).await?;
        yield_now().await;
        if let Some(read) = &read {
            self.0.lock().unwrap().insert(id.clone(), read.clone());
        }
        Ok(read)
    }
}

#[async_trait]
impl WriteHook<Channel> for RemembersTooLate {
    async fn create(&self, at: &At<'_>, channel: &Channel) -> Result<Stored<Channel>> {
        let answer = at.inner.channels().create(channel).await;
        self.forget(&channel.id);
        answer
    }

    async fn update(
        &self,
        at: &At<'_>,
        channel: &Channel,
        expected: Option<Revision>,
    ) -> Result<Stored<Channel>> {
        let answer = at.inner.channels().update(channel, expected).await;
        self.forget(&channel.id);
        answer
    }

    async fn upsert(&self, at: &At<'_>, channel: &Channel) -> Result<Upserted<Channel>> {
        let answer = at.inner.channels().upsert(channel).await;
        self.forget(&channel.id);
        answer
    }

    async fn delete(&self, at: &At<'_>, id: &ChannelId, expected: Option<Revision>) -> Result<()> {
        let answer = at.inner.channels().delete(id, expected).await;
        self.forget(id);
        answer
    }
}

#[test]
fn a_stale_read_is_found() {
    found("LIN-K-001", NO_MOMENTS, || Hooks::new().both::<Channel>(RemembersTooLate::default()));
}

/// Looks for the oldest task, and gives it out also if another worker got it meanwhile.
struct ClaimsTwice;

#[async_trait]
impl TaskHook for ClaimsTwice {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let tasks = at.inner.processing_tasks();
        let kind = request.kinds.iter().flatten().next().cloned();
        let waiting = ProcessingTaskFilter { kind, status: Some(TaskStatus::Pending), target: None };
        let page = PageRequest { order: ProcessingTaskOrder::Oldest, limit: 1, after: None };
        let oldest = tasks.list(&waiting, &page).await?.items.into_iter().next();
        yield_now().await;
        if let Some(oldest) = oldest {
            let now = tasks.get(&oldest.entity.id, Visibility::Live).await?;
            if now.as_ref().is_some_and(|task| task.status == TaskStatus::Running) {
                return Ok(now);
            }
        }
        tasks.claim(request).await
    }
}

#[test]
fn a_double_claim_is_found() {
    found("LIN-Q-001", NO_MOMENTS, || Hooks::new().tasks(ClaimsTwice));
}

/// Reads in a unit of work what is committed at that moment, as READ COMMITTED does.
struct ReadsCommitted;

#[async_trait]
impl ReadHook<Video> for ReadsCommitted {
    async fn get(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<Option<Stored<Video>>> {
        at.store.videos().get(id, visibility).await
    }
}

#[test]
fn a_torn_read_is_found() {
    found("LIN-U-001", NO_MOMENTS, || Hooks::new().reads(ReadsCommitted));
}

/// Counts revisions in two sequences, so that a later change may have a smaller one.
struct TwoSequences;

#[async_trait]
impl WriteHook<Channel> for TwoSequences {
    async fn create(&self, at: &At<'_>, channel: &Channel) -> Result<Stored<Channel>> {
        let stored = at.inner.channels().create(channel).await?;
        let revision = stored.revision.get();
        let other = if revision.is_multiple_of(2) { revision * 2 } else { revision };
        Ok(Stored { revision: Revision::new(other).unwrap(), ..stored })
    }
}

#[test]
fn a_revision_that_goes_back_is_found() {
    found("LIN-K-002", "each change has a revision of its own", || Hooks::new().writes(TwoSequences));
}

/// A request whose caller went away before it was answered, and that is sent again a little later.
struct SentAgain<F: FnOnce(Arc<dyn Store>)>(Option<(Arc<dyn Store>, F)>);

impl<F: FnOnce(Arc<dyn Store>)> Drop for SentAgain<F> {
    fn drop(&mut self) {
        if let Some((store, send)) = self.0.take() {
            send(store);
        }
    }
}

/// Sends what was not answered in time once more, also if it had been done.
struct SendsTwice;

#[async_trait]
impl WriteHook<Channel> for SendsTwice {
    async fn upsert(&self, at: &At<'_>, channel: &Channel) -> Result<Upserted<Channel>> {
        let again = channel.clone();
        let mut guard = SentAgain(Some((at.store.clone(), |store: Arc<dyn Store>| {
            tokio::spawn(async move {
                for _ in 0..8 {
                    yield_now().await;
                }
                store.channels().upsert(&again).await
            });
        })));
        let answer = at.inner.channels().upsert(channel).await;
        yield_now().await;
        guard.0 = None;
        answer
    }
}

#[async_trait]
impl TaskHook for SendsTwice {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let again = request.clone();
        let mut guard = SentAgain(Some((at.store.clone(), |store: Arc<dyn Store>| {
            tokio::spawn(async move { store.processing_tasks().claim(&again).await });
        })));
        let answer = at.inner.processing_tasks().claim(request).await;
        yield_now().await;
        guard.0 = None;
        answer
    }
}

#[test]
fn a_cancelled_write_that_happens_twice_is_found() {
    found("LIN-C-001", NO_MOMENTS, || Hooks::new().writes::<Channel>(SendsTwice));
}

#[test]
fn a_cancelled_claim_that_takes_two_tasks_is_found() {
    found("LIN-C-002", NO_MOMENTS, || Hooks::new().tasks(SendsTwice));
}

/// Commits what was dropped.
struct CommitsWhatIsDropped;

impl StoreHook for CommitsWhatIsDropped {
    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) {
        tokio::spawn(inner.commit());
    }
}

#[test]
fn half_of_a_cancelled_unit_of_work_is_found() {
    found("LIN-C-003", NO_MOMENTS, || Hooks::new().store(CommitsWhatIsDropped));
}

/// Finds nothing to claim while somebody else is changing a task, as the port allows.
#[derive(Clone, Default)]
struct GivesWay(Arc<AtomicUsize>);

impl GivesWay {
    /// Counts one more until what it answers is dropped.
    fn begin(&self) -> Changing {
        self.0.fetch_add(1, Ordering::SeqCst);
        Changing(self.0.clone())
    }
}

struct Changing(Arc<AtomicUsize>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl TaskHook for GivesWay {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let _changing = self.begin();
        if self.0.load(Ordering::SeqCst) > 1 {
            return Ok(None);
        }
        let answer = at.inner.processing_tasks().claim(request).await;
        yield_now().await;
        answer
    }

    async fn fail(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        let _changing = self.begin();
        yield_now().await;
        let answer = at.inner.processing_tasks().fail(id, token, failure).await;
        yield_now().await;
        answer
    }

    async fn cancel(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        let _changing = self.begin();
        yield_now().await;
        let answer = at.inner.processing_tasks().cancel(id).await;
        yield_now().await;
        answer
    }
}

#[test]
fn a_claim_that_gives_way_is_right() {
    for rule in ["LIN-Q-001", "LIN-C-002"] {
        let rule = RULES.iter().find(|it| it.id() == rule).unwrap();
        for flavour in Flavour::ALL {
            for seed in 1..=SEEDS {
                let harness = FaultyHarness(|| Hooks::new().tasks(GivesWay::default()));
                let result = run(rule, harness, flavour, &Options { seed, ..Options::default() });
                assert_eq!(result.status, Status::Pass, "{}", result.message.unwrap_or_default());
            }
        }
    }
}
