//! Faults of cancellation. Each shows itself only when a call is dropped half-way.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio::task::yield_now;
use tubeatlas_contract::CallKind;
use tubeatlas_domain::{
    Channel, EntityKind, KnowledgeGraph, LeaseToken, MediaFile, NewTask, Playlist, ProcessingTask,
    ProcessingTaskId, Progress, SourceFile, SourcePath, TaskFailure, Timestamp, Transcript, TranscriptId,
    Video, VideoId,
};
use tubeatlas_ports::{
    ClaimRequest, Error, Health, MAX_PAGE_LIMIT, Mode, Page, PageRequest, Result, Revision, SearchPage,
    SearchRequest, Store, Stored, TranscriptFilter, TranscriptRepository, UnitOfWork, Upserted, Visibility,
};

use super::also;
use crate::fault::Fault;
use crate::hooks::{
    Access, At, Hooks, MediaFileHook, ReadHook, SoftHook, SourceFileHook, StoreHook, TaskHook,
    TranscriptHook, WriteHook,
};
use crate::kind::{Kind, SoftKind, WrittenKind};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(of_kind::<Channel>());
    faults.extend(of_kind::<Video>());
    faults.extend(of_kind::<Transcript>());
    faults.extend(of_kind::<KnowledgeGraph>());
    faults.extend(of_kind::<MediaFile>());
    faults.extend(of_kind::<SourceFile>());
    faults.extend(of_kind::<Playlist>());
    faults.extend(reads::<ProcessingTask>());
    also(
        &mut faults,
        "CAN-V-007",
        "CON-N-009",
        "it drops a create_many of videos",
        &["none or all", "observed: 1"],
    );
    faults.extend(of_videos());
    faults.extend(of_tasks());
    faults.extend(of_the_store());
    faults.extend(of_units());
    faults.push(Fault::new(
        "CAN-T-014",
        "a dropped search keeps its connection",
        &["the call succeeds", "waiting for a connection", "search of a transcript (Search), dropped after"],
        || {
            let pool = Pool::default();
            Hooks::new().slow_calls().transcripts(pool.clone()).store(pool)
        },
    ));
    faults.push(Fault::new(
        "CAN-M-014",
        "a dropped get_by_path leaves its answer in the connection",
        &[
            "the call succeeds",
            "the answer to another call",
            "get_by_path of a media file (Read), dropped after",
        ],
        || {
            let wire = Wire::default();
            Hooks::new().slow_calls().media_files(wire.clone()).store(wire)
        },
    ));
    faults.extend([
        Fault::new(
            "CAN-L-014",
            "a dropped restore has restored half of it",
            &[TORN, "(restore of a playlist", DROPPED],
            || Hooks::new().soft::<Playlist>(RestoresHalf { restore: true }),
        ),
        Fault::new(
            "CAN-L-015",
            "a dropped purge has emptied it",
            &[TORN, "(purge of a playlist", DROPPED],
            || Hooks::new().soft::<Playlist>(RestoresHalf { restore: false }),
        ),
    ]);
    faults.push(Fault::new(
        "CAN-F-014",
        "a dropped remove_many has removed the first",
        &[TORN, "(remove_many of a source file", DROPPED],
        || Hooks::new().source_files(RemovesTheFirst),
    ));
    faults
}

/// Calls that go on only when they are polled again; when they are dropped before that, something happens.
pub(super) struct OnDrop<F: FnMut()>(pub(super) Option<F>);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(mut happens) = self.0.take() {
            happens();
        }
    }
}

/// The call, behind a pause; `dropped` happens when it is dropped in the pause.
pub(super) async fn unless_dropped<T>(
    dropped: impl FnMut() + Send,
    call: impl Future<Output = T> + Send,
) -> T {
    let mut pause = OnDrop(Some(dropped));
    yield_now().await;
    pause.0 = None;
    call.await
}

/// The same for calls of the store; inside a unit of work, the call as it is.
async fn alone<T>(at: &At<'_>, dropped: impl FnMut() + Send, call: impl Future<Output = T> + Send) -> T {
    match at.unit {
        None => unless_dropped(dropped, call).await,
        Some(_) => call.await,
    }
}

/// Does this at once, if it need not wait.
pub(super) fn now<T>(call: impl Future<Output = T>) {
    let _ = call.now_or_never();
}

