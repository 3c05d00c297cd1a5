//! [`State`]: all that the store holds at one moment.
//!
//! It is made of persistent maps: a clone shares everything with its original, and a change copies only the
//! path to what is changed. So a reader keeps the state of its moment for the price of a pointer, and a write
//! that fails is undone by forgetting its copy. Ids and entities stand in `Arc`s, which makes copying a node
//! of a tree cheap.

use std::borrow::Borrow;
use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use tubeatlas_domain::{Entity, Timestamp};
use tubeatlas_ports::{Error, IdGenerator, Result, Revision, Stored};

use crate::channels::Channels;
use crate::knowledge_graphs::KnowledgeGraphs;
use crate::media_files::MediaFiles;
use crate::playlists::Playlists;
use crate::processing_tasks::ProcessingTasks;
use crate::search::Index;
use crate::source_files::SourceFiles;
use crate::transcripts::Transcripts;
use crate::videos::Videos;

/// All that the store holds at one moment.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) channels: Channels,
    pub(crate) videos: Videos,
    pub(crate) transcripts: Transcripts,
    pub(crate) knowledge_graphs: KnowledgeGraphs,
    pub(crate) processing_tasks: ProcessingTasks,
    pub(crate) media_files: MediaFiles,
    pub(crate) source_files: SourceFiles,
    pub(crate) playlists: Playlists,
    pub(crate) index: Index,
    /// The number of the last change; 0 before the first.
    pub(crate) revision: u64,
}

impl State {
    /// The revision of the next change.
    pub(crate) fn next_revision(&mut self) -> Result<Revision> {
        let revision = Revision::new(self.revision.saturating_add(1)).map_err(|error| Error::Backend {
            message: "all revisions are used up".to_owned(),
            source: Some(Box::new(error)),
        })?;
        self.revision = revision.get();
        Ok(revision)
    }
}

/// What a write takes from outside: read once, after the right to write was given.
pub(crate) struct Stamp<'a> {
    pub(crate) now: Timestamp,
    pub(crate) ids: &'a dyn IdGenerator,
}

/// The entities of one kind by id.
pub(crate) type Table<E> = OrdMap<Arc<<E as Entity>::Id>, Arc<Stored<E>>>;

/// Keys in order for each member of a group: what belongs to an owner, which passages hold a word.
#[derive(Clone, PartialEq)]
pub(crate) struct Groups<G: Ord, K: Ord>(OrdMap<G, OrdSet<K>>);

impl<G: Ord, K: Ord> Default for Groups<G, K> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<G: Ord + Clone, K: Ord + Clone> Groups<G, K> {
    pub(crate) fn insert(&mut self, group: G, key: K) {
        self.0.entry(group).or_default().insert(key);
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, group: &Q, key: &K)
    where
        G: Borrow<Q>,
    {
        let Some(keys) = self.0.get_mut(group) else { return };
        keys.remove(key);
        if keys.is_empty() {
            self.0.remove(group);
        }
    }

    /// Moves what changed its group or key, came or went.
    pub(crate) fn rekey(&mut self, old: Option<(G, K)>, new: Option<(G, K)>) {
        if old == new {
            return;
        }
        if let Some((group, key)) = old {
            self.remove(&group, &key);
        }
        if let Some((group, key)) = new {
            self.insert(group, key);
        }
    }

    /// The keys of a group; `None` if it has none.
    pub(crate) fn of<Q: Ord + ?Sized>(&self, group: &Q) -> Option<&OrdSet<K>>
    where
        G: Borrow<Q>,
    {
        self.0.get(group)
    }

    /// The groups from this one on, in order.
    pub(crate) fn from<Q: Ord + ?Sized>(&self, group: &Q) -> impl Iterator<Item = (&G, &OrdSet<K>)>
    where
        G: Borrow<Q>,
    {
        self.0.range::<_, Q>((Bound::Included(group), Bound::Unbounded))
    }
}

