//! What is true for every kind of entity: how it is kept, read, listed and written.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tubeatlas_domain::{Timestamp, VideoId};
use tubeatlas_ports::{
    Catalogued, Cursor, Error, MAX_PAGE_LIMIT, Page, PageRequest, Repository, Result, Revision, Stored,
    Upserted, Visibility, WriteRepository, check_adopted, check_batch, check_limit,
};

use crate::draft::{Draft, decode, encode};
use crate::engine::{Span, Table};
use crate::error::corrupt;
use crate::session::Session;
use crate::video;

/// A row of any table.
pub(crate) type TableRow = (Table, Vec<u8>, Vec<u8>);

/// Where the rows of a list lie, in its order.
pub(crate) struct Walk {
    /// Either [`Kept::LISTED`] itself, or an index of it: a table whose values are keys of that one.
    pub(crate) table: Table,
    /// One after the other.
    pub(crate) spans: Vec<Span>,
}

/// What the generic code must know of an entity to keep and read it.
pub(crate) trait Kept: Catalogued<Listed: DeserializeOwned> + Serialize + DeserializeOwned {
    /// Where it is stored, as JSON of [`Stored`].
    const TABLE: Table;
    /// Where lists find what they show of it, as JSON of [`Stored`].
    const LISTED: Table = Self::TABLE;

    /// Its key in both.
    fn key(id: &Self::Id) -> Vec<u8>;

    /// All rows that follow from it, but the one in [`TABLE`](Self::TABLE). Nothing else decides what the indexes
    /// hold, so they follow each write.
    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>>;

    /// The video that it hangs on.
    fn hangs_on(&self) -> Option<&VideoId> {
        None
    }

    /// The rows that a filter may take in, behind a position.
    fn walk(filter: &Self::Filter, order: Self::Order, after: Option<&Self::Position>) -> Walk;

    /// Whether a filter takes it in, its visibility included.
    fn takes_in(draft: &Draft<'_>, filter: &Self::Filter, row: &Stored<Self::Listed>) -> Result<bool>;
}

/// What it must know to write it: not needed for tasks, which change by transitions only.
pub(crate) trait Written: Kept {
    /// `AlreadyExists` of another field than the id.
    fn check_unique(&self, _: &Draft<'_>) -> Result<()> {
        Ok(())
    }

    /// `MissingReference`.
    fn check_references(&self, draft: &Draft<'_>) -> Result<()>;

    /// `StillReferenced`.
    fn check_unreferenced(_: &Draft<'_>, _: &Self::Id) -> Result<()> {
        Ok(())
    }

    /// Deletes what is there.
    fn remove(draft: &mut Draft<'_>, stored: &Stored<Self>, _: Timestamp) -> Result<()> {
        replace(draft, Some(stored), None)
    }
}

/// What is stored under this id, deleted or not.
pub(crate) fn find<E: Kept>(draft: &Draft<'_>, id: &E::Id) -> Result<Option<Stored<E>>> {
    draft.read(E::TABLE, &E::key(id))
}

/// What a read of this id shows.
pub(crate) fn shown<E: Kept>(
    draft: &Draft<'_>,
    id: &E::Id,
    visibility: Visibility,
) -> Result<Option<Stored<E>>> {
    let Some(stored) = find::<E>(draft, id)? else { return Ok(None) };
    let shows = visibility.shows(deleted_at(draft, &stored)?);
    Ok(Some(stored).filter(|_| shows))
}

/// When it, or the video that it hangs on, was deleted.
fn deleted_at<E: Kept>(draft: &Draft<'_>, stored: &Stored<E>) -> Result<Option<Timestamp>> {
    match stored.entity.hangs_on() {
        Some(video) => video::deleted_at(draft, video),
        None => Ok(stored.deleted_at),
    }
}

/// Puts one state of an entity in the place of another, with all rows that follow from it. Rows that stay the same
/// are not written.
pub(crate) fn replace<E: Kept>(
    draft: &mut Draft<'_>,
    old: Option<&Stored<E>>,
    new: Option<&Stored<E>>,
) -> Result<()> {
    let mut before: BTreeMap<_, _> = rows_of(old)?.map(|(table, key, value)| ((table, key), value)).collect();
    for (table, key, value) in rows_of(new)? {
        let key = (table, key);
        if before.remove(&key).is_none_or(|before| before != value) {
            draft.put(key.0, key.1, value);
        }
    }
    for (table, key) in before.into_keys() {
        draft.remove(table, key);
    }
    Ok(())
}

fn rows_of<E: Kept>(stored: Option<&Stored<E>>) -> Result<impl Iterator<Item = TableRow> + use<E>> {
    let mut rows = Vec::new();
    if let Some(stored) = stored {
        rows = E::index(stored)?;
        rows.push((E::TABLE, E::key(&stored.entity.id()), encode(stored)?));
    }
    Ok(rows.into_iter())
}

/// What a filter takes in of a walk, in its order. Ends after the first error.
fn list<'a, E: Kept>(
    draft: &'a Draft<'_>,
    filter: &'a E::Filter,
    walk: Walk,
) -> impl Iterator<Item = Result<Stored<E::Listed>>> + 'a {
    let Walk { table, spans } = walk;
    let rows = spans.into_iter().flat_map(move |span| draft.scan(table, span));
    let listed = move |value: Vec<u8>| -> Result<Stored<E::Listed>> {
        if table == E::LISTED {
            return decode(table, &value);
        }
        let listed = draft.read(E::LISTED, &value)?;
        listed.ok_or_else(|| corrupt(format!("the index {table} names what is not there"), None))
    };
    let taken_in = move |row: Stored<E::Listed>| {
        let taken_in = E::takes_in(draft, filter, &row)?;
        Ok(Some(row).filter(|_| taken_in))
    };
    rows.filter_map(move |row| row.and_then(|(_, value)| listed(value)).and_then(taken_in).transpose())
}