/// The letter that the ids of the rules have for this kind.
fn letter(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Channel => "C",
        EntityKind::Video => "V",
        EntityKind::Transcript => "T",
        EntityKind::KnowledgeGraph => "G",
        EntityKind::MediaFile => "M",
        EntityKind::SourceFile => "F",
        EntityKind::Playlist => "L",
        _ => "P",
    }
}

fn rule<E: Kind>(number: u32) -> String {
    format!("CAN-{}-{number:03}", letter(E::KIND))
}

// Reads

/// A connection to a server, on which the answer to a dropped call is read by the next one.
#[derive(Clone, Default)]
struct Wire(Arc<AtomicBool>);

impl Wire {
    fn leave_an_answer(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl StoreHook for Wire {
    async fn before(&self, _: &At<'_>) -> Result<()> {
        if self.0.swap(false, Ordering::SeqCst) {
            let message = "this is the answer to another call".to_owned();
            return Err(Error::Backend { message, source: None });
        }
        Ok(())
    }
}

#[async_trait]
impl<E: Kind> ReadHook<E> for Wire {
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let call = at.reads::<E>().get(id, visibility);
        alone(at, || self.leave_an_answer(), call).await
    }
}

#[async_trait]
impl MediaFileHook for Wire {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let call = at.inner.media_files().get_by_path(path, visibility);
        alone(at, || self.leave_an_answer(), call).await
    }
}

/// Calls whose drop panics.
struct PanicsInDrop;

fn panics() {
    resume_unwind(Box::new("a call was dropped"));
}

#[async_trait]
impl<E: Kind> ReadHook<E> for PanicsInDrop {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[E::Id],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<E>>>> {
        alone(at, panics, at.reads::<E>().get_many(ids, visibility)).await
    }
}

/// The same, for `count`.
struct CountPanicsInDrop;

#[async_trait]
impl<E: Kind> ReadHook<E> for CountPanicsInDrop {
    async fn count(&self, at: &At<'_>, filter: &E::Filter) -> Result<u64> {
        alone(at, panics, at.reads::<E>().count(filter)).await
    }
}

/// [`Wire`], for `exists`.
#[derive(Clone, Default)]
struct WireOfExists(Wire);

#[async_trait]
impl<E: Kind> ReadHook<E> for WireOfExists {
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let call = at.reads::<E>().exists(id, visibility);
        alone(at, || self.0.leave_an_answer(), call).await
    }
}

/// A pool of connections of which dropped calls keep theirs for ever.
#[derive(Clone)]
struct Pool(Arc<AtomicUsize>);

impl Default for Pool {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(2)))
    }
}

impl Pool {
    fn keep_one(&self) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| free.checked_sub(1));
    }

    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(Error::Timeout { waited_for: "a connection", waited_ms: 1 })
    }
}

#[async_trait]
impl StoreHook for Pool {
    async fn before(&self, _: &At<'_>) -> Result<()> {
        self.check()
    }
}

#[async_trait]
impl<E: Kind> ReadHook<E> for Pool {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        let call = at.reads::<E>().list(filter, page);
        alone(at, || self.keep_one(), call).await
    }
}

#[async_trait]
impl TranscriptHook for Pool {
    async fn search(&self, at: &At<'_>, request: &SearchRequest) -> Result<SearchPage> {
        let call = at.inner.transcripts().search(request);
        alone(at, || self.keep_one(), call).await
    }
}

fn reads<E: Kind>() -> Vec<Fault> {
    vec![
        Fault::new(
            rule::<E>(1),
            "a dropped get leaves its answer in the connection",
            &["the call succeeds", "the answer to another call", "(get of a", "(Read), dropped after"],
            || {
                let wire = Wire::default();
                Hooks::new().slow_calls().reads::<E>(wire.clone()).store(wire)
            },
        ),
        Fault::new(
            rule::<E>(2),
            "a get_many panics when it is dropped",
            &["a drop does not panic", "(get_many of a", "(Read), dropped after"],
            || Hooks::new().slow_calls().reads::<E>(PanicsInDrop),
        ),
        Fault::new(
            rule::<E>(3),
            "a dropped exists leaves its answer in the connection",
            &["the call succeeds", "the answer to another call", "(exists of a", "(Read), dropped after"],
            || {
                let wire = WireOfExists::default();
                Hooks::new().slow_calls().reads::<E>(wire.clone()).store(wire.0)
            },
        ),
        Fault::new(
            rule::<E>(4),
            "a dropped list keeps its connection",
            &["the call succeeds", "waiting for a connection", "(list of a", "(Read), dropped after"],
            || {
                let pool = Pool::default();
                Hooks::new().slow_calls().reads::<E>(pool.clone()).store(pool)
            },
        ),
        Fault::new(
            rule::<E>(5),
            "a count panics when it is dropped",
            &["a drop does not panic", "(count of a", "(Read), dropped after"],
            || Hooks::new().slow_calls().reads::<E>(CountPanicsInDrop),
        ),
    ]
}

