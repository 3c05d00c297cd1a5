//! The calls of a sequence, and how they are made on a store.
//!
//! What a store chooses by itself (revisions, tokens, cursors) is named in a call by where it was seen, and
//! taken from the memory of the side on which the call is made.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use tubeatlas_domain::{
    Channel, KnowledgeGraph, LeaseToken, MediaFile, NewTask, Playlist, PlaylistId, ProcessingTask,
    ProcessingTaskId, Progress, SourceFile, SourcePath, TaskFailure, TaskKind, Transcript, Video, VideoId,
};
use tubeatlas_ports::{
    ClaimRequest, Cursor, MAX_BATCH, Mode, Page, PageRequest, Repositories, Revision, SearchHit, SearchOrder,
    SearchRequest, Visibility,
};

use super::answer::{Answer, Show};
use super::catalogue::{Free, Kept};
use super::side::Memory;
use crate::Capability;
use crate::fixtures::{uuid, worker};
use crate::rules::search::{scores_are_in_order, sort};

/// A step of a sequence.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Call(At, Box<Call>),
    Begin(Mode),
    Commit(Mode),
    Rollback(Mode),
    Drop(Mode),
    /// Moves the clock by so many milliseconds.
    Clock(i64),
}

/// Where a call is made. In a unit of work that is not open, it is made on the store; and so that nothing ever
/// waits, a write goes to the open unit that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Store,
    Unit(Mode),
}

#[derive(Debug, Clone)]
pub(super) enum Call {
    Channels(On<Channel>),
    Videos(On<Video>),
    Transcripts(On<Transcript>),
    KnowledgeGraphs(On<KnowledgeGraph>),
    MediaFiles(On<MediaFile>),
    SourceFiles(On<SourceFile>),
    Playlists(On<Playlist>),
    ProcessingTasks(Read<ProcessingTask>),
    Restore(VideoId),
    Purge(VideoId, Expected),
    FileAt(String, Visibility),
    RemoveSources(Vec<SourcePath>),
    RestorePlaylist(PlaylistId),
    PurgePlaylist(PlaylistId, Expected),
    Search(SearchRequest, After),
    Task(TaskCall),
}

/// A call that all written entities have.
#[derive(Debug, Clone)]
pub(super) enum On<E: Kept> {
    Read(Read<E>),
    Write(Write<E>),
}

#[derive(Debug, Clone)]
pub(super) enum Read<E: Kept> {
    Get(E::Id, Visibility),
    GetMany(Vec<E::Id>, Visibility),
    Exists(E::Id, Visibility),
    List(E::Filter, E::Order, u32, After),
    Count(E::Filter),
    /// `get_many` of more ids than a batch may have.
    TooMany(E::Id),
}

#[derive(Debug, Clone)]
pub(super) enum Write<E: Kept> {
    Create(E),
    CreateMany(Vec<E>),
    Update(E, Expected),
    UpdateMany(Vec<E>),
    Upsert(E),
    UpsertMany(Vec<E>),
    /// An upsert of what is stored, as a read shows it just before.
    Again(E::Id),
    Delete(E::Id, Expected),
    DeleteMany(Vec<E::Id>),
    /// The `_many` of this number with more items than a batch may have.
    TooMany(u8, E),
}

#[derive(Debug, Clone)]
pub(super) enum TaskCall {
    Enqueue(NewTask),
    Claim(Option<Vec<TaskKind>>, u64),
    Heartbeat(Lent, u64),
    Report(Lent, Progress),
    Complete(Lent),
    Fail(Lent, TaskFailure),
    Retry(ProcessingTaskId),
    Cancel(ProcessingTaskId),
    /// What finished before a time that is so many milliseconds later than the clock's.
    RemoveFinished(i64, u32),
}

/// Which revision a write demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Any,
    /// The one that a read shows just before.
    Current,
    /// One that was seen, counted back from the last.
    Seen(usize),
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Start,
    /// Behind the last page of this list; the first page if that was the end.
    Last,
    /// With the cursor that was given out last, by whatever list.
    Foreign,
    /// With a text that no list gave out.
    Forged,
}

/// A claim, counted back from the last one, and which task is named with its token if not its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lent {
    pub(super) claim: usize,
    pub(super) task: Option<ProcessingTaskId>,
}

impl Step {
    /// A call made there.
    pub(super) fn call(at: At, call: Call) -> Self {
        Self::Call(at, Box::new(call))
    }

