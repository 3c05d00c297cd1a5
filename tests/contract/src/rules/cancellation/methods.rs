//! The methods of the repositories, as something to drop.

use std::marker::PhantomData;

use async_trait::async_trait;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{
    Entity, EntityKind, KnowledgeGraph, Lease, LeaseToken, MediaFile, NewTask, Playlist, ProcessingTask,
    ProcessingTaskId, Progress, SourceFile, SourcePath, TaskFailure, Timestamp, Transcript, Video, VideoId,
};
use tubeatlas_ports::{
    ClaimRequest, Clock, MAX_PAGE_LIMIT, PageRequest, Repositories, Result, SearchRequest, Stored, Visibility,
};

use super::dropping::{Call, NUMBERS, Seen, Target};
use crate::check::{same, some};
use crate::fixtures::{a_task_with, task_kind, uuid, video_id, worker};
use crate::rules::subject::{OfVideo, Subject, Written, delete_softly};
use crate::{CallKind, Case, Outcome, Violation};

/// A method of a repository.
#[async_trait]
pub(crate) trait Method: Sync {
    /// What was made ready for one call.
    type Scene: Send + Sync;

    /// Of which repository.
    const ENTITY: EntityKind;

    /// Its name.
    fn name(&self) -> &'static str;

    /// What sort of a call it is, on the store and inside a unit of work.
    const KINDS: [CallKind; 2];

    /// Makes a call ready; see [`Target::arrange`].
    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation>;

    /// The call.
    async fn run(&self, on: &dyn Repositories, scene: &Self::Scene) -> Result<()>;

    /// What became of it.
    async fn look(&self, case: &Case, scene: &Self::Scene) -> Result<Seen, Violation>;

    /// What else must be true when nothing is under way any more.
    async fn settled(&self, _: &Case, _: &Self::Scene, _: Seen) -> Outcome {
        Ok(())
    }
}

const READS: [CallKind; 2] = [CallKind::Read, CallKind::ReadInUnit];
const SEARCHES: [CallKind; 2] = [CallKind::Search, CallKind::SearchInUnit];
const WRITES: [CallKind; 2] = [CallKind::Write, CallKind::WriteInUnit];

/// A method as a call on the store.
pub(crate) struct Single<M>(pub(crate) M);

#[async_trait]
impl<M: Method> Target for Single<M> {
    type Scene = M::Scene;

    fn calls(&self) -> Vec<Call> {
        let [kind, _] = M::KINDS;
        vec![Call { kind, entity: Some(M::ENTITY), method: self.0.name() }]
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<M::Scene, Violation> {
        self.0.arrange(case, n).await
    }

    async fn run(&self, case: &Case, scene: &M::Scene) -> Result<()> {
        self.0.run(case.store(), scene).await
    }

    async fn look(&self, case: &Case, scene: &M::Scene) -> Result<Seen, Violation> {
        self.0.look(case, scene).await
    }

    async fn settled(&self, case: &Case, scene: &M::Scene, seen: Seen) -> Outcome {
        self.0.settled(case, scene, seen).await
    }
}

/// Compares what is there with what was before and what is to be after; anything else is torn.
fn before_or_after<T: PartialEq + std::fmt::Debug>(
    seen: &T,
    before: &T,
    after: &T,
) -> Result<Seen, Violation> {
    if seen == before {
        return Ok(Seen::Before);
    }
    same("all of it or nothing; all of it is", seen, after)?;
    Ok(Seen::After)
}

// What all kinds of entities have

/// A kind of entity of which the `n`th can be stored.
#[async_trait]
pub(crate) trait Stocked: Subject {
    /// The id of the `n`th.
    fn nth_id(n: u32) -> Self::Id;

    /// Stores the `n`th.
    async fn store_nth(to: &dyn Repositories, n: u32) -> Result<()>;
}

#[async_trait]
impl<E: Written> Stocked for E {
    fn nth_id(n: u32) -> E::Id {
        E::nth(n).id()
    }

    async fn store_nth(to: &dyn Repositories, n: u32) -> Result<()> {
        E::writes(to).create(&E::nth(n)).await.map(drop)
    }
}

#[async_trait]
impl Stocked for ProcessingTask {
    fn nth_id(n: u32) -> ProcessingTaskId {
        task_id(n)
    }

