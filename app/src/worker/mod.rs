//! Workers: they take tasks out of the queue, and do them.
//!
//! A worker that is killed leaves a task under a lease that runs out; then another one takes it up. One that is asked to
//! stop gives its task back. A task that is cancelled is left where it is. What failed for a reason that may pass is tried
//! again later, as often as the task may be tried.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{info, warn};
use tubeatlas_domain::{
    LeaseToken, MAX_TASK_ERROR_BYTES, ProcessingTask, TaskFailure, TaskKind, ValidationError, WorkerId,
};
use tubeatlas_ports::{ClaimRequest, Clock, Error, IdGenerator, Store, Stored, jittered};

use crate::error::chain;
use crate::import::{self, ImportError, ImportJob, ImportOptions, import};
use crate::wiring;

/// How often the queue is asked when there is nothing to do.
const PERIOD: Duration = Duration::from_millis(500);

/// How long a worker is taken to be alive without a word.
const LEASE: Duration = Duration::from_secs(30);

/// After how long a task that failed is tried again; twice as long each time after that.
const RETRY: Duration = Duration::from_secs(5);

/// The longest time after which a task is tried again.
const MAX_RETRY: Duration = Duration::from_secs(3_600);

/// One that does tasks, one after the other.
pub struct Worker {
    store: Arc<dyn Store>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
    name: WorkerId,
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
    pub fn start(store: &Arc<dyn Store>, count: u32) -> Result<Self, ValidationError> {
        let stop = watch::Sender::new(false);
        let mut running = Vec::new();
        for n in 1..=count {
            let name = WorkerId::parse(format!("tubeatlas-{}-{n}", std::process::id()))?;
            let (worker, stopped) = (Worker::new(Arc::clone(store), name), stop.subscribe());
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

/// How a task ended that was not ended by somebody else.
enum Outcome {
    /// It noted its end itself.
    Noted,
    /// It failed, and may be tried again if that can help.
    Failed { why: String, may_pass: bool },
}

impl Worker {
    /// A worker of this name.
    pub fn new(store: Arc<dyn Store>, name: WorkerId) -> Self {
        Self { store, ids: wiring::ids(), clock: wiring::clock(), name }
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
        let request = ClaimRequest {
            worker: self.name.clone(),
            kinds: Some(vec![TaskKind::parse(import::TASK_KIND).map_err(Error::Invalid)?]),
            lease_ms: u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX),
            only: None,
        };
        let Some(task) = self.store.processing_tasks().claim(&request).await? else { return Ok(false) };
        let Some(token) = task.lease.as_ref().map(|lease| lease.token) else { return Ok(false) };
        let (id, kind) = (task.entity.id, task.kind.clone());
        info!(worker = %self.name, task = %id, %kind, target = task.target, "begins");
        let outcome = tokio::select! {
            outcome = self.work(&task, token) => outcome,
            _ = stop.wait_for(|stop| *stop) => {
                Outcome::Failed { why: "the worker was asked to stop".into(), may_pass: true }
            }
        };
        match outcome {
            Outcome::Noted => info!(worker = %self.name, task = %id, "ended"),
            Outcome::Failed { why, may_pass } => {
                warn!(worker = %self.name, task = %id, why, "failed");
                let is_stopped = *stop.borrow();
                let after = may_pass.then(|| if is_stopped { Duration::ZERO } else { delay(task.attempts) });
                self.fail(&task, token, &why, after).await;
            }
        }
        Ok(true)
    }

    async fn work(&self, task: &Stored<ProcessingTask>, token: LeaseToken) -> Outcome {
        let job = match ImportJob::of(&task.entity) {
            Ok(job) => job,
            Err(error) => {
                let why = format!("what is to be imported cannot be read in the task's payload: {error}");
                return Outcome::Failed { why, may_pass: false };
            }
        };
        let options = ImportOptions {
            claimed: Some((task.entity.id, token)),
            reread: job.reread,
            forget_vanished: job.forget_vanished,
            ..ImportOptions::new(self.name.clone(), task.target.clone().unwrap_or_default())
        };
        let archive = wiring::archive(job.paths);
        let generators = (self.ids.as_ref(), self.clock.as_ref());
        match import(&archive, self.store.as_ref(), generators, &options, &|_| {}).await {
            Ok(report) => {
                info!(task = %task.entity.id, videos = report.videos.total(), refused = report.refused.len(), "imported");
                Outcome::Noted
            }
            Err(ImportError::Cancelled(_)) => Outcome::Noted,
            Err(error @ ImportError::Open(_)) => Outcome::Failed { why: chain(&error), may_pass: false },
            Err(error) => Outcome::Failed { why: chain(&error), may_pass: true },
        }
    }

    /// Notes why a task failed. If the store does not take that either, the lease will tell.
    async fn fail(
        &self,
        task: &Stored<ProcessingTask>,
        token: LeaseToken,
        why: &str,
        after: Option<Duration>,
    ) {
        let why = why.replace('\0', "");
        let why = &why[..why.floor_char_boundary(MAX_TASK_ERROR_BYTES)];
        let after = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
        let Ok(failure) = TaskFailure::new(why, after) else { return };
        if let Err(error) = self.store.processing_tasks().fail(task.entity.id, token, &failure).await {
            warn!(worker = %self.name, task = %task.entity.id, error = chain(&error), "cannot note that it failed");
        }
    }
}

/// After how long a task is tried again that was tried this often.
fn delay(attempts: u32) -> Duration {
    let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    jittered(RETRY.saturating_mul(doubled).min(MAX_RETRY))
}
