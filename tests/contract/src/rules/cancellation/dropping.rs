//! Dropping a call half-way: after its first poll, its second, …, until it completes.
//!
//! A call that is never pending cannot be dropped half-way, so it is tried in three circumstances: while nothing
//! is held, while the right to write is held, and while all connections for reading are. What is held is let go
//! behind the first poll, so that the later ones are visited too; a call that was given what it waited for, and
//! is dropped before it learns of it, is where permits are lost.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;
use tubeatlas_domain::EntityKind;
use tubeatlas_ports::{Mode, Result, Store, UnitOfWork, Visibility};

use crate::check::{holds, same};
use crate::fixtures::{a_channel, a_full_channel, a_video, a_video_with, video_id};
use crate::harness::Limits;
use crate::{CallKind, Case, Effort, Outcome, Violation};

/// How often a call may complete before it could be dropped, until that is believed: a thread of the store may
/// answer at once by chance.
const TRIES: u32 = 3;

/// The same with [`Effort::Full`].
const TRIES_FULL: u32 = 30;

/// The same for a call that was never pending before.
const MANY_TRIES: u32 = 200;

/// How many things a run may store of each kind.
pub(crate) const NUMBERS: u32 = 3;

/// After how many polls a call is dropped at most.
const MOST_POLLS: u32 = 32;

/// What must go on by itself is waited for so many times [`SLICE`]. Counted in slices, because a machine that
/// stands still lets only one of them pass.
const SLICES: u32 = 50;

/// See [`SLICES`].
const SLICE: Duration = Duration::from_millis(100);

/// Something to drop half-way.
#[async_trait]
pub(crate) trait Target: Sync {
    /// What was made ready for one run.
    type Scene: Send + Sync;

    /// What it consists of: if all of it is answered in the first poll, it cannot be dropped half-way.
    fn calls(&self) -> Vec<Call>;

    /// In which circumstances it is tried.
    fn circumstances(&self) -> &'static [Held] {
        &[Held::Nothing, Held::Writer, Held::Readers]
    }

    /// Makes a run ready, which has nothing to do with the other ones: what it stores has numbers from `n` on,
    /// [`NUMBERS`] of them.
    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation>;

    /// On which store.
    fn store<'a>(&self, case: &'a Case, _: &'a Self::Scene) -> &'a dyn Store {
        case.store()
    }

    /// What is dropped.
    async fn run(&self, case: &Case, scene: &Self::Scene) -> Result<()>;

    /// What became of it. Anything between before and after is a violation.
    async fn look(&self, case: &Case, scene: &Self::Scene) -> Result<Seen, Violation>;

    /// What must be true at once when it was dropped after this many polls.
    async fn dropped(&self, _: &Case, _: &mut Self::Scene, _polls: u32) -> Outcome {
        Ok(())
    }

    /// Whoever comes next is not kept waiting; it comes after what was dropped, which so is settled.
    async fn next(&self, case: &Case, _: &Self::Scene, n: u32) -> Outcome {
        next_callers(case.store(), n).await
    }

    /// What else must be true when nothing of it is under way any more.
    async fn settled(&self, _: &Case, _: &Self::Scene, _: Seen) -> Outcome {
        Ok(())
    }
}

/// A call, or a step of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) kind: CallKind,
    /// The repository, if it is a call of one.
    pub(crate) entity: Option<EntityKind>,
    /// The name of the method.
    pub(crate) method: &'static str,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, entity, method } = self;
        match entity {
            Some(entity) => write!(f, "{method} of a {entity} ({kind:?})"),
            None => write!(f, "{method} ({kind:?})"),
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It did not happen.
    Before,
    /// It happened wholly.
    After,
    /// It changes nothing, or must not have.
    Same,
}

/// What others hold while a call begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    Writer,
    Readers,
}

/// When a call is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// As soon as it is pending.
    Pending,
    /// When it could go on, before it does.
    Woken,
}

/// Drops calls of one case.
pub(crate) struct Dropping<'a> {
    case: &'a Case,
    /// The first number that no run has had.
    next: u32,
    /// How often something was dropped after a poll.
    drops: u32,
    /// After how many polls each target was dropped, at most; 0 for what answers at once.
    polls: Vec<u32>,
}

/// Drops it after each of its polls.
pub(crate) async fn at_every_poll(case: &Case, target: &impl Target) -> Outcome {
    let mut dropping = Dropping::new(case).await?;
    dropping.at_every_poll(target).await?;
    dropping.end().await
}

