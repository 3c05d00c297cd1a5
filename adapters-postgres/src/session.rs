//! [`Session`]: where a repository's calls run: on the store, each as a transaction of its own, or in a unit
//! of work. Repositories are written once, over this.
//!
//! What runs on a connection runs in a task of its own. Whoever drops a call leaves the task alone, which goes on to
//! its end and gives the connection back clean; if that takes long, its statement is stopped, and the connection is
//! thrown away.

use std::collections::VecDeque;
use std::sync::Arc;

use diesel::sql_types::Untyped;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures::FutureExt;
use futures::future::{BoxFuture, join, join3};
use tokio::sync::oneshot;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Clock, Error, IdGenerator, Result, Revision};

use crate::engine::{Engine, Presence};
use crate::error::{Context, corrupt, gave_way};
use crate::pool::{Connection, SOON, Stop};
use crate::retry::Retries;
use crate::statement::{Bind, NumberRow, sql};
use crate::unit_of_work::Unit;

/// Where calls run. It is all the repositories at once (see `table.rs`).
#[derive(Clone)]
pub(crate) enum Session {
    /// Each call is a transaction of its own.
    Store(Arc<Engine>),
    /// All calls are one transaction.
    Unit(Arc<Unit>),
}

/// How a transaction begins. Claims alone are read committed: under serializable most of them would have to give
/// way to each other, and what they do is atomic without.
#[derive(Clone, Copy)]
pub(crate) enum Isolation {
    ReadOnly,
    Serializable,
    ReadCommitted,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            Self::ReadOnly => "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
            Self::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE",
            Self::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        }
    }
}

/// An open transaction, and what a write works with. Dropping it closes its connection, and so rolls back.
///
/// It takes few round trips: what begins it is sent together with what it reads first (see [`beginning`](Self::beginning)),
/// and what it reads, or writes, at one time goes to the server at one time. For that the futures of the statements are
/// polled together, in the order in which they are to run: Diesel sends them in this order.
pub(crate) struct Transaction {
    connection: Connection,
    /// What begins it, as long as that was not sent.
    begin: Option<&'static str>,
    clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdGenerator>,
    /// The time of the current call.
    pub(crate) now: Timestamp,
    /// Revisions that were drawn and not used yet.
    revisions: VecDeque<i64>,
    /// How many are drawn at once: as many as the current call may need.
    draw: i64,
}

impl Transaction {
    /// A transaction that begins with its first statement.
    pub(crate) fn new(mut connection: Connection, isolation: Isolation, engine: &Engine) -> Self {
        connection.soil();
        Self {
            connection,
            begin: Some(isolation.begin()),
            clock: Arc::clone(&engine.clock),
            ids: Arc::clone(&engine.ids),
            now: engine.clock.now(),
            revisions: VecDeque::new(),
            draw: 1,
        }
    }

    /// Begins a transaction: what it sees is fixed when this answers.
    pub(crate) async fn begin(connection: Connection, isolation: Isolation, engine: &Engine) -> Result<Self> {
        let mut transaction = Self::new(connection, isolation, engine);
        let (begun, mut connection) = transaction.beginning();
        let (begun, seen) = join(begun, connection.batch_execute("SELECT 1")).await;
        begun.and(seen.doing("beginning a transaction"))?;
        Ok(transaction)
    }

    /// What begins the transaction, if that was not sent yet, and the connection for its first statements. Polled
    /// together, and this first, they are one round trip. (If beginning fails, what was to be written is refused:
    /// outside of transactions a connection only reads, see `pool.rs`.)
    pub(crate) fn beginning(&mut self) -> (BoxFuture<'_, Result<()>>, &AsyncPgConnection) {
        let begin = self.begin.take();
        let connection: &AsyncPgConnection = &self.connection;
        let begun = async move {
            let mut connection = connection;
            match begin {
                None => Ok(()),
                Some(begin) => connection.batch_execute(begin).await.doing("beginning a transaction"),
            }
        };
        (begun.boxed(), connection)
    }

    /// The connection, with the transaction begun.
    pub(crate) async fn connection(&mut self) -> Result<&AsyncPgConnection> {
        if self.begin.is_some() {
            self.beginning().0.await?;
        }
        Ok(&self.connection)
    }

