//! The repositories, written once over what differs from table to table.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use diesel_async::AsyncPgConnection;
use futures::FutureExt;
use futures::future::{BoxFuture, join3};
use tubeatlas_domain::{EntityKind, Timestamp};
use tubeatlas_ports::{
    Catalogued, Error, MAX_PAGE_LIMIT, Page, PageRequest, Repositories, Repository, Result, Revision, Stored,
    Upserted, Visibility, WriteRepository, at_places_of, check_adopted, check_batch, check_limit,
};

use crate::error::corrupt;
use crate::session::{Session, Statement, Transaction};

/// A row, and since when it is hidden: the video itself, or the one that it belongs to, is deleted.
pub(crate) struct Loaded<E> {
    pub(crate) stored: Stored<E>,
    pub(crate) hidden_since: Option<Timestamp>,
}

/// How the entities of a table are read.
#[async_trait]
pub(crate) trait Table: Catalogued {
    /// Those of the rows with these ids that are there, in any order, read by one statement.
    async fn load_many(connection: &AsyncPgConnection, ids: &[Self::Id]) -> Result<Vec<Loaded<Self>>>;

    async fn load_one(connection: &AsyncPgConnection, id: &Self::Id) -> Result<Option<Loaded<Self>>> {
        Ok(Self::load_many(connection, std::slice::from_ref(id)).await?.pop())
    }

    /// Up to `limit` rows behind `after`, read by one statement.
    async fn page(
        connection: &AsyncPgConnection,
        filter: &Self::Filter,
        order: Self::Order,
        after: Option<Self::Position>,
        limit: i64,
    ) -> Result<Vec<Stored<Self::Listed>>>;

    async fn count(connection: &AsyncPgConnection, filter: &Self::Filter) -> Result<i64>;
}

/// What became of the references of something that is to be written.
#[derive(Clone)]
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
    /// What became of the references of each, read by one statement or two.
    async fn references(connection: &AsyncPgConnection, entities: &[Self]) -> Result<Vec<References>>;

    /// The value of the field that must be unique besides the id, with its name.
    fn unique(&self) -> Option<(&'static str, &str)> {
        None
    }

    /// Which of these values are taken, each with the id of what has it.
    async fn taken(_: &AsyncPgConnection, _: Vec<String>) -> Result<HashMap<String, Self::Id>> {
        Ok(HashMap::new())
    }

    /// What still refers to it.
    async fn referrer(_: &AsyncPgConnection, _: &Self::Id) -> Result<Option<EntityKind>> {
        Ok(None)
    }

    /// What writes new ones, of different ids and not too many.
    fn insert<'c>(connection: &'c AsyncPgConnection, new: &[Stored<Self>]) -> Result<Vec<Statement<'c>>>;

    /// What writes it as it is now.
    fn replace<'c>(
        connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        new: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>>;

    /// What deletes it, softly (as `deleted`) or not.
    fn remove<'c>(
        connection: &'c AsyncPgConnection,
        old: &Stored<Self>,
        deleted: &Stored<Self>,
    ) -> Result<Vec<Statement<'c>>>;
}

/// How many items are inserted together at most.
const ITEMS_OF_AN_INSERT: usize = 500;

/// What inserts rows into a table: one statement that is prepared once. (A macro, because the bounds of a function would
/// be longer than what it does.)
macro_rules! insert_rows {
    ($connection:expr, $table:ident, $rows:expr, $doing:literal) => {{
        let (mut connection, rows): (&AsyncPgConnection, Vec<_>) = ($connection, $rows);
        let inserted = match rows.as_slice() {
            [row] => diesel::insert_into($table::table).values(row).execute(&mut connection),
            _ => $crate::statement::insert_columns(stringify!($table), rows).execute(&mut connection),
        };
        $crate::session::changes(inserted, $doing)
    }};
}
pub(crate) use insert_rows;

/// The row with this id that `visibility` shows.
async fn get<E: Table>(
    connection: &AsyncPgConnection,
    id: &E::Id,
    visibility: Visibility,
) -> Result<Option<Stored<E>>> {
    let loaded = E::load_one(connection, id).await?;
    Ok(loaded.filter(|row| visibility.shows(row.hidden_since)).map(|row| row.stored))
}

/// The rows with these ids that `visibility` shows, each at the place of its id.
async fn get_many<E: Table>(
    connection: &AsyncPgConnection,
    ids: &[E::Id],
    visibility: Visibility,
) -> Result<Vec<Option<Stored<E>>>> {
    let rows = E::load_many(connection, ids).await?.into_iter();
    let shown = rows.filter(|row| visibility.shows(row.hidden_since));
    Ok(at_places_of(ids, shown.map(|row| row.stored)))
}

