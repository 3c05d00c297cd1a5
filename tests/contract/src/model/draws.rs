//! What the steps of sequences are drawn from, and how often each.

use proptest::prelude::*;
use proptest::sample::select;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{
    Channel, KnowledgeGraph, KnowledgeGraphId, MediaFile, MediaFileId, Playlist, ProcessingTask,
    ProcessingTaskId, Progress, SourceFile, TaskFailure, Transcript, TranscriptId, Video,
};
use tubeatlas_ports::{MAX_LEASE_MS, MAX_PAGE_LIMIT, MAX_SEARCH_LIMIT, Mode, SearchOrder, SearchRequest};

use super::call::{After, At, Call, Expected, Lent, Read, Step, TaskCall, Write};
use super::universe::{
    CHANNELS, Drawn, FILES, GRAPHS, Inhabitant, PATHS, TASKS, VIDEOS, Written, a_kind_of_task, a_language,
    a_task_id, a_visibility, entities, new_tasks, of_channel, of_video, perhaps,
};
use crate::fixtures::{channel_id, language, uuid, video_id};

/// What the steps of a sequence are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    /// All calls of the five written kinds, each a transaction of its own.
    Catalogue,
    /// The same and the tasks, on the store and in units of work.
    Units,
    /// The tasks, and a clock that jumps.
    Tasks,
    /// Lists and their cursors, and writes between the pages.
    Pages,
    /// Searches, and writes of what is searched.
    Searches,
}

const QUERIES: [&str; 12] = [
    "star",
    "star*",
    "\"black hole\"",
    "black star",
    "black -hole",
    "köln OR hole",
    "KOLN",
    "東京",
    "\"the black s*\"",
    "or",
    "nothing",
    "hole -\"black hole\"",
];

// Calls

fn expected() -> Drawn<Expected> {
    prop_oneof![
        3 => Just(Expected::Any),
        2 => Just(Expected::Current),
        2 => (0..6_usize).prop_map(Expected::Seen),
    ]
    .boxed()
}

/// A limit that is met often, and sometimes one that is refused.
fn a_limit(max: u32) -> Drawn<u32> {
    prop_oneof![14 => 1..4_u32, 5 => Just(max), 1 => select(vec![0, max + 1])].boxed()
}

fn after() -> Drawn<After> {
    prop_oneof![
        6 => Just(After::Start),
        12 => Just(After::Last),
        1 => Just(After::Foreign),
        1 => Just(After::Forged),
    ]
    .boxed()
}

/// A limit, and a cursor; at most one of them is refused, for which one comes first is not promised.
fn a_page(max: u32) -> Drawn<(u32, After)> {
    let page = move |(limit, after)| match (1..=max).contains(&limit) {
        true => (limit, after),
        false => (limit, After::Start),
    };
    (a_limit(max), after()).prop_map(page).boxed()
}

fn lists<E: Inhabitant>() -> Drawn<Call> {
    let list = |(filter, order, (limit, after))| E::on(Read::List(filter, order, limit, after));
    // All that there is, more often than what each filter makes.
    let filters = prop_oneof![Just(E::Filter::default()), <E as Inhabitant>::filters()];
    (filters, select(E::orders()), a_page(MAX_PAGE_LIMIT)).prop_map(list).boxed()
}

fn reads<E: Inhabitant>() -> Drawn<Call> {
    let ids = || prop::collection::vec(E::ids(), 0..4);
    prop_oneof![
        8 => (E::ids(), a_visibility()).prop_map(|(id, seen)| E::on(Read::Get(id, seen))),
        4 => (ids(), a_visibility()).prop_map(|(ids, seen)| E::on(Read::GetMany(ids, seen))),
        4 => (E::ids(), a_visibility()).prop_map(|(id, seen)| E::on(Read::Exists(id, seen))),
        8 => lists::<E>(),
        4 => <E as Inhabitant>::filters().prop_map(|filter| E::on(Read::Count(filter))),
        1 => E::ids().prop_map(|id| E::on(Read::TooMany(id))),
    ]
    .boxed()
}

fn writes<E: Written>() -> Drawn<Call> {
    let some = || prop::collection::vec(entities::<E>(), 0..4);
    let ids = || prop::collection::vec(E::ids(), 0..3);
    prop_oneof![
        8 => entities::<E>().prop_map(|entity| E::write(Write::Create(entity))),
        6 => some().prop_map(|entities| E::write(Write::CreateMany(entities))),
        8 => (entities::<E>(), expected()).prop_map(|(entity, at)| E::write(Write::Update(entity, at))),
        4 => some().prop_map(|entities| E::write(Write::UpdateMany(entities))),
        10 => entities::<E>().prop_map(|entity| E::write(Write::Upsert(entity))),
        8 => some().prop_map(|entities| E::write(Write::UpsertMany(entities))),
        4 => E::ids().prop_map(|id| E::write(Write::Again(id))),
        6 => (E::ids(), expected()).prop_map(|(id, at)| E::write(Write::Delete(id, at))),
        2 => ids().prop_map(|ids| E::write(Write::DeleteMany(ids))),
        1 => (0..4_u8, entities::<E>()).prop_map(|(method, entity)| E::write(Write::TooMany(method, entity))),
    ]
    .boxed()
}