    /// Runs statements, together with what begins the transaction.
    pub(crate) async fn run<T>(
        &mut self,
        statements: impl for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, Result<T>>,
    ) -> Result<T> {
        let (begun, connection) = self.beginning();
        let (begun, answer) = join(begun, statements(connection)).await;
        begun.and(answer)
    }

    /// Says that a call begins, which writes so many items.
    fn call(&mut self, items: usize) {
        self.now = self.clock.now();
        self.revisions.clear();
        self.draw = i64::try_from(items.max(1)).unwrap_or(1);
    }

    /// Reads what the current call is about, and draws the revisions that it may need, in one round trip. (They are
    /// drawn after what they are for was read, so that they are larger than the ones before: if somebody else changes
    /// that meanwhile, this transaction gives way.)
    pub(crate) async fn read_and_draw<T>(
        &mut self,
        read: impl AsyncFnOnce(&AsyncPgConnection) -> Result<T>,
    ) -> Result<T> {
        let draw = self.draw;
        let (begun, connection) = self.beginning();
        let (begun, read, drawn) = join3(begun, read(connection), draw_revisions(connection, draw)).await;
        begun?;
        let read = read?;
        self.revisions.extend(drawn?);
        Ok(read)
    }

    /// The next revision, of those that were drawn. If there is none, they are drawn now.
    pub(crate) async fn next_revision(&mut self) -> Result<Revision> {
        if self.revisions.is_empty() {
            let draw = self.draw;
            let drawn = draw_revisions(self.connection().await?, draw).await?;
            self.revisions.extend(drawn);
        }
        let next = self.revisions.pop_front().and_then(|next| u64::try_from(next).ok()).unwrap_or_default();
        Revision::new(next).map_err(|error| corrupt("store_revision", &next, &error))
    }

    pub(crate) async fn commit(mut self) -> Result<()> {
        if self.begin.is_some() {
            self.connection.cleaned(); // nothing was sent
            return Ok(());
        }
        let committed = self.connection.batch_execute("COMMIT").await.doing("committing");
        // The server has ended the transaction also where it had to give way.
        if committed.as_ref().err().is_none_or(gave_way) {
            self.connection.cleaned();
        }
        committed.map_err(|error| match error {
            // Whatever else it was, it may have been kept.
            error @ (Error::Conflict(_) | Error::StorageFull { .. } | Error::Unavailable { .. }) => error,
            error => Error::Unavailable {
                message: "nobody knows whether the transaction was committed".to_owned(),
                source: Some(Box::new(error)),
            },
        })
    }

    /// Rolls back. If that does not succeed the connection is closed, which does the same.
    pub(crate) async fn rollback(mut self) {
        if self.begin.is_some() || self.connection.batch_execute("ROLLBACK").await.is_ok() {
            self.connection.cleaned();
        }
    }

    /// Rolls back although a statement may still be running.
    pub(crate) async fn abandon(self, engine: &Engine) {
        engine.pool.abandon(self.connection).await;
    }

    /// Runs one call of a unit of work; of a refused batch nothing stays, and all that was done before does.
    pub(crate) async fn in_savepoint<T>(
        &mut self,
        items: usize,
        work: impl for<'c> FnOnce(&'c mut Self) -> BoxFuture<'c, Result<T>>,
    ) -> Result<T> {
        self.call(items);
        // What writes one thing refuses it before it has written anything.
        if items <= 1 {
            return work(self).await;
        }
        self.begin = Some("SAVEPOINT call");
        let result = work(self).await;
        if self.begin.take().is_some() {
            return result; // nothing was sent
        }
        let end = match &result {
            Ok(_) => "RELEASE SAVEPOINT call",
            Err(error) if error.keeps_unit_of_work() => "ROLLBACK TO SAVEPOINT call; RELEASE SAVEPOINT call",
            Err(_) => return result, // the unit ends
        };
        self.connection.batch_execute(end).await.doing("ending a savepoint")?;
        result
    }
}

async fn draw_revisions(mut connection: &AsyncPgConnection, how_many: i64) -> Result<Vec<i64>> {
    let draw = "SELECT nextval('store_revision') AS value FROM generate_series(1, ?1)";
    let draw = sql::<Untyped>(draw, vec![Bind::Integer(Some(how_many))]);
    let drawn: Vec<NumberRow> = draw.load(&mut connection).await.doing("taking a revision")?;
    Ok(drawn.into_iter().map(|row| row.value).collect())
}