    /// Whether an adapter without these capabilities can make it.
    pub(super) fn does_without(&self, absent: &[Capability]) -> bool {
        !self.needs().is_some_and(|needed| absent.contains(&needed))
    }

    fn needs(&self) -> Option<Capability> {
        match self {
            Self::Call(_, call) => match &**call {
                Call::KnowledgeGraphs(_) => Some(Capability::KnowledgeGraphs),
                Call::MediaFiles(_) | Call::FileAt(..) => Some(Capability::MediaFiles),
                Call::Playlists(_) | Call::RestorePlaylist(_) | Call::PurgePlaylist(..) => {
                    Some(Capability::Playlists)
                }
                Call::SourceFiles(_) | Call::RemoveSources(_) => Some(Capability::SourceFiles),
                Call::ProcessingTasks(_) | Call::Task(_) => Some(Capability::ProcessingTasks),
                Call::Search(..) => Some(Capability::Search),
                Call::Channels(_)
                | Call::Videos(_)
                | Call::Transcripts(_)
                | Call::Restore(_)
                | Call::Purge(..) => None,
            },
            Self::Clock(_) => None,
            Self::Begin(_) | Self::Commit(_) | Self::Rollback(_) | Self::Drop(_) => {
                Some(Capability::UnitsOfWork)
            }
        }
    }
}

impl Call {
    /// Whether it needs the right to write.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::Channels(on) => matches!(on, On::Write(_)),
            Self::Videos(on) => matches!(on, On::Write(_)),
            Self::Transcripts(on) => matches!(on, On::Write(_)),
            Self::KnowledgeGraphs(on) => matches!(on, On::Write(_)),
            Self::MediaFiles(on) => matches!(on, On::Write(_)),
            Self::SourceFiles(on) => matches!(on, On::Write(_)),
            Self::Playlists(on) => matches!(on, On::Write(_)),
            Self::RestorePlaylist(_) | Self::PurgePlaylist(..) => true,
            Self::ProcessingTasks(_) | Self::FileAt(..) | Self::Search(..) => false,
            Self::Restore(_) | Self::Purge(..) | Self::RemoveSources(_) | Self::Task(_) => true,
        }
    }

    pub(super) async fn make(&self, to: &dyn Repositories, memory: &mut Memory) -> Answer {
        match self {
            Self::Channels(on) => on.make(to, memory).await,
            Self::Videos(on) => on.make(to, memory).await,
            Self::Transcripts(on) => on.make(to, memory).await,
            Self::KnowledgeGraphs(on) => on.make(to, memory).await,
            Self::MediaFiles(on) => on.make(to, memory).await,
            Self::SourceFiles(on) => on.make(to, memory).await,
            Self::Playlists(on) => on.make(to, memory).await,
            Self::ProcessingTasks(read) => read.make(to, memory).await,
            Self::Restore(id) => Answer::of(&to.videos().restore(id).await),
            Self::Purge(id, expected) => {
                let (mut answer, revision) = expected.find::<Video>(id, to, memory).await;
                answer.and(&to.videos().purge(id, revision).await);
                answer
            }
            Self::FileAt(path, visibility) => {
                Answer::of(&to.media_files().get_by_path(path, *visibility).await)
            }
            Self::RestorePlaylist(id) => Answer::of(&to.playlists().restore(id).await),
            Self::PurgePlaylist(id, expected) => {
                let (mut answer, revision) = expected.find::<Playlist>(id, to, memory).await;
                answer.and(&to.playlists().purge(id, revision).await);
                answer
            }
            Self::RemoveSources(paths) => Answer::of(&to.source_files().remove_many(paths).await),
            Self::Search(request, after) => search(request, *after, to, memory).await,
            Self::Task(call) => call.make(to, memory).await,
        }
    }
}

impl<E: Free + Show> On<E>
where
    E::Listed: Show,
{
    async fn make(&self, to: &dyn Repositories, memory: &mut Memory) -> Answer {
        match self {
            Self::Read(read) => read.make(to, memory).await,
            Self::Write(write) => write.make(to, memory).await,
        }
    }
}

