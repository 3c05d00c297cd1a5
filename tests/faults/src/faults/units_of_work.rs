//! Faults of units of work.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use tokio::task::yield_now;
use tubeatlas_domain::{
    Channel, LeaseToken, MediaFile, NewTask, ProcessingTask, ProcessingTaskId, Timestamp, Transition,
    TransitionError, Video, VideoId,
};
use tubeatlas_ports::{
    ClaimRequest, Conflict, Error, Mode, Result, Revision, Store, Stored, UnitOfWork, Visibility,
};

use super::cancellation::{OnDrop, now, unless_dropped};
use crate::fault::Fault;
use crate::hooks::{Access, At, Hooks, MediaFileHook, ReadHook, SoftHook, StoreHook, TaskHook, WriteHook};
use crate::kind::WrittenKind;
use crate::optimistic::Flaw::{Forgets, ReadsCommitted, ReadsUncommitted};
use crate::optimistic::Who::{Singles, Writers};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = all_or_nothing();
    faults.extend(dropped_calls());
    faults.extend(errors());
    faults.extend(isolation());
    faults.extend(waiting());
    faults
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(message: &str) -> Error {
    Error::Unavailable { message: message.to_owned(), source: None }
}

fn closed(what: &str) -> Error {
    Error::Closed { what: what.to_owned() }
}

/// What was done in each unit of work.
pub(super) struct PerUnit<T>(Arc<Mutex<HashMap<u64, Vec<T>>>>);

impl<T> Clone for PerUnit<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for PerUnit<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> PerUnit<T> {
    /// Notes it, if it was done in a unit of work.
    pub(super) fn note(&self, at: &At<'_>, what: T) {
        if let Some(unit) = at.unit {
            lock(&self.0).entry(unit).or_default().push(what);
        }
    }

    /// What was done in a unit of work, which ends.
    pub(super) fn take(&self, unit: u64) -> Vec<T> {
        lock(&self.0).remove(&unit).unwrap_or_default()
    }
}

// All or nothing

fn all_or_nothing() -> Vec<Fault> {
    vec![
        Fault::new("UOW-A-001", "a commit loses media files", &["the file: Some(", "observed: None"], || {
            let created = CommitLoses::<MediaFile>::default();
            Hooks::new().writes::<MediaFile>(created.clone()).store(created)
        }),
        Fault::new("UOW-A-002", "a rollback keeps tasks", &["the tasks: 0", "observed: 1"], || {
            let enqueued = KeepsTasks { dropped: false, enqueued: PerUnit::default() };
            Hooks::new().tasks(enqueued.clone()).store(enqueued)
        }),
        Fault::new(
            "UOW-A-003",
            "a unit of work that is dropped keeps its connection, of which there are three",
            &["the call succeeds", "no connection is free"],
            || {
                let leaks = DropKeepsConnection::default();
                Hooks::new().writes::<MediaFile>(leaks.clone()).store(leaks)
            },
        )
        .also(
            "CAN-U-007",
            "it drops units of work that have written media files, too",
            &["the call succeeds", "no connection is free"],
        ),
        Fault::new(
            "UOW-A-004",
            "a panic of an owner poisons the lock of the store",
            &["the call succeeds", "a lock is poisoned"],
            || Hooks::new().store(PanicPoisons::default()),
        ),
        Fault::new(
            "UOW-A-005",
            "a unit of work that is dropped keeps tasks",
            &["the tasks: 0", "observed: 1"],
            || {
                let enqueued = KeepsTasks { dropped: true, enqueued: PerUnit::default() };
                Hooks::new().tasks(enqueued.clone()).store(enqueued)
            },
        )
        .also(
            "UOW-A-003",
            "it drops one as well, and does so again",
            &["the call succeeds", "already a processing task"],
        )
        .also("UOW-A-004", "a panic drops one as well", &["the tasks: 0", "observed: 1"]),
    ]
}