impl Session {
    /// Runs a read of one or several statements at one moment.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(engine) => {
                in_transactions(engine, Isolation::ReadOnly, 0, move |transaction| {
                    transaction.run(work).boxed()
                })
                .await
            }
            Self::Unit(unit) => unit.run(move |transaction| transaction.run(work).boxed()).await,
        }
    }

    /// Runs a read of one statement, which needs no transaction around it.
    pub(crate) async fn read_once<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(engine) => {
                engine
                    .attempts(false, move |mut connection, _| {
                        let work = work.clone();
                        async move {
                            connection.soil();
                            let result = work(&connection).await;
                            // After any other error it is not known how the connection is.
                            if result.as_ref().err().is_none_or(gave_way) {
                                connection.cleaned();
                            }
                            result
                        }
                        .boxed()
                    })
                    .await
            }
            Self::Unit(unit) => unit.run(move |transaction| transaction.run(work).boxed()).await,
        }
    }

    /// Runs a read of one statement or of several.
    pub(crate) async fn read_statements<T: Send + 'static>(
        &self,
        one: bool,
        work: impl for<'c> FnOnce(&'c AsyncPgConnection) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        if one { self.read_once(work).await } else { self.read(work).await }
    }

    /// Runs a write of so many items: all of it or nothing.
    pub(crate) async fn write_items<T: Send + 'static>(
        &self,
        items: usize,
        work: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(engine) => in_transactions(engine, Isolation::Serializable, items, work).await,
            Self::Unit(unit) => {
                unit.check_writable()?;
                unit.run(move |transaction| transaction.in_savepoint(items, work).boxed()).await
            }
        }
    }

    /// Runs a write of one item.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        self.write_items(1, work).await
    }

    /// Runs a claim, which is read committed and no part of a unit of work.
    pub(crate) async fn claim<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Store(engine) => in_transactions(engine, Isolation::ReadCommitted, 1, work).await,
            Self::Unit(_) => Err(Error::Unsupported { what }),
        }
    }

    /// That the store is open, or the unit of work has not ended: what is answered before anything else.
    pub(crate) fn check_usable(&self) -> Result<()> {
        match self {
            Self::Store(engine) => engine.check_open(),
            Self::Unit(unit) => unit.check_usable(),
        }
    }

    /// That this is not a unit of work, for what cannot be part of one.
    pub(crate) fn check_not_in_unit(&self, what: &'static str) -> Result<()> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Unit(_) => Err(Error::Unsupported { what }),
        }
    }
}

/// Runs a call of the store in a transaction, and again in another one as often as it has to give way, within the
/// time that a call may wait.
async fn in_transactions<T: Send + 'static>(
    engine: &Arc<Engine>,
    isolation: Isolation,
    items: usize,
    work: impl for<'c> FnOnce(&'c mut Transaction) -> BoxFuture<'c, Result<T>> + Clone + Send + 'static,
) -> Result<T> {
    let writes = !matches!(isolation, Isolation::ReadOnly);
    engine
        .attempts(writes, move |connection, engine| {
            let work = work.clone();
            async move {
                let mut transaction = Transaction::new(connection, isolation, &engine);
                transaction.call(items);
                match work(&mut transaction).await {
                    Ok(value) => transaction.commit().await.map(|()| value),
                    Err(error) => {
                        transaction.rollback().await;
                        Err(error)
                    }
                }
            }
            .boxed()
        })
        .await
}

