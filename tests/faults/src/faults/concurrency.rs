//! Faults of calls at the same time. The store in memory answers a call at once, so each of these first lets the others
//! come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::task::yield_now;
use tubeatlas_contract::CallKind;
use tubeatlas_domain::{Video, VideoId};
use tubeatlas_ports::{Error, Mode, Result, Revision, Store, Stored, UnitOfWork, Visibility};

use super::cancellation::{OnDrop, unless_dropped};
use super::units_of_work::{EarlySnapshots, lock};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, StoreHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "CON-N-001",
            "of those who wait to begin, the thirty-third is sent away",
            &["the call succeeds", "too many are waiting"],
            || Hooks::new().store(ShortQueue::default()),
        ),
        Fault::new(
            "CON-N-002",
            "the revision that create answers is read after others have written",
            &["different revisions: 50", "observed: 1"],
            || Hooks::new().writes::<Video>(RevisionOfTheStore::default()),
        ),
        Fault::new(
            "CON-N-003",
            "update compares the revision before it has the right to write",
            &["what all have added: 16", "observed: "],
            || Hooks::new().writes::<Video>(ComparesBefore),
        )
        .also(
            "ISO-S-016",
            "its single updates demand a revision at the same time",
            &["no lost update (P4)", "T1 update x = 11 if unchanged; T2 update x = 12 if unchanged"],
        ),
        Fault::new(
            "CON-N-004",
            "whoever waits to write behind two others gets what was there before it waited",
            &["what all have added: 16", "observed: "],
            || {
                let early = EarlySnapshots::of_the_place_in_the_queue(3);
                Hooks::new().reads::<Video>(EarlyGet(early.clone())).store(early)
            },
        ),
        Fault::new(
            "CON-N-005",
            "create looks for the id before it has the right to write, and then upserts",
            &["how many have created it: 1", "observed: 16"],
            || Hooks::new().writes::<Video>(LooksBefore),
        )
        .also(
            "ISO-S-015",
            "its single create waits for a unit of work that creates the same id",
            &["through an id", "T2 waits; T1 create z = 30; T1 commit; T2 create z = 42"],
        ),
        Fault::new(
            "CON-N-009",
            "a batch is written in parts of sixteen",
            &["none or all", "observed: 16"],
            || Hooks::new().writes::<Video>(WritesInParts),
        ),
        Fault::new(
            "CON-N-010",
            "a reader whose begin is dropped keeps its connection, of which there are fifty",
            &["the call succeeds", "no connection is free"],
            || Hooks::new().pending(&[CallKind::BeginReadOnly]).store(PoolOfFifty::default()),
        ),
    ]
}

/// How many wait.
#[derive(Default)]
struct ShortQueue(AtomicUsize);

#[async_trait]
impl StoreHook for ShortQueue {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        if mode == Mode::ReadOnly {
            return store.begin(mode).await;
        }
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        let _leaves = OnDrop(Some(|| {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }));
        if before >= 32 {
            return Err(Error::Unavailable { message: "too many are waiting".to_owned(), source: None });
        }
        yield_now().await;
        store.begin(mode).await
    }
}

/// The last one.
#[derive(Default)]
struct RevisionOfTheStore(Mutex<Option<Revision>>);

#[async_trait]
impl WriteHook<Video> for RevisionOfTheStore {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let mut created = at.writes::<Video>().create(video).await?;
        if at.unit.is_none() {
            *lock(&self.0) = Some(created.revision);
            yield_now().await;
            created.revision = lock(&self.0).unwrap_or(created.revision);
        }
        Ok(created)
    }
}

struct ComparesBefore;

#[async_trait]
impl WriteHook<Video> for ComparesBefore {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        let there = at.reads::<Video>().get(&video.id, Visibility::Live).await?;
        if at.unit.is_none() && expected.is_some() && there.map(|there| there.revision) == expected {
            yield_now().await;
            return at.writes::<Video>().update(video, None).await;
        }
        at.writes::<Video>().update(video, expected).await
    }
}

struct EarlyGet(EarlySnapshots);

#[async_trait]
impl ReadHook<Video> for EarlyGet {
    async fn get(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<Option<Stored<Video>>> {
        let answer = at.reads::<Video>().get(id, visibility).await?;
        match self.0.at(at) {
            Some(early) => early.videos().get(id, visibility).await,
            None => Ok(answer),
        }
    }
}

struct LooksBefore;

#[async_trait]
impl WriteHook<Video> for LooksBefore {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        if at.unit.is_some() || at.reads::<Video>().exists(&video.id, Visibility::WithDeleted).await? {
            return at.writes::<Video>().create(video).await;
        }
        yield_now().await;
        match at.writes::<Video>().upsert(video).await?.stored() {
            Some(stored) => Ok(stored.clone()),
            None => at.writes::<Video>().create(video).await,
        }
    }
}

struct WritesInParts;

#[async_trait]
impl WriteHook<Video> for WritesInParts {
    async fn create_many(&self, at: &At<'_>, videos: &[Video]) -> Result<Vec<Stored<Video>>> {
        if at.unit.is_some() || videos.len() > 100 || videos.len() < 16 {
            return at.writes::<Video>().create_many(videos).await;
        }
        let mut created = Vec::new();
        for part in videos.chunks(16) {
            created.extend(at.writes::<Video>().create_many(part).await?);
            yield_now().await;
        }
        Ok(created)
    }
}

/// How many connections are kept.
#[derive(Default)]
struct PoolOfFifty(AtomicUsize);

#[async_trait]
impl StoreHook for PoolOfFifty {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        if at.unit.is_none() && self.0.load(Ordering::SeqCst) >= 50 {
            return Err(Error::Unavailable { message: "no connection is free".to_owned(), source: None });
        }
        Ok(())
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        let keep = || {
            self.0.fetch_add(1, Ordering::SeqCst);
        };
        match mode {
            Mode::ReadOnly => unless_dropped(keep, store.begin(mode)).await,
            Mode::ReadWrite => store.begin(mode).await,
        }
    }
}