    async fn store_nth(to: &dyn Repositories, n: u32) -> Result<()> {
        to.processing_tasks().enqueue(&a_task_with(|t| t.id = task_id(n))).await.map(drop)
    }
}

fn task_id(n: u32) -> ProcessingTaskId {
    ProcessingTaskId::new(uuid(30_000 + n))
}

/// The reads that every repository has.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    Get,
    GetMany,
    Exists,
    List,
    Count,
}

impl Reading {
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::GetMany, Self::Exists, Self::List, Self::Count];
}

/// One of the reads that every repository has.
pub(crate) struct Read<E>(Reading, PhantomData<fn(E)>);

impl<E> Read<E> {
    pub(crate) fn new(reading: Reading) -> Self {
        Self(reading, PhantomData)
    }
}

#[async_trait]
impl<E: Stocked> Method for Read<E> {
    type Scene = (E::Id, E::Filter, PageRequest<E::Order>);

    const ENTITY: EntityKind = E::KIND;

    const KINDS: [CallKind; 2] = READS;

    fn name(&self) -> &'static str {
        match self.0 {
            Reading::Get => "get",
            Reading::GetMany => "get_many",
            Reading::Exists => "exists",
            Reading::List => "list",
            Reading::Count => "count",
        }
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        E::store_nth(case.store(), n).await?;
        Ok((E::nth_id(n), Default::default(), Default::default()))
    }

    async fn run(&self, on: &dyn Repositories, (id, filter, page): &Self::Scene) -> Result<()> {
        let reads = E::reads(on);
        match self.0 {
            Reading::Get => reads.get(id, Visibility::Live).await.map(drop),
            Reading::GetMany => reads.get_many(std::slice::from_ref(id), Visibility::Live).await.map(drop),
            Reading::Exists => reads.exists(id, Visibility::Live).await.map(drop),
            Reading::List => reads.list(filter, page).await.map(drop),
            Reading::Count => reads.count(filter).await.map(drop),
        }
    }

    async fn look(&self, case: &Case, (id, ..): &Self::Scene) -> Result<Seen, Violation> {
        same("what is read is there", &E::reads(case.store()).exists(id, Visibility::Live).await?, &true)?;
        Ok(Seen::Same)
    }
}

/// The writes of everything whose state is free.
#[derive(Clone, Copy)]
pub(crate) enum Writing {
    Create,
    CreateMany,
    Update,
    UpdateMany,
    Upsert,
    UpsertMany,
    Delete,
    DeleteMany,
}

impl Writing {
    pub(crate) const ALL: [Self; 8] = [
        Self::Create,
        Self::CreateMany,
        Self::Update,
        Self::UpdateMany,
        Self::Upsert,
        Self::UpsertMany,
        Self::Delete,
        Self::DeleteMany,
    ];
}

/// One of the writes of everything whose state is free.
pub(crate) struct Write<E>(Writing, PhantomData<fn(E)>);

impl<E> Write<E> {
    pub(crate) fn new(writing: Writing) -> Self {
        Self(writing, PhantomData)
    }
}

/// What is there before a write, and what after it.
pub(crate) struct Change<I, E> {
    ids: Vec<I>,
    before: Vec<Option<E>>,
    after: Vec<Option<E>>,
    /// What is written.
    items: Vec<E>,
    /// How many there were of all.
    count: u64,
}

impl<I, E> Change<I, E> {
    /// How many there are to be of all.
    fn count(&self, seen: Seen) -> u64 {
        let number = |items: &[Option<E>]| items.iter().flatten().count() as u64;
        match seen {
            Seen::After => self.count + number(&self.after) - number(&self.before),
            Seen::Before | Seen::Same => self.count,
        }
    }
}

#[async_trait]
impl<E: Written> Method for Write<E> {
    type Scene = Change<E::Id, E>;

    const ENTITY: EntityKind = E::KIND;

    const KINDS: [CallKind; 2] = WRITES;

