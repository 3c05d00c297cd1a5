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
use crate::processing_tasks::ProcessingTasks;
use crate::search::Index;
use crate::transcripts::Transcripts;
use crate::videos::Videos;

/// All that the store holds at one moment.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) channels: Channels,
    pub(crate) videos: Videos,
    pub(crate) transcripts: Transcripts,
    pub(crate) knowledge_graphs: KnowledgeGraphs,
    pub(crate) processing_tasks: ProcessingTasks,
    pub(crate) media_files: MediaFiles,
    pub(crate) index: Index,
    /// The number of the last change.
    revision: u64,
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

    /// The number of the last change; 0 before the first.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
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
#[derive(Clone)]
pub(crate) struct Groups<G, K>(OrdMap<G, OrdSet<K>>);

impl<G, K> Default for Groups<G, K> {
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

/// The bound at a key, which it leaves out; without a key there is no bound.
pub(crate) fn excluded<Q: ?Sized>(key: Option<&Q>) -> Bound<&Q> {
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
