//! The generic core of the repositories: what is true for every kind of entity.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::stream::{self, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tubeatlas_domain::{Entity, EntityKind, Problem, ValidationError};

use crate::{CursorScope, Error, Page, PageRequest, Result, Revision, Stored, Upserted, Visibility};

/// The most entities or ids in one call of a `_many` method: bounded, because a call is one transaction.
pub const MAX_BATCH: usize = 1_000;

/// An entity that a repository keeps: how it is filtered, ordered and listed.
pub trait Catalogued: Entity {
    /// Which of them a list or count takes in. Its default takes in all that are live.
    type Filter: Clone + Default + PartialEq + std::fmt::Debug + Serialize + Send + Sync + 'static;
    /// The orders in which they can be listed.
    type Order: Copy + Default + PartialEq + std::fmt::Debug + Serialize + Send + Sync + 'static;
    /// How a list shows one: the entity itself, or a summary without its content.
    type Listed: Clone + PartialEq + std::fmt::Debug + Serialize + Send + Sync + 'static;
    /// The order key after which a page goes on; what a cursor of the list holds.
    type Position: Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync;

    /// The scope of the cursors of a list with this order and filter.
    fn cursor_scope(order: Self::Order, filter: &Self::Filter) -> CursorScope {
        CursorScope::new(Self::KIND.as_str(), &order, filter)
    }

    /// How a list shows this one.
    fn listed(&self) -> Self::Listed;

    /// The order key of a listed row. Lists compare these keys, and texts in them byte by byte.
    fn position(listed: &Stored<Self::Listed>) -> Self::Position;
}

/// Reads of entities of one kind.
///
/// # What an implementor owes
/// - Each call on a store is one transaction of its own, and sees all of a committed unit of work or nothing;
///   a call on a unit of work sees what that unit wrote.
/// - Every method may answer [`Unavailable`](crate::Error::Unavailable), [`Timeout`](crate::Error::Timeout),
///   [`Closed`](crate::Error::Closed), [`Corrupt`](crate::Error::Corrupt) and
///   [`Backend`](crate::Error::Backend), writes also [`StorageFull`](crate::Error::StorageFull), and inside a
///   unit of work [`Conflict::Serialization`](crate::Conflict::Serialization); its documentation names what
///   else it may answer. A single call that gives way to others again and again answers `Timeout` in the end.
/// - What is read equals (`PartialEq`) what was written. A stored row that the domain refuses is `Corrupt`.
/// - A text in a filter or look-up that no entity can hold (too long, with NUL) finds nothing, and is no error.
/// - Nothing waits longer than the configured time.
/// - The future of a call may be dropped at any time: dropping never blocks and never panics.
#[async_trait]
pub trait Repository<E: Catalogued>: Send + Sync {
    /// The entity with this id, or `None` if there is none or `visibility` hides it.
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>>;

    /// The entities with these ids, each at the place of its id; an id that is asked for twice is answered
    /// twice. All are read at one moment.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`] ids.
    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>>;

    /// Whether [`get`](Self::get) would find something.
    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool>;

    /// A page of those that the filter takes in, in the order asked for; see [`Page`] for its promises.
    ///
    /// # Errors
    /// [`Invalid`](crate::Error::Invalid) for a limit that is not from 1 to
    /// [`MAX_PAGE_LIMIT`](crate::MAX_PAGE_LIMIT), and for a cursor that this list, in this order and with
    /// this filter, did not give out.
    async fn list(&self, filter: &E::Filter, page: &PageRequest<E::Order>)
    -> Result<Page<Stored<E::Listed>>>;

    /// How many the filter takes in.
    async fn count(&self, filter: &E::Filter) -> Result<u64>;
}