    fn name(&self) -> &'static str {
        match self.0 {
            Writing::Create => "create",
            Writing::CreateMany => "create_many",
            Writing::Update => "update",
            Writing::UpdateMany => "update_many",
            Writing::Upsert => "upsert",
            Writing::UpsertMany => "upsert_many",
            Writing::Delete => "delete",
            Writing::DeleteMany => "delete_many",
        }
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        use Writing as W;
        let size = match self.0 {
            W::Create | W::Update | W::Upsert | W::Delete => 1,
            W::CreateMany | W::UpdateMany | W::UpsertMany | W::DeleteMany => NUMBERS,
        };
        let old: Vec<E> = (0..size).map(|item| E::nth(n + item)).collect();
        let is_there = |item: usize| match self.0 {
            W::Create | W::CreateMany => false,
            W::Update | W::UpdateMany | W::Delete | W::DeleteMany => true,
            // Some are new and some are changed.
            W::Upsert | W::UpsertMany => (item + n as usize).is_multiple_of(2),
        };
        let before = old.iter().enumerate().map(|(item, old)| is_there(item).then(|| old.clone()));
        let before: Vec<_> = before.collect();
        let items: Vec<_> = old.iter().map(|old| old.changed(n)).collect();
        let after = match self.0 {
            W::Delete | W::DeleteMany => vec![None; before.len()],
            _ => items.iter().cloned().map(Some).collect(),
        };
        let stored: Vec<_> = before.iter().flatten().cloned().collect();
        E::writes(case.store()).create_many(&stored).await?;
        let count = E::reads(case.store()).count(&E::Filter::default()).await?;
        Ok(Change { ids: old.iter().map(E::id).collect(), before, after, items, count })
    }

    async fn run(&self, on: &dyn Repositories, scene: &Self::Scene) -> Result<()> {
        let (writes, Change { ids, items, .. }) = (E::writes(on), scene);
        match self.0 {
            Writing::Create => writes.create(&items[0]).await.map(drop),
            Writing::CreateMany => writes.create_many(items).await.map(drop),
            Writing::Update => writes.update(&items[0], None).await.map(drop),
            Writing::UpdateMany => writes.update_many(items).await.map(drop),
            Writing::Upsert => writes.upsert(&items[0]).await.map(drop),
            Writing::UpsertMany => writes.upsert_many(items).await.map(drop),
            Writing::Delete => writes.delete(&ids[0], None).await,
            Writing::DeleteMany => writes.delete_many(ids).await,
        }
    }

    async fn look(&self, case: &Case, scene: &Self::Scene) -> Result<Seen, Violation> {
        let stored = E::reads(case.store()).get_many(&scene.ids, Visibility::Live).await?;
        let stored: Vec<_> = stored.into_iter().map(|stored| stored.map(|stored| stored.entity)).collect();
        before_or_after(&stored, &scene.before, &scene.after)
    }

    async fn settled(&self, case: &Case, scene: &Self::Scene, seen: Seen) -> Outcome {
        let count = E::reads(case.store()).count(&E::Filter::default()).await?;
        same("how many there are of all", &count, &scene.count(seen))
    }
}

// Videos, with what hangs on them

/// What is done to a video and all that hangs on it.
#[derive(Clone, Copy)]
pub(crate) enum Cascade {
    Delete,
    Restore,
    Purge,
}

impl Cascade {
    pub(crate) const ALL: [Self; 3] = [Self::Delete, Self::Restore, Self::Purge];
}

#[async_trait]
impl Method for Cascade {
    type Scene = (VideoId, u32);

    const ENTITY: EntityKind = Video::KIND;

    const KINDS: [CallKind; 2] = WRITES;

    fn name(&self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
        }
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        let (store, name) = (case.store(), format!("video-{n}"));
        store.videos().create(&Video::nth(n)).await?;
        store.transcripts().create(&Transcript::of(&name, n)).await?;
        store.knowledge_graphs().create(&KnowledgeGraph::of(&name, n)).await?;
        store.media_files().create(&MediaFile::of(&name, n)).await?;
        if matches!(self, Self::Restore) {
            store.videos().delete(&video_id(&name), None).await?;
        }
        Ok((video_id(&name), n))
    }

    async fn run(&self, on: &dyn Repositories, (id, _): &Self::Scene) -> Result<()> {
        match self {
            Self::Delete => on.videos().delete(id, None).await,
            Self::Restore => on.videos().restore(id).await.map(drop),
            Self::Purge => on.videos().purge(id, None).await,
        }
    }

    async fn look(&self, case: &Case, (id, n): &Self::Scene) -> Result<Seen, Violation> {
        let (before, after, visibility) = match self {
            Self::Delete => (true, false, Visibility::Live),
            Self::Restore => (false, true, Visibility::Live),
            Self::Purge => (true, false, Visibility::WithDeleted),
        };
        // Of one moment, though these are several reads.
        let unit = case.store().begin(tubeatlas_ports::Mode::ReadOnly).await?;
        let name = id.as_str();
        let there = [
            unit.videos().exists(id, visibility).await?,
            unit.transcripts().exists(&Transcript::of(name, *n).id(), visibility).await?,
            unit.knowledge_graphs().exists(&KnowledgeGraph::of(name, *n).id, visibility).await?,
            unit.media_files().exists(&MediaFile::of(name, *n).id, visibility).await?,
        ];
        unit.rollback().await?;
        before_or_after(&there, &[before; 4], &[after; 4])
    }
}

