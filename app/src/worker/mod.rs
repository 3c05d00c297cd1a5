//! Workers: they take tasks out of the queue, and do them.
//!
//! A worker that is killed leaves a task under a lease that runs out; then another one takes it up. One that is asked to
//! stop gives its task back. A task that is cancelled is left where it is. What failed for a reason that may pass is tried
//! again later, as often as the task may be tried. Tasks of kinds that a worker does not know are left to others.

mod export;
mod import;
mod reindex;
#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use tubeatlas_domain::{JsonObject, ProcessingTask, TaskKind, ValidationError, WorkerId};
use tubeatlas_ports::{ClaimRequest, Error, Store, Stored, jittered};

use crate::claimed::{Claimed, LEASE, is_end};
use crate::error::chain;
use crate::job::Job;
use crate::wiring::{Opened, milliseconds};
pub use reindex::ReindexJob;

/// How often the queue is asked when there is nothing to do.
const PERIOD: Duration = Duration::from_millis(500);

/// After how long a task that failed is tried again; twice as long each time after that.
const RETRY: Duration = Duration::from_secs(5);

/// The longest time after which a task is tried again.
const MAX_RETRY: Duration = Duration::from_secs(3_600);

/// What workers do, and how.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// The folder into which catalogues are exported; without one, exports are left to other workers.
    pub export_dir: Option<PathBuf>,
    /// How long a worker is taken to be alive without a word.
    pub lease: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self { export_dir: None, lease: LEASE }
    }
}

/// Work of one kind.
#[async_trait]
pub trait Work: Send + Sync {
    /// The kind of its tasks.
    fn kind(&self) -> &'static str;

    /// How long a worker that does it is taken to be alive without a word, when it usually is for `usual`.
    fn lease(&self, usual: Duration) -> Duration {
        usual
    }

    /// Does it; answers what came of it. Who calls this keeps the task alive meanwhile, and drops the future if the task
    /// is cancelled.
    async fn run(&self, held: &Held<'_>) -> Result<JsonObject, TaskError>;
}

/// A task for which there is work to be done, and by whom.
pub struct Held<'a> {
    /// The store in which it is.
    pub store: &'a dyn Store,
    /// The task.
    pub task: &'a ProcessingTask,
    /// The right to speak for it.
    pub claimed: &'a Claimed,
    /// Who has it.
    pub worker: &'a WorkerId,
}

/// Why work was not done.
#[derive(Debug)]
pub enum TaskError {
    /// Somebody else has ended the task, or taken it over.
    Ended(Error),
    /// It failed.
    Failed {
        /// Why.
        why: String,
        /// Whether trying again later can help.
        may_pass: bool,
    },
}

impl TaskError {
    /// It failed for good.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), may_pass: false }
    }

    /// It failed, and may be tried again.
    pub fn for_now(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), may_pass: true }
    }
}

/// What the store says while work is done.
impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        match error {
            error if is_end(&error) => Self::Ended(error),
            error @ Error::Unsupported { .. } => Self::for_good(chain(&error)),
            error => Self::for_now(chain(&error)),
        }
    }
}

/// One that does tasks, one after the other.
pub struct Worker {
    store: Arc<dyn Store>,
    works: Arc<[Box<dyn Work>]>,
    name: WorkerId,
    lease: Duration,
}

/// Several workers of one process.
pub struct Workers {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts as many, named after the process.
    ///
    /// # Errors
    /// None in practice: the names are within their bounds.
    pub fn start(
        database: &Arc<Opened>,
        count: u32,
        options: &WorkerOptions,
    ) -> Result<Self, ValidationError> {
        let stop = watch::Sender::new(false);
        let works = works(database, options);
        let mut running = Vec::new();
        for n in 1..=count {
            let worker = Worker {
                store: Arc::clone(database.store()),
                works: Arc::clone(&works),
                name: WorkerId::parse(format!("tubeatlas-{}-{n}", std::process::id()))?,
                lease: options.lease,
            };
            let stopped = stop.subscribe();
            running.push(tokio::spawn(async move { worker.run(stopped).await }));
        }
        Ok(Self { stop, running })
    }

    /// Asks them to give back what they are at, and waits for that as long.
    pub async fn stop(self, patience: Duration) {
        self.stop.send_replace(true);
        let all = futures::future::join_all(self.running);
        if tokio::time::timeout(patience, all).await.is_err() {
            warn!("workers did not end within {patience:?}; their tasks are free when their leases end");
        }
    }
}