/// What a commit deletes of what it should keep, unless something refers to it.
pub(super) struct CommitLoses<E: WrittenKind>(PerUnit<E::Id>);

impl<E: WrittenKind> Clone for CommitLoses<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: WrittenKind> Default for CommitLoses<E> {
    fn default() -> Self {
        Self(PerUnit::default())
    }
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CommitLoses<E> {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let created = at.writes::<E>().create(entity).await?;
        self.0.note(at, entity.id());
        Ok(created)
    }
}

#[async_trait]
impl<E: WrittenKind> StoreHook for CommitLoses<E> {
    async fn commit(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        inner.commit().await?;
        for id in self.0.take(unit) {
            let _ = E::writes(&**store).delete(&id, None).await;
        }
        Ok(())
    }
}

/// Of units of work that are dropped, or of those that are rolled back.
#[derive(Clone)]
struct KeepsTasks {
    dropped: bool,
    enqueued: PerUnit<NewTask>,
}

#[async_trait]
impl TaskHook for KeepsTasks {
    async fn enqueue(&self, at: &At<'_>, task: &NewTask) -> Result<Stored<ProcessingTask>> {
        let enqueued = at.inner.processing_tasks().enqueue(task).await?;
        self.enqueued.note(at, task.clone());
        Ok(enqueued)
    }
}

#[async_trait]
impl StoreHook for KeepsTasks {
    async fn rollback(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        inner.rollback().await?;
        let kept = if self.dropped { Vec::new() } else { self.enqueued.take(unit) };
        for task in kept {
            let _ = store.processing_tasks().enqueue(&task).await;
        }
        Ok(())
    }

    fn dropped(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        drop(inner);
        let kept = if self.dropped { self.enqueued.take(unit) } else { Vec::new() };
        for task in kept {
            now(store.processing_tasks().enqueue(&task));
        }
    }
}

/// Of units of work that wrote a media file.
#[derive(Clone, Default)]
struct DropKeepsConnection {
    wrote: PerUnit<()>,
    kept: Arc<AtomicUsize>,
}

#[async_trait]
impl WriteHook<MediaFile> for DropKeepsConnection {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        self.wrote.note(at, ());
        at.writes::<MediaFile>().create(file).await
    }
}

#[async_trait]
impl StoreHook for DropKeepsConnection {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        if self.kept.load(Ordering::SeqCst) >= 3 {
            return Err(unavailable("no connection is free"));
        }
        store.begin(mode).await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        drop(inner);
        self.kept.fetch_add(self.wrote.take(unit).len(), Ordering::SeqCst);
    }
}

#[derive(Default)]
struct PanicPoisons(AtomicBool);

#[async_trait]
impl StoreHook for PanicPoisons {
    async fn before(&self, _: &At<'_>) -> Result<()> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::Backend { message: "a lock is poisoned".to_owned(), source: None });
        }
        Ok(())
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) {
        drop(inner);
        self.0.fetch_or(std::thread::panicking(), Ordering::SeqCst);
    }
}

// Dropped calls

fn dropped_calls() -> Vec<Fault> {
    vec![
        Fault::new(
            "UOW-D-001",
            "a dropped write ends only a unit of work that has not written before",
            &["Closed", "observed: Ok("],
            || Hooks::new().slow_in_units().store(OutlivesItsSecondWrite::default()),
        )
        .also("CAN-U-007", "it drops a write as well", &["Closed", "observed: Ok("]),
        Fault::new(
            "UOW-D-002",
            "in a unit of work, create does its work when it is called, not when it is polled",
            &["what it would have written: false", "observed: true"],
            || Hooks::new().writes::<Video>(CreatesWhenCalled),
        ),
        Fault::new(
            "UOW-D-003",
            "a unit of work refuses a write while another one is under way",
            &["the call succeeds", "busy with another call"],
            || {
                let connection = Connection::default();
                Hooks::new().slow_in_units().writes::<Video>(connection.clone()).store(connection)
            },
        ),
    ]
}

