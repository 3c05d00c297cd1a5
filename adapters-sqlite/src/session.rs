//! [`Session`]: where a repository's calls run: on the store, each as a transaction of its own, or in a unit
//! of work. Repositories are written once, over this.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Clock, Error, IdGenerator, Repositories, Result, Revision};

use crate::columns::number;
use crate::error::{Context, corrupt};
use crate::metrics::Call;
use crate::passages::IndexChanges;
use crate::pool::{Length, Moment};
use crate::schema::store_state;
use crate::statement::{self, update};
use crate::store::Engine;
use crate::unit_of_work::Unit;

/// Where calls run. It is all the repositories at once.
#[derive(Clone)]
pub(crate) enum Session {
    /// Each call is a transaction of its own.
    Store(Arc<Engine>),
    /// All calls are one transaction.
    Unit(Arc<Unit>),
}

/// What a write works with.
pub(crate) struct WriteContext<'a> {
    pub(crate) connection: &'a mut SqliteConnection,
    pub(crate) now: Timestamp,
    pub(crate) ids: &'a dyn IdGenerator,
    pub(crate) index: &'a mut IndexChanges,
    /// The last revision that was given, if one was.
    revision: Option<u64>,
}

impl WriteContext<'_> {
    /// The next revision.
    pub(crate) fn next_revision(&mut self) -> Result<Revision> {
        let last = match self.revision {
            Some(last) => last,
            None => self.last_revision()?,
        };
        self.revision = Some(last + 1);
        Revision::new(last + 1).map_err(|error| corrupt("store_state", &1, &error))
    }

    fn last_revision(&mut self) -> Result<u64> {
        let last: Option<i64> = store_state::table
            .find(1)
            .select(store_state::revision)
            .get_result(self.connection)
            .optional()
            .doing("taking a revision")?;
        let last = last.ok_or_else(|| corrupt("store_state", &1, &"is missing"))?;
        u64::try_from(last).map_err(|error| corrupt("store_state", &1, &error))
    }

    /// Writes down the last revision that was given: once a call, however many it took.
    fn keep_revision(&mut self) -> Result<()> {
        let Some(last) = self.revision else { return Ok(()) };
        update(store_state::table, store_state::revision.eq(number(last)?), store_state::id.eq(1))
            .execute(self.connection)
            .doing("taking a revision")
            .map(drop)
    }
}

impl Session {
    /// Runs a read of one or several statements at one moment.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: Call,
        length: Length,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_read(call, length, Moment::OfAll, work).await
    }

    /// Runs a read of one statement, which needs no transaction around it.
    pub(crate) async fn read_once<T: Send + 'static>(
        &self,
        call: Call,
        length: Length,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_read(call, length, Moment::OfEach, work).await
    }

    async fn run_read<T: Send + 'static>(
        &self,
        call: Call,
        length: Length,
        moment: Moment,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let metrics = Arc::clone(&self.engine().metrics);
        let work = move |connection: &mut SqliteConnection| metrics.time(call, || work(connection));
        match self {
            Self::Store(engine) => {
                engine.check_open()?;
                engine.readers.run(length, moment, work).await.map_err(|error| engine.explain(error))
            }
            Self::Unit(unit) => unit.run(work).await,
        }
    }

    /// Runs a read that finds one row, on the calling thread if that is configured and nothing stands in the way.
    pub(crate) async fn read_point<T: Send + 'static>(
        &self,
        call: Call,
        work: impl Fn(&mut SqliteConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Self::Store(engine) = self
            && let Some(inline) = &engine.inline
        {
            // A caller in a loop would never be pending, and let nobody else run.
            tokio::task::coop::consume_budget().await;
            engine.check_open()?;
            if let Some(value) = inline.run(|connection| engine.metrics.time(call, || work(connection))) {
                return Ok(value);
            }
        }
        self.read_once(call, Length::Short, work).await
    }

    /// Runs a write: all of it or nothing.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        call: Call,
        work: impl FnOnce(&mut WriteContext<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let metrics = Arc::clone(&self.engine().metrics);
        let work = move |context: &mut WriteContext<'_>| metrics.time(call, || work(context));
        match self {
            Self::Store(engine) => {
                engine.check_open()?;
                let (clock, ids) = (Arc::clone(&engine.clock), Arc::clone(&engine.ids));
                let write = engine.writer.write(move |c, index| with_context(c, index, &*clock, &*ids, work));
                write.await.map_err(|error| engine.explain(error))
            }
            Self::Unit(unit) => {
                let (clock, ids) = (Arc::clone(&unit.engine.clock), Arc::clone(&unit.engine.ids));
                unit.check_writable()?;
                unit.run(move |connection| {
                    in_savepoint(connection, |connection| {
                        let mut index = IndexChanges::default();
                        let value = with_context(connection, &mut index, &*clock, &*ids, work)?;
                        index.apply(connection)?; // what follows in the unit may search
                        Ok(value)
                    })
                })
                .await
            }
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        match self {
            Self::Store(engine) => engine,
            Self::Unit(unit) => &unit.engine,
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

fn with_context<T>(
    connection: &mut SqliteConnection,
    index: &mut IndexChanges,
    clock: &dyn Clock,
    ids: &dyn IdGenerator,
    work: impl FnOnce(&mut WriteContext<'_>) -> Result<T>,
) -> Result<T> {
    let mut context = WriteContext { connection, now: clock.now(), ids, index, revision: None };
    let value = work(&mut context)?;
    context.keep_revision()?;
    Ok(value)
}

/// Undoes what `work` did if it fails, and nothing else of the transaction.
fn in_savepoint<T>(
    connection: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T>,
) -> Result<T> {
    statement::run(connection, "SAVEPOINT call").doing("setting a savepoint")?;
    let result = work(connection);
    let ended = match &result {
        Ok(_) => statement::run(connection, "RELEASE call"),
        Err(_) => connection.batch_execute("ROLLBACK TO call; RELEASE call"),
    };
    match (result, ended.doing("ending a savepoint")) {
        (Ok(_), Err(error)) => Err(error),
        (result, _) => result,
    }
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
