//! Sequences in lockstep with the model find faults, and show each by a short sequence.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tubeatlas_contract::{CaseResult, Flavour, Options, RULES, Status, run};
use tubeatlas_domain::{
    Channel, KnowledgeGraph, LeaseToken, MediaFile, ProcessingTask, ProcessingTaskId, Timestamp, Transcript,
    Video, VideoId,
};
use tubeatlas_faults::{
    At, FaultyHarness, Hooks, Kind, MediaFileHook, ReadHook, SoftHook, StoreHook, TaskHook, TranscriptHook,
    WriteHook, WrittenKind,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, Mode, Page, PageRequest, Result, Revision, SearchPage, SearchRequest,
    Store, Stored, UnitOfWork, Upserted, VideoFilter, Visibility,
};

/// The longest a counterexample may be, at the median.
const MEDIAN: usize = 8;

/// A fault, and what makes its hooks.
type Fault = (&'static str, fn() -> Hooks);

const FAULTS: &[Fault] = &[
    ("update ignores the revision that is demanded", || {
        Hooks::new().writes::<Video>(UpdateIgnoresTheRevision)
    }),
    ("delete answers another revision than it was asked for", || {
        Hooks::new().writes::<MediaFile>(DeleteSwapsRevisions)
    }),
    ("create_many keeps what comes before an error", || {
        Hooks::new().writes::<Channel>(CreateManyKeepsTheFirst)
    }),
    ("upsert_many works from the last to the first", || {
        Hooks::new().writes::<Transcript>(UpsertManyWorksBackwards)
    }),
    ("upsert brings a deleted video back", || Hooks::new().writes::<Video>(UpsertRestores)),
    ("upsert of the same says Updated", || Hooks::new().writes::<KnowledgeGraph>(UpsertSaysUpdated)),
    ("delete of a channel with videos is NotFound", || Hooks::new().writes::<Channel>(DeleteIsNotFound)),
    ("purge only hides", || Hooks::new().soft::<Video>(PurgeOnlyHides)),
    ("restore answers the old revision", || Hooks::new().soft::<Video>(RestoreAnswersTheOldRevision)),
    ("a page behind a cursor skips a row", || Hooks::new().reads::<Video>(PageSkipsARow)),
    ("the last page promises another one", || Hooks::new().reads::<Transcript>(LastPageGoesOn)),
    ("count counts what is deleted", || Hooks::new().reads::<Video>(CountSeesDeleted)),
    ("a path is found in any case", || Hooks::new().media_files(PathInAnyCase)),
    ("search sees hidden videos", || Hooks::new().transcripts(SearchSeesHidden)),
    ("search finds no title alone", || Hooks::new().transcripts(SearchForgetsTitles)),
    ("a heartbeat with a stale token is accepted", || Hooks::new().tasks(StaleHeartbeat)),
    ("a claim asks for tasks of every kind", || Hooks::new().tasks(ClaimForgetsKinds)),
    ("remove_finished removes what finished at the time, too", || Hooks::new().tasks(RemovesTooMuch)),
    ("retry of what has succeeded answers it", || Hooks::new().tasks(RetrySucceeds)),
    ("reads in a unit of work see the store", || Hooks::new().reads::<Video>(UnitReadsTheStore)),
    ("rollback commits", || Hooks::new().store(RollbackCommits)),
    ("the commit of a unit of work that has ended succeeds", || Hooks::new().store(EndedCommits)),
];

/// How many seeds are tried at most until a fault is found.
const SEEDS: u64 = 8;

#[test]
fn each_fault_is_found_and_shown_by_a_short_sequence() {
    println!("| fault | rule | seed | steps | sequence |\n|---|---|---|---|---|");
    let (mut found, mut drawn) = (0, Vec::new());
    for (name, hooks) in FAULTS {
        let first = (1..=SEEDS).find_map(|seed| Some((seed, rejected(*hooks, seed)?)));
        let Some((seed, result)) = first else { panic!("no sequence of {SEEDS} seeds finds that {name}") };
        let steps: usize = result.notes["steps of the sequence that diverges"].parse().unwrap();
        // A kept sequence is short because somebody made it so.
        let is_drawn = result.message.unwrap().contains("(drawn from ");
        let sequence = if is_drawn { "drawn" } else { "kept" };
        println!("| {name} | {} | {seed} | {steps} | {sequence} |", result.id);
        found += 1;
        drawn.extend(is_drawn.then_some(steps));
    }
    drawn.sort_unstable();
    let (median, longest) = (drawn[drawn.len() / 2], drawn.last());
    println!(
        "found {found} of {}; {} by drawing: median {median}, longest {longest:?}",
        FAULTS.len(),
        drawn.len()
    );
    assert!(drawn.len() >= 12, "too few to say something of the median");
    assert!(median <= MEDIAN, "{drawn:?}");
}

/// What the first of the model's rules that rejects a fault says.
fn rejected(hooks: fn() -> Hooks, seed: u64) -> Option<CaseResult> {
    let options = Options { seed, ..Options::default() };
    let rules = RULES.iter().filter(|rule| rule.area() == "model");
    let mut results = rules.map(|rule| run(rule, FaultyHarness(hooks), Flavour::CurrentThread, &options));
    results.find(|result| result.status == Status::Fail)
}

/// Units of work may give way whenever the adapter likes, and then have ended.
#[derive(Default)]
struct GivesWay {
    calls: AtomicU64,
    ended: Mutex<HashSet<u64>>,
}

impl GivesWay {
    /// Every seventh time.
    fn now(&self, unit: u64) -> Result<()> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if self.calls.fetch_add(1, Ordering::SeqCst) % 7 == 6 {
            ended.insert(unit);
        }
        if ended.contains(&unit) { Err(Conflict::Serialization.into()) } else { Ok(()) }
    }
}

