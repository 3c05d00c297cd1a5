//! The repositories, written once over what differs from table to table.

use async_trait::async_trait;
use diesel::SqliteConnection;
use tubeatlas_domain::{EntityKind, Timestamp};
use tubeatlas_ports::{
    Catalogued, Error, MAX_PAGE_LIMIT, Page, PageRequest, Repository, Result, Revision, Stored, Upserted,
    Visibility, WriteRepository, at_places_of, check_adopted, check_batch, check_limit,
};

use crate::error::corrupt;
use crate::metrics::Call;
use crate::pool::Length;
use crate::session::{Session, WriteContext};

/// A row, and since when it is hidden: the video itself, or the one that it belongs to, is deleted.
pub(crate) struct Loaded<E> {
    pub(crate) stored: Stored<E>,
    pub(crate) hidden_since: Option<Timestamp>,
}

/// How the entities of a table are read.
pub(crate) trait Table: Catalogued {
    fn load(connection: &mut SqliteConnection, id: &Self::Id) -> Result<Option<Loaded<Self>>>;

    /// Those of the rows with these ids that are there, in any order.
    fn load_many(connection: &mut SqliteConnection, ids: &[Self::Id]) -> Result<Vec<Loaded<Self>>> {
        ids.iter().filter_map(|id| Self::load(connection, id).transpose()).collect()
    }

    /// Up to `limit` rows behind `after`.
    fn page(
        connection: &mut SqliteConnection,
        filter: &Self::Filter,
        order: Self::Order,
        after: Option<Self::Position>,
        limit: i64,
    ) -> Result<Vec<Stored<Self::Listed>>>;

    fn count(connection: &mut SqliteConnection, filter: &Self::Filter) -> Result<i64>;
}

/// What became of the references of something that is to be written.
pub(crate) enum References {
    /// All are there.
    Fine,
    /// One is missing.
    Missing(EntityKind, String),
    /// The video that it would belong to is deleted.
    OfDeletedVideo(String),
}

/// How the entities of a table are written.
pub(crate) trait WritableTable: Table {
    fn references(&self, connection: &mut SqliteConnection) -> Result<References>;

    /// That no other row has what must be unique besides the id.
    fn check_unique(&self, _: &mut SqliteConnection) -> Result<()> {
        Ok(())
    }

    /// What still refers to it.
    fn referrer(_: &mut SqliteConnection, _: &Self::Id) -> Result<Option<EntityKind>> {
        Ok(None)
    }

    fn insert(context: &mut WriteContext<'_>, new: &Stored<Self>) -> Result<()>;

    fn replace(context: &mut WriteContext<'_>, old: &Stored<Self>, new: &Stored<Self>) -> Result<()>;

    /// Deletes it, softly or not.
    fn remove(context: &mut WriteContext<'_>, old: &Stored<Self>) -> Result<()>;
}

/// The row with this id that `visibility` shows.
pub(crate) fn get<E: Table>(
    connection: &mut SqliteConnection,
    id: &E::Id,
    visibility: Visibility,
) -> Result<Option<Stored<E>>> {
    let loaded = E::load(connection, id)?;
    Ok(loaded.filter(|row| visibility.shows(row.hidden_since)).map(|row| row.stored))
}

/// The rows with these ids that `visibility` shows, each at the place of its id.
fn get_many<E: Table>(
    connection: &mut SqliteConnection,
    ids: &[E::Id],
    visibility: Visibility,
) -> Result<Vec<Option<Stored<E>>>> {
    let rows = E::load_many(connection, ids)?.into_iter();
    let shown = rows.filter(|row| visibility.shows(row.hidden_since));
    Ok(at_places_of(ids, shown.map(|row| row.stored)))
}

#[async_trait]
impl<E: Table> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let id = id.clone();
        self.read_point(Call("get", E::KIND), move |connection| get(connection, &id, visibility)).await
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        self.check_usable()?;
        check_batch(ids)?;
        let ids = ids.to_vec();
        self.read(Call("get_many", E::KIND), Length::Short, move |connection| {
            get_many(connection, &ids, visibility)
        })
        .await
    }

    async fn exists(&self, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let found: Option<Stored<E>> = self.get(id, visibility).await?;
        Ok(found.is_some())
    }

    async fn list(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        self.check_usable()?;
        check_limit(page.limit, MAX_PAGE_LIMIT)?;
        let scope = E::cursor_scope(page.order, filter);
        let after = page.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
        let (filter, order, limit) = (filter.clone(), page.order, page.limit);
        let rows = self
            .read(Call("list", E::KIND), Length::Short, move |connection| {
                E::page(connection, &filter, order, after, i64::from(limit) + 1)
            })
            .await?;
        Page::from_rows(rows, limit, |last| tubeatlas_ports::Cursor::encode(scope, &E::position(last)))
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        let filter = filter.clone();
        let count = self
            .read_once(Call("count", E::KIND), Length::Long, move |connection| E::count(connection, &filter))
            .await?;
        u64::try_from(count).map_err(|error| corrupt(E::KIND.as_str(), &"count", &error))
    }
}

#[async_trait]
impl<E: WritableTable> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        let entity = entity.clone();
        self.write(Call("create", E::KIND), move |context| create(context, &entity)).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(Call("create_many", E::KIND), entities, create).await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let entity = entity.clone();
        self.write(Call("update", E::KIND), move |context| update(context, &entity, expected)).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(Call("update_many", E::KIND), entities, |context, entity| {
            update(context, entity, None)
        })
        .await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        let entity = entity.clone();
        self.write(Call("upsert", E::KIND), move |context| upsert(context, &entity)).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write_many(Call("upsert_many", E::KIND), entities, upsert).await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        let id = id.clone();
        self.write(Call("delete", E::KIND), move |context| delete::<E>(context, &id, expected)).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write_many(Call("delete_many", E::KIND), ids, |context, id| delete::<E>(context, id, None))
            .await
            .map(drop)
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        self.check_usable()?;
        check_adopted(items)?;
        self.write_many(Call("adopt_many", E::KIND), items, adopt).await.map(drop)
    }
}