// Writes

/// A kind of entity of which half can be written.
trait Half: WrittenKind {
    /// The same one without the half of it.
    fn half(&self) -> Self;
}

/// Implements [`Half`]: without these fields; as it is, if the domain refuses that.
macro_rules! halves {
    ($($entity:ident: $field:ident = $value:expr;)*) => {$(
        impl Half for $entity {
            fn half(&self) -> Self {
                let mut fields = self.clone().into_fields();
                fields.$field = $value;
                Self::new(fields).unwrap_or_else(|_| self.clone())
            }
        }
    )*};
}

halves! {
    Channel: title = "half".to_owned();
    Video: title = "half".to_owned();
    Transcript: cues = Vec::new();
    KnowledgeGraph: relations = Vec::new();
    MediaFile: file_name = "half".to_owned();
    SourceFile: reader_version = 77;
    Playlist: title = "half".to_owned();
}

/// Calls that, when they are dropped, have brought half of it back: those of restore, or those of purge.
struct RestoresHalf {
    restore: bool,
}

impl RestoresHalf {
    async fn half<E: Half + SoftKind>(at: &At<'_>, id: &E::Id) -> Result<()> {
        let restored = E::restore(at.inner, id).await?;
        at.writes::<E>().update(&restored.entity.half(), None).await.map(drop)
    }
}

#[async_trait]
impl<E: Half + SoftKind> SoftHook<E> for RestoresHalf {
    async fn restore(&self, at: &At<'_>, id: &E::Id) -> Result<Stored<E>> {
        let call = E::restore(at.inner, id);
        if self.restore { alone(at, || now(Self::half::<E>(at, id)), call).await } else { call.await }
    }

    async fn purge(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let call = E::purge(at.inner, id, expected);
        if self.restore { call.await } else { alone(at, || now(Self::half::<E>(at, id)), call).await }
    }
}

/// A removal in two steps, of which a dropped call has done the first.
struct RemovesTheFirst;

#[async_trait]
impl SourceFileHook for RemovesTheFirst {
    async fn remove_many(&self, at: &At<'_>, paths: &[SourcePath]) -> Result<u64> {
        let files = at.inner.source_files();
        let first = || now(files.remove_many(&paths[..paths.len().min(1)]));
        alone(at, first, files.remove_many(paths)).await
    }
}

/// Writes in two steps, of which a dropped call has done the first: half of an entity, or the first of a batch.
struct TwoSteps(Writing);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Create,
    CreateMany,
    Update,
    UpdateMany,
    Upsert,
    UpsertMany,
    Delete,
    DeleteMany,
}

impl TwoSteps {
    /// The call, which does `first` alone when it is dropped, if this is about this method.
    async fn call<T>(
        &self,
        writing: Writing,
        at: &At<'_>,
        first: impl FnMut() + Send,
        call: impl Future<Output = T> + Send,
    ) -> T {
        if self.0 == writing { alone(at, first, call).await } else { call.await }
    }
}