/// It takes a write before it for a savepoint.
#[derive(Default)]
struct OutlivesItsSecondWrite(Mutex<HashMap<u64, u32>>);

#[async_trait]
impl StoreHook for OutlivesItsSecondWrite {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        if let Some(unit) = at.unit {
            *lock(&self.0).entry(unit).or_default() += 1;
        }
        Ok(())
    }

    fn call_dropped(&self, at: &At<'_>, access: Access) -> bool {
        let calls = at.unit.and_then(|unit| lock(&self.0).get(&unit).copied());
        access == Access::Read || calls.is_some_and(|calls| calls < 2)
    }
}

struct CreatesWhenCalled;

#[async_trait]
impl WriteHook<Video> for CreatesWhenCalled {
    fn called_to_create(&self, at: &At<'_>, video: &Video) -> Option<Result<Stored<Video>>> {
        at.unit?;
        at.writes::<Video>().create(video).now_or_never()
    }
}

/// That of a unit of work; it does one thing at a time, and is closed when that is dropped.
#[derive(Clone, Default)]
struct Connection {
    at_work: Arc<Mutex<HashSet<u64>>>,
    closed: Arc<Mutex<HashSet<u64>>>,
}

#[async_trait]
impl WriteHook<Video> for Connection {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let Some(unit) = at.unit else { return at.writes::<Video>().create(video).await };
        if !lock(&self.at_work).insert(unit) {
            let message = "the connection is busy with another call".to_owned();
            return Err(Error::Backend { message, source: None });
        }
        let close = || {
            lock(&self.closed).insert(unit);
        };
        let create = async {
            lock(&self.at_work).remove(&unit);
            at.writes::<Video>().create(video).await
        };
        unless_dropped(close, create).await
    }
}

#[async_trait]
impl StoreHook for Connection {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        match at.unit {
            Some(unit) if lock(&self.closed).contains(&unit) => Err(closed("the connection")),
            _ => Ok(()),
        }
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        if lock(&self.closed).contains(&unit) { Err(closed("the connection")) } else { inner.commit().await }
    }
}

// Errors

fn errors() -> Vec<Fault> {
    vec![
        Fault::new(
            "UOW-E-001",
            "a path that is taken aborts the unit of work",
            &["the call succeeds", "the unit of work, which was aborted,"],
            || {
                let aborts = TakenPathAborts::default();
                Hooks::new().writes::<MediaFile>(aborts.clone()).store(aborts)
            },
        ),
        Fault::new(
            "UOW-E-002",
            "in a unit of work, delete_many has deleted what stands before what is missing",
            &["the count in the unit of work: 1", "observed: 0"],
            || Hooks::new().writes::<Video>(DeletesOneByOne),
        ),
        Fault::new(
            "UOW-E-003",
            "a unit of work outlives a conflict of revisions",
            &["Closed", "observed: Err(Invalid"],
            || Hooks::new().writes::<Video>(OutlivesConflict),
        ),
        Fault::new(
            "UOW-E-004",
            "a unit of work outlives a refused transition",
            &["Closed", "observed: Ok(None)"],
            || Hooks::new().tasks(OutlivesRefusedTransition),
        ),
        Fault::new(
            "UOW-E-005",
            "in a read-only unit of work, remove_finished finds nothing to do",
            &["ReadOnly", "observed: Ok(0)"],
            || Hooks::new().tasks(RemovesNothing),
        ),
        Fault::new(
            "UOW-E-006",
            "a claim in a read-only unit of work is refused as a write",
            &["Unsupported", "observed: Err(ReadOnly"],
            || Hooks::new().tasks(ClaimIsAWrite),
        ),
        Fault::new(
            "UOW-E-007",
            "a rollback keeps that a task was completed",
            &["after a rollback: ", "status: Running", "status: Succeeded"],
            || {
                let completes = RollbackKeepsCompletion::default();
                Hooks::new().tasks(completes.clone()).store(completes)
            },
        ),
    ]
}