/// What is to be changed: there, and neither it nor its video deleted.
fn find_live<E: Kept>(draft: &Draft<'_>, id: &E::Id) -> Result<Stored<E>> {
    shown(draft, id, Visibility::Live)?.ok_or_else(|| Error::not_found::<E>(id))
}

fn create<E: Written>(draft: &mut Draft<'_>, now: Timestamp, entity: &E) -> Result<Stored<E>> {
    let id = entity.id();
    if draft.has(E::TABLE, &E::key(&id))? {
        return Err(Error::already_exists::<E>("id", id)); // also if it is deleted or hidden
    }
    put(draft, now, entity, None)
}

fn update<E: Written>(
    draft: &mut Draft<'_>,
    now: Timestamp,
    entity: &E,
    expected: Option<Revision>,
) -> Result<Stored<E>> {
    let old = find_live::<E>(draft, &entity.id())?;
    old.check_revision(expected)?; // before the comparison: an equal entity at another revision is a conflict
    if old.entity == *entity {
        return Ok(old);
    }
    put(draft, now, entity, Some(&old))
}

fn upsert<E: Written>(draft: &mut Draft<'_>, now: Timestamp, entity: &E) -> Result<Upserted<E>> {
    let old = find::<E>(draft, &entity.id())?;
    // What is stored is judged by the video that it is stored with; only what is new by the one that it names.
    let deleted_at = match (&old, entity.hangs_on()) {
        (Some(old), _) => deleted_at(draft, old)?,
        (None, Some(video)) => video::deleted_at(draft, video)?,
        (None, None) => None,
    };
    match old {
        _ if deleted_at.is_some() => Ok(Upserted::LeftDeleted),
        Some(old) if old.entity == *entity => Ok(Upserted::Unchanged(old)),
        Some(old) => put(draft, now, entity, Some(&old)).map(Upserted::Updated),
        None => put(draft, now, entity, None).map(Upserted::Created),
    }
}

fn delete<E: Written>(
    draft: &mut Draft<'_>,
    now: Timestamp,
    id: &E::Id,
    expected: Option<Revision>,
) -> Result<()> {
    let old = find_live::<E>(draft, id)?;
    old.check_revision(expected)?;
    E::check_unreferenced(draft, id)?;
    E::remove(draft, &old, now)
}