#[async_trait]
impl<E: Half> WriteHook<E> for TwoSteps {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let to = at.writes::<E>();
        self.call(Writing::Create, at, || now(to.create(&entity.half())), to.create(entity)).await
    }

    async fn create_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let to = at.writes::<E>();
        let first = || now(to.create_many(&entities[..entities.len().min(1)]));
        self.call(Writing::CreateMany, at, first, to.create_many(entities)).await
    }

    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let to = at.writes::<E>();
        let first = || now(to.update(&entity.half(), expected));
        self.call(Writing::Update, at, first, to.update(entity, expected)).await
    }

    async fn update_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let to = at.writes::<E>();
        let first = || now(to.update_many(&entities[..entities.len().min(1)]));
        self.call(Writing::UpdateMany, at, first, to.update_many(entities)).await
    }

    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        let to = at.writes::<E>();
        self.call(Writing::Upsert, at, || now(to.upsert(&entity.half())), to.upsert(entity)).await
    }

    async fn upsert_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        let to = at.writes::<E>();
        let first = || now(to.upsert_many(&entities[..entities.len().min(1)]));
        self.call(Writing::UpsertMany, at, first, to.upsert_many(entities)).await
    }

    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let (from, to) = (at.reads::<E>(), at.writes::<E>());
        let first = || {
            now(async {
                if let Some(stored) = from.get(id, Visibility::Live).await? {
                    to.update(&stored.entity.half(), expected).await?;
                }
                Ok::<_, Error>(())
            });
        };
        self.call(Writing::Delete, at, first, to.delete(id, expected)).await
    }

    async fn delete_many(&self, at: &At<'_>, ids: &[E::Id]) -> Result<()> {
        let to = at.writes::<E>();
        let first = || now(to.delete_many(&ids[..ids.len().min(1)]));
        self.call(Writing::DeleteMany, at, first, to.delete_many(ids)).await
    }
}

fn of_kind<E: Half>() -> Vec<Fault> {
    use Writing as W;
    let mut faults = reads::<E>();
    let writes: [(u32, W, &'static str, &'static [&'static str]); 8] = [
        (6, W::Create, "a dropped create has written half of it", &[TORN, "(create of a", DROPPED]),
        (
            7,
            W::CreateMany,
            "a dropped create_many has written the first",
            &[TORN, "(create_many of a", DROPPED],
        ),
        (8, W::Update, "a dropped update has written half of it", &[TORN, "(update of a", DROPPED]),
        (
            9,
            W::UpdateMany,
            "a dropped update_many has written the first",
            &[TORN, "(update_many of a", DROPPED],
        ),
        (10, W::Upsert, "a dropped upsert has written half of it", &[TORN, "(upsert of a", DROPPED]),
        (
            11,
            W::UpsertMany,
            "a dropped upsert_many has written the first",
            &[TORN, "(upsert_many of a", DROPPED],
        ),
        (12, W::Delete, "a dropped delete has emptied it", &[TORN, "(delete of a", DROPPED]),
        (
            13,
            W::DeleteMany,
            "a dropped delete_many has deleted the first",
            &[TORN, "(delete_many of a", DROPPED],
        ),
    ];
    // What hangs on a video is what a deletion of it tears.
    let writes =
        writes.into_iter().filter(|(_, writing, ..)| E::KIND != EntityKind::Video || *writing != W::Delete);
    faults.extend(writes.map(|(number, writing, name, says)| {
        Fault::new(rule::<E>(number), name, says, move || Hooks::new().writes::<E>(TwoSteps(writing)))
    }));
    faults
}

const TORN: &str = "all of it or nothing; all of it is";
const DROPPED: &str = "(Write), dropped after 1 polls";

// Videos, with what hangs on them

/// What a video is called with when its dropped call loses the transcripts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cascade {
    Delete,
    Restore,
    Purge,
}

/// Deletes all transcripts that the filter takes in.
async fn delete_all(transcripts: &dyn TranscriptRepository, filter: &TranscriptFilter) -> Result<()> {
    let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
    let all = transcripts.list(filter, &page).await?.items.into_iter().map(|stored| stored.entity);
    let ids = all.map(|one| TranscriptId { video_id: one.video_id, language: one.language });
    transcripts.delete_many(&ids.collect::<Vec<_>>()).await
}

/// Calls that, when they are dropped, have lost the transcripts of the video.
struct LosesTranscripts(Cascade);

impl LosesTranscripts {
    fn lose(at: &At<'_>, id: &VideoId) {
        let transcripts = at.inner.transcripts();
        let filter = TranscriptFilter { video_id: Some(id.clone()), ..TranscriptFilter::default() };
        now(delete_all(transcripts, &filter));
    }
}

#[async_trait]
impl WriteHook<Video> for LosesTranscripts {
    async fn delete(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let call = at.writes::<Video>().delete(id, expected);
        if self.0 == Cascade::Delete { alone(at, || Self::lose(at, id), call).await } else { call.await }
    }
}

#[async_trait]
impl SoftHook<Video> for LosesTranscripts {
    async fn restore(&self, at: &At<'_>, id: &VideoId) -> Result<Stored<Video>> {
        let videos = at.inner.videos();
        let first = || {
            now(videos.restore(id));
            Self::lose(at, id);
        };
        if self.0 == Cascade::Restore {
            alone(at, first, videos.restore(id)).await
        } else {
            videos.restore(id).await
        }
    }

    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        let call = at.inner.videos().purge(id, expected);
        if self.0 == Cascade::Purge { alone(at, || Self::lose(at, id), call).await } else { call.await }
    }
}

