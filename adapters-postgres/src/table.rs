//! The repositories, written once over what differs from table to table.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::AsyncPgConnection;
use futures::FutureExt;
use futures::future::BoxFuture;
use tubeatlas_domain::{EntityKind, Timestamp};
use tubeatlas_ports::{
    Catalogued, Error, MAX_PAGE_LIMIT, Page, PageRequest, Repository, Result, Revision, Stored, Upserted,
    Visibility, WriteRepository, check_batch, check_limit,
};

use crate::error::corrupt;
use crate::session::{Session, Transaction};

/// A row, and since when it is hidden: the video itself, or the one that it belongs to, is deleted.
pub(crate) struct Loaded<E> {
    pub(crate) stored: Stored<E>,
    pub(crate) hidden_since: Option<Timestamp>,
}

/// How the entities of a table are read.
#[async_trait]
pub(crate) trait Table: Catalogued {
    /// Those of the rows with these ids that are there, in any order, read by one statement.
    async fn load_many(connection: &mut AsyncPgConnection, ids: &[Self::Id]) -> Result<Vec<Loaded<Self>>>;

    async fn load_one(connection: &mut AsyncPgConnection, id: &Self::Id) -> Result<Option<Loaded<Self>>> {
        Ok(Self::load_many(connection, std::slice::from_ref(id)).await?.pop())
    }

    /// Up to `limit` rows behind `after`, read at one moment.
    async fn page(
        connection: &mut AsyncPgConnection,
        filter: &Self::Filter,
        order: Self::Order,
        after: Option<Self::Position>,
        limit: i64,
    ) -> Result<Vec<Stored<Self::Listed>>>;

    async fn count(connection: &mut AsyncPgConnection, filter: &Self::Filter) -> Result<i64>;
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
#[async_trait]
pub(crate) trait WritableTable: Table {
    async fn references(&self, connection: &mut AsyncPgConnection) -> Result<References>;

    /// That no other row has what must be unique besides the id.
    async fn check_unique(&self, _: &mut AsyncPgConnection) -> Result<()> {
        Ok(())
    }

    /// What still refers to it.
    async fn referrer(_: &mut AsyncPgConnection, _: &Self::Id) -> Result<Option<EntityKind>> {
        Ok(None)
    }

    async fn insert(transaction: &mut Transaction, new: &Stored<Self>) -> Result<()>;

    async fn replace(transaction: &mut Transaction, old: &Stored<Self>, new: &Stored<Self>) -> Result<()>;

    /// Deletes it, softly or not.
    async fn remove(transaction: &mut Transaction, old: &Stored<Self>) -> Result<()>;
}

/// The row with this id that `visibility` shows.
async fn get<E: Table>(
    connection: &mut AsyncPgConnection,
    id: &E::Id,
    visibility: Visibility,
) -> Result<Option<Stored<E>>> {
    let loaded = E::load_one(connection, id).await?;
    Ok(loaded.filter(|row| visibility.shows(row.hidden_since)).map(|row| row.stored))
}

/// The rows with these ids that `visibility` shows, each at the place of its id.
async fn get_many<E: Table>(
    connection: &mut AsyncPgConnection,
    ids: &[E::Id],
    visibility: Visibility,
) -> Result<Vec<Option<Stored<E>>>> {
    let rows = E::load_many(connection, ids).await?.into_iter();
    let shown = rows.filter(|row| visibility.shows(row.hidden_since));
    let mut shown: HashMap<E::Id, Stored<E>> =
        shown.map(|row| (row.stored.entity.id(), row.stored)).collect();
    let mut first_places = HashMap::new();
    let mut answers: Vec<Option<Stored<E>>> = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        let first = *first_places.entry(id).or_insert(place);
        let answer = if first == place { shown.remove(id) } else { answers[first].clone() };
        answers.push(answer);
    }
    Ok(answers)
}

#[async_trait]
impl<E: Table> Repository<E> for Session {
    async fn get(&self, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let id = id.clone();
        self.read_once(move |connection| async move { get(connection, &id, visibility).await }.boxed()).await
    }

    async fn get_many(&self, ids: &[E::Id], visibility: Visibility) -> Result<Vec<Option<Stored<E>>>> {
        self.check_usable()?;
        check_batch(ids)?;
        let ids: Arc<[E::Id]> = ids.into();
        self.read_once(move |connection| async move { get_many(connection, &ids, visibility).await }.boxed())
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
        let after: Option<E::Position> =
            page.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
        let (filter, order, limit) = (filter.clone(), page.order, page.limit);
        let rows = self
            .read_once(move |connection| {
                async move { E::page(connection, &filter, order, after, i64::from(limit) + 1).await }.boxed()
            })
            .await?;
        Page::from_rows(rows, limit, |last| tubeatlas_ports::Cursor::encode(scope, &E::position(last)))
    }

    async fn count(&self, filter: &E::Filter) -> Result<u64> {
        let filter = filter.clone();
        let count =
            self.read_once(move |connection| async move { E::count(connection, &filter).await }.boxed());
        u64::try_from(count.await?).map_err(|error| corrupt(E::KIND.as_str(), &"count", &error))
    }
}