#[async_trait]
impl StoreHook for GivesWay {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        at.unit.map_or(Ok(()), |unit| self.now(unit))
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        self.now(unit)?;
        store.begin(mode).await
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        match self.now(unit) {
            Ok(()) => inner.commit().await,
            Err(error) => inner.rollback().await.and(Err(error)),
        }
    }
}

#[test]
fn an_adapter_whose_units_give_way_often_answers_as_the_model() {
    for seed in 1..=SEEDS {
        let result = rejected(|| Hooks::new().store(GivesWay::default()), seed);
        assert!(result.is_none(), "seed {seed}: {}", result.unwrap().message.unwrap());
    }
}

struct UpdateIgnoresTheRevision;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateIgnoresTheRevision {
    async fn update(&self, at: &At<'_>, entity: &E, _: Option<Revision>) -> Result<Stored<E>> {
        at.writes::<E>().update(entity, None).await
    }
}

struct DeleteSwapsRevisions;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for DeleteSwapsRevisions {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        match at.writes::<E>().delete(id, expected).await {
            Err(Error::Conflict(Conflict::Revision { entity, key, expected, actual })) => {
                let (expected, actual) = (actual, expected);
                Err(Error::Conflict(Conflict::Revision { entity, key, expected, actual }))
            }
            answer => answer,
        }
    }
}

struct CreateManyKeepsTheFirst;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateManyKeepsTheFirst {
    async fn create_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        tubeatlas_ports::check_batch(entities)?;
        let mut created = Vec::new();
        for entity in entities {
            created.push(at.writes::<E>().create(entity).await?);
        }
        Ok(created)
    }
}

struct UpsertManyWorksBackwards;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpsertManyWorksBackwards {
    async fn upsert_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        let backwards: Vec<_> = entities.iter().rev().cloned().collect();
        let mut answers = at.writes::<E>().upsert_many(&backwards).await?;
        answers.reverse();
        Ok(answers)
    }
}

struct UpsertRestores;

#[async_trait]
impl WriteHook<Video> for UpsertRestores {
    async fn upsert(&self, at: &At<'_>, video: &Video) -> Result<Upserted<Video>> {
        match at.writes::<Video>().upsert(video).await? {
            Upserted::LeftDeleted => {
                at.inner.videos().restore(&video.id).await?;
                at.writes::<Video>().upsert(video).await
            }
            answer => Ok(answer),
        }
    }
}

struct UpsertSaysUpdated;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpsertSaysUpdated {
    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        match at.writes::<E>().upsert(entity).await? {
            Upserted::Unchanged(stored) => Ok(Upserted::Updated(stored)),
            answer => Ok(answer),
        }
    }
}

struct DeleteIsNotFound;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for DeleteIsNotFound {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        match at.writes::<E>().delete(id, expected).await {
            Err(Error::StillReferenced { .. }) => Err(Error::not_found::<E>(id)),
            answer => answer,
        }
    }
}

struct PurgeOnlyHides;

#[async_trait]
impl SoftHook<Video> for PurgeOnlyHides {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        match at.inner.videos().get(id, Visibility::Live).await? {
            Some(_) => at.inner.videos().delete(id, expected).await,
            None => at.inner.videos().purge(id, expected).await,
        }
    }
}

struct RestoreAnswersTheOldRevision;