/// As a server does, of which nobody asked a savepoint.
#[derive(Clone, Default)]
struct TakenPathAborts(Arc<Mutex<HashSet<u64>>>);

#[async_trait]
impl WriteHook<MediaFile> for TakenPathAborts {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        let answer = at.writes::<MediaFile>().create(file).await;
        if matches!(answer, Err(Error::AlreadyExists { field: "path", .. })) {
            lock(&self.0).extend(at.unit);
        }
        answer
    }
}

#[async_trait]
impl StoreHook for TakenPathAborts {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        match at.unit {
            Some(unit) if lock(&self.0).contains(&unit) => {
                Err(closed("the unit of work, which was aborted,"))
            }
            _ => Ok(()),
        }
    }
}

struct DeletesOneByOne;

#[async_trait]
impl WriteHook<Video> for DeletesOneByOne {
    async fn delete_many(&self, at: &At<'_>, ids: &[VideoId]) -> Result<()> {
        if at.unit.is_none() || ids.is_empty() || ids.len() > 100 {
            return at.writes::<Video>().delete_many(ids).await;
        }
        for id in ids {
            at.writes::<Video>().delete(id, None).await?;
        }
        Ok(())
    }
}

/// It compares the revisions itself, and has the inner store know nothing of it.
struct OutlivesConflict;

#[async_trait]
impl WriteHook<Video> for OutlivesConflict {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        if let (Some(expected), Some(_), Mode::ReadWrite) = (expected, at.unit, at.mode)
            && let Some(there) = at.reads::<Video>().get(&video.id, Visibility::Live).await?
            && there.revision != expected
        {
            let (entity, key) = (tubeatlas_domain::EntityKind::Video, video.id.to_string());
            return Err(Conflict::Revision { entity, key, expected, actual: there.revision }.into());
        }
        at.writes::<Video>().update(video, expected).await
    }
}

/// The same, of the status.
struct OutlivesRefusedTransition;

#[async_trait]
impl TaskHook for OutlivesRefusedTransition {
    async fn cancel(&self, at: &At<'_>, id: ProcessingTaskId) -> Result<Stored<ProcessingTask>> {
        if let (Some(_), Mode::ReadWrite) = (at.unit, at.mode)
            && let Some(there) = at.reads::<ProcessingTask>().get(&id, Visibility::Live).await?
            && there.status == tubeatlas_domain::TaskStatus::Cancelled
        {
            let error = TransitionError::Illegal { from: there.status, transition: Transition::Cancel };
            return Err(Conflict::Transition { key: id.to_string(), error }.into());
        }
        at.inner.processing_tasks().cancel(id).await
    }
}

struct RemovesNothing;

#[async_trait]
impl TaskHook for RemovesNothing {
    async fn remove_finished(&self, at: &At<'_>, before: Timestamp, limit: u32) -> Result<u64> {
        match at.inner.processing_tasks().remove_finished(before, limit).await {
            Err(Error::ReadOnly { .. }) => Ok(0),
            answer => answer,
        }
    }
}

struct ClaimIsAWrite;

#[async_trait]
impl TaskHook for ClaimIsAWrite {
    async fn claim(&self, at: &At<'_>, request: &ClaimRequest) -> Result<Option<Stored<ProcessingTask>>> {
        match at.inner.processing_tasks().claim(request).await {
            Err(Error::Unsupported { .. }) if at.mode == Mode::ReadOnly => {
                Err(Error::ReadOnly { what: "the unit of work".to_owned() })
            }
            answer => answer,
        }
    }
}

#[derive(Clone, Default)]
struct RollbackKeepsCompletion(PerUnit<(ProcessingTaskId, LeaseToken)>);

#[async_trait]
impl TaskHook for RollbackKeepsCompletion {
    async fn complete(
        &self,
        at: &At<'_>,
        id: ProcessingTaskId,
        token: LeaseToken,
    ) -> Result<Stored<ProcessingTask>> {
        let completed = at.inner.processing_tasks().complete(id, token).await?;
        self.0.note(at, (id, token));
        Ok(completed)
    }
}