impl<K: Ord + Clone> Groups<Arc<str>, K> {
    /// [`insert`](Self::insert) that keeps the text only if the group is new.
    pub(crate) fn insert_at(&mut self, group: &str, key: K) {
        match self.0.get_mut(group) {
            Some(keys) => drop(keys.insert(key)),
            None => self.insert(group.into(), key),
        }
    }
}

/// Moves what changed its key, came or went.
pub(crate) fn rekey<K: Ord + Clone>(keys: &mut OrdSet<K>, old: Option<K>, new: Option<K>) {
    if old == new {
        return;
    }
    if let Some(key) = old {
        keys.remove(&key);
    }
    if let Some(key) = new {
        keys.insert(key);
    }
}

/// The keys between two others, in order; none if there are no keys or the bounds have crossed.
pub(crate) fn between<'a, K, Q>(
    keys: Option<&'a OrdSet<K>>,
    after: Option<&Q>,
    before: Option<&Q>,
) -> impl DoubleEndedIterator<Item = &'a K> + use<'a, K, Q>
where
    K: Ord + Clone + Borrow<Q>,
    Q: Ord + ?Sized,
{
    let crossed = matches!((after, before), (Some(after), Some(before)) if after >= before);
    let bounds = (excluded(after), excluded(before));
    keys.filter(|_| !crossed).map(|keys| keys.range::<_, Q>(bounds)).into_iter().flatten()
}

/// The range behind a key, or all of it.
pub(crate) fn behind<Q: ?Sized>(after: Option<&Q>) -> (Bound<&Q>, Bound<&Q>) {
    (excluded(after), Bound::Unbounded)
}

fn excluded<Q: ?Sized>(key: Option<&Q>) -> Bound<&Q> {
    key.map_or(Bound::Unbounded, Bound::Excluded)
}

/// When something was created, and its id: the order key of graphs and tasks.
pub(crate) type CreationKey<I> = (Timestamp, I);