impl<E: Kept + Show> Read<E>
where
    E::Listed: Show,
{
    pub(super) async fn make(&self, to: &dyn Repositories, memory: &mut Memory) -> Answer {
        let repository = E::reads(to);
        match self {
            Self::Get(id, visibility) => Answer::of(&repository.get(id, *visibility).await),
            Self::GetMany(ids, visibility) => Answer::of(&repository.get_many(ids, *visibility).await),
            Self::Exists(id, visibility) => Answer::of(&repository.exists(id, *visibility).await),
            Self::List(filter, order, limit, after) => {
                let list = format!("{} {order:?} {filter:?}", E::KIND);
                let after = after.cursor(&list, memory);
                let page = PageRequest { order: *order, limit: *limit, after };
                let page = repository.list(filter, &page).await;
                memory.note_page(list, &page);
                Answer::of(&page)
            }
            Self::Count(filter) => Answer::of(&repository.count(filter).await),
            Self::TooMany(id) => {
                let ids = vec![id.clone(); MAX_BATCH + 1];
                Answer::of(&repository.get_many(&ids, Visibility::Live).await)
            }
        }
    }
}

impl<E: Free + Show> Write<E>
where
    E::Listed: Show,
{
    async fn make(&self, to: &dyn Repositories, memory: &Memory) -> Answer {
        let repository = E::writes(to);
        match self {
            Self::Create(entity) => Answer::of(&repository.create(entity).await),
            Self::CreateMany(entities) => Answer::of(&repository.create_many(entities).await),
            Self::Update(entity, expected) => {
                let (mut answer, revision) = expected.find::<E>(&entity.id(), to, memory).await;
                answer.and(&repository.update(entity, revision).await);
                answer
            }
            Self::UpdateMany(entities) => Answer::of(&repository.update_many(entities).await),
            Self::Upsert(entity) => Answer::of(&repository.upsert(entity).await),
            Self::UpsertMany(entities) => Answer::of(&repository.upsert_many(entities).await),
            Self::Again(id) => {
                let stored = E::reads(to).get(id, Visibility::WithDeleted).await;
                let mut answer = Answer::of(&stored);
                if let Ok(Some(stored)) = stored {
                    answer.and(&repository.upsert(&stored.entity).await);
                }
                answer
            }
            Self::Delete(id, expected) => {
                let (mut answer, revision) = expected.find::<E>(id, to, memory).await;
                answer.and(&repository.delete(id, revision).await);
                answer
            }
            Self::DeleteMany(ids) => Answer::of(&repository.delete_many(ids).await),
            Self::TooMany(method, entity) => {
                let entities = || vec![entity.clone(); MAX_BATCH + 1];
                match method {
                    0 => Answer::of(&repository.create_many(&entities()).await),
                    1 => Answer::of(&repository.update_many(&entities()).await),
                    2 => Answer::of(&repository.upsert_many(&entities()).await),
                    _ => Answer::of(&repository.delete_many(&vec![entity.id(); MAX_BATCH + 1]).await),
                }
            }
        }
    }
}

impl Expected {
    /// The revision on this side; and what was read to know it.
    async fn find<E: Kept + Show>(
        self,
        id: &E::Id,
        to: &dyn Repositories,
        memory: &Memory,
    ) -> (Answer, Option<Revision>) {
        match self {
            Self::Any => (Answer::default(), None),
            Self::Current => {
                let stored = E::reads(to).get(id, Visibility::WithDeleted).await;
                let revision = stored.as_ref().ok().and_then(Option::as_ref).map(|stored| stored.revision);
                (Answer::of(&stored), revision)
            }
            Self::Seen(n) => (Answer::default(), counted_back(&memory.revisions, n)),
        }
    }
}

/// The `n`th from the end, from 0; round and round.
fn counted_back<T: Copy>(values: &[T], n: usize) -> Option<T> {
    let n = n.checked_rem(values.len())?;
    values.iter().rev().nth(n).copied()
}

impl After {
    fn cursor(self, list: &str, memory: &Memory) -> Option<Cursor> {
        match self {
            Self::Start => None,
            Self::Last => memory.cursors.get(list).cloned(),
            Self::Foreign => memory.last_cursor.clone(),
            Self::Forged => Some(Cursor::from_text("AQAAAAAAAAAAAAAAAAAAAAB7fQ")),
        }
    }
}