impl Repositories for Session {
    fn channels(&self) -> &dyn tubeatlas_ports::ChannelRepository {
        self
    }

    fn videos(&self) -> &dyn tubeatlas_ports::VideoRepository {
        self
    }

    fn transcripts(&self) -> &dyn tubeatlas_ports::TranscriptRepository {
        self
    }

    fn knowledge_graphs(&self) -> &dyn tubeatlas_ports::KnowledgeGraphRepository {
        self
    }

    fn processing_tasks(&self) -> &dyn tubeatlas_ports::ProcessingTaskRepository {
        self
    }

    fn media_files(&self) -> &dyn tubeatlas_ports::MediaFileRepository {
        self
    }

    fn source_files(&self) -> &dyn tubeatlas_ports::SourceFileRepository {
        self
    }

    fn playlists(&self) -> &dyn tubeatlas_ports::PlaylistRepository {
        self
    }
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
        self.write_one(entity, |transaction, entities| create(transaction, entities).boxed()).await
    }

    async fn create_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(entities, |transaction, entities| create(transaction, entities).boxed()).await
    }

    async fn update(&self, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        self.write_one(entity, move |transaction, entities| update(transaction, entities, expected).boxed())
            .await
    }

    async fn update_many(&self, entities: &[E]) -> Result<Vec<Stored<E>>> {
        self.write_many(entities, |transaction, entities| update(transaction, entities, None).boxed()).await
    }

    async fn upsert(&self, entity: &E) -> Result<Upserted<E>> {
        self.write_one(entity, |transaction, entities| upsert(transaction, entities).boxed()).await
    }

    async fn upsert_many(&self, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        self.write_many(entities, |transaction, entities| upsert(transaction, entities).boxed()).await
    }

    async fn delete(&self, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        self.write_one(id, move |transaction, ids| delete::<E>(transaction, ids, expected).boxed()).await
    }

    async fn delete_many(&self, ids: &[E::Id]) -> Result<()> {
        self.write_many(ids, |transaction, ids| delete::<E>(transaction, ids, None).boxed()).await.map(drop)
    }

    async fn adopt_many(&self, items: &[Stored<E>]) -> Result<()> {
        self.check_usable()?;
        check_adopted(items)?;
        self.write_many(items, |transaction, items| adopt(transaction, items).boxed()).await.map(drop)
    }
}

impl Session {
    async fn write_one<I, T>(
        &self,
        item: &I,
        write: impl for<'c> FnOnce(&'c mut Transaction, &'c [I]) -> BoxFuture<'c, Result<Vec<T>>>
        + Clone
        + Send
        + 'static,
    ) -> Result<T>
    where
        I: Clone + Send + Sync + 'static,
        T: Send + 'static,
    {
        let answer = self.write_many(std::slice::from_ref(item), write).await?.pop();
        answer.ok_or_else(|| Error::Backend { message: "a write without an answer".to_owned(), source: None })
    }

    pub(crate) async fn write_many<I, T>(
        &self,
        items: &[I],
        write: impl for<'c> FnOnce(&'c mut Transaction, &'c [I]) -> BoxFuture<'c, Result<Vec<T>>>
        + Clone
        + Send
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
            async move { write(transaction, &items).await }.boxed()
        })
        .await
    }
}

/// The items of one call. What stands in the tables about them is read at once, and kept as each item leaves it for
/// the ones behind it; what is new is written at once.
struct Batch<'b, E: WritableTable> {
    entities: &'b [E],
    rows: HashMap<E::Id, Loaded<E>>,
    /// Of each entity.
    references: Vec<References>,
    /// The unique values that are taken.
    taken: HashMap<String, E::Id>,
    /// What is new and not written yet.
    new: Vec<Stored<E>>,
}

impl<'b, E: WritableTable> Batch<'b, E> {
    async fn load(transaction: &mut Transaction, entities: &'b [E]) -> Result<Self> {
        let ids: Vec<E::Id> = entities.iter().map(E::id).collect();
        let unique = entities.iter().filter_map(|it| Some(it.unique()?.1.to_owned())).collect();
        let read = transaction.read_and_draw(async |connection| {
            let rows = load_rows(connection, &ids);
            let (references, taken) = (E::references(connection, entities), E::taken(connection, unique));
            let (rows, references, taken) = join3(rows, references, taken).await;
            Ok((rows?, references?, taken?))
        });
        let (rows, references, taken) = read.await?;
        Ok(Self { entities, rows, references, taken, new: Vec::new() })
    }