fn of_videos() -> Vec<Fault> {
    vec![
        Fault::new(
            "CAN-V-012",
            "a dropped delete of a video has deleted its transcripts",
            &[TORN, "[true, false, true, true]", "(delete of a video", DROPPED],
            || Hooks::new().writes::<Video>(LosesTranscripts(Cascade::Delete)),
        ),
        Fault::new(
            "CAN-V-014",
            "a dropped restore has lost the transcripts",
            &[TORN, "[true, false, true, true]", "(restore of a video", DROPPED],
            || Hooks::new().soft::<Video>(LosesTranscripts(Cascade::Restore)),
        ),
        Fault::new(
            "CAN-V-015",
            "a dropped purge has purged the transcripts alone",
            &[TORN, "[true, false, true, true]", "(purge of a video", DROPPED],
            || Hooks::new().soft::<Video>(LosesTranscripts(Cascade::Purge)),
        ),
    ]
}

// The queue

#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Enqueue,
    Claim,
    Heartbeat,
    Report,
    Complete,
    Fail,
    Retry,
    Cancel,
    RemoveFinished,
}

/// Calls of the queue that, when they are dropped, have done something else than they should.
struct HalfDone(Queue);

impl HalfDone {
    async fn call<T>(
        &self,
        queue: Queue,
        at: &At<'_>,
        half: impl FnMut() + Send,
        call: impl Future<Output = T> + Send,
    ) -> T {
        if self.0 == queue { alone(at, half, call).await } else { call.await }
    }

    /// Somebody else has the task.
    async fn claim(at: &At<'_>, id: ProcessingTaskId) -> Result<()> {
        let tasks = at.inner.processing_tasks();
        let Some(task) = tasks.get(&id, Visibility::Live).await? else { return Ok(()) };
        let Ok(worker) = tubeatlas_domain::WorkerId::parse("nobody") else { return Ok(()) };
        let kinds = Some(vec![task.entity.kind.clone()]);
        tasks.claim(&ClaimRequest { worker, kinds, lease_ms: 1, only: None }).await.map(drop)
    }
}

#[async_trait]
impl TaskHook for HalfDone {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.enqueue(&NewTask { max_attempts: 1, ..task.clone() }));
        self.call(Queue::Enqueue, at, half, tasks.enqueue(task)).await
    }

    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.claim(&ClaimRequest { lease_ms: 1, ..request.clone() }));
        self.call(Queue::Claim, at, half, tasks.claim(request)).await
    }

    async fn heartbeat(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        lease_ms: u64,
    ) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.heartbeat(id, token, 1));
        self.call(Queue::Heartbeat, at, half, tasks.heartbeat(id, token, lease_ms)).await
    }

    async fn report(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        progress: Progress,
    ) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.report(id, token, Progress::DONE));
        self.call(Queue::Report, at, half, tasks.report(id, token, progress)).await
    }

    async fn complete(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
    ) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.report(id, token, Progress::DONE));
        self.call(Queue::Complete, at, half, tasks.complete(id, token)).await
    }

    async fn fail(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
        failure: &TaskFailure,
    ) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || {
            now(async {
                match TaskFailure::new("cancelled", None) {
                    Ok(other) => tasks.fail(id, token, &other).await.map(drop),
                    Err(_) => Ok(()),
                }
            });
        };
        self.call(Queue::Fail, at, half, tasks.fail(id, token, failure)).await
    }

    async fn retry(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        let half = || {
            now(tasks.retry(id));
            now(Self::claim(at, id));
        };
        self.call(Queue::Retry, at, half, tasks.retry(id)).await
    }

    async fn cancel(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        let tasks = at.inner.processing_tasks();
        self.call(Queue::Cancel, at, || now(Self::claim(at, id)), tasks.cancel(id)).await
    }

    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        let tasks = at.inner.processing_tasks();
        let half = || now(tasks.remove_finished(before, 1));
        self.call(Queue::RemoveFinished, at, half, tasks.remove_finished(before, limit)).await
    }
}