/// By date, one page. By relevance, whose cursors hold only while nothing is written, all pages at once; their
/// order is checked here, and the scores, which are each adapter's own, are left out.
async fn search(request: &SearchRequest, after: After, to: &dyn Repositories, memory: &mut Memory) -> Answer {
    let list = format!("search {request:?}");
    let after = after.cursor(&list, memory);
    let mut request = SearchRequest { after, ..request.clone() };
    if request.order != SearchOrder::Relevance {
        let page =
            to.transcripts().search(&request).await.map(|page| Page { items: page.items, next: page.next });
        memory.note_page(list, &page);
        return Answer::of(&page);
    }
    let mut hits: Vec<SearchHit> = Vec::new();
    loop {
        match to.transcripts().search(&request).await {
            Err(error) => return Answer::of(&Err::<(), _>(error)),
            Ok(page) if page.items.is_empty() && page.next.is_some() => {
                return Answer::said("an empty page that is not the last one");
            }
            Ok(page) => {
                hits.extend(page.items);
                request.after = page.next;
            }
        }
        if request.after.is_none() {
            break;
        }
    }
    if let Err(violation) = scores_are_in_order(&hits) {
        return Answer::said(&format!("not {}: {}", violation.expected, violation.observed));
    }
    hits.iter_mut().for_each(|hit| hit.score = None);
    sort(&mut hits, SearchOrder::Relevance);
    Answer::of(&Page { items: hits, next: None })
}

impl TaskCall {
    async fn make(&self, to: &dyn Repositories, memory: &mut Memory) -> Answer {
        let tasks = to.processing_tasks();
        match self {
            Self::Enqueue(task) => Answer::of(&tasks.enqueue(task).await),
            Self::Claim(kinds, lease_ms) => {
                let request = ClaimRequest {
                    worker: worker("worker"),
                    kinds: kinds.clone(),
                    lease_ms: *lease_ms,
                    only: None,
                };
                let claimed = tasks.claim(&request).await;
                memory.note_claim(&claimed);
                Answer::of(&claimed)
            }
            Self::Heartbeat(lent, lease_ms) => {
                let (id, token) = lent.find(memory);
                Answer::of(&tasks.heartbeat(id, token, *lease_ms).await)
            }
            Self::Report(lent, progress) => {
                let (id, token) = lent.find(memory);
                Answer::of(&tasks.report(id, token, *progress).await)
            }
            Self::Complete(lent) => {
                let (id, token) = lent.find(memory);
                Answer::of(&tasks.complete(id, token).await)
            }
            Self::Fail(lent, failure) => {
                let (id, token) = lent.find(memory);
                Answer::of(&tasks.fail(id, token, failure).await)
            }
            Self::Retry(id) => Answer::of(&tasks.retry(*id).await),
            Self::Cancel(id) => Answer::of(&tasks.cancel(*id).await),
            Self::RemoveFinished(later, limit) => {
                let before = memory.time_in(*later);
                Answer::of(&tasks.remove_finished(before, *limit).await)
            }
        }
    }
}

impl Lent {
    fn find(self, memory: &Memory) -> (ProcessingTaskId, LeaseToken) {
        // Before the first claim: no task's token.
        let nobody = (ProcessingTaskId::new(uuid(9_999)), LeaseToken::new(uuid(9_999)));
        let (task, token) = counted_back(&memory.claims, self.claim).unwrap_or(nobody);
        (self.task.unwrap_or(task), token)
    }
}

// How steps are printed

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(At::Store, call) => write!(f, "{call}"),
            Self::Call(At::Unit(mode), call) => write!(f, "in the {mode:?} unit: {call}"),
            Self::Begin(mode) => write!(f, "begin {mode:?}"),
            Self::Commit(mode) => write!(f, "commit the {mode:?} unit"),
            Self::Rollback(mode) => write!(f, "roll the {mode:?} unit back"),
            Self::Drop(mode) => write!(f, "drop the {mode:?} unit"),
            Self::Clock(millis) => write!(f, "move the clock by {millis} ms"),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channels(on) => write!(f, "channels.{on}"),
            Self::Videos(on) => write!(f, "videos.{on}"),
            Self::Transcripts(on) => write!(f, "transcripts.{on}"),
            Self::KnowledgeGraphs(on) => write!(f, "knowledge_graphs.{on}"),
            Self::MediaFiles(on) => write!(f, "media_files.{on}"),
            Self::SourceFiles(on) => write!(f, "source_files.{on}"),
            Self::Playlists(on) => write!(f, "playlists.{on}"),
            Self::RestorePlaylist(id) => write!(f, "playlists.restore({id})"),
            Self::PurgePlaylist(id, expected) => write!(f, "playlists.purge({id}, {expected:?})"),
            Self::ProcessingTasks(read) => write!(f, "processing_tasks.{read}"),
            Self::Restore(id) => write!(f, "videos.restore({id})"),
            Self::Purge(id, expected) => write!(f, "videos.purge({id}, {expected:?})"),
            Self::FileAt(path, visibility) => write!(f, "media_files.get_by_path({path:?}, {visibility:?})"),
            Self::RemoveSources(paths) => write!(f, "source_files.remove_many([{}])", listed(paths)),
            Self::Search(request, after) => {
                let filter = (&request.channel_id, &request.video_id, &request.language, request.visibility);
                let SearchRequest { query, order, limit, cues_per_hit, .. } = request;
                write!(f, "transcripts.search({:?}, {}, ", query.source(), brief(&filter))?;
                write!(f, "{order:?}, limit {limit}, {cues_per_hit} cues, {after:?})")
            }
            Self::Task(call) => write!(f, "processing_tasks.{call}"),
        }
    }
}