    fn references(&self, place: usize) -> References {
        self.references.get(place).cloned().unwrap_or(References::Fine)
    }

    fn check_references(&self, place: usize) -> Result<()> {
        refuse_missing(&self.entities[place], self.references(place))
    }

    /// That nothing else has what must be unique besides the id.
    fn check_unique(&self, place: usize) -> Result<()> {
        let Some((field, value)) = self.entities[place].unique() else { return Ok(()) };
        match self.taken.get(value) {
            Some(other) if *other != self.entities[place].id() => {
                Err(Error::already_exists::<E>(field, value))
            }
            _ => Ok(()),
        }
    }

    /// Takes note of what stands in the tables when this item is written.
    fn keep(&mut self, old: Option<&E>, new: &Stored<E>) {
        let id = new.entity.id();
        if let Some((_, freed)) = old.and_then(E::unique) {
            self.taken.remove(freed);
        }
        if let Some((_, value)) = new.entity.unique() {
            self.taken.insert(value.to_owned(), id.clone());
        }
        // What is written belongs to nothing that is deleted.
        self.rows.insert(id, Loaded { stored: new.clone(), hidden_since: None });
    }

    async fn insert(&mut self, transaction: &mut Transaction, place: usize) -> Result<Stored<E>> {
        let entity = self.entities[place].clone();
        let stored = Stored::created(entity, transaction.now, transaction.next_revision().await?);
        self.keep(None, &stored);
        self.new.push(stored.clone());
        Ok(stored)
    }

    async fn replace(
        &mut self,
        transaction: &mut Transaction,
        old: &Stored<E>,
        place: usize,
    ) -> Result<Stored<E>> {
        self.check_unique(place)?;
        self.check_references(place)?;
        self.write_new(transaction, false).await?; // it may be among these
        let entity = self.entities[place].clone();
        let new = old.changed(entity, transaction.now, transaction.next_revision().await?);
        if place + 1 == self.entities.len() {
            transaction.write_last(|connection| E::replace(connection, old, &new)).await?;
        } else {
            transaction.write(|connection| E::replace(connection, old, &new)).await?;
        }
        self.keep(Some(&old.entity), &new);
        Ok(new)
    }

    /// Writes what is new, and perhaps nothing behind it.
    async fn write_new(&mut self, transaction: &mut Transaction, last: bool) -> Result<()> {
        let new = std::mem::take(&mut self.new);
        let mut parts = new.chunks(ITEMS_OF_AN_INSERT).peekable();
        while let Some(part) = parts.next() {
            if last && parts.peek().is_none() {
                transaction.write_last(|connection| E::insert(connection, part)).await?;
            } else {
                transaction.write(|connection| E::insert(connection, part)).await?;
            }
        }
        Ok(())
    }
}

async fn load_rows<E: Table>(
    connection: &AsyncPgConnection,
    ids: &[E::Id],
) -> Result<HashMap<E::Id, Loaded<E>>> {
    let rows = match ids {
        [id] => E::load_one(connection, id).await?.into_iter().collect(),
        ids => E::load_many(connection, ids).await?,
    };
    Ok(rows.into_iter().map(|row| (row.stored.entity.id(), row)).collect())
}

async fn create<E: WritableTable>(transaction: &mut Transaction, entities: &[E]) -> Result<Vec<Stored<E>>> {
    let mut batch = Batch::load(transaction, entities).await?;
    let mut answers = Vec::with_capacity(entities.len());
    for (place, entity) in entities.iter().enumerate() {
        if batch.rows.contains_key(&entity.id()) {
            return Err(Error::already_exists::<E>("id", entity.id()));
        }
        batch.check_unique(place)?;
        batch.check_references(place)?;
        answers.push(batch.insert(transaction, place).await?);
    }
    batch.write_new(transaction, true).await?;
    Ok(answers)
}

/// Takes in what another store has stored. The videos that it belongs to may be deleted.
async fn adopt<E: WritableTable>(transaction: &mut Transaction, items: &[Stored<E>]) -> Result<Vec<()>> {
    let entities: Vec<E> = items.iter().map(|item| item.entity.clone()).collect();
    let mut batch = Batch::load(transaction, &entities).await?;
    for (place, item) in items.iter().enumerate() {
        let id = item.entity.id();
        if batch.rows.contains_key(&id) {
            return Err(Error::already_exists::<E>("id", id));
        }
        batch.check_unique(place)?;
        match batch.references(place) {
            References::OfDeletedVideo(_) => {}
            references => refuse_missing(&item.entity, references)?,
        }
        let adopted = Stored { revision: transaction.next_revision().await?, ..item.clone() };
        batch.keep(None, &adopted);
        batch.new.push(adopted);
    }
    batch.write_new(transaction, true).await?;
    Ok(vec![(); items.len()])
}