/// Takes in what another store has stored. The video that it hangs on may be deleted.
fn adopt<E: Written>(draft: &mut Draft<'_>, item: Stored<E>) -> Result<()> {
    let (entity, id) = (&item.entity, item.entity.id());
    if draft.has(E::TABLE, &E::key(&id))? {
        return Err(Error::already_exists::<E>("id", id));
    }
    entity.check_unique(draft)?;
    let deleted_at = match entity.hangs_on() {
        Some(video) => video::deleted_at(draft, video)?,
        None => None,
    };
    if deleted_at.is_none() {
        entity.check_references(draft)?;
    }
    let revision = draft.next_revision()?;
    replace(draft, None, Some(&Stored { revision, ..item }))
}

/// Brings back what was deleted softly; what is not deleted stays as it is.
pub(crate) fn restore<E: Kept>(draft: &mut Draft<'_>, now: Timestamp, id: &E::Id) -> Result<Stored<E>> {
    let old = find::<E>(draft, id)?.ok_or_else(|| Error::not_found::<E>(id))?;
    if old.deleted_at.is_none() {
        return Ok(old);
    }
    let restored = old.restored(now, draft.next_revision()?);
    replace(draft, Some(&old), Some(&restored))?;
    Ok(restored)
}

/// Stores an entity that is new, or a change of `old`.
fn put<E: Written>(
    draft: &mut Draft<'_>,
    now: Timestamp,
    entity: &E,
    old: Option<&Stored<E>>,
) -> Result<Stored<E>> {
    entity.check_unique(draft)?;
    entity.check_references(draft)?;
    let revision = draft.next_revision()?;
    let stored = match old {
        Some(old) => old.changed(entity.clone(), now, revision),
        None => Stored::created(entity.clone(), now, revision),
    };
    replace(draft, old, Some(&stored))?;
    Ok(stored)
}

#[async_trait]
impl<E: Kept> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let id = id.clone();
        self.read(move |draft| shown(draft, &id, visibility)).await
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        let ids = batch(ids);
        self.read(move |draft| ids?.iter().map(|id| shown(draft, id, visibility)).collect()).await
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let id = id.clone();
        self.read(move |draft| Ok(shown::<E>(draft, &id, visibility)?.is_some())).await
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read(move |draft| {
            check_limit(page.limit, MAX_PAGE_LIMIT)?;
            let scope = E::cursor_scope(page.order, &filter);
            let after: Option<E::Position> =
                page.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
            let walk = E::walk(&filter, page.order, after.as_ref());
            let one_too_many = usize::try_from(page.limit).unwrap_or(usize::MAX).saturating_add(1);
            let rows = list::<E>(draft, &filter, walk).take(one_too_many).collect::<Result<_>>()?;
            Page::from_rows(rows, page.limit, |last| Cursor::encode(scope, &E::position(last)))
        })
        .await
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        let filter = filter.clone();
        self.read(move |draft| {
            let walk = E::walk(&filter, E::Order::default(), None);
            list::<E>(draft, &filter, walk).try_fold(0, |count, row| row.map(|_| count + 1))
        })
        .await
    }
}

#[async_trait]
impl<E: Written> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        self.write(Ok(entity.clone()), |draft, now, entity| create(draft, now, &entity)).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(batch(entities), |draft, now, entities| {
            entities.iter().map(|entity| create(draft, now, entity)).collect()
        })
        .await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        self.write(Ok(entity.clone()), move |draft, now, entity| update(draft, now, &entity, expected)).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write(batch(entities), |draft, now, entities| {
            entities.iter().map(|entity| update(draft, now, entity, None)).collect()
        })
        .await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        self.write(Ok(entity.clone()), |draft, now, entity| upsert(draft, now, &entity)).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write(batch(entities), |draft, now, entities| {
            entities.iter().map(|entity| upsert(draft, now, entity)).collect()
        })
        .await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        self.write(Ok(id.clone()), move |draft, now, id| delete::<E>(draft, now, &id, expected)).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write(batch(ids), |draft, now, ids| {
            ids.iter().try_for_each(|id| delete::<E>(draft, now, id, None))
        })
        .await
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        let items = check_adopted(items).map(|()| items.to_vec());
        self.write(items, |draft, _, items| items.into_iter().try_for_each(|item| adopt(draft, item))).await
    }
}

/// The items of a `_many` call, to be taken to another thread.
fn batch<T: Clone>(items: &[T]) -> Result<Vec<T>> {
    check_batch(items)?;
    Ok(items.to_vec())
}