// The reads that only one repository has

/// The search for transcripts.
pub(crate) struct Search;

#[async_trait]
impl Method for Search {
    type Scene = (SearchRequest, u32);

    const ENTITY: EntityKind = Transcript::KIND;

    const KINDS: [CallKind; 2] = SEARCHES;

    fn name(&self) -> &'static str {
        "search"
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        Transcript::store_nth(case.store(), n).await?;
        let query = SearchQuery::parse("secret");
        let query = query.map_err(|error| Violation::new("a query", error.to_string()))?;
        Ok((SearchRequest::new(query), n))
    }

    async fn run(&self, on: &dyn Repositories, (request, _): &Self::Scene) -> Result<()> {
        on.transcripts().search(request).await.map(drop)
    }

    async fn look(&self, case: &Case, (_, n): &Self::Scene) -> Result<Seen, Violation> {
        let id = Transcript::nth_id(*n);
        same(
            "what is read is there",
            &case.store().transcripts().exists(&id, Visibility::Live).await?,
            &true,
        )?;
        Ok(Seen::Same)
    }
}

/// The look-up of a media file by its path.
pub(crate) struct GetByPath;

#[async_trait]
impl Method for GetByPath {
    type Scene = String;

    const ENTITY: EntityKind = MediaFile::KIND;

    const KINDS: [CallKind; 2] = READS;

    fn name(&self) -> &'static str {
        "get_by_path"
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        MediaFile::store_nth(case.store(), n).await?;
        Ok(MediaFile::nth(n).path.clone())
    }

    async fn run(&self, on: &dyn Repositories, path: &Self::Scene) -> Result<()> {
        on.media_files().get_by_path(path, Visibility::Live).await.map(drop)
    }

    async fn look(&self, case: &Case, path: &Self::Scene) -> Result<Seen, Violation> {
        let found = case.store().media_files().get_by_path(path, Visibility::Live).await?;
        some("what is read", found)?;
        Ok(Seen::Same)
    }
}

/// What is done to a playlist, beyond what every repository has.
#[derive(Clone, Copy)]
pub(crate) enum SoftChange {
    Restore,
    Purge,
}

impl SoftChange {
    pub(crate) const ALL: [Self; 2] = [Self::Restore, Self::Purge];
}

#[async_trait]
impl Method for SoftChange {
    /// The playlist before, deleted, and its id.
    type Scene = Stored<Playlist>;

    const ENTITY: EntityKind = Playlist::KIND;

    const KINDS: [CallKind; 2] = WRITES;

    fn name(&self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Purge => "purge",
        }
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        case.store().playlists().create(&Playlist::nth(n)).await?;
        Ok(delete_softly::<Playlist>(case.store(), &Playlist::nth(n).id).await?.stored)
    }

    async fn run(&self, on: &dyn Repositories, before: &Self::Scene) -> Result<()> {
        match self {
            Self::Restore => on.playlists().restore(&before.entity.id).await.map(drop),
            Self::Purge => on.playlists().purge(&before.entity.id, None).await,
        }
    }

    async fn look(&self, case: &Case, before: &Self::Scene) -> Result<Seen, Violation> {
        let playlists = case.store().playlists();
        let found = playlists.get(&before.entity.id, Visibility::WithDeleted).await?;
        let seen = found.as_ref().map(|it| (it.entity.clone(), it.deleted_at.is_some()));
        let after = match self {
            Self::Restore => Some((before.entity.clone(), false)),
            Self::Purge => None,
        };
        before_or_after(&seen, &Some((before.entity.clone(), true)), &after)
    }
}

/// The removal of source files.
pub(crate) struct RemoveMany(Write<SourceFile>);

impl RemoveMany {
    /// What it does to what is there is what `delete_many` does.
    pub(crate) fn new() -> Self {
        Self(Write::new(Writing::DeleteMany))
    }
}

