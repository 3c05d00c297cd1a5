//! The generic core of the repositories, once for all kinds of entities.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::{Timestamp, VideoId};
use tubeatlas_ports::{
    Catalogued, Cursor, Error, MAX_PAGE_LIMIT, Page, PageRequest, Repository, Result, Revision, Stored,
    Upserted, Visibility, WriteRepository, check_adopted, check_batch, check_limit,
};

use crate::session::Session;
use crate::state::{Stamp, State, Table};

/// Rows of a list, in its order.
pub(crate) type Rows<'a, E> = Box<dyn Iterator<Item = &'a Arc<Stored<E>>> + 'a>;

/// What the core has to know of a kind of entity to keep and read it.
pub(crate) trait Kept: Catalogued {
    /// Where they are.
    fn table(state: &State) -> &Table<Self>;

    /// The same, to change it.
    fn table_mut(state: &mut State) -> &mut Table<Self>;

    /// Lets the other indexes follow a change: from `old`, or nothing, to `new`, or nothing.
    fn reindex(state: &mut State, id: &Arc<Self::Id>, old: Option<&Stored<Self>>, new: Option<&Stored<Self>>);

    /// When it, or the video it is stored with, was deleted.
    fn deleted_at(state: &State, stored: &Stored<Self>) -> Option<Timestamp>;

    /// Those that the filter takes in, in this order, from behind this order key on.
    fn rows<'a>(
        state: &'a State,
        filter: &'a Self::Filter,
        order: Self::Order,
        after: Option<Self::Position>,
    ) -> Rows<'a, Self>;
}

/// What the core has to know of a kind of entity to write it.
pub(crate) trait Written: Kept {
    /// The video on which it hangs.
    fn hangs_on(&self) -> Option<&VideoId> {
        None
    }

    /// Refuses an entity if another field than the id must be unique and another one has it.
    fn check_unique(&self, _: &State) -> Result<()> {
        Ok(())
    }

    /// Refuses an entity that refers to something that is not there or deleted.
    fn check_references(&self, _: &State) -> Result<()> {
        Ok(())
    }

    /// Refuses to let something go that is referred to.
    fn check_unreferenced(_: &State, _: &Self::Id) -> Result<()> {
        Ok(())
    }

    /// Deletes what is there.
    fn delete(state: &mut State, _: &Stamp<'_>, stored: &Stored<Self>) -> Result<()> {
        take(state, stored);
        Ok(())
    }
}

/// Stores something, new or changed.
pub(crate) fn put<E: Kept>(state: &mut State, stored: Stored<E>) {
    let id = Arc::new(stored.entity.id());
    let stored = Arc::new(stored);
    let old = E::table_mut(state).insert(id.clone(), stored.clone());
    E::reindex(state, &id, old.as_deref(), Some(&stored));
}

/// Removes something for good.
pub(crate) fn take<E: Kept>(state: &mut State, stored: &Stored<E>) {
    let id = Arc::new(stored.entity.id());
    let old = E::table_mut(state).remove::<E::Id>(&id);
    E::reindex(state, &id, old.as_deref(), None);
}

/// What is stored under an id, deleted or not.
pub(crate) fn find<E: Kept>(state: &State, id: &E::Id) -> Result<Arc<Stored<E>>> {
    E::table(state).get::<E::Id>(id).cloned().ok_or_else(|| Error::not_found::<E>(id))
}

fn find_live<E: Kept>(state: &State, id: &E::Id) -> Result<Arc<Stored<E>>> {
    find(state, id).and_then(|stored| match E::deleted_at(state, &stored) {
        None => Ok(stored),
        Some(_) => Err(Error::not_found::<E>(id)),
    })
}

fn create<E: Written>(state: &mut State, stamp: &Stamp<'_>, entity: &E) -> Result<Stored<E>> {
    let id = entity.id();
    if E::table(state).contains_key::<E::Id>(&id) {
        return Err(Error::already_exists::<E>("id", id));
    }
    store(state, stamp, entity, None)
}

fn update<E: Written>(
    state: &mut State,
    stamp: &Stamp<'_>,
    entity: &E,
    expected: Option<Revision>,
) -> Result<Stored<E>> {
    let stored = find_live::<E>(state, &entity.id())?;
    stored.check_revision(expected)?;
    if stored.entity == *entity {
        return Ok(Stored::clone(&stored));
    }
    store(state, stamp, entity, Some(&stored))
}

fn upsert<E: Written>(state: &mut State, stamp: &Stamp<'_>, entity: &E) -> Result<Upserted<E>> {
    let stored = E::table(state).get::<E::Id>(&entity.id()).cloned();
    let deleted_at = match &stored {
        Some(stored) => E::deleted_at(state, stored),
        None => entity.hangs_on().and_then(|video| state.videos.deleted_at(video)),
    };
    match stored {
        _ if deleted_at.is_some() => Ok(Upserted::LeftDeleted),
        Some(stored) if stored.entity == *entity => Ok(Upserted::Unchanged(Stored::clone(&stored))),
        Some(stored) => store(state, stamp, entity, Some(&stored)).map(Upserted::Updated),
        None => store(state, stamp, entity, None).map(Upserted::Created),
    }
}