fn videos_back_and_gone() -> Drawn<Call> {
    prop_oneof![
        3 => of_video().prop_map(Call::Restore),
        1 => (of_video(), expected()).prop_map(|(id, at)| Call::Purge(id, at)),
    ]
    .boxed()
}

fn files_at() -> Drawn<Call> {
    (select(&PATHS), a_visibility()).prop_map(|(path, seen)| Call::FileAt(path.to_owned(), seen)).boxed()
}

fn playlists_back_and_gone() -> Drawn<Call> {
    prop_oneof![
        3 => Playlist::ids().prop_map(Call::RestorePlaylist),
        1 => (Playlist::ids(), expected()).prop_map(|(id, at)| Call::PurgePlaylist(id, at)),
    ]
    .boxed()
}

fn sources_gone() -> Drawn<Call> {
    prop::collection::vec(SourceFile::ids(), 0..4).prop_map(Call::RemoveSources).boxed()
}

fn searches() -> Drawn<Call> {
    let orders = select(&[SearchOrder::Relevance, SearchOrder::Newest, SearchOrder::Oldest]);
    // Few that ask for more than the query, so that pages are gone on with.
    fn seldom<T: Clone + std::fmt::Debug + 'static>(some: Drawn<T>) -> Drawn<Option<T>> {
        prop_oneof![5 => Just(None), 1 => some.prop_map(Some)].boxed()
    }
    let queries = select(&QUERIES).prop_filter_map("a query", |text| SearchQuery::parse(text).ok());
    let filters = (seldom(of_channel()), seldom(of_video()), seldom(a_language()), a_visibility());
    (queries, filters, orders, a_page(MAX_SEARCH_LIMIT), 0..3_u32)
        .prop_map(|(query, (channel_id, video_id, language, visibility), order, (limit, after), cues)| {
            let request = SearchRequest {
                channel_id,
                video_id,
                language,
                visibility,
                order,
                limit,
                cues_per_hit: cues,
                ..SearchRequest::new(query)
            };
            // Of pages by relevance all are read at once.
            let after = match (order, after) {
                (SearchOrder::Relevance, After::Last) => After::Start,
                _ => after,
            };
            Call::Search(request, after)
        })
        .boxed()
}

fn lent() -> Drawn<Lent> {
    let claims = prop_oneof![3 => Just(0), 2 => 1..4_usize];
    let tasks = prop_oneof![4 => Just(None), 1 => a_task_id().prop_map(Some)];
    (claims, tasks).prop_map(|(claim, task)| Lent { claim, task }).boxed()
}

fn a_lease() -> Drawn<u64> {
    prop_oneof![6 => select(&[1_000, 1, 60_000]), 1 => select(&[0, MAX_LEASE_MS, MAX_LEASE_MS + 1])].boxed()
}

fn tasks() -> Drawn<Call> {
    let kinds = || perhaps(prop::collection::vec(a_kind_of_task(), 0..3).boxed());
    let progress = select(&[50_u8, 0, 100]).prop_filter_map("per cent", |n| Progress::new(n).ok());
    let failure = select(&[None, Some(0), Some(5_000)])
        .prop_filter_map("a failure", |after| TaskFailure::new("no luck", after).ok());
    let call = prop_oneof![
        5 => new_tasks(a_task_id()).prop_map(TaskCall::Enqueue),
        10 => (kinds(), a_lease()).prop_map(|(kinds, lease)| TaskCall::Claim(kinds, lease)),
        3 => (lent(), a_lease()).prop_map(|(lent, lease)| TaskCall::Heartbeat(lent, lease)),
        2 => (lent(), progress).prop_map(|(lent, progress)| TaskCall::Report(lent, progress)),
        3 => lent().prop_map(TaskCall::Complete),
        3 => (lent(), failure).prop_map(|(lent, failure)| TaskCall::Fail(lent, failure)),
        3 => a_task_id().prop_map(TaskCall::Retry),
        2 => a_task_id().prop_map(TaskCall::Cancel),
        2 => (select(&[0, 1, -1_000, 60_000]), a_limit(MAX_PAGE_LIMIT))
            .prop_map(|(later, limit)| TaskCall::RemoveFinished(later, limit)),
    ];
    call.prop_map(Call::Task).boxed()
}

fn all_reads() -> Drawn<Call> {
    prop_oneof![
        3 => reads::<Channel>(),
        4 => reads::<Video>(),
        3 => reads::<Transcript>(),
        3 => reads::<KnowledgeGraph>(),
        3 => reads::<MediaFile>(),
        1 => files_at(),
        2 => reads::<SourceFile>(),
        2 => reads::<Playlist>(),
    ]
    .boxed()
}

fn all_writes() -> Drawn<Call> {
    prop_oneof![
        3 => writes::<Channel>(),
        5 => writes::<Video>(),
        3 => writes::<Transcript>(),
        3 => writes::<KnowledgeGraph>(),
        3 => writes::<MediaFile>(),
        2 => videos_back_and_gone(),
        2 => writes::<SourceFile>(),
        2 => writes::<Playlist>(),
        1 => playlists_back_and_gone(),
        1 => sources_gone(),
    ]
    .boxed()
}

