//! The queue of processing tasks, as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tubeatlas_domain::{
    Claimability, Lease, LeaseToken, NewTask, ProcessingTask, ProcessingTaskId, TaskFailure, TaskKind,
    TaskStatus, Timestamp, TransitionError, WorkerId,
};
use tubeatlas_ports::{ClaimRequest, Clock, Conflict, Error, Result, Store, Stored, Visibility};
use uuid::Uuid;

use super::{Client, Crowd, Model, Operation, sort};
use crate::fixtures::{a_task_with, task_kind, uuid, worker};
use crate::random::Random;
use crate::{TestClock, Violation};

/// How many tasks there can be in a history.
const TASKS: u64 = 9;

/// How far the ids of two histories lie apart.
const IDS: u32 = 100;

/// How many of them are there in the beginning.
const FIRST: u64 = 5;

/// How many calls each worker makes.
const CALLS: usize = 9;

/// The lease of the claims that have expired when the workers begin, in milliseconds.
const SHORT_LEASE_MS: u64 = 1;

/// The lease of the workers, in milliseconds: it does not expire, since the clock stands still.
const LEASE_MS: u64 = 60_000;

/// What is asked of the queue, and at what time. The clock stands still while calls are under way.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    at: Timestamp,
    ask: Ask,
}

#[derive(Debug, Clone)]
enum Ask {
    Enqueue(NewTask),
    Claim { worker: WorkerId, lease_ms: u64, meanwhile: Meanwhile },
    Heartbeat(ProcessingTaskId, LeaseToken),
    Complete(ProcessingTaskId, LeaseToken),
    Fail(ProcessingTaskId, LeaseToken, TaskFailure),
    Retry(ProcessingTaskId),
    Cancel(ProcessingTaskId),
    Get(ProcessingTaskId),
}

/// What others may have been changing while a claim was under way. It may pass over these tasks, and find
/// nothing at all as long as there are any: so the port allows. A call that was refused counts as well, since it
/// may have held the task until it knew.
#[derive(Debug, Clone, Default)]
struct Meanwhile {
    tasks: Vec<ProcessingTaskId>,
    /// Other claims: nobody can tell which tasks they expired.
    claims: bool,
    /// Somebody gave up a claim, and nobody can tell of which task.
    any_task: bool,
}

impl Meanwhile {
    fn is_quiet(&self) -> bool {
        self.tasks.is_empty() && !self.claims && !self.any_task
    }
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Task(Box<Stored<ProcessingTask>>),
    /// There is no such task; nothing to claim.
    Nothing,
    /// Its id is taken.
    Taken,
    Refused(TransitionError),
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue;

/// One task in the queue.
#[derive(Clone, PartialEq)]
pub(crate) struct Queued {
    created_at: Timestamp,
    /// With the token [`unknown`] if it was claimed and nobody saw the answer.
    task: ProcessingTask,
    /// The last revision that is known.
    revision: u64,
    /// Whether that is the task's, and no earlier one.
    exact: bool,
}

/// The token of a lease that nobody has seen.
fn unknown() -> LeaseToken {
    LeaseToken::new(Uuid::nil())
}

/// The tasks by their numbers.
type Tasks = BTreeMap<u32, Arc<Queued>>;

impl Queued {
    /// The task after a change, if this answer to it, or none, is right.
    fn changed(&self, task: ProcessingTask, answer: Option<&Answer>) -> Option<Self> {
        match answer {
            None => Some(Self { task, exact: false, ..self.clone() }),
            Some(Answer::Task(stored))
                if stored.entity == task
                    && stored.created_at == self.created_at
                    && stored.revision.get() > self.revision =>
            {
                Some(Self { task, revision: stored.revision.get(), exact: true, ..self.clone() })
            }
            Some(_) => None,
        }
    }