fn of_tasks() -> Vec<Fault> {
    let faults: [(u32, Queue, &'static str, &'static [&'static str]); 9] = [
        (6, Queue::Enqueue, "a dropped enqueue forgets how often to try", &[TORN, "(enqueue of a", DROPPED]),
        (7, Queue::Claim, "a dropped claim has given a short lease", &[TORN, "(claim of a", DROPPED]),
        (8, Queue::Heartbeat, "a dropped heartbeat has cut the lease", &[TORN, "(heartbeat of a", DROPPED]),
        (9, Queue::Report, "a dropped report says that all is done", &[TORN, "(report of a", DROPPED]),
        (
            10,
            Queue::Complete,
            "a dropped complete has only noted the progress",
            &[TORN, "(complete of a", DROPPED],
        ),
        (11, Queue::Fail, "a dropped fail gives a reason of its own", &[TORN, "(fail of a", DROPPED]),
        (12, Queue::Retry, "a dropped retry claims the task for nobody", &[TORN, "(retry of a", DROPPED]),
        (13, Queue::Cancel, "a dropped cancel claims the task for nobody", &[TORN, "(cancel of a", DROPPED]),
        (
            14,
            Queue::RemoveFinished,
            "a dropped remove_finished has removed one",
            &[TORN, "(remove_finished of a", DROPPED],
        ),
    ];
    let fault = |(number, queue, name, says)| {
        Fault::new(rule::<ProcessingTask>(number), name, says, move || Hooks::new().tasks(HalfDone(queue)))
    };
    faults.into_iter().map(fault).collect()
}

// The store and its units of work

/// A `begin` that keeps the right to write when it is dropped after it was given it.
struct BeginKeepsTheWriter;

#[async_trait]
impl StoreHook for BeginKeepsTheWriter {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        let mut unit = Some(store.begin(mode).await?);
        if mode == Mode::ReadWrite {
            let mut pause = OnDrop(Some(|| std::mem::forget(unit.take())));
            yield_now().await;
            pause.0 = None;
        }
        unit.ok_or(Error::Unsupported { what: "cannot be: it was not dropped" })
    }
}

/// A `begin` for reading that keeps its connection when it is dropped.
#[derive(Default)]
struct BeginKeepsItsConnection(Pool);

#[async_trait]
impl StoreHook for BeginKeepsItsConnection {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        match mode {
            Mode::ReadWrite => store.begin(mode).await,
            Mode::ReadOnly => {
                self.0.check()?;
                unless_dropped(|| self.0.keep_one(), store.begin(mode)).await
            }
        }
    }
}

/// A `begin` for reading that, when it is dropped, blocks until no other one is open.
#[derive(Default)]
struct DropWaitsForReaders(Mutex<HashSet<u64>>);

impl DropWaitsForReaders {
    fn open(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        while !self.open().is_empty() {
            sleep(Duration::from_millis(1));
        }
    }
}

#[async_trait]
impl StoreHook for DropWaitsForReaders {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        if mode == Mode::ReadWrite {
            return store.begin(mode).await;
        }
        let begun = unless_dropped(|| self.wait(), store.begin(mode)).await?;
        self.open().insert(unit);
        Ok(begun)
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        self.open().remove(&unit);
        inner.commit().await
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        self.open().remove(&unit);
        inner.rollback().await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        self.open().remove(&unit);
        drop(inner);
    }
}

/// A `health` that leaves its answer in the connection when it is dropped.
#[derive(Default)]
struct HealthLeavesItsAnswer(Wire);

#[async_trait]
impl StoreHook for HealthLeavesItsAnswer {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        self.0.before(at).await
    }

    async fn health(&self, store: &Arc<dyn Store>) -> Result<Health> {
        unless_dropped(|| self.0.leave_an_answer(), store.health()).await
    }
}