/// What this program can do.
fn works(database: &Arc<Opened>, options: &WorkerOptions) -> Arc<[Box<dyn Work>]> {
    let mut works: Vec<Box<dyn Work>> =
        vec![Box::new(import::Imports::default()), Box::new(reindex::Reindexing(Arc::clone(database)))];
    if let Some(folder) = &options.export_dir {
        works.push(Box::new(export::Exports { database: Arc::clone(database), folder: folder.clone() }));
    }
    works.into()
}

impl Worker {
    /// A worker of this name, which does these sorts of work on a store.
    pub fn new(
        store: Arc<dyn Store>,
        works: impl Into<Arc<[Box<dyn Work>]>>,
        name: WorkerId,
        lease: Duration,
    ) -> Self {
        Self { store, works: works.into(), name, lease }
    }

    /// Does tasks until it is asked to stop, which it is when `stop` holds true, or is dropped.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let wait = match self.step(&mut stop).await {
                Ok(true) => continue,
                Ok(false) => PERIOD,
                Err(error) => {
                    warn!(worker = %self.name, error = chain(&error), "cannot take a task");
                    RETRY
                }
            };
            tokio::select! {
                () = tokio::time::sleep(jittered(wait)) => (),
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Does one task, if there is one.
    ///
    /// # Errors
    /// If the store does not give one.
    pub async fn step(&self, stop: &mut watch::Receiver<bool>) -> Result<bool, Error> {
        let kinds = self.works.iter().map(|work| TaskKind::parse(work.kind())).collect::<Result<_, _>>();
        let request = ClaimRequest {
            worker: self.name.clone(),
            kinds: Some(kinds.map_err(Error::Invalid)?),
            lease_ms: milliseconds(self.lease),
            only: None,
        };
        let Some(task) = self.store.processing_tasks().claim(&request).await? else { return Ok(false) };
        let Some(work) = self.works.iter().find(|work| work.kind() == task.kind.as_str()) else {
            return Ok(false);
        };
        let Some(claimed) = Claimed::of(&task, work.lease(self.lease)) else { return Ok(false) };
        info!(worker = %self.name, task = %claimed.id(), kind = %task.kind, target = task.target, "begins");
        let done = tokio::select! {
            done = self.work(work.as_ref(), &task, &claimed) => done,
            _ = stop.wait_for(|stop| *stop) => Err(TaskError::for_now("the worker was asked to stop")),
        };
        match done {
            Ok(()) => (),
            Err(TaskError::Ended(error)) => {
                info!(worker = %self.name, task = %claimed.id(), why = chain(&error), "ended by somebody else");
            }
            Err(TaskError::Failed { why, may_pass }) => {
                warn!(worker = %self.name, task = %claimed.id(), why, "failed");
                let is_stopped = *stop.borrow();
                let again = may_pass.then(|| if is_stopped { Duration::ZERO } else { delay(task.attempts) });
                // If the store does not take that either, the lease will tell.
                if let Err(error) = claimed.fail(self.store.as_ref(), &why, again).await {
                    let error = chain(&error);
                    warn!(worker = %self.name, task = %claimed.id(), error, "cannot note that it failed");
                }
            }
        }
        Ok(true)
    }

    async fn work(
        &self,
        work: &dyn Work,
        task: &Stored<ProcessingTask>,
        claimed: &Claimed,
    ) -> Result<(), TaskError> {
        let store = self.store.as_ref();
        if work.lease(self.lease) != self.lease {
            claimed.heartbeat(store).await?;
        }
        let held = Held { store, task: &task.entity, claimed, worker: &self.name };
        let result = tokio::select! {
            result = AssertUnwindSafe(work.run(&held)).catch_unwind() => {
                result.unwrap_or_else(|_| Err(TaskError::for_now("the worker panicked; its log says more")))?
            }
            ended = claimed.keep_alive(store) => return Err(TaskError::Ended(ended)),
        };
        claimed.complete(store).await?;
        let result = Value::Object(result.into_map());
        info!(worker = %self.name, task = %claimed.id(), %result, "succeeded");
        Ok(())
    }
}

/// What a task asks for.
fn job<J: Job>(held: &Held<'_>) -> Result<J, TaskError> {
    J::of(held.task).map_err(|error| {
        TaskError::for_good(format!("what is to be done cannot be read in the task's payload: {error}"))
    })
}

/// What came of work, as JSON.
fn object(result: impl Serialize) -> JsonObject {
    match serde_json::to_value(result) {
        Ok(Value::Object(map)) => JsonObject::new(map).unwrap_or_default(),
        _ => JsonObject::default(), // cannot be: what is given is an object of numbers and texts
    }
}

/// After how long a task is tried again that was tried this often.
fn delay(attempts: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    jittered(RETRY.saturating_mul(doubled).min(MAX_RETRY))
}
