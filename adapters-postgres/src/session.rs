//! [`Session`]: where a repository's calls run: on the store, each as a transaction of its own, or in a unit
//! of work. Repositories are written once, over this.
//!
//! What runs on a connection runs in a task of its own. Whoever drops a call leaves the task alone, which goes on to
//! its end and gives the connection back clean; if that takes long, its statement is stopped, and the connection is
//! thrown away.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use diesel::sql_types::Untyped;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures::FutureExt;
use futures::future::{BoxFuture, MaybeDone, join, join3, maybe_done};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Clock, Error, IdGenerator, Result, Revision};

use crate::engine::{CountedPassages, Engine, Inside, Presence};
use crate::error::{Context, all_of, corrupt, gave_way, is_consequence};
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

/// A statement that changes something.
pub(crate) type Statement<'c> = BoxFuture<'c, Result<()>>;

/// What Diesel executes as a statement that changes something.
pub(crate) fn changes<'c>(
    executed: impl Future<Output = diesel::QueryResult<usize>> + Send + 'c,
    doing: &'static str,
) -> Statement<'c> {
    async move { executed.await.doing(doing).map(drop) }.boxed()
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
    /// Whether it ends with what the current call writes last: a call of the store does, one in a unit of work does not.
    ends_with_call: bool,
    /// Whether it was sent that it ends.
    ended: bool,
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
            ends_with_call: false,
            ended: false,
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
    pub(crate) fn beginning(&mut self) -> (Statement<'_>, &AsyncPgConnection) {
        let begin = self.begin.take();
        (begun(&self.connection, begin), &self.connection)
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

    /// Writes, by statements that go to the server in this order and at one time.
    pub(crate) async fn write(
        &mut self,
        statements: impl for<'c> FnOnce(&'c AsyncPgConnection) -> Result<Vec<Statement<'c>>>,
    ) -> Result<()> {
        let mut all = statements(&self.connection)?;
        all.insert(0, begun(&self.connection, self.begin.take()));
        all_of(in_order(all).await.into_iter().flatten())
    }

    /// Writes the last that the call writes. If the transaction ends with the call, what commits it is sent together
    /// with that. (If a statement fails, the server rolls back instead; if one fails that was not sent, nothing behind it
    /// is sent.)
    pub(crate) async fn write_last(
        &mut self,
        statements: impl for<'c> FnOnce(&'c AsyncPgConnection) -> Result<Vec<Statement<'c>>>,
    ) -> Result<()> {
        if !self.ends_with_call {
            return self.write(statements).await;
        }
        let mut all = statements(&self.connection)?;
        all.insert(0, begun(&self.connection, self.begin.take()));
        // Not by `batch_execute`, which would not wait until the statements before it are prepared.
        let mut connection: &AsyncPgConnection = &self.connection;
        let commit = sql::<Untyped>("COMMIT", Vec::new()).execute(&mut connection);
        all.push(changes(commit, "committing"));
        let mut answers = in_order(all).await;
        let committed = answers.pop().flatten();
        let written = all_of(answers.into_iter().flatten());
        let Some(committed) = committed else { return written }; // it was not sent
        self.ended = true;
        let committed = self.committed(committed);
        match written {
            // The server has said what is wrong with it, or that it has ended the transaction.
            Err(error)
                if committed.is_ok()
                    || !matches!(error, Error::Unavailable { .. } | Error::Backend { .. }) =>
            {
                Err(error)
            }
            _ => committed,
        }
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
        match (read, drawn) {
            (Ok(read), drawn) => {
                self.revisions.extend(drawn?);
                Ok(read)
            }
            // What is prepared already may be sent first.
            (Err(error), Err(cause)) if is_consequence(&error) => Err(cause),
            (Err(error), _) => Err(error),
        }
    }

    /// Takes a revision that was drawn with what it is for.
    pub(crate) fn drew(&mut self, revision: i64) {
        self.revisions.push_back(revision);
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
        if self.ended {
            return Ok(()); // see `write_last`
        }
        if self.begin.is_some() {
            self.connection.cleaned(); // nothing was sent
            return Ok(());
        }
        let committed = self.connection.batch_execute("COMMIT").await.doing("committing");
        self.committed(committed)
    }

    /// What the answer to a `COMMIT` means.
    fn committed(&mut self, answer: Result<()>) -> Result<()> {
        // The server has ended the transaction also where it had to give way.
        if answer.as_ref().err().is_none_or(gave_way) {
            self.connection.cleaned();
        }
        answer.map_err(|error| match error {
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
        if self.ended {
            return; // see `write_last`
        }
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

fn begun<'c>(mut connection: &'c AsyncPgConnection, begin: Option<&'static str>) -> Statement<'c> {
    async move {
        match begin {
            None => Ok(()),
            Some(begin) => connection.batch_execute(begin).await.doing("beginning a transaction"),
        }
    }
    .boxed()
}

/// Runs statements at one time: all are polled in their order, and so are sent in it, whenever one of them has news. The
/// answers; none of those that were not sent, because one before them had failed.
async fn in_order(statements: Vec<Statement<'_>>) -> Vec<Option<Result<()>>> {
    let mut all: Vec<_> = statements.into_iter().map(maybe_done).collect();
    let mut sent = 0;
    poll_fn(|context| {
        let mut all_done = true;
        for (place, statement) in all.iter_mut().enumerate() {
            all_done &= Pin::new(&mut *statement).poll(context).is_ready();
            sent = sent.max(place + 1);
            if sent == place + 1 && matches!(statement, MaybeDone::Done(Err(_))) {
                break;
            }
        }
        if all_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.iter_mut().map(|statement| Pin::new(statement).take_output()).collect()
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

    /// What the store remembers for the next search; nothing of what a unit of work sees alone.
    pub(crate) fn counted_passages(&self) -> Arc<CountedPassages> {
        match self {
            Self::Store(engine) => Arc::clone(&engine.counted_passages),
            Self::Unit(_) => Arc::default(),
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
                transaction.ends_with_call = writes;
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
    /// Makes attempts, each on a connection, until one need not give way. What writes does so in a task of its own, so
    /// that it holds nothing while its caller does something else.
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
            let answer = if writes {
                self.in_task(attempt, stop, inside.clone()).await
            } else {
                let runtime = Handle::current();
                InCaller { attempt: Some((attempt, stop, inside.clone())), runtime }.await
            };
            match answer {
                Err(error) if gave_way(&error) => retries.next().await?,
                answer => return answer.map_err(|error| self.explain(error)),
            }
        }
    }
}

impl Engine {
    /// Runs an attempt in a task of its own.
    async fn in_task<T: Send + 'static>(
        self: &Arc<Self>,
        attempt: BoxFuture<'static, Result<T>>,
        stop: Stop,
        inside: Inside,
    ) -> Result<T> {
        let (mut answer, answered) = oneshot::channel();
        let presence = Presence::new(self);
        let _caller = presence.of_caller();
        tokio::spawn(async move {
            let result = run_while_wanted(attempt, &mut answer, stop).await;
            drop(inside); // not before the task has ended, whoever still waits for it
            presence.is_over();
            let _ = answer.send(result); // if nobody waits for it, nobody is told
        });
        answered.await.unwrap_or_else(|error| {
            Err(Error::Unavailable {
                message: "a call ended unexpectedly".to_owned(),
                source: Some(Box::new(error)),
            })
        })
    }
}

/// An attempt that its caller runs. If the caller goes away, it goes on in a task of its own.
struct InCaller<T: Send + 'static> {
    attempt: Option<(BoxFuture<'static, Result<T>>, Stop, Inside)>,
    runtime: Handle,
}

impl<T: Send + 'static> Future for InCaller<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Result<T>> {
        let Some((attempt, ..)) = &mut self.attempt else { return Poll::Pending }; // it has answered
        let answer = attempt.as_mut().poll(context);
        if answer.is_ready() {
            self.attempt = None;
        }
        answer
    }
}

impl<T: Send + 'static> Drop for InCaller<T> {
    fn drop(&mut self) {
        if let Some((attempt, stop, inside)) = self.attempt.take() {
            self.runtime.spawn(async move {
                let _ = run_until_stopped(attempt, stop, async {}).await; // nobody waits for it
                drop(inside);
            });
        }
    }
}

/// Runs an attempt to its end. If nobody waits for it any more, and it takes long, its statement is stopped; then it
/// ends with an error.
async fn run_while_wanted<T>(
    attempt: BoxFuture<'static, Result<T>>,
    answer: &mut oneshot::Sender<Result<T>>,
    stop: Stop,
) -> Result<T> {
    run_until_stopped(attempt, stop, answer.closed()).await
}

/// Runs an attempt to its end; its statement is stopped if it takes long after it is unwanted.
async fn run_until_stopped<T>(
    mut attempt: BoxFuture<'static, Result<T>>,
    stop: Stop,
    unwanted: impl Future<Output = ()>,
) -> Result<T> {
    let unwanted = async {
        unwanted.await;
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
    use futures::future::{join, ready};
    use tubeatlas_ports::{Result, SystemClock, UuidV7Generator};
    use tubeatlas_postgres_cluster::{Cluster, Database};

    use super::{Isolation, Transaction};
    use crate::error::{Context, corrupt};
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

    /// A transaction that ends with what it writes last.
    async fn call(store: &PostgresStore) -> Transaction {
        Transaction { ends_with_call: true, ..transaction(store).await }
    }

    async fn count_after(store: &PostgresStore, call: Transaction) -> i64 {
        call.rollback().await;
        let mut after = transaction(store).await;
        let count = after.run(|connection| count(connection).boxed()).await.unwrap();
        after.rollback().await;
        count
    }

    #[tokio::test]
    async fn what_is_written_last_is_committed_with_all_before_it() {
        let (_database, store) = opened().await;
        let mut call = call(&store).await;
        call.write(|connection| Ok(vec![write(connection, "a").boxed()])).await.unwrap();
        let last = call.write_last(|c| Ok(vec![write(c, "b").boxed(), write(c, "c").boxed()])).await;
        last.unwrap();
        assert_eq!(count_after(&store, call).await, 3);
        assert_eq!(store.engine().pool.status(), (1, 1));
    }

    #[tokio::test]
    async fn nothing_is_committed_if_one_of_the_last_fails() {
        let (_database, store) = opened().await;
        for fails in ["a", "b", "c"] {
            let mut call = call(&store).await;
            let ids = ["a", "b", "c"].map(|id| if id == fails { "x', '" } else { id });
            let last = call.write_last(|c| Ok(ids.map(|id| write(c, id).boxed()).into()));
            assert!(last.await.is_err());
            assert_eq!(count_after(&store, call).await, 0, "statement {fails} failed");
        }
        assert_eq!(store.engine().pool.status(), (1, 1)); // the server has rolled back
    }

    #[tokio::test]
    async fn nothing_is_sent_behind_what_was_not_sent() {
        let (_database, store) = opened().await;
        let mut call = call(&store).await;
        let never = || ready(Err(corrupt("channels", &"b", &"cannot be sent"))).boxed();
        assert!(call.write_last(|c| Ok(vec![write(c, "a").boxed(), never()])).await.is_err());
        assert!(!call.ended);
        assert_eq!(count_after(&store, call).await, 0);
    }
}