/// Such keys in order, or the other way round, from behind one of them on.
pub(crate) fn by_creation<'a, I: Ord + Copy>(
    keys: Option<&'a OrdSet<CreationKey<I>>>,
    newest_first: bool,
    after: Option<CreationKey<I>>,
) -> Box<dyn Iterator<Item = &'a CreationKey<I>> + 'a> {
    if newest_first {
        Box::new(between(keys, None, after.as_ref()).rev())
    } else {
        Box::new(between(keys, after.as_ref(), None))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tubeatlas_contract::fixtures::{
        a_channel, a_full_channel, a_full_knowledge_graph, a_full_media_file, a_full_playlist,
        a_full_source_file, a_full_task, a_full_transcript, a_full_video, a_knowledge_graph_with,
        a_media_file, a_playlist, a_source_file, a_task, a_transcript, a_video, noon, worker,
    };
    use tubeatlas_domain::{GraphOwner, SourceOutcome, TaskFailure};
    use tubeatlas_ports::{ClaimRequest, Repositories};

    use super::*;
    use crate::store::tests::a_store;

    #[test]
    fn between_two_keys_stands_what_an_ordered_set_says() {
        let numbers: OrdSet<u32> = (0..200_u32).map(|n| n * 2).collect();
        let reference: BTreeSet<u32> = numbers.iter().copied().collect();
        let keys = || (0..402).step_by(7).map(Some).chain([None]);
        for (after, before) in keys().flat_map(|after| keys().map(move |before| (after, before))) {
            let expected: Vec<_> = reference
                .iter()
                .filter(|n| after.is_none_or(|after| **n > after) && before.is_none_or(|before| **n < before))
                .collect();
            let found: Vec<_> = between(Some(&numbers), after.as_ref(), before.as_ref()).collect();
            assert_eq!(found, expected, "{after:?} {before:?}");
            let mut backwards: Vec<_> =
                between(Some(&numbers), after.as_ref(), before.as_ref()).rev().collect();
            backwards.reverse();
            assert_eq!(backwards, expected, "{after:?} {before:?}");
        }
        assert_eq!(between::<u32, u32>(None, None, None).count(), 0);
    }

    /// What is removed leaves no key behind in any index.
    #[tokio::test]
    async fn nothing_is_left_of_what_is_gone() {
        let store = a_store();
        let channels = [a_channel(), a_full_channel()];
        let videos = [a_video(), a_full_video()];
        store.channels().create_many(&channels).await.unwrap();
        store.videos().create_many(&videos).await.unwrap();
        let graph = a_knowledge_graph_with(|g| g.owner = GraphOwner::Channel(a_channel().id.clone()));
        store.knowledge_graphs().create(&graph).await.unwrap();
        store.knowledge_graphs().create(&a_full_knowledge_graph()).await.unwrap();
        store.transcripts().create_many(&[a_transcript(), a_full_transcript()]).await.unwrap();
        store.media_files().create_many(&[a_media_file(), a_full_media_file()]).await.unwrap();
        let playlists = [a_playlist(), a_full_playlist()];
        store.playlists().create_many(&playlists).await.unwrap();
        let sources = [a_source_file(), a_full_source_file()];
        store.source_files().create_many(&sources).await.unwrap();

        // Everything is changed in all that an index stands on.
        let mut changed = a_full_video().into_fields();
        changed.channel_id = Some(a_channel().id.clone());
        changed.published_at = None;
        changed.title = "Changed".into();
        store.videos().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = a_media_file().into_fields();
        changed.path = "/changed".into();
        changed.video_id = a_full_video().id.clone();
        store.media_files().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = a_full_playlist().into_fields();
        (changed.channel_id, changed.title) = (Some(a_full_channel().id.clone()), "Changed".into());
        changed.videos.truncate(99);
        store.playlists().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = a_source_file().into_fields();
        changed.outcome = SourceOutcome::Ignored("changed".into());
        store.source_files().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = a_transcript().into_fields();
        changed.cues.truncate(1);
        store.transcripts().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = graph.clone().into_fields();
        changed.owner = GraphOwner::Video(a_video().id.clone());
        store.knowledge_graphs().update(&changed.try_into().unwrap(), None).await.unwrap();
        let mut changed = a_channel().into_fields();
        changed.title = "Changed".into();
        store.channels().update(&changed.try_into().unwrap(), None).await.unwrap();

        let tasks = store.processing_tasks();
        tasks.enqueue(&a_task()).await.unwrap();
        let cancelled = tasks.enqueue(&a_full_task()).await.unwrap();
        tasks.cancel(cancelled.entity.id).await.unwrap();
        let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 1_000, only: None };
        let claimed = tasks.claim(&request).await.unwrap().unwrap();
        let token = claimed.lease.as_ref().unwrap().token;
        let failure = TaskFailure::new("no", None).unwrap();
        tasks.fail(claimed.entity.id, token, &failure).await.unwrap();

        store.playlists().delete(&a_playlist().id, None).await.unwrap();
        for playlist in playlists {
            store.playlists().purge(&playlist.id, None).await.unwrap();
        }
        store.source_files().delete(&a_source_file().path, None).await.unwrap();
        let removed = store.source_files().remove_many(&[a_full_source_file().path.clone()]).await;
        assert_eq!(removed.unwrap(), 1);
        store.videos().delete(&a_video().id, None).await.unwrap();
        for video in videos {
            store.videos().purge(&video.id, None).await.unwrap();
        }
        store.channels().delete_many(&channels.map(|channel| channel.id.clone())).await.unwrap();
        assert_eq!(tasks.remove_finished(noon().saturating_add_millis(1), 9).await.unwrap(), 2);

        let mut state = State::clone(&store.published());
        state.revision = 0;
        state.index.forget_numbers();
        assert!(state == State::default());
    }
}