#[async_trait]
impl SoftHook<Video> for RestoreAnswersTheOldRevision {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let old = at.inner.videos().get(id, Visibility::WithDeleted).await?;
        let restored = at.inner.videos().restore(id).await?;
        Ok(Stored { revision: old.map_or(restored.revision, |old| old.revision), ..restored })
    }
}

struct PageSkipsARow;

#[async_trait]
impl<E: Kind> ReadHook<E> for PageSkipsARow {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        let mut answer = at.reads::<E>().list(filter, page).await?;
        if page.after.is_some() {
            answer.items.drain(..answer.items.len().min(1));
        }
        Ok(answer)
    }
}

struct LastPageGoesOn;

#[async_trait]
impl<E: Kind> ReadHook<E> for LastPageGoesOn {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        let mut answer = at.reads::<E>().list(filter, page).await?;
        if let (Some(last), true) = (answer.items.last(), answer.items.len() == page.limit as usize) {
            let scope = E::cursor_scope(page.order, filter);
            answer.next = Some(tubeatlas_ports::Cursor::encode(scope, &E::position(last))?);
        }
        Ok(answer)
    }
}

struct CountSeesDeleted;

#[async_trait]
impl ReadHook<Video> for CountSeesDeleted {
    async fn count(&self, at: &At<'_>, filter: &VideoFilter) -> Result<u64> {
        let filter = VideoFilter { visibility: Visibility::WithDeleted, ..filter.clone() };
        at.reads::<Video>().count(&filter).await
    }
}

struct PathInAnyCase;

#[async_trait]
impl MediaFileHook for PathInAnyCase {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        seen: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let files = at.inner.media_files().list(&Default::default(), &PageRequest::default()).await?;
        let same = files.items.into_iter().find(|file| file.path.eq_ignore_ascii_case(path));
        let path = same.map_or(path.to_owned(), |file| file.path.clone());
        at.inner.media_files().get_by_path(&path, seen).await
    }
}

struct SearchSeesHidden;

#[async_trait]
impl TranscriptHook for SearchSeesHidden {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        if request.after.is_some() {
            return at.inner.transcripts().search(request).await;
        }
        let request = SearchRequest { visibility: Visibility::WithDeleted, ..request.clone() };
        at.inner.transcripts().search(&request).await
    }
}

struct SearchForgetsTitles;

#[async_trait]
impl TranscriptHook for SearchForgetsTitles {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let mut page = at.inner.transcripts().search(request).await?;
        page.items.retain(|hit| hit.language.is_some());
        Ok(page)
    }
}

struct StaleHeartbeat;

#[async_trait]
impl TaskHook for StaleHeartbeat {
    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let task = tasks.get(&id, Visibility::Live).await?;
        let current = task.and_then(|task| task.lease.as_ref().map(|lease| lease.token));
        tasks.heartbeat(id, current.unwrap_or(token), lease_ms).await
    }
}

struct ClaimForgetsKinds;

#[async_trait]
impl TaskHook for ClaimForgetsKinds {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let request = ClaimRequest { kinds: None, ..request.clone() };
        at.inner.processing_tasks().claim(&request).await
    }
}

struct RemovesTooMuch;

#[async_trait]
impl TaskHook for RemovesTooMuch {
    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        at.inner.processing_tasks().remove_finished(before.saturating_add_millis(1), limit).await
    }
}

struct RetrySucceeds;

#[async_trait]
impl TaskHook for RetrySucceeds {
    async fn retry(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        let task = at.inner.processing_tasks().get(&id, Visibility::Live).await?;
        match task {
            Some(task) if task.status == tubeatlas_domain::TaskStatus::Succeeded => Ok(task),
            _ => at.inner.processing_tasks().retry(id).await,
        }
    }
}

struct UnitReadsTheStore;

#[async_trait]
impl<E: Kind> ReadHook<E> for UnitReadsTheStore {
    async fn get(&self, at: &At<'_>, id: &E::Id, seen: Visibility) -> Result<Option<Stored<E>>> {
        at.reads::<E>().exists(id, seen).await?;
        E::reads(&**at.store).get(id, seen).await
    }
}

struct RollbackCommits;

#[async_trait]
impl StoreHook for RollbackCommits {
    async fn rollback(&self, _: &Arc<dyn Store>, unit: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        // The unit may have ended.
        let _ = unit.commit().await;
        Ok(())
    }
}

struct EndedCommits;

#[async_trait]
impl StoreHook for EndedCommits {
    async fn commit(&self, _: &Arc<dyn Store>, unit: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        match unit.commit().await {
            Err(Error::Closed { .. }) => Ok(()),
            answer => answer,
        }
    }
}