async fn update<E: WritableTable>(
    transaction: &mut Transaction,
    entities: &[E],
    expected: Option<Revision>,
) -> Result<Vec<Stored<E>>> {
    let mut batch = Batch::load(transaction, entities).await?;
    let mut answers = Vec::with_capacity(entities.len());
    for (place, entity) in entities.iter().enumerate() {
        let old = live(&batch.rows, &entity.id())?;
        old.check_revision(expected)?;
        let answer =
            if old.entity == *entity { old } else { batch.replace(transaction, &old, place).await? };
        answers.push(answer);
    }
    Ok(answers)
}

async fn upsert<E: WritableTable>(transaction: &mut Transaction, entities: &[E]) -> Result<Vec<Upserted<E>>> {
    let mut batch = Batch::load(transaction, entities).await?;
    let mut answers = Vec::with_capacity(entities.len());
    for (place, entity) in entities.iter().enumerate() {
        let answer = match batch.rows.get(&entity.id()) {
            Some(row) if row.hidden_since.is_some() => Upserted::LeftDeleted,
            Some(row) if row.stored.entity == *entity => Upserted::Unchanged(row.stored.clone()),
            Some(row) => {
                let old = row.stored.clone();
                Upserted::Updated(batch.replace(transaction, &old, place).await?)
            }
            None => match batch.references(place) {
                References::OfDeletedVideo(_) => Upserted::LeftDeleted,
                references => {
                    batch.check_unique(place)?;
                    refuse_missing(entity, references)?;
                    Upserted::Created(batch.insert(transaction, place).await?)
                }
            },
        };
        answers.push(answer);
    }
    batch.write_new(transaction, true).await?;
    Ok(answers)
}

async fn delete<E: WritableTable>(
    transaction: &mut Transaction,
    ids: &[E::Id],
    expected: Option<Revision>,
) -> Result<Vec<()>> {
    let mut rows =
        transaction.read_and_draw(async |connection| load_rows::<E>(connection, ids).await).await?;
    for (place, id) in ids.iter().enumerate() {
        let old = live(&rows, id)?;
        old.check_revision(expected)?;
        if let Some(by) = E::referrer(transaction.connection().await?, id).await? {
            return Err(Error::StillReferenced { entity: E::KIND, key: id.to_string(), by });
        }
        let deleted = old.deleted(transaction.now, transaction.next_revision().await?);
        if place + 1 == ids.len() {
            transaction.write_last(|connection| E::remove(connection, &old, &deleted)).await?;
        } else {
            transaction.write(|connection| E::remove(connection, &old, &deleted)).await?;
        }
        rows.remove(id);
    }
    Ok(vec![(); ids.len()])
}

/// The row with this id, deleted or not.
pub(crate) async fn load_stored<E: Table>(transaction: &mut Transaction, id: &E::Id) -> Result<Stored<E>> {
    let found = transaction.read_and_draw(async |connection| E::load_one(connection, id).await).await?;
    found.map(|row| row.stored).ok_or_else(|| Error::not_found::<E>(id))
}

/// Brings back what was deleted softly; what is not deleted stays as it is.
pub(crate) async fn restore<E: WritableTable>(
    transaction: &mut Transaction,
    id: &E::Id,
) -> Result<Stored<E>> {
    let old = load_stored::<E>(transaction, id).await?;
    if old.deleted_at.is_none() {
        return Ok(old);
    }
    let new = old.restored(transaction.now, transaction.next_revision().await?);
    transaction.write_last(|connection| E::replace(connection, &old, &new)).await?;
    Ok(new)
}

fn refuse_missing<E: WritableTable>(entity: &E, references: References) -> Result<()> {
    let (reference, reference_key) = match references {
        References::Fine => return Ok(()),
        References::Missing(kind, key) => (kind, key),
        References::OfDeletedVideo(key) => (EntityKind::Video, key),
    };
    Err(Error::missing_reference(entity, reference, reference_key))
}

/// What is there and not hidden.
fn live<E: Table>(rows: &HashMap<E::Id, Loaded<E>>, id: &E::Id) -> Result<Stored<E>> {
    let found = rows.get(id).filter(|row| row.hidden_since.is_none());
    found.map(|row| row.stored.clone()).ok_or_else(|| Error::not_found::<E>(id))
}