#[async_trait]
impl StoreHook for RollbackKeepsCompletion {
    async fn rollback(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        inner.rollback().await?;
        for (id, token) in self.0.take(unit) {
            let _ = store.processing_tasks().complete(id, token).await;
        }
        Ok(())
    }
}

// Isolation

fn isolation() -> Vec<Fault> {
    const UNCOMMITTED_IS_SEEN: &[&str] =
        &["what was done before in the unit of work: false", "observed: true"];
    vec![
        Fault::new(
            "UOW-I-001",
            "in a unit of work, get_by_path finds what is committed",
            &["its files: true", "observed: false"],
            || Hooks::new().media_files(PathsAreCommitted),
        ),
        Fault::optimistic(
            "UOW-I-002",
            "a single exists sees what units of work have open",
            &["what the store sees of the new one: false", "observed: true"],
            ReadsUncommitted(Singles, "exists"),
        )
        .also("CAN-U-005", "it looks for what is open in a unit of work", UNCOMMITTED_IS_SEEN)
        .also("CAN-U-007", "it looks for what is open in a unit of work", UNCOMMITTED_IS_SEEN),
        Fault::new(
            "UOW-I-003",
            "a read-only unit of work counts the channels that are there at the moment",
            &["the channels: 0", "observed: 1"],
            || Hooks::new().reads::<Channel>(CountsTheMoment),
        ),
        Fault::new(
            "UOW-I-004",
            "read-only units of work know ids from a filter that takes the eighth video in a row with the ninth",
            &["video-7 in a unit of work, ReadOnly: true", "observed: false"],
            || {
                let filter = FilterLags::default();
                Hooks::new().both::<Video>(filter.clone()).soft::<Video>(filter)
            },
        ),
        Fault::optimistic(
            "UOW-I-005",
            "exists in a unit of work sees what is committed at the moment",
            &["what was created after it began: false", "observed: true"],
            ReadsCommitted(Writers, "exists"),
        ),
        Fault::new(
            "UOW-I-006",
            "a unit of work that waits to write reads batches of what was there before it waited",
            &["what the committed units of work added: \"++\"", "observed: \"+\""],
            || {
                let early = EarlySnapshots::of_the_place_in_the_queue(1);
                Hooks::new().reads::<Video>(EarlyGetMany(early.clone())).store(early)
            },
        )
        .also("UOW-I-007", "both read a batch before they write", &["one of the two stays", "gone"]),
        Fault::optimistic(
            "UOW-I-007",
            "certification forgets what get_many answered",
            &["one of the two stays", "[\"gone\", \"gone\"]"],
            Forgets("get_many"),
        )
        .also(
            "ISO-G-013",
            "a unit of work that writes has seen one commit without the other",
            &["(G2, Fekete)", "T3 get x and y: x = 10, y = 25", "T1 update x = 0; T1 commit"],
        )
        .also(
            "ISO-R-013",
            "a reader has seen one commit without the other",
            &["(Fekete)", "T3 begin read-only", "x = 10, y = 25", "T1 update x = 0; T1 commit"],
        )
        .also(
            "ISO-S-013",
            "a single call has seen one commit without the other",
            &["(Fekete)", "T3 get x and y: x = 10, y = 25", "T1 update x = 0; T1 commit"],
        ),
    ]
}

struct PathsAreCommitted;

#[async_trait]
impl MediaFileHook for PathsAreCommitted {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let answer = at.inner.media_files().get_by_path(path, visibility).await?;
        if at.unit.is_some() && at.mode == Mode::ReadWrite {
            return at.store.media_files().get_by_path(path, visibility).await;
        }
        Ok(answer)
    }
}

struct CountsTheMoment;