impl<'a> Dropping<'a> {
    /// Stores what the others refer to.
    pub(crate) async fn new(case: &'a Case) -> Result<Self, Violation> {
        case.store().channels().create_many(&[a_channel(), a_full_channel()]).await?;
        case.store().videos().create(&a_video()).await?;
        Ok(Self { case, next: 0, drops: 0, polls: Vec::new() })
    }

    /// Drops it after each of its polls.
    pub(crate) async fn at_every_poll<T: Target>(&mut self, target: &T) -> Outcome {
        let tries = match self.case.effort() {
            Effort::Quick => TRIES,
            Effort::Full => TRIES_FULL,
        };
        let mut visited = 0;
        for held in target.circumstances() {
            for moment in [Moment::Pending, Moment::Woken] {
                // Before its first poll nothing wakes it.
                let (mut polls, mut completed) = (u32::from(moment == Moment::Woken), 0);
                while polls <= MOST_POLLS && completed < tries {
                    if self.once(target, polls, moment, *held).await? {
                        visited = visited.max(polls);
                        (polls, completed) = (polls + 1, 0);
                    } else {
                        completed += 1;
                    }
                }
            }
        }
        if visited == 0 && !self.at_once(target) {
            for _ in 0..MANY_TRIES {
                if visited == 0 && self.once(target, 1, Moment::Pending, Held::Nothing).await? {
                    visited = 1;
                }
            }
            if visited == 0 {
                return Err(zero_polls(target));
            }
        }
        self.polls.push(visited);
        Ok(())
    }

    /// All is as if nothing had been dropped.
    pub(crate) async fn end(self) -> Outcome {
        self.case.note("polls", self.figure());
        self.case.note("drops", self.drops);
        let store = self.case.store();
        let readers = hold(store, Held::Readers).await?;
        for reader in &readers {
            let there = soon("a read", reader.videos().exists(&a_video().id, Visibility::Live)).await??;
            same("a read in each of as many units of work as there are connections", &there, &true)?;
        }
        let writer = hold(store, Held::Writer).await?;
        for unit in readers.into_iter().chain(writer) {
            soon("a rollback", unit.rollback()).await??;
        }
        Ok(())
    }

    fn figure(&self) -> String {
        let (least, most) = (self.polls.iter().min(), self.polls.iter().max());
        match (least.copied().unwrap_or_default(), most.copied().unwrap_or_default()) {
            (_, 0) => "none: answers at once".to_owned(),
            (least, most) if least == most => most.to_string(),
            (least, most) => format!("{least} to {most}"),
        }
    }

    fn at_once(&self, target: &impl Target) -> bool {
        target.calls().iter().all(|call| self.case.exceptions().answers_at_once(call.kind))
    }

    /// Runs it once and drops it after `polls` polls; `false` if it was ready before.
    async fn once<T: Target>(
        &mut self,
        target: &T,
        polls: u32,
        moment: Moment,
        held: Held,
    ) -> Result<bool, Violation> {
        let n = self.next;
        self.next += NUMBERS;
        let run = self.one_run(target, n, polls, moment, held).await;
        let dropped = run.map_err(|violation| {
            let what = described(target);
            let circumstances =
                format!("{what}, dropped after {polls} polls when {moment:?}; held: {held:?}");
            Violation { observed: format!("{} ({circumstances})", violation.observed), ..violation }
        })?;
        self.drops += u32::from(dropped && polls > 0);
        Ok(dropped)
    }

    async fn one_run<T: Target>(
        &self,
        target: &T,
        n: u32,
        polls: u32,
        moment: Moment,
        held: Held,
    ) -> Result<bool, Violation> {
        let case = self.case;
        let mut scene = soon("what comes before", target.arrange(case, n)).await??;
        let before = target.look(case, &scene).await?;
        holds("nothing of a call before it begins", before != Seen::After, &before)?;
        let mut held = hold(target.store(case, &scene), held).await?;
        // So that the runtime's own bound of work without a pause makes nothing pending.
        tokio::task::yield_now().await;
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut call: BoxFuture<'_, Result<()>> = target.run(case, &scene);
        for poll in 1..=polls {
            let polled = call.as_mut().poll(&mut Context::from_waker(&waker));
            if let Poll::Ready(answer) = polled {
                drop(call);
                answer?;
                let_go(&mut held).await?;
                let after = target.look(case, &scene).await?;
                holds("a call that was answered has happened", after != Seen::Before, &after)?;
                return Ok(false);
            }
            if self.at_once(target) {
                let declared = "it is answered in its first poll, as it was declared";
                return Err(Violation::new(declared, "it was pending"));
            }
            if poll < polls || moment == Moment::Woken {
                let_go(&mut held).await?;
                soon("a call that nothing holds back", woken.0.notified()).await?;
            }
        }
        drop_at_once(call, &mut held)?;
        let_go(&mut held).await?;
        target.dropped(case, &mut scene, polls).await?;
        // It may still happen: whenever one looks, all of it has happened or nothing.
        let mut seen = before;
        for _ in 0..3 {
            seen = later(seen, target.look(case, &scene).await?)?;
            tokio::task::yield_now().await;
        }
        target.next(case, &scene, n).await?;
        seen = later(seen, target.look(case, &scene).await?)?;
        target.settled(case, &scene, seen).await?;
        Ok(true)
    }
}