impl<E: Kept> fmt::Display for On<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(read) => write!(f, "{read}"),
            Self::Write(write) => write!(f, "{write}"),
        }
    }
}

impl<E: Kept> fmt::Display for Read<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get(id, visibility) => write!(f, "get({id}, {visibility:?})"),
            Self::GetMany(ids, visibility) => write!(f, "get_many([{}], {visibility:?})", listed(ids)),
            Self::Exists(id, visibility) => write!(f, "exists({id}, {visibility:?})"),
            Self::List(filter, order, limit, after) => {
                write!(f, "list({}, {order:?}, limit {limit}, {after:?})", brief(filter))
            }
            Self::Count(filter) => write!(f, "count({})", brief(filter)),
            Self::TooMany(id) => write!(f, "get_many(too many of {id})"),
        }
    }
}

impl<E: Kept> fmt::Display for Write<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(entity) => write!(f, "create({})", brief(entity)),
            Self::CreateMany(entities) => write!(f, "create_many({})", brief(entities)),
            Self::Update(entity, expected) => write!(f, "update({}, {expected:?})", brief(entity)),
            Self::UpdateMany(entities) => write!(f, "update_many({})", brief(entities)),
            Self::Upsert(entity) => write!(f, "upsert({})", brief(entity)),
            Self::UpsertMany(entities) => write!(f, "upsert_many({})", brief(entities)),
            Self::Again(id) => write!(f, "upsert({id} as it is stored)"),
            Self::Delete(id, expected) => write!(f, "delete({id}, {expected:?})"),
            Self::DeleteMany(ids) => write!(f, "delete_many([{}])", listed(ids)),
            Self::TooMany(method, entity) => {
                let method = ["create", "update", "upsert", "delete"][usize::from(*method).min(3)];
                write!(f, "{method}_many(too many of {})", entity.id())
            }
        }
    }
}

impl fmt::Display for TaskCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enqueue(task) => write!(f, "enqueue({})", brief(task)),
            Self::Claim(kinds, lease_ms) => write!(f, "claim({}, {lease_ms} ms)", brief(kinds)),
            Self::Heartbeat(lent, lease_ms) => write!(f, "heartbeat({lent}, {lease_ms} ms)"),
            Self::Report(lent, progress) => write!(f, "report({lent}, {} %)", progress.get()),
            Self::Complete(lent) => write!(f, "complete({lent})"),
            Self::Fail(lent, failure) => write!(f, "fail({lent}, {failure:?})"),
            Self::Retry(id) => write!(f, "retry({id})"),
            Self::Cancel(id) => write!(f, "cancel({id})"),
            Self::RemoveFinished(later, limit) => {
                write!(f, "remove_finished(what finished before now + {later} ms, {limit})")
            }
        }
    }
}

impl fmt::Display for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            None => write!(f, "claim {} back", self.claim),
            Some(task) => write!(f, "{task} with the token of claim {} back", self.claim),
        }
    }
}

fn listed(ids: &[impl fmt::Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A value as JSON, without what is absent or empty.
fn brief(value: &impl Serialize) -> String {
    fn prune(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.values_mut().for_each(prune);
                map.retain(|_, value| !is_empty(value));
            }
            Value::Array(values) => values.iter_mut().for_each(prune),
            _ => {}
        }
    }
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(values) => values.is_empty(),
            _ => false,
        }
    }
    let mut value = serde_json::to_value(value).unwrap_or_default();
    prune(&mut value);
    value.to_string()
}