/// A `close` that refuses writes first, and the rest only when it is polled again.
#[derive(Clone, Default)]
struct CloseRefusesWritesFirst(Arc<AtomicBool>);

#[async_trait]
impl StoreHook for CloseRefusesWritesFirst {
    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        self.0.store(true, Ordering::SeqCst);
        yield_now().await;
        store.close().await
    }
}

#[async_trait]
impl WriteHook<Video> for CloseRefusesWritesFirst {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        if at.unit.is_none() && self.0.load(Ordering::SeqCst) {
            return Err(Error::Closed { what: "the store, for writes,".to_owned() });
        }
        at.writes::<Video>().update(video, expected).await
    }
}

fn of_the_store() -> Vec<Fault> {
    vec![
        Fault::new(
            "CAN-S-001",
            "a dropped begin keeps the right to write that it was given",
            &["is not kept waiting", "(begin (BeginReadWrite), dropped after"],
            || Hooks::new().store(BeginKeepsTheWriter),
        )
        .also(
            "CAN-U-003",
            "an owner that is dropped half-way may be dropped in begin",
            &["is not kept waiting", "(begin (BeginReadWrite), ", "dropped after"],
        ),
        Fault::new(
            "CAN-S-002",
            "a dropped begin to read keeps its connection",
            &["the call succeeds", "waiting for a connection", "(begin (BeginReadOnly), dropped after"],
            || Hooks::new().pending(&[CallKind::BeginReadOnly]).store(BeginKeepsItsConnection::default()),
        )
        .also(
            "CAN-U-004",
            "an owner that is dropped half-way may be dropped in begin",
            &["the call succeeds", "waiting for a connection"],
        )
        .also(
            "CON-N-010",
            "it drops a begin to read, too",
            &["the call succeeds", "waiting for a connection"],
        ),
        Fault::new(
            "CAN-S-002",
            "a dropped begin to read waits until nobody reads",
            &["a drop returns at once", "(begin (BeginReadOnly), dropped after 1 polls", "held: Readers"],
            || Hooks::new().pending(&[CallKind::BeginReadOnly]).store(DropWaitsForReaders::default()),
        )
        .also(
            "CAN-U-004",
            "an owner that is dropped half-way may be dropped in begin",
            &["a drop returns at once", "held: Readers"],
        ),
        Fault::new(
            "CAN-S-003",
            "a dropped health leaves its answer in the connection",
            &["the call succeeds", "the answer to another call", "(health (Health), dropped after"],
            || Hooks::new().pending(&[CallKind::Health]).store(HealthLeavesItsAnswer::default()),
        ),
        Fault::new(
            "CAN-S-004",
            "a dropped close has closed the store for writes alone",
            &["the call succeeds", "the store, for writes, is closed", "(close (Close), dropped after"],
            || {
                let close = CloseRefusesWritesFirst::default();
                Hooks::new().writes::<Video>(close.clone()).store(close)
            },
        ),
    ]
}

/// The end of a unit of work, behind a pause; dropped in it, a commit loses the transcripts and a rollback commits.
struct EndsWrongly(CallKind);

#[async_trait]
impl StoreHook for EndsWrongly {
    async fn commit(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        if self.0 != CallKind::Commit {
            return inner.commit().await;
        }
        let mut unit = Some(inner);
        {
            let mut pause = OnDrop(Some(|| {
                now(async {
                    if let Some(unit) = unit.take() {
                        unit.commit().await?;
                    }
                    delete_all(store.transcripts(), &TranscriptFilter::default()).await
                });
            }));
            yield_now().await;
            pause.0 = None;
        }
        match unit {
            Some(unit) => unit.commit().await,
            None => Ok(()),
        }
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        if self.0 != CallKind::Rollback {
            return inner.rollback().await;
        }
        let mut unit = Some(inner);
        {
            let mut pause = OnDrop(Some(|| {
                if let Some(unit) = unit.take() {
                    now(unit.commit());
                }
            }));
            yield_now().await;
            pause.0 = None;
        }
        match unit {
            Some(unit) => unit.rollback().await,
            None => Ok(()),
        }
    }
}

/// A unit of work that a dropped call does not end.
struct OutlivesItsCall(Mode, Access);