#[async_trait]
impl ReadHook<Channel> for CountsTheMoment {
    async fn count(&self, at: &At<'_>, filter: &tubeatlas_ports::ChannelFilter) -> Result<u64> {
        let answer = at.reads::<Channel>().count(filter).await?;
        if at.mode == Mode::ReadOnly { at.store.channels().count(filter).await } else { Ok(answer) }
    }
}

/// How many were created in a row, and the one that is not in the filter yet.
#[derive(Clone, Default)]
struct FilterLags {
    created: Arc<AtomicUsize>,
    late: Arc<Mutex<Option<VideoId>>>,
}

impl FilterLags {
    /// A removal has it built anew.
    fn rebuild(&self) {
        self.created.store(0, Ordering::SeqCst);
        *lock(&self.late) = None;
    }
}

#[async_trait]
impl SoftHook<Video> for FilterLags {
    async fn purge(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.rebuild();
        at.inner.videos().purge(id, expected).await
    }
}

#[async_trait]
impl WriteHook<Video> for FilterLags {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await?;
        if at.unit.is_none() {
            let n = self.created.fetch_add(1, Ordering::SeqCst);
            *lock(&self.late) = (n == 7).then(|| video.id.clone());
        }
        Ok(created)
    }

    async fn delete(&self, at: &At<'_>, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.rebuild();
        at.writes::<Video>().delete(id, expected).await
    }
}

#[async_trait]
impl ReadHook<Video> for FilterLags {
    async fn exists(&self, at: &At<'_>, id: &VideoId, visibility: Visibility) -> Result<bool> {
        let exists = at.reads::<Video>().exists(id, visibility).await?;
        Ok(exists && (at.mode == Mode::ReadWrite || lock(&self.late).as_ref() != Some(id)))
    }
}

/// Units of work that write, of which some have a snapshot from before they waited for the right to write.
#[derive(Clone)]
pub(super) struct EarlySnapshots {
    /// From this place on in the queue.
    place: usize,
    waiting: Arc<AtomicUsize>,
    of: Arc<Mutex<HashMap<u64, Arc<dyn UnitOfWork>>>>,
}

impl EarlySnapshots {
    pub(super) fn of_the_place_in_the_queue(place: usize) -> Self {
        Self { place, waiting: Arc::default(), of: Arc::default() }
    }

    /// That of this unit of work.
    pub(super) fn at(&self, at: &At<'_>) -> Option<Arc<dyn UnitOfWork>> {
        lock(&self.of).get(&at.unit?).cloned()
    }

    fn forget(&self, unit: u64) {
        let snapshot = lock(&self.of).remove(&unit);
        drop(snapshot);
    }
}

#[async_trait]
impl StoreHook for EarlySnapshots {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        if mode == Mode::ReadOnly {
            return store.begin(mode).await;
        }
        let place = self.waiting.fetch_add(1, Ordering::SeqCst) + 1;
        let leaves = OnDrop(Some(|| {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }));
        let snapshot = store.begin(Mode::ReadOnly).await?;
        yield_now().await;
        let begun = store.begin(mode).await?;
        drop(leaves);
        if place >= self.place {
            lock(&self.of).insert(unit, Arc::from(snapshot));
        }
        Ok(begun)
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        self.forget(unit);
        inner.commit().await
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        self.forget(unit);
        inner.rollback().await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        self.forget(unit);
        drop(inner);
    }
}

struct EarlyGetMany(EarlySnapshots);

#[async_trait]
impl ReadHook<Video> for EarlyGetMany {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[VideoId],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<Video>>>> {
        let answer = at.reads::<Video>().get_many(ids, visibility).await?;
        match self.0.at(at) {
            Some(early) => early.videos().get_many(ids, visibility).await,
            None => Ok(answer),
        }
    }
}

// Waiting