fn delete<E: Written>(
    state: &mut State,
    stamp: &Stamp<'_>,
    id: &E::Id,
    expected: Option<Revision>,
) -> Result<()> {
    let stored = find_live::<E>(state, id)?;
    stored.check_revision(expected)?;
    E::check_unreferenced(state, id)?;
    E::delete(state, stamp, &stored)
}

/// Takes in what another store has stored. The video on which it hangs may be deleted.
fn adopt<E: Written>(state: &mut State, item: &Stored<E>) -> Result<()> {
    let (entity, id) = (&item.entity, item.entity.id());
    if E::table(state).contains_key::<E::Id>(&id) {
        return Err(Error::already_exists::<E>("id", id));
    }
    entity.check_unique(state)?;
    if entity.hangs_on().is_none_or(|video| state.videos.deleted_at(video).is_none()) {
        entity.check_references(state)?;
    }
    let revision = state.next_revision()?;
    put(state, Stored { revision, ..item.clone() });
    Ok(())
}

/// Brings back what was deleted softly; what is not deleted stays as it is.
pub(crate) fn restore<E: Kept>(state: &mut State, stamp: &Stamp<'_>, id: &E::Id) -> Result<Stored<E>> {
    let stored = find::<E>(state, id)?;
    if stored.deleted_at.is_none() {
        return Ok(Stored::clone(&stored));
    }
    let restored = stored.restored(stamp.now, state.next_revision()?);
    put(state, restored.clone());
    Ok(restored)
}

/// Stores an entity that is new, or a change of what is there.
fn store<E: Written>(
    state: &mut State,
    stamp: &Stamp<'_>,
    entity: &E,
    old: Option<&Stored<E>>,
) -> Result<Stored<E>> {
    entity.check_unique(state)?;
    entity.check_references(state)?;
    let revision = state.next_revision()?;
    let stored = match old {
        Some(old) => old.changed(entity.clone(), stamp.now, revision),
        None => Stored::created(entity.clone(), stamp.now, revision),
    };
    put(state, stored.clone());
    Ok(stored)
}

/// What a read of this id shows.
fn shown<'a, E: Kept>(state: &'a State, id: &E::Id, visibility: Visibility) -> Option<&'a Stored<E>> {
    let stored = E::table(state).get::<E::Id>(id)?;
    visibility.shows(E::deleted_at(state, stored)).then_some(stored)
}

#[async_trait]
impl<E: Kept> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        self.read(|state| Ok(shown(state, id, visibility).cloned()))
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        self.read(|state| {
            check_batch(ids)?;
            Ok(ids.iter().map(|id| shown(state, id, visibility).cloned()).collect())
        })
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        self.read(|state| Ok(shown::<E>(state, id, visibility).is_some()))
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        self.read(|state| {
            check_limit(page.limit, MAX_PAGE_LIMIT)?;
            let scope = E::cursor_scope(page.order, filter);
            let after = page.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
            let one_more = usize::try_from(page.limit).unwrap_or(usize::MAX).saturating_add(1);
            let rows = E::rows(state, filter, page.order, after).take(one_more);
            let rows = rows.map(|stored| stored.listed()).collect();
            Page::from_rows(rows, page.limit, |last| Cursor::encode(scope, &E::position(last)))
        })
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        self.read(|state| Ok(E::rows(state, filter, E::Order::default(), None).count() as u64))
    }
}

#[async_trait]
impl<E: Written> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        self.write(Ok(()), |state, stamp, ()| create(state, stamp, entity)).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(check_batch(entities), |state, stamp, ()| {
            entities.iter().map(|entity| create(state, stamp, entity)).collect()
        })
        .await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        self.write(Ok(()), |state, stamp, ()| update(state, stamp, entity, expected)).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(check_batch(entities), |state, stamp, ()| {
            entities.iter().map(|entity| update(state, stamp, entity, None)).collect()
        })
        .await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        self.write(Ok(()), |state, stamp, ()| upsert(state, stamp, entity)).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write(check_batch(entities), |state, stamp, ()| {
            entities.iter().map(|entity| upsert(state, stamp, entity)).collect()
        })
        .await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(()), |state, stamp, ()| delete::<E>(state, stamp, id, expected)).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write(check_batch(ids), |state, stamp, ()| {
            ids.iter().try_for_each(|id| delete::<E>(state, stamp, id, None))
        })
        .await
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        self.write(check_adopted(items), |state, _, ()| items.iter().try_for_each(|item| adopt(state, item)))
            .await
    }
}