    /// The task as it was read, if it can be so.
    fn seen(&self, stored: &Stored<ProcessingTask>) -> Option<Self> {
        let revision = stored.revision.get();
        let fits = if self.exact { revision == self.revision } else { revision > self.revision };
        let mut task = self.task.clone().into_fields();
        if let (Some(lease), Some(seen)) = (&mut task.lease, &stored.lease)
            && lease.token == unknown()
        {
            lease.token = seen.token;
        }
        let fits =
            fits && stored.created_at == self.created_at && task == stored.entity.clone().into_fields();
        fits.then(|| Self { task: stored.entity.clone(), revision, exact: true, ..self.clone() })
    }
}

impl Model for Queue {
    type State = Tasks;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Tasks {
        Tasks::new()
    }

    fn step(&self, tasks: &Tasks, call: &Call, answer: Option<&Answer>) -> Vec<Tasks> {
        let now = call.at;
        let next = match &call.ask {
            Ask::Claim { worker, lease_ms, meanwhile } => {
                let lease = Lease {
                    token: unknown(),
                    worker: worker.clone(),
                    expires_at: now.saturating_add_millis(*lease_ms),
                };
                let mut next: Vec<_> = after_expiry(tasks, meanwhile, now)
                    .into_iter()
                    .flat_map(|tasks| claim(tasks, &lease, meanwhile, now, answer))
                    .collect();
                if answer == Some(&Answer::Nothing) && !meanwhile.is_quiet() {
                    next.push(tasks.clone()); // it gave way before it had expired anything
                }
                return next;
            }
            Ask::Enqueue(new) => enqueue(tasks, new, now, answer),
            Ask::Get(id) => match (tasks.get(&number(*id)), answer) {
                (None, Some(Answer::Nothing)) => Some(tasks.clone()),
                (Some(queued), Some(Answer::Task(stored))) => queued.seen(stored).map(|it| with(tasks, it)),
                _ => None,
            },
            ask => {
                let Some(queued) = ask.id().and_then(|id| tasks.get(&number(id))) else {
                    return if answer == Some(&Answer::Nothing) { vec![tasks.clone()] } else { Vec::new() };
                };
                match (ask.transition(&queued.task, now), answer) {
                    (Ok(task), answer) => queued.changed(task, answer).map(|it| with(tasks, it)),
                    (Err(error), Some(Answer::Refused(refused))) if error == *refused => Some(tasks.clone()),
                    (Err(_), _) => None,
                }
            }
        };
        next.into_iter().collect()
    }

    fn only_looks(&self, call: &Call, answer: Option<&Answer>) -> bool {
        match (&call.ask, answer) {
            (Ask::Get(_), _) => true,
            // A claim that finds nothing may have expired something.
            (Ask::Claim { .. }, _) | (_, None | Some(Answer::Task(_))) => false,
            (_, Some(Answer::Nothing | Answer::Taken | Answer::Refused(_))) => true,
        }
    }

    fn part(&self, call: &Call, answer: Option<&Answer>) -> Option<u32> {
        let claimed = match answer {
            Some(Answer::Task(stored)) => Some(stored.entity.id),
            _ => None,
        };
        call.ask.id().or(claimed).map(number)
    }
}

impl Ask {
    /// The task that it is about, if it says so.
    fn id(&self) -> Option<ProcessingTaskId> {
        match self {
            Self::Claim { .. } => None,
            Self::Enqueue(new) => Some(new.id),
            Self::Heartbeat(id, _) | Self::Complete(id, _) | Self::Fail(id, ..) => Some(*id),
            Self::Retry(id) | Self::Cancel(id) | Self::Get(id) => Some(*id),
        }
    }