fn waiting() -> Vec<Fault> {
    const LOCKED: &[&str] = &["the call succeeds", "the table is locked"];
    vec![
        Fault::new(
            "UOW-W-001",
            "a unit of work that waited has no connection until it reads, and creates nothing before",
            &["the call succeeds", "there is no connection yet"],
            || {
                let connects = ConnectsLate::default();
                Hooks::new().writes::<Video>(connects.clone()).store(connects)
            },
        )
        .also(
            "ISO-G-006",
            "a unit of work that waited begins with a create",
            &["create z = 30 of T2 is answered", "there is no connection yet"],
        ),
        Fault::new(
            "UOW-W-002",
            "a writer that waited in vain keeps its place in the queue",
            &["the call succeeds", "somebody stands before it"],
            || Hooks::new().store(KeepsItsPlace::default()),
        ),
        Fault::new(
            "UOW-W-003",
            "a create that waited in vain is done after the next commit",
            &["what was to be created: false", "observed: true"],
            || {
                let late = DoneTooLate::default();
                Hooks::new().writes::<Video>(late.clone()).store(late)
            },
        ),
        Fault::new(
            "UOW-W-004",
            "get_by_path is refused while a writer is open",
            &["the call succeeds", "the table is locked"],
            || {
                let locked = LockedTable::default();
                Hooks::new().media_files(locked.clone()).store(locked)
            },
        )
        .also("CAN-M-014", "it reads the same while a writer is open", LOCKED)
        .also("CAN-U-005", "it looks at everything while a writer is open", LOCKED),
        Fault::new(
            "UOW-W-005",
            "what ended at its deadline cannot be rolled back",
            &["the call succeeds", "deadline has passed"],
            || Hooks::new().store(ExpiredCannotBeRolledBack),
        ),
        Fault::new(
            "UOW-W-006",
            "a single update of any revision is sent away instead of waiting",
            &["the call succeeds", "waiting for the right to write"],
            || Hooks::new().writes::<Video>(NoUpdateWaits),
        )
        .also(
            "ISO-S-007",
            "its single update waits for a unit of work",
            &["update x = 12 of T2 is answered", "waiting for the right to write"],
        )
        .also(
            "ISO-S-013",
            "its single update waits for a unit of work",
            &["update y = 25 of T2 is answered", "waiting for the right to write"],
        )
        .also(
            "CAN-V-008",
            "it tries an update that waits for a unit of work",
            &["the call succeeds", "waiting for the right to write"],
        ),
        Fault::new(
            "UOW-W-007",
            "having no connection is a failure without a name",
            &["Timeout, Unavailable, or a conflict", "Backend", "too many clients"],
            || Hooks::new().store(FiveReaders::default()),
        ),
        Fault::new(
            "UOW-W-008",
            "a writer that gives up waiting stays in the queue, which has ten places",
            &["the call succeeds", "the queue is full"],
            || Hooks::new().store(QueueOfTen::default()),
        ),
    ]
}

fn not_now() -> Error {
    Error::Timeout { waited_for: "the right to write", waited_ms: 1_000 }
}

/// The units of work that waited, and how many calls each has seen.
#[derive(Clone, Default)]
struct ConnectsLate(Arc<Mutex<HashMap<u64, u32>>>);

#[async_trait]
impl StoreHook for ConnectsLate {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        if let Some(calls) = at.unit.and_then(|unit| lock(&self.0).get(&unit).copied()) {
            lock(&self.0).extend(at.unit.map(|unit| (unit, calls + 1)));
        }
        Ok(())
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        let mut begin = store.begin(mode);
        if let Some(begun) = (&mut begin).now_or_never() {
            return begun;
        }
        let begun = begin.await?;
        lock(&self.0).insert(unit, 0);
        Ok(begun)
    }
}

#[async_trait]
impl WriteHook<Video> for ConnectsLate {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        if at.unit.is_some_and(|unit| lock(&self.0).get(&unit) == Some(&1)) {
            let message = "there is no connection yet".to_owned();
            return Err(Error::Backend { message, source: None });
        }
        at.writes::<Video>().create(video).await
    }
}