/// What is seen later: what has happened stays so.
fn later(earlier: Seen, now: Seen) -> Result<Seen, Violation> {
    holds("what has happened stays so", (earlier, now) != (Seen::After, Seen::Before), &now)?;
    Ok(now)
}

/// A write, a read and a unit of work of somebody else.
pub(crate) async fn next_callers(store: &dyn Store, n: u32) -> Outcome {
    let video = a_video_with(|v| {
        v.id = video_id("a-video");
        v.title = format!("after {n}");
    });
    soon("the next write", store.videos().update(&video, None)).await??;
    let read = soon("the next read", store.videos().get(&video.id, Visibility::Live)).await??;
    same("what the next write wrote", &read.map(|stored| stored.entity), &Some(video))?;
    let unit = soon("the next unit of work", store.begin(Mode::ReadWrite)).await??;
    soon("its end", unit.rollback()).await??;
    Ok(())
}

/// Takes what is to be held.
pub(crate) async fn hold(store: &dyn Store, what: Held) -> Result<Vec<Box<dyn UnitOfWork>>, Violation> {
    let (mode, units) = match what {
        Held::Nothing => return Ok(Vec::new()),
        Held::Writer => (Mode::ReadWrite, 1),
        Held::Readers => (Mode::ReadOnly, Limits::default().connections),
    };
    let mut held = Vec::new();
    for n in 1..=units {
        let what = format!("unit of work {n} of {units} for {mode:?}");
        held.push(soon(&what, store.begin(mode)).await??);
    }
    Ok(held)
}

/// Lets go of all that is held.
async fn let_go(held: &mut Vec<Box<dyn UnitOfWork>>) -> Outcome {
    for unit in held.drain(..) {
        soon("a rollback", unit.rollback()).await??;
    }
    Ok(())
}

/// Waits for what must come without anybody's help.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Violation> {
    let mut future = pin!(future);
    for _ in 0..SLICES {
        if let Ok(answer) = timeout(SLICE, &mut future).await {
            return Ok(answer);
        }
    }
    Err(Violation::new(
        format!("{what} is not kept waiting"),
        format!("no answer within {:?}", SLICE * SLICES),
    ))
}

/// Drops something. On this thread nothing else goes on meanwhile, so a witness on another one looks on: when the
/// drop seems to wait for something, the witness lets go of what is held, which may end it.
pub(crate) fn drop_at_once<T: Send>(dropped: T, held: &mut Vec<Box<dyn UnitOfWork>>) -> Outcome {
    let runtime = Handle::current();
    let (over, is_over) = mpsc::channel::<()>();
    let wait = move || {
        let _runtime = runtime.enter();
        // Answers an error of another kind when the other end is dropped.
        let waits = (0..SLICES).all(|_| is_over.recv_timeout(SLICE) == Err(mpsc::RecvTimeoutError::Timeout));
        if waits {
            held.clear();
        }
        waits
    };
    std::thread::scope(|scope| {
        let witness = std::thread::Builder::new().spawn_scoped(scope, wait);
        let witness =
            witness.map_err(|error| Violation::new("a thread of the witness", error.to_string()))?;
        let panicked = catch_unwind(AssertUnwindSafe(|| drop(dropped))).is_err();
        drop(over);
        let waited = witness.join().unwrap_or(true);
        holds("a drop does not panic", !panicked, &"it panicked")?;
        holds("a drop returns at once", !waited, &"it waited for what others held, or for its own work")
    })
}

/// Tells when a call could go on.
#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

fn described(target: &impl Target) -> String {
    target.calls().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn zero_polls(target: &impl Target) -> Violation {
    let what = described(target);
    Violation::error(
        format!("{what} is pending now and then, or declared to be answered at once"),
        format!("zero polls: ready in the first one, {MANY_TRIES} times and more"),
    )
}