    /// What the domain makes of a task that is there.
    fn transition(&self, task: &ProcessingTask, now: Timestamp) -> Result<ProcessingTask, TransitionError> {
        match self {
            Self::Heartbeat(_, token) => task.heartbeat(*token, now.saturating_add_millis(LEASE_MS)),
            Self::Complete(_, token) => task.complete(*token, now),
            Self::Fail(_, token, failure) => task.fail(*token, failure, now),
            Self::Retry(_) => task.retry(now),
            Self::Cancel(_) => task.cancel(now),
            Self::Enqueue(_) | Self::Claim { .. } | Self::Get(_) => Ok(task.clone()),
        }
    }
}

/// The queue with this task as it is now.
fn with(tasks: &Tasks, queued: Queued) -> Tasks {
    let mut tasks = tasks.clone();
    tasks.insert(number(queued.task.id), Arc::new(queued));
    tasks
}

fn enqueue(tasks: &Tasks, new: &NewTask, now: Timestamp, answer: Option<&Answer>) -> Option<Tasks> {
    if tasks.contains_key(&number(new.id)) {
        return (answer == Some(&Answer::Taken)).then(|| tasks.clone());
    }
    let task = ProcessingTask::enqueue(new.clone()).ok()?;
    let none_yet = Queued { created_at: now, task: task.clone(), revision: 0, exact: false };
    none_yet.changed(task, answer).map(|queued| with(tasks, queued))
}

/// The queue after a claim has expired what is exhausted; it may pass over what others are changing.
fn after_expiry(tasks: &Tasks, meanwhile: &Meanwhile, now: Timestamp) -> Vec<Tasks> {
    let mut all = vec![tasks.clone()];
    for queued in tasks.values() {
        let Ok(expired) = queued.task.expire(now) else { continue };
        let expired = Queued { task: expired, exact: false, ..Queued::clone(queued) };
        let may_pass = meanwhile.claims || meanwhile.any_task || meanwhile.tasks.contains(&queued.task.id);
        let without = if may_pass { all.clone() } else { Vec::new() };
        all = all.iter().map(|tasks| with(tasks, expired.clone())).chain(without).collect();
    }
    all
}

/// The queue after a claim of the oldest task; it may pass over what others are changing, and then find nothing.
fn claim(
    tasks: Tasks,
    lease: &Lease,
    meanwhile: &Meanwhile,
    now: Timestamp,
    answer: Option<&Answer>,
) -> Vec<Tasks> {
    let mut oldest_first: Vec<_> =
        tasks.values().filter(|queued| queued.task.claimability(now) == Claimability::Yes).collect();
    oldest_first.sort_by_key(|queued| (queued.created_at, queued.task.id));
    let token = match answer {
        Some(Answer::Task(stored)) => stored.lease.as_ref().map_or(unknown(), |lease| lease.token),
        _ => unknown(),
    };
    let mut next = Vec::new();
    let nothing_is_right = oldest_first.is_empty() || !meanwhile.is_quiet();
    if nothing_is_right && answer.is_none_or(|answer| *answer == Answer::Nothing) {
        next.push(tasks.clone());
    }
    for queued in oldest_first {
        let claimed = queued.task.claim(Lease { token, ..lease.clone() }, now);
        next.extend(claimed.ok().and_then(|task| queued.changed(task, answer)).map(|it| with(&tasks, it)));
        if !meanwhile.any_task && !meanwhile.tasks.contains(&queued.task.id) {
            break;
        }
    }
    next
}

/// One history of workers that share a queue; `n` is its number, and no other history has the same.
pub(crate) async fn history(
    store: &Arc<dyn Store>,
    clock: &Arc<TestClock>,
    n: u32,
    mut crowd: Crowd,
) -> Result<Vec<Operation<Call, Answer>>, Violation> {
    let queue = Shared { store: store.clone(), clock: clock.clone(), n };
    let mut first = crowd.alone();
    let held = queue.begin(&mut first).await?;
    let mut history = first.into_log();
    history.extend(crowd.at_once(store, |client| queue.clone().work(client, held.clone())).await?);
    let mut last = crowd.alone();
    for task in 0..TASKS {
        queue.perform(&mut last, Ask::Get(queue.id(task))).await?;
    }
    history.extend(last.into_log());
    note_what_was_under_way(&mut history);
    sort(&mut history);
    Ok(history)
}

/// Notes at each claim what others were changing meanwhile.
fn note_what_was_under_way(history: &mut [Operation<Call, Answer>]) {
    let under_way: Vec<_> = history
        .iter()
        .map(|claim| {
            let mut meanwhile = Meanwhile::default();
            let others = history.iter().filter(|other| other.made != claim.made && other.overlaps(claim));
            for other in others.filter(|other| !matches!(other.call.ask, Ask::Get(_))) {
                meanwhile.claims |= matches!(other.call.ask, Ask::Claim { .. });
                match (other.call.ask.id(), other.answer()) {
                    (Some(id), _) => meanwhile.tasks.push(id),
                    (None, Some(Answer::Task(claimed))) => meanwhile.tasks.push(claimed.entity.id),
                    (None, Some(_)) => {}
                    (None, None) => meanwhile.any_task = true,
                }
            }
            meanwhile
        })
        .collect();
    for (operation, under_way) in history.iter_mut().zip(under_way) {
        if let Ask::Claim { meanwhile, .. } = &mut operation.call.ask {
            *meanwhile = under_way;
        }
    }
}

/// The queue of one history: the tasks of a kind that no other history has.
#[derive(Clone)]
struct Shared {
    store: Arc<dyn Store>,
    clock: Arc<TestClock>,
    n: u32,
}

/// A task that a worker holds, and the token of its lease.
type Held = (ProcessingTaskId, LeaseToken);

impl Shared {
    fn id(&self, task: u64) -> ProcessingTaskId {
        ProcessingTaskId::new(uuid(self.n * IDS + u32::try_from(task).unwrap_or_default()))
    }