#[derive(Default)]
struct KeepsItsPlace(AtomicBool);

#[async_trait]
impl StoreHook for KeepsItsPlace {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        if mode == Mode::ReadWrite && self.0.load(Ordering::SeqCst) {
            return Err(unavailable("somebody stands before it"));
        }
        let begun = store.begin(mode).await;
        self.0.fetch_or(matches!(begun, Err(Error::Timeout { .. })), Ordering::SeqCst);
        begun
    }
}

#[derive(Clone, Default)]
struct DoneTooLate(Arc<Mutex<Vec<Video>>>);

#[async_trait]
impl WriteHook<Video> for DoneTooLate {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await;
        if matches!(created, Err(Error::Timeout { .. })) {
            lock(&self.0).push(video.clone());
        }
        created
    }
}

#[async_trait]
impl StoreHook for DoneTooLate {
    async fn commit(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        inner.commit().await?;
        let late = std::mem::take(&mut *lock(&self.0));
        for video in late {
            let _ = store.videos().create(&video).await;
        }
        Ok(())
    }
}

/// How many units of work are open that may write.
#[derive(Clone, Default)]
struct LockedTable(Arc<Mutex<HashSet<u64>>>);

#[async_trait]
impl MediaFileHook for LockedTable {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let answer = at.inner.media_files().get_by_path(path, visibility).await?;
        if at.unit.is_none() && !lock(&self.0).is_empty() {
            return Err(unavailable("the table is locked"));
        }
        Ok(answer)
    }
}

#[async_trait]
impl StoreHook for LockedTable {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        let begun = store.begin(mode).await?;
        if mode == Mode::ReadWrite {
            lock(&self.0).insert(unit);
        }
        Ok(begun)
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        lock(&self.0).remove(&unit);
        inner.commit().await
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        lock(&self.0).remove(&unit);
        inner.rollback().await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        lock(&self.0).remove(&unit);
        drop(inner);
    }
}

struct ExpiredCannotBeRolledBack;

#[async_trait]
impl StoreHook for ExpiredCannotBeRolledBack {
    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        match inner.videos().count(&Default::default()).await {
            Err(error) if error.to_string().contains("deadline") => Err(error),
            _ => inner.rollback().await,
        }
    }
}

struct NoUpdateWaits;

#[async_trait]
impl WriteHook<Video> for NoUpdateWaits {
    async fn update(&self, at: &At<'_>, video: &Video, expected: Option<Revision>) -> Result<Stored<Video>> {
        let mut update = at.writes::<Video>().update(video, expected);
        match (expected, (&mut update).now_or_never()) {
            (_, Some(answer)) => answer,
            (None, None) => Err(not_now()),
            (Some(_), None) => update.await,
        }
    }
}

/// How many units of work are open that only read.
#[derive(Default)]
struct FiveReaders(Mutex<HashSet<u64>>);

#[async_trait]
impl StoreHook for FiveReaders {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        let begun = store.begin(mode).await?;
        let mut open = lock(&self.0);
        if mode == Mode::ReadOnly {
            if open.len() == 5 {
                return Err(Error::Backend { message: "too many clients".to_owned(), source: None });
            }
            open.insert(unit);
        }
        Ok(begun)
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        lock(&self.0).remove(&unit);
        inner.commit().await
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        lock(&self.0).remove(&unit);
        inner.rollback().await
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        lock(&self.0).remove(&unit);
        drop(inner);
    }
}

/// How many have given up.
#[derive(Default)]
struct QueueOfTen(AtomicUsize);

#[async_trait]
impl StoreHook for QueueOfTen {
    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        if mode == Mode::ReadWrite && self.0.load(Ordering::SeqCst) >= 10 {
            return Err(unavailable("the queue is full"));
        }
        let mut waits = OnDrop(Some(|| {
            self.0.fetch_add(1, Ordering::SeqCst);
        }));
        let begun = store.begin(mode).await;
        waits.0 = None;
        begun
    }
}