// Steps

fn clocks() -> Drawn<Step> {
    select(&[1_000_i64, 1, 5_000, 60_000, -1, -30_000]).prop_map(Step::Clock).boxed()
}

fn on_the_store(call: Drawn<Call>) -> Drawn<Step> {
    call.prop_map(|call| Step::call(At::Store, call)).boxed()
}

fn in_units(call: Drawn<Call>) -> Drawn<Step> {
    let places = prop_oneof![
        2 => Just(At::Store),
        5 => Just(At::Unit(Mode::ReadWrite)),
        2 => Just(At::Unit(Mode::ReadOnly)),
    ];
    (places, call).prop_map(|(at, call)| Step::call(at, call)).boxed()
}

fn units() -> Drawn<Step> {
    let modes = || prop_oneof![2 => Just(Mode::ReadWrite), 1 => Just(Mode::ReadOnly)];
    prop_oneof![
        6 => modes().prop_map(Step::Begin),
        4 => modes().prop_map(Step::Commit),
        2 => modes().prop_map(Step::Rollback),
        1 => modes().prop_map(Step::Drop),
    ]
    .boxed()
}

/// Creates one with each of these ids, in one call.
fn created<E: Written>(ids: Vec<E::Id>) -> Drawn<Step> {
    let entities: Vec<_> = ids.into_iter().map(|id| E::described(Just(id).boxed())).collect();
    on_the_store(entities.prop_map(|entities| E::write(Write::CreateMany(entities))).boxed())
}

/// The first steps of a sequence with this focus: something that the others can meet.
pub(super) fn opening(focus: Focus) -> Vec<BoxedStrategy<Step>> {
    let channels = || created::<Channel>(CHANNELS[..2].iter().map(|id| channel_id(id)).collect());
    let videos = || created::<Video>(VIDEOS[..3].iter().map(|id| video_id(id)).collect());
    let transcripts = || {
        let id = |(video, tag)| TranscriptId { video_id: video_id(video), language: language(tag) };
        created::<Transcript>(
            [("vid", "en"), ("vid", "en-US"), ("VID", "en"), ("vi_", "de")].map(id).to_vec(),
        )
    };
    let graphs =
        || created::<KnowledgeGraph>((GRAPHS..GRAPHS + 3).map(|n| KnowledgeGraphId::new(uuid(n))).collect());
    let files = || created::<MediaFile>((FILES..FILES + 2).map(|n| MediaFileId::new(uuid(n))).collect());
    let task = |n| {
        let task = new_tasks(Just(ProcessingTaskId::new(uuid(TASKS + n))).boxed());
        on_the_store(task.prop_map(|task| Call::Task(TaskCall::Enqueue(task))).boxed())
    };
    match focus {
        Focus::Catalogue => vec![channels(), videos(), transcripts(), graphs(), files()],
        Focus::Units => vec![channels(), videos(), files(), task(0)],
        Focus::Tasks => vec![task(0), task(1), task(2)],
        Focus::Pages => {
            vec![channels(), videos(), transcripts(), graphs(), files(), task(0), task(1), task(2)]
        }
        Focus::Searches => vec![channels(), videos(), transcripts()],
    }
}

/// The other steps of a sequence with this focus.
pub(super) fn steps(focus: Focus) -> BoxedStrategy<Step> {
    match focus {
        Focus::Catalogue => prop_oneof![
            6 => on_the_store(all_writes()),
            4 => on_the_store(all_reads()),
            1 => clocks(),
        ]
        .boxed(),
        Focus::Units => prop_oneof![
            8 => in_units(all_writes()),
            5 => in_units(all_reads()),
            3 => in_units(tasks()),
            1 => in_units(reads::<ProcessingTask>()),
            5 => units(),
            1 => clocks(),
        ]
        .boxed(),
        Focus::Tasks => prop_oneof![
            8 => on_the_store(tasks()),
            2 => on_the_store(reads::<ProcessingTask>()),
            3 => clocks(),
        ]
        .boxed(),
        Focus::Pages => prop_oneof![
            3 => on_the_store(all_writes()),
            1 => on_the_store(tasks()),
            2 => on_the_store(lists::<Channel>()),
            3 => on_the_store(lists::<Video>()),
            2 => on_the_store(lists::<Transcript>()),
            2 => on_the_store(lists::<KnowledgeGraph>()),
            2 => on_the_store(lists::<MediaFile>()),
            2 => on_the_store(lists::<ProcessingTask>()),
            2 => on_the_store(lists::<SourceFile>()),
            2 => on_the_store(lists::<Playlist>()),
            1 => clocks(),
        ]
        .boxed(),
        Focus::Searches => prop_oneof![
            3 => on_the_store(writes::<Video>()),
            4 => on_the_store(writes::<Transcript>()),
            2 => on_the_store(videos_back_and_gone()),
            1 => on_the_store(writes::<Channel>()),
            6 => on_the_store(searches()),
        ]
        .boxed(),
    }
}