    fn kind(&self) -> TaskKind {
        task_kind(&format!("linearizable-{}", self.n))
    }

    fn task(&self, task: u64, max_attempts: u32) -> NewTask {
        a_task_with(|new| {
            new.id = self.id(task);
            new.kind = self.kind();
            new.max_attempts = max_attempts;
            new.available_at = Timestamp::MIN;
        })
    }

    /// Puts tasks into the queue, at times that go forth and back, and claims some of them under leases that
    /// have expired when it answers.
    async fn begin(&self, client: &mut Client<Call, Answer>) -> Result<Vec<Held>, Violation> {
        let mut held = Vec::new();
        for task in 0..FIRST {
            self.clock.move_by_ms(i64::try_from(client.random.below(5)).unwrap_or_default() - 2);
            let attempts = 1 + u32::try_from(client.random.below(2)).unwrap_or_default();
            self.perform(client, Ask::Enqueue(self.task(task, attempts))).await?;
        }
        for _ in 0..2 {
            held.extend(self.claim(client, SHORT_LEASE_MS).await?);
        }
        self.clock.move_by_ms(10);
        Ok(held)
    }

    /// What a worker does. It also speaks for tasks of which its lease has expired.
    async fn work(
        self,
        mut client: Client<Call, Answer>,
        mut held: Vec<Held>,
    ) -> Result<Client<Call, Answer>, Violation> {
        for _ in 0..CALLS {
            let one = client.random.one_of(&held).copied();
            let any = self.id(client.random.below(TASKS));
            let ask = match (client.random.below(12), one) {
                (0, _) => Ask::Get(any),
                (1, _) => Ask::Enqueue(self.task(client.random.below(TASKS), 2)),
                (2, _) => Ask::Cancel(any),
                (3, _) => Ask::Retry(any),
                (4 | 5, Some((id, token))) => Ask::Complete(id, token),
                (6 | 7, Some((id, token))) => Ask::Fail(id, token, failure(&mut client.random)?),
                (8, Some((id, token))) => Ask::Heartbeat(id, token),
                _ => {
                    held.extend(self.claim(&mut client, LEASE_MS).await?);
                    continue;
                }
            };
            self.perform(&mut client, ask).await?;
        }
        Ok(client)
    }

    async fn claim(
        &self,
        client: &mut Client<Call, Answer>,
        lease_ms: u64,
    ) -> Result<Option<Held>, Violation> {
        let worker = worker(&format!("worker-{}", client.number));
        let ask = Ask::Claim { worker, lease_ms, meanwhile: Meanwhile::default() };
        let answer = self.perform(client, ask).await?;
        Ok(match answer {
            Some(Answer::Task(task)) => task.lease.as_ref().map(|lease| (task.entity.id, lease.token)),
            _ => None,
        })
    }