impl Engine {
    /// Makes attempts, each on a connection and in a task of its own, until one need not give way.
    async fn attempts<T: Send + 'static>(
        self: &Arc<Self>,
        writes: bool,
        attempt: impl Fn(Connection, Arc<Self>) -> BoxFuture<'static, Result<T>>,
    ) -> Result<T> {
        let inside = self.enter()?;
        let mut retries = Retries::new(self.config.acquire_timeout);
        if writes {
            self.settled().await;
        }
        loop {
            let connection = self.pool.get().await.map_err(|error| self.explain(error))?;
            let stop = connection.stop();
            let attempt = attempt(connection, Arc::clone(self));
            let (mut answer, answered) = oneshot::channel();
            let presence = Presence::new(self);
            let caller = presence.of_caller();
            let staying = inside.clone(); // until the task has ended, whoever still waits for it
            tokio::spawn(async move {
                let result = run_while_wanted(attempt, &mut answer, stop).await;
                drop(staying);
                presence.is_over();
                let _ = answer.send(result); // if nobody waits for it, nobody is told
            });
            let answer = answered.await.unwrap_or_else(|error| {
                Err(Error::Unavailable {
                    message: "a call ended unexpectedly".to_owned(),
                    source: Some(Box::new(error)),
                })
            });
            drop(caller);
            match answer {
                Err(error) if gave_way(&error) => retries.next().await?,
                answer => return answer.map_err(|error| self.explain(error)),
            }
        }
    }
}

/// Runs an attempt to its end. If nobody waits for it any more, and it takes long, its statement is stopped; then it
/// ends with an error.
async fn run_while_wanted<T>(
    mut attempt: BoxFuture<'static, Result<T>>,
    answer: &mut oneshot::Sender<Result<T>>,
    stop: Stop,
) -> Result<T> {
    let unwanted = async {
        answer.closed().await;
        tokio::time::sleep(SOON).await;
    };
    tokio::select! {
        biased;
        result = &mut attempt => result,
        () = unwanted => {
            stop.now().await;
            attempt.await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use diesel::sql_types::Untyped;
    use diesel_async::{AsyncPgConnection, RunQueryDsl};
    use futures::FutureExt;
    use futures::future::join;
    use tubeatlas_ports::{Result, SystemClock, UuidV7Generator};
    use tubeatlas_postgres_cluster::{Cluster, Database};

    use super::{Isolation, Transaction};
    use crate::error::Context;
    use crate::statement::{NumberRow, sql};
    use crate::{DatabaseUrl, PostgresConfig, PostgresStore};

    async fn opened() -> (Database, PostgresStore) {
        let database = Cluster::shared().unwrap().database().unwrap();
        let config = PostgresConfig::new(DatabaseUrl::parse(database.url()).unwrap());
        let store = PostgresStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator));
        let store = store.await.unwrap();
        (database, store)
    }

    async fn transaction(store: &PostgresStore) -> Transaction {
        let connection = store.engine().pool.get().await.unwrap();
        Transaction::new(connection, Isolation::Serializable, store.engine())
    }

    /// By a statement that no connection has prepared, as the id stands in it.
    async fn write(mut connection: &AsyncPgConnection, id: &str) -> Result<()> {
        let columns = "id, title, created_at, updated_at, revision";
        let insert = format!("INSERT INTO channels ({columns}) VALUES ('{id}', 't', 0, 0, 1)");
        sql::<Untyped>(insert, Vec::new()).execute(&mut connection).await.doing("writing").map(drop)
    }

    async fn count(mut connection: &AsyncPgConnection) -> Result<i64> {
        let count = sql::<Untyped>("SELECT count(*) AS value FROM channels", Vec::new());
        count.get_result(&mut connection).await.doing("counting").map(|row: NumberRow| row.value)
    }

    #[tokio::test]
    async fn what_is_sent_together_with_a_begin_that_fails_writes_nothing() {
        let (_database, store) = opened().await;
        let mut never = transaction(&store).await;
        never.begin = Some("BEGIN AT NO LEVEL");
        assert!(never.run(|connection| write(connection, "c").boxed()).await.is_err());
        never.rollback().await;
        let mut after = transaction(&store).await;
        assert_eq!(after.run(|connection| count(connection).boxed()).await.unwrap(), 0);
        after.commit().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_sent_together_runs_in_order() {
        let (_database, store) = opened().await;
        let mut transaction = transaction(&store).await;
        assert_eq!(transaction.run(|connection| count(connection).boxed()).await.unwrap(), 0);
        for n in 1..=20 {
            // The one that is prepared already comes behind the one that is not.
            let connection = transaction.connection().await.unwrap();
            let id = format!("c{n}");
            let (written, counted) = join(write(connection, &id), count(connection)).await;
            written.unwrap();
            assert_eq!(counted.unwrap(), n);
        }
        transaction.rollback().await;
    }
}