impl Session {
    pub(crate) async fn write_many<I, T>(
        &self,
        call: Call,
        items: &[I],
        write: impl Fn(&mut WriteContext<'_>, &I) -> Result<T> + Send + 'static,
    ) -> Result<Vec<T>>
    where
        I: Clone + Send + 'static,
        T: Send + 'static,
    {
        self.check_usable()?;
        check_batch(items)?;
        let items = items.to_vec();
        self.write(call, move |context| items.iter().map(|item| write(context, item)).collect()).await
    }
}

fn create<E: WritableTable>(context: &mut WriteContext<'_>, entity: &E) -> Result<Stored<E>> {
    if E::load(context.connection, &entity.id())?.is_some() {
        return Err(Error::already_exists::<E>("id", entity.id()));
    }
    entity.check_unique(context.connection)?;
    check_references(context, entity)?;
    insert(context, entity)
}

fn update<E: WritableTable>(
    context: &mut WriteContext<'_>,
    entity: &E,
    expected: Option<Revision>,
) -> Result<Stored<E>> {
    let old = load_live::<E>(context, &entity.id())?;
    old.check_revision(expected)?;
    if old.entity == *entity {
        return Ok(old);
    }
    replace(context, &old, entity)
}

fn upsert<E: WritableTable>(context: &mut WriteContext<'_>, entity: &E) -> Result<Upserted<E>> {
    match E::load(context.connection, &entity.id())? {
        Some(row) if row.hidden_since.is_some() => Ok(Upserted::LeftDeleted),
        Some(row) if row.stored.entity == *entity => Ok(Upserted::Unchanged(row.stored)),
        Some(row) => replace(context, &row.stored, entity).map(Upserted::Updated),
        None => {
            let references = entity.references(context.connection)?;
            if let References::OfDeletedVideo(_) = references {
                return Ok(Upserted::LeftDeleted);
            }
            entity.check_unique(context.connection)?;
            refuse_missing(entity, references)?;
            insert(context, entity).map(Upserted::Created)
        }
    }
}

fn delete<E: WritableTable>(
    context: &mut WriteContext<'_>,
    id: &E::Id,
    expected: Option<Revision>,
) -> Result<()> {
    let old = load_live::<E>(context, id)?;
    old.check_revision(expected)?;
    if let Some(by) = E::referrer(context.connection, id)? {
        return Err(Error::StillReferenced { entity: E::KIND, key: id.to_string(), by });
    }
    E::remove(context, &old)
}

/// Takes in what another store has stored. The video that it belongs to may be deleted.
fn adopt<E: WritableTable>(context: &mut WriteContext<'_>, item: &Stored<E>) -> Result<()> {
    let entity = &item.entity;
    if E::load(context.connection, &entity.id())?.is_some() {
        return Err(Error::already_exists::<E>("id", entity.id()));
    }
    entity.check_unique(context.connection)?;
    match entity.references(context.connection)? {
        References::OfDeletedVideo(_) => {}
        references => refuse_missing(entity, references)?,
    }
    let adopted = Stored { revision: context.next_revision()?, ..item.clone() };
    E::insert(context, &adopted)
}

fn insert<E: WritableTable>(context: &mut WriteContext<'_>, entity: &E) -> Result<Stored<E>> {
    let stored = Stored::created(entity.clone(), context.now, context.next_revision()?);
    E::insert(context, &stored)?;
    Ok(stored)
}

fn replace<E: WritableTable>(
    context: &mut WriteContext<'_>,
    old: &Stored<E>,
    entity: &E,
) -> Result<Stored<E>> {
    entity.check_unique(context.connection)?;
    check_references(context, entity)?;
    let new = old.changed(entity.clone(), context.now, context.next_revision()?);
    E::replace(context, old, &new)?;
    Ok(new)
}

fn check_references<E: WritableTable>(context: &mut WriteContext<'_>, entity: &E) -> Result<()> {
    let references = entity.references(context.connection)?;
    refuse_missing(entity, references)
}

fn refuse_missing<E: WritableTable>(entity: &E, references: References) -> Result<()> {
    let (reference, reference_key) = match references {
        References::Fine => return Ok(()),
        References::Missing(kind, key) => (kind, key),
        References::OfDeletedVideo(key) => (EntityKind::Video, key),
    };
    Err(Error::missing_reference(entity, reference, reference_key))
}

/// The row with this id, deleted or not.
pub(crate) fn load_stored<E: Table>(context: &mut WriteContext<'_>, id: &E::Id) -> Result<Stored<E>> {
    let found = E::load(context.connection, id)?;
    found.map(|row| row.stored).ok_or_else(|| Error::not_found::<E>(id))
}

/// Brings back what was deleted softly; what is not deleted stays as it is.
pub(crate) fn restore<E: WritableTable>(context: &mut WriteContext<'_>, id: &E::Id) -> Result<Stored<E>> {
    let old = load_stored::<E>(context, id)?;
    if old.deleted_at.is_none() {
        return Ok(old);
    }
    let new = old.restored(context.now, context.next_revision()?);
    E::replace(context, &old, &new)?;
    Ok(new)
}

fn load_live<E: Table>(context: &mut WriteContext<'_>, id: &E::Id) -> Result<Stored<E>> {
    get(context.connection, id, Visibility::Live)?.ok_or_else(|| Error::not_found::<E>(id))
}