    async fn perform(
        &self,
        client: &mut Client<Call, Answer>,
        ask: Ask,
    ) -> Result<Option<Answer>, Violation> {
        let call = Call { at: self.clock.now(), ask: ask.clone() };
        client.call(call, self.answer(ask)).await
    }

    async fn answer(&self, ask: Ask) -> Result<Answer, Violation> {
        let tasks = self.store.processing_tasks();
        let answer = match ask {
            Ask::Enqueue(new) => tasks.enqueue(&new).await.map(Some),
            Ask::Claim { worker, lease_ms, .. } => {
                let request = ClaimRequest { worker, kinds: Some(vec![self.kind()]), lease_ms, only: None };
                tasks.claim(&request).await
            }
            Ask::Heartbeat(id, token) => tasks.heartbeat(id, token, LEASE_MS).await.map(Some),
            Ask::Complete(id, token) => tasks.complete(id, token).await.map(Some),
            Ask::Fail(id, token, failure) => tasks.fail(id, token, &failure).await.map(Some),
            Ask::Retry(id) => tasks.retry(id).await.map(Some),
            Ask::Cancel(id) => tasks.cancel(id).await.map(Some),
            Ask::Get(id) => tasks.get(&id, Visibility::Live).await,
        };
        match answer {
            Ok(task) => Ok(task.map_or(Answer::Nothing, |task| Answer::Task(Box::new(task)))),
            Err(Error::NotFound { .. }) => Ok(Answer::Nothing),
            Err(Error::AlreadyExists { .. }) => Ok(Answer::Taken),
            Err(Error::Conflict(Conflict::Transition { error, .. })) => Ok(Answer::Refused(error)),
            Err(error) => Err(error.into()),
        }
    }
}

/// A failure that is to be tried again at once, later or never.
fn failure(random: &mut Random) -> Result<TaskFailure, Violation> {
    let retry_after_ms = [Some(0), Some(1_000), None][random.index(3)];
    TaskFailure::new("no luck", retry_after_ms)
        .map_err(|error| Violation::new("a failure", error.to_string()))
}

/// The number of a task within its history.
fn number(id: ProcessingTaskId) -> u32 {
    let of_fixture = id.get().as_u128().wrapping_sub(uuid(0).as_u128());
    u32::try_from(of_fixture % u128::from(IDS)).unwrap_or_default()
}

/// The last digits of a token, which tell it from others.
fn short(token: LeaseToken) -> u128 {
    token.get().as_u128() % 10_000
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.ask.id().map(number).unwrap_or_default();
        match &self.ask {
            Ask::Enqueue(_) => write!(f, "enqueue {id}"),
            Ask::Claim { meanwhile, .. } if meanwhile.is_quiet() => f.write_str("claim"),
            Ask::Claim { .. } => f.write_str("claim what is free"),
            Ask::Heartbeat(_, token) => write!(f, "heartbeat {id} with {}", short(*token)),
            Ask::Complete(_, token) => write!(f, "complete {id} with {}", short(*token)),
            Ask::Fail(_, token, _) => write!(f, "fail {id} with {}", short(*token)),
            Ask::Retry(_) => write!(f, "retry {id}"),
            Ask::Cancel(_) => write!(f, "cancel {id}"),
            Ask::Get(_) => write!(f, "get {id}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task) => {
                write!(f, "{} {}", number(task.entity.id), task.status)?;
                match &task.lease {
                    Some(lease) => write!(f, " under {}", short(lease.token)),
                    None => Ok(()),
                }?;
                write!(f, ", at {}", task.revision)
            }
            Self::Nothing => f.write_str("nothing"),
            Self::Taken => f.write_str("taken"),
            Self::Refused(error) => write!(f, "refused: {error}"),
        }
    }
}

impl fmt::Debug for Queued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.task.status;
        match &self.task.lease {
            Some(lease) if status == TaskStatus::Running => {
                write!(f, "{status} under {}", short(lease.token))
            }
            _ => write!(f, "{status}"),
        }
    }
}