#[async_trait]
impl<E: WritableTable> WriteRepository<E> for Session {
    async fn create(&self, entity: &E) -> Result<Stored<E>> {
        self.write_one(entity, |transaction, entity| create(transaction, entity).boxed()).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(entities, |transaction, entity| create(transaction, entity).boxed()).await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        self.write_one(entity, move |transaction, entity| update(transaction, entity, expected).boxed()).await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(entities, |transaction, entity| update(transaction, entity, None).boxed()).await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        self.write_one(entity, |transaction, entity| upsert(transaction, entity).boxed()).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write_many(entities, |transaction, entity| upsert(transaction, entity).boxed()).await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        self.write_one(id, move |transaction, id| delete::<E>(transaction, id, expected).boxed()).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write_many(ids, |transaction, id| delete::<E>(transaction, id, None).boxed()).await.map(drop)
    }
}

impl Session {
    async fn write_one<I, T>(
        &self,
        item: &I,
        write: impl for<'c> Fn(&'c mut Transaction, &'c I) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T>
    where
        I: Clone + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.check_usable()?;
        let item = Arc::new(item.clone());
        self.write(move |transaction| async move { write(transaction, &item).await }.boxed()).await
    }

    async fn write_many<I, T>(
        &self,
        items: &[I],
        write: impl for<'c> Fn(&'c mut Transaction, &'c I) -> BoxFuture<'c, Result<T>>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Result<Vec<T>>
    where
        I: Clone + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.check_usable()?;
        check_batch(items)?;
        let items: Arc<[I]> = items.into();
        self.write_items(items.len(), move |transaction| {
            async move {
                let mut answers = Vec::with_capacity(items.len());
                for item in items.iter() {
                    answers.push(write(transaction, item).await?);
                }
                Ok(answers)
            }
            .boxed()
        })
        .await
    }
}

async fn create<E: WritableTable>(transaction: &mut Transaction, entity: &E) -> Result<Stored<E>> {
    if E::load_one(transaction.connection(), &entity.id()).await?.is_some() {
        return Err(Error::already_exists::<E>("id", entity.id()));
    }
    entity.check_unique(transaction.connection()).await?;
    check_references(transaction, entity).await?;
    insert(transaction, entity).await
}

async fn update<E: WritableTable>(
    transaction: &mut Transaction,
    entity: &E,
    expected: Option<Revision>,
) -> Result<Stored<E>> {
    let old = load_live::<E>(transaction, &entity.id()).await?;
    old.check_revision(expected)?;
    if old.entity == *entity {
        return Ok(old);
    }
    replace(transaction, &old, entity).await
}

async fn upsert<E: WritableTable>(transaction: &mut Transaction, entity: &E) -> Result<Upserted<E>> {
    match E::load_one(transaction.connection(), &entity.id()).await? {
        Some(row) if row.hidden_since.is_some() => Ok(Upserted::LeftDeleted),
        Some(row) if row.stored.entity == *entity => Ok(Upserted::Unchanged(row.stored)),
        Some(row) => replace(transaction, &row.stored, entity).await.map(Upserted::Updated),
        None => {
            let references = entity.references(transaction.connection()).await?;
            if let References::OfDeletedVideo(_) = references {
                return Ok(Upserted::LeftDeleted);
            }
            entity.check_unique(transaction.connection()).await?;
            refuse_missing(entity, references)?;
            insert(transaction, entity).await.map(Upserted::Created)
        }
    }
}

async fn delete<E: WritableTable>(
    transaction: &mut Transaction,
    id: &E::Id,
    expected: Option<Revision>,
) -> Result<()> {
    let old = load_live::<E>(transaction, id).await?;
    old.check_revision(expected)?;
    if let Some(by) = E::referrer(transaction.connection(), id).await? {
        return Err(Error::StillReferenced { entity: E::KIND, key: id.to_string(), by });
    }
    E::remove(transaction, &old).await
}

async fn insert<E: WritableTable>(transaction: &mut Transaction, entity: &E) -> Result<Stored<E>> {
    let stored = Stored::created(entity.clone(), transaction.now, transaction.next_revision().await?);
    E::insert(transaction, &stored).await?;
    Ok(stored)
}

async fn replace<E: WritableTable>(
    transaction: &mut Transaction,
    old: &Stored<E>,
    entity: &E,
) -> Result<Stored<E>> {
    entity.check_unique(transaction.connection()).await?;
    check_references(transaction, entity).await?;
    let new = old.changed(entity.clone(), transaction.now, transaction.next_revision().await?);
    E::replace(transaction, old, &new).await?;
    Ok(new)
}

async fn check_references<E: WritableTable>(transaction: &mut Transaction, entity: &E) -> Result<()> {
    let references = entity.references(transaction.connection()).await?;
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

async fn load_live<E: Table>(transaction: &mut Transaction, id: &E::Id) -> Result<Stored<E>> {
    let found = get(transaction.connection(), id, Visibility::Live).await?;
    found.ok_or_else(|| Error::not_found::<E>(id))
}