#[async_trait]
impl StoreHook for OutlivesItsCall {
    fn call_dropped(&self, at: &At<'_>, access: Access) -> bool {
        (self.0, self.1) != (at.mode, access)
    }
}

/// A unit of work whose owner is dropped with a call that is pending: committed, or its connection is kept.
struct OwnerDroppedInCall {
    mode: Mode,
    ended: Mutex<HashSet<u64>>,
    pool: Pool,
}

impl OwnerDroppedInCall {
    fn new(mode: Mode) -> Self {
        Self { mode, ended: Mutex::default(), pool: Pool::default() }
    }

    fn ended(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StoreHook for OwnerDroppedInCall {
    fn call_dropped(&self, at: &At<'_>, _: Access) -> bool {
        if at.mode == self.mode {
            self.ended().extend(at.unit);
        }
        true
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        self.pool.check()?;
        store.begin(mode).await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        match self.mode {
            _ if !self.ended().contains(&unit) => {}
            Mode::ReadWrite => now(inner.commit()),
            Mode::ReadOnly => self.pool.keep_one(),
        }
    }
}

/// A store that, when a unit of work is dropped while somebody waits for the right to write, wakes nobody.
#[derive(Default)]
struct DropWakesNobody(AtomicUsize);

#[async_trait]
impl StoreHook for DropWakesNobody {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let waiting = OnDrop(Some(|| {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }));
        let unit = store.begin(mode).await;
        drop(waiting);
        unit
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) {
        if self.0.load(Ordering::SeqCst) > 0 {
            std::mem::forget(inner);
        }
    }
}

fn of_units() -> Vec<Fault> {
    const OPEN: &[&str] = &["Closed: the unit of work ended when its call was dropped", "observed: Ok("];
    vec![
        Fault::new(
            "CAN-U-001",
            "a dropped commit loses the transcripts",
            &["all of a unit of work or nothing", "[true, true, false]", "(commit (Commit), dropped after"],
            || Hooks::new().pending(&[CallKind::Commit]).store(EndsWrongly(CallKind::Commit)),
        )
        .also(
            "CAN-U-003",
            "an owner that is dropped half-way may be dropped in its commit",
            &["all of a unit of work or nothing", "[true, true, false]", "dropped after"],
        ),
        Fault::new(
            "CAN-U-002",
            "a dropped rollback commits",
            &[
                "a unit of work that was not committed: Before",
                "After",
                "(rollback (Rollback), dropped after",
            ],
            || Hooks::new().pending(&[CallKind::Rollback]).store(EndsWrongly(CallKind::Rollback)),
        ),
        Fault::new(
            "CAN-U-003",
            "an owner that is dropped in a call has committed what comes before it",
            &["all of a unit of work or nothing", "[true, ", "dropped after"],
            || Hooks::new().slow_in_units().store(OwnerDroppedInCall::new(Mode::ReadWrite)),
        ),
        Fault::new(
            "CAN-U-004",
            "an owner that is dropped in a read keeps its connection",
            &["the call succeeds", "waiting for a connection", "(BeginReadOnly), ", "dropped after"],
            || Hooks::new().slow_in_units().store(OwnerDroppedInCall::new(Mode::ReadOnly)),
        ),
        Fault::new("CAN-U-005", "a dropped read does not end its unit of work", OPEN, || {
            Hooks::new().slow_in_units().store(OutlivesItsCall(Mode::ReadWrite, Access::Read))
        }),
        Fault::new("CAN-U-006", "a dropped read does not end its read-only unit of work", OPEN, || {
            Hooks::new().slow_in_units().store(OutlivesItsCall(Mode::ReadOnly, Access::Read))
        }),
        Fault::new("CAN-U-007", "a dropped write does not end its unit of work", OPEN, || {
            Hooks::new().slow_in_units().store(OutlivesItsCall(Mode::ReadWrite, Access::Write))
        })
        .also("UOW-D-001", "it drops a write", &["Closed", "observed: Ok("]),
        Fault::new(
            "CAN-U-008",
            "whoever waits is not woken when a unit of work is dropped",
            &["whoever waits for what was held is not kept waiting"],
            || Hooks::new().store(DropWakesNobody::default()),
        ),
    ]
}