/// Writes of entities whose state is free.
///
/// # What an implementor owes, beyond [`Repository`]
/// - A write is atomic: it happens wholly or not at all, also when its future is dropped (then it possibly
///   happened) or the process dies. Of a `_many` call, either all items are written or none.
/// - What was acknowledged outside a unit of work, or by its commit, is durable as the adapter documents.
/// - A write that changes something gives what it writes a new [`Revision`] and sets `updated_at` from the
///   clock as [`Stored::changed`] does; a call reads the clock once. One that changes nothing writes nothing.
/// - The items of a `_many` call take effect one after the other, with ever larger revisions: a later one sees
///   the earlier ones.
/// - When several answers apply, the first of these is given: `Closed` or `Conflict::Serialization` of a unit
///   of work that has ended, `Unsupported`, `Invalid`, `ReadOnly`, `NotFound` or [`Upserted::LeftDeleted`],
///   `Conflict::Revision`, `AlreadyExists` (of `id` before `path`), `MissingReference`, `StillReferenced` (by
///   a video before by a graph before by a playlist); of a `_many` call, the error of the first item that has
///   one.
/// - In a read-only unit of work, every write that is not refused for an earlier reason of this list answers
///   [`ReadOnly`](crate::Error::ReadOnly), also one that would change nothing.
/// - Nothing can be attached to what is not there: the channel of a video or playlist, if it names one, must
///   exist; the video of a transcript, graph or media file must exist and not be deleted; a graph's channel
///   must exist.
/// - What is stored belongs to the owner that it is stored with: if that video is deleted, it is hidden, and
///   `update` and `delete` of it are `NotFound`, `upsert` leaves it alone. Only what is new is judged by the
///   owner that it names. To move something to an owner that is missing or deleted is `MissingReference`, for
///   `update` and `upsert` alike.
#[async_trait]
pub trait WriteRepository<E: Catalogued>: Repository<E> {
    /// Stores a new entity.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::Error::AlreadyExists) if its id, or another field that must be unique, is
    /// taken, be it by something deleted; [`MissingReference`](crate::Error::MissingReference).
    async fn create(&self, entity: &E) -> Result<Stored<E>>;

    /// [`create`](Self::create) for each, all or nothing; the answers stand in the order of the items.
    ///
    /// # Errors
    /// As `create`, and [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`] items.
    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>>;

    /// Changes the entity with the same id to `entity`; with `expected`, only if it is still at that
    /// revision. If it is equal already, nothing is written, and the answer has the old revision.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if it, or the video it belongs to, is not there or deleted;
    /// [`Conflict::Revision`](crate::Conflict::Revision) if it is at another revision than `expected`, also
    /// when it is equal; [`AlreadyExists`](crate::Error::AlreadyExists) if another field that must be unique
    /// is taken; [`MissingReference`](crate::Error::MissingReference).
    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>>;

    /// [`update`](Self::update) for each, whatever revisions they are at, all or nothing.
    ///
    /// # Errors
    /// As `update`, and [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`] items.
    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>>;

    /// Creates the entity if its id is free, changes what has its id to it if that differs, and leaves what
    /// is deleted alone: a deleted video or playlist; what is stored with a deleted video; and something new
    /// that names a deleted video.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::Error::AlreadyExists) if another field than the id must be unique and is
    /// taken; [`MissingReference`](crate::Error::MissingReference).
    async fn upsert(&self, entity: &E) -> Result<Upserted<E>>;

    /// [`upsert`](Self::upsert) for each, all or nothing; the answers stand in the order of the items.
    ///
    /// # Errors
    /// As `upsert`, and [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`] items.
    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>>;

    /// Deletes the entity; with `expected`, only if it is still at that revision. A video is deleted softly
    /// (see [`VideoRepository`](crate::VideoRepository)), and so is a playlist; everything else is gone.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if it, or the video it belongs to, is not there or deleted;
    /// [`Conflict::Revision`](crate::Conflict::Revision);
    /// [`StillReferenced`](crate::Error::StillReferenced) for a channel with videos or playlists, deleted
    /// ones too, or graphs.
    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()>;

    /// [`delete`](Self::delete) for each, whatever revisions they are at, all or nothing. An id that is there
    /// twice is not found the second time.
    ///
    /// # Errors
    /// As `delete`, and [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`] ids.
    async fn delete_many(&self, ids: &[E::Id]) -> Result<()>;