#[async_trait]
impl Method for RemoveMany {
    type Scene = Change<SourcePath, SourceFile>;

    const ENTITY: EntityKind = SourceFile::KIND;

    const KINDS: [CallKind; 2] = WRITES;

    fn name(&self) -> &'static str {
        "remove_many"
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        self.0.arrange(case, n).await
    }

    async fn run(&self, on: &dyn Repositories, scene: &Self::Scene) -> Result<()> {
        on.source_files().remove_many(&scene.ids).await.map(drop)
    }

    async fn look(&self, case: &Case, scene: &Self::Scene) -> Result<Seen, Violation> {
        self.0.look(case, scene).await
    }

    async fn settled(&self, case: &Case, scene: &Self::Scene, seen: Seen) -> Outcome {
        self.0.settled(case, scene, seen).await
    }
}

// The queue

/// What is done to tasks.
#[derive(Clone, Copy)]
pub(crate) enum Queue {
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

impl Queue {
    /// Those that can be part of a unit of work.
    pub(crate) const IN_UNIT: [Self; 8] = [
        Self::Enqueue,
        Self::Heartbeat,
        Self::Report,
        Self::Complete,
        Self::Fail,
        Self::Retry,
        Self::Cancel,
        Self::RemoveFinished,
    ];
}

/// Tasks before and after a call.
pub(crate) struct Tasks {
    /// The one that the call is about.
    new: NewTask,
    /// Its lease, if it is running.
    token: LeaseToken,
    progress: Progress,
    failure: TaskFailure,
    change: Change<ProcessingTaskId, ProcessingTask>,
}

const LEASE_MS: u64 = 60_000;

/// A claim of tasks of this one's kind.
fn claim_of(task: &NewTask, lease_ms: u64) -> ClaimRequest {
    ClaimRequest { worker: worker("worker"), kinds: Some(vec![task.kind.clone()]), lease_ms, only: None }
}

/// A task as if its lease had the token that all have here: of a claim that was dropped nobody knows the token.
fn without_token(task: ProcessingTask) -> Result<ProcessingTask, Violation> {
    let mut fields = task.into_fields();
    if let Some(lease) = &mut fields.lease {
        lease.token = no_token();
    }
    valid("a task", ProcessingTask::new(fields))
}

fn no_token() -> LeaseToken {
    LeaseToken::new(uuid(0))
}

fn valid<T>(what: &str, made: Result<T, impl std::fmt::Display>) -> Result<T, Violation> {
    made.map_err(|error| Violation::new(what, error.to_string()))
}

impl Queue {
    /// Stores what the call needs; answers what is there before it, and its lease.
    async fn stock(
        self,
        case: &Case,
        new: &NewTask,
        n: u32,
    ) -> Result<(Vec<NewTask>, LeaseToken), Violation> {
        let tasks = case.store().processing_tasks();
        let also = |item: u32| NewTask { id: task_id(n + item), max_attempts: 1, ..new.clone() };
        match self {
            Self::Enqueue => return Ok((vec![new.clone()], no_token())),
            Self::Claim => {
                // One whose last lease has expired, which the claim is to expire too.
                tasks.enqueue(&also(1)).await?;
                tasks.claim(&claim_of(new, 1)).await?;
                case.clock.move_by_ms(2);
                tasks.enqueue(new).await?;
                return Ok((vec![new.clone(), also(1)], no_token()));
            }
            Self::Heartbeat | Self::Report | Self::Complete | Self::Fail => {
                tasks.enqueue(new).await?;
                let claimed = some("a task to claim", tasks.claim(&claim_of(new, LEASE_MS)).await?)?;
                return Ok((vec![new.clone()], some("its lease", claimed.entity.into_fields().lease)?.token));
            }
            Self::Cancel => {
                tasks.enqueue(new).await?;
            }
            Self::Retry => {
                tasks.enqueue(new).await?;
                tasks.cancel(new.id).await?;
            }
            Self::RemoveFinished => {
                // What an earlier call left, which was dropped before it happened.
                tasks.remove_finished(Timestamp::MAX, MAX_PAGE_LIMIT).await?;
                let three = [new.clone(), also(1), also(2)];
                for task in &three {
                    tasks.enqueue(task).await?;
                    tasks.cancel(task.id).await?;
                }
                return Ok((three.to_vec(), no_token()));
            }
        }
        Ok((vec![new.clone()], no_token()))
    }