    /// Takes in what another store has stored, all or nothing, as it is there: with its times, and deleted if it is
    /// deleted. Only the revision is a new one, for revisions count the changes of one store. What it belongs to must
    /// be there already, and may be deleted.
    ///
    /// # Errors
    /// [`AlreadyExists`](crate::Error::AlreadyExists) as `create`;
    /// [`MissingReference`](crate::Error::MissingReference) for what is not there at all;
    /// [`Invalid`](crate::Error::Invalid) as [`check_adopted`]; [`Unsupported`](crate::Error::Unsupported) in an
    /// adapter that cannot do it.
    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        let _ = items;
        Err(Error::Unsupported { what: ADOPTING })
    }
}

/// What an adapter without [`WriteRepository::adopt_many`] cannot do.
pub(crate) const ADOPTING: &str = "taking in what another store has stored, as it is there";

/// Conveniences over [`Repository`]; not for implementors.
pub trait RepositoryExt<E: Catalogued>: Repository<E> {
    /// All that the filter takes in, in the order asked for, read page by page of `limit` items. Between two
    /// pages others may write; see [`Page`] for what is promised then. Ends after the first error.
    fn list_all<'a>(
        &'a self,
        filter: &'a E::Filter,
        order: E::Order,
        limit: u32,
    ) -> impl Stream<Item = Result<Stored<E::Listed>>> + Send + 'a {
        let first = Some(PageRequest { order, limit, after: None });
        let pages = stream::try_unfold(first, move |request| async move {
            let Some(request) = request else { return Ok(None) };
            let page = self.list(filter, &request).await?;
            let next = page.next.map(|after| PageRequest { after: Some(after), ..request });
            Ok::<_, Error>(Some((stream::iter(page.items.into_iter().map(Ok)), next)))
        });
        futures::TryStreamExt::try_flatten(pages)
    }
}

impl<E: Catalogued, R: Repository<E> + ?Sized> RepositoryExt<E> for R {}

/// Checks the items of [`WriteRepository::adopt_many`], and of that of the tasks.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`], and for times that no store gives: changed before it
/// was created, deleted after its last change, or deleted and neither video nor playlist.
pub fn check_adopted<E: Catalogued>(items: &[Stored<E>]) -> Result<()> {
    check_batch(items)?;
    let is_soft = matches!(E::KIND, EntityKind::Video | EntityKind::Playlist);
    for Stored { entity: _, created_at, updated_at, revision: _, deleted_at } in items {
        let wrong = [
            ("updated_at", "is before created_at", updated_at < created_at),
            ("deleted_at", "is after updated_at", deleted_at.is_some_and(|at| at > *updated_at)),
            ("deleted_at", "is there", deleted_at.is_some() && !is_soft),
        ];
        if let Some((field, problem, _)) = wrong.into_iter().find(|(_, _, is_wrong)| *is_wrong) {
            let field = format!("{}.{field}", E::KIND.as_str());
            let problem = Problem::Malformed(format!("{problem}, which no store does"));
            return Err(Error::Invalid(ValidationError::new(field, problem)));
        }
    }
    Ok(())
}

/// The answer of [`get_many`](Repository::get_many): what was `found`, in any order, each at the place of its id, and
/// at every place if an id was asked for twice.
pub fn at_places_of<E: Catalogued>(
    ids: &[E::Id],
    found: impl IntoIterator<Item = Stored<E>>,
) -> Vec<Option<Stored<E>>> {
    let mut first_places = HashMap::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        first_places.entry(id).or_insert(place);
    }
    let mut answers: Vec<Option<Stored<E>>> = ids.iter().map(|_| None).collect();
    for stored in found {
        if let Some(place) = first_places.get(&stored.entity.id()) {
            answers[*place] = Some(stored);
        }
    }
    if first_places.len() < ids.len() {
        for (place, id) in ids.iter().enumerate() {
            let first = first_places[id];
            if first < place {
                answers[place] = answers[first].clone();
            }
        }
    }
    answers
}

/// Checks the number of items of a `_many` call.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) for more than [`MAX_BATCH`].
pub fn check_batch<T>(items: &[T]) -> Result<()> {
    if items.len() <= MAX_BATCH {
        return Ok(());
    }
    let problem = Problem::TooMany { max: MAX_BATCH, actual: items.len() };
    Err(Error::Invalid(ValidationError::new("batch", problem)))
}