    /// What the domain makes of a task by this call.
    fn changed(
        self,
        scene: &Tasks,
        before: Option<&ProcessingTask>,
        now: Timestamp,
    ) -> Result<Option<ProcessingTask>, Violation> {
        let Some(task) = before else {
            return valid("a task", ProcessingTask::enqueue(scene.new.clone())).map(Some);
        };
        let changed = match self {
            Self::Enqueue | Self::RemoveFinished => return Ok(None),
            Self::Claim if task.id != scene.new.id => task.expire(now),
            Self::Claim => {
                let expires_at = now.saturating_add_millis(LEASE_MS);
                task.claim(Lease { token: no_token(), worker: worker("worker"), expires_at }, now)
            }
            Self::Heartbeat => task.heartbeat(no_token(), now.saturating_add_millis(2 * LEASE_MS)),
            Self::Report => task.report(no_token(), scene.progress),
            Self::Complete => task.complete(no_token(), now),
            Self::Fail => task.fail(no_token(), &scene.failure, now),
            Self::Retry => task.retry(now),
            Self::Cancel => task.cancel(now),
        };
        valid("a legal transition", changed).map(Some)
    }
}

/// The tasks that are stored under these ids.
async fn stored(case: &Case, ids: &[ProcessingTaskId]) -> Result<Vec<Option<ProcessingTask>>, Violation> {
    let stored = case.store().processing_tasks().get_many(ids, Visibility::Live).await?;
    stored.into_iter().map(|stored| stored.map(|stored| without_token(stored.entity)).transpose()).collect()
}

#[async_trait]
impl Method for Queue {
    type Scene = Tasks;

    const ENTITY: EntityKind = ProcessingTask::KIND;

    const KINDS: [CallKind; 2] = WRITES;

    fn name(&self) -> &'static str {
        match self {
            Self::Enqueue => "enqueue",
            Self::Claim => "claim",
            Self::Heartbeat => "heartbeat",
            Self::Report => "report",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::RemoveFinished => "remove_finished",
        }
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        let new = a_task_with(|t| {
            t.id = task_id(n);
            t.kind = task_kind(&format!("kind-{n}"));
        });
        let (there, token) = self.stock(case, &new, n).await?;
        let ids: Vec<_> = there.iter().map(|task| task.id).collect();
        let before = stored(case, &ids).await?;
        let count = case.store().processing_tasks().count(&Default::default()).await?;
        let change = Change { ids, before, after: Vec::new(), items: Vec::new(), count };
        let progress = valid("a progress", Progress::new(50))?;
        let failure = valid("a failure", TaskFailure::new("no such file", None))?;
        let mut scene = Tasks { new, token, progress, failure, change };
        let now = case.clock.now();
        let after = scene.change.before.iter().map(|task| self.changed(&scene, task.as_ref(), now));
        scene.change.after = after.collect::<Result<_, _>>()?;
        Ok(scene)
    }

    async fn run(&self, on: &dyn Repositories, scene: &Self::Scene) -> Result<()> {
        let (tasks, Tasks { new, token, progress, failure, .. }) = (on.processing_tasks(), scene);
        match self {
            Self::Enqueue => tasks.enqueue(new).await.map(drop),
            Self::Claim => tasks.claim(&claim_of(new, LEASE_MS)).await.map(drop),
            Self::Heartbeat => tasks.heartbeat(new.id, *token, 2 * LEASE_MS).await.map(drop),
            Self::Report => tasks.report(new.id, *token, *progress).await.map(drop),
            Self::Complete => tasks.complete(new.id, *token).await.map(drop),
            Self::Fail => tasks.fail(new.id, *token, failure).await.map(drop),
            Self::Retry => tasks.retry(new.id).await.map(drop),
            Self::Cancel => tasks.cancel(new.id).await.map(drop),
            Self::RemoveFinished => tasks.remove_finished(Timestamp::MAX, MAX_PAGE_LIMIT).await.map(drop),
        }
    }

    async fn look(&self, case: &Case, scene: &Self::Scene) -> Result<Seen, Violation> {
        before_or_after(&stored(case, &scene.change.ids).await?, &scene.change.before, &scene.change.after)
    }

    async fn settled(&self, case: &Case, scene: &Self::Scene, seen: Seen) -> Outcome {
        let count = case.store().processing_tasks().count(&Default::default()).await?;
        same("how many there are of all", &count, &scene.change.count(seen))
    }
}
