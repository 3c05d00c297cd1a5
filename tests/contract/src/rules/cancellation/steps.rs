//! The calls of a store as a whole and the steps of its units of work, as something to drop.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use tubeatlas_domain::{Channel, Entity, Transcript, Video};
use tubeatlas_ports::{Conflict, Error, Mode, Result, Store, UnitOfWork, Visibility};

use super::dropping::{Call, Held, Seen, Target, drop_at_once, hold, next_callers, soon};
use super::methods::Method;
use crate::check::{closed, refused_as, same};
use crate::fixtures::*;
use crate::rules::subject::Written;
use crate::{CallKind, Case, Outcome, Violation};

/// `begin`.
pub(crate) struct Begin(pub(crate) Mode);

#[async_trait]
impl Target for Begin {
    type Scene = ();

    fn calls(&self) -> Vec<Call> {
        vec![begin_call(self.0)]
    }

    async fn arrange(&self, _: &Case, _: u32) -> Result<(), Violation> {
        Ok(())
    }

    async fn run(&self, case: &Case, (): &()) -> Result<()> {
        case.store().begin(self.0).await.map(drop)
    }

    async fn look(&self, _: &Case, (): &()) -> Result<Seen, Violation> {
        Ok(Seen::Same)
    }
}

fn begin_call(mode: Mode) -> Call {
    let kind = match mode {
        Mode::ReadWrite => CallKind::BeginReadWrite,
        Mode::ReadOnly => CallKind::BeginReadOnly,
    };
    Call { kind, entity: None, method: "begin" }
}

/// `health`.
pub(crate) struct Health;

#[async_trait]
impl Target for Health {
    type Scene = ();

    fn calls(&self) -> Vec<Call> {
        vec![Call { kind: CallKind::Health, entity: None, method: "health" }]
    }

    async fn arrange(&self, _: &Case, _: u32) -> Result<(), Violation> {
        Ok(())
    }

    async fn run(&self, case: &Case, (): &()) -> Result<()> {
        case.store().health().await.map(drop)
    }

    async fn look(&self, _: &Case, (): &()) -> Result<Seen, Violation> {
        Ok(Seen::Same)
    }
}

/// `close`, each time of a store of its own.
pub(crate) struct Close;

#[async_trait]
impl Target for Close {
    type Scene = Arc<dyn Store>;

    fn calls(&self) -> Vec<Call> {
        vec![Call { kind: CallKind::Close, entity: None, method: "close" }]
    }

    async fn arrange(&self, case: &Case, _: u32) -> Result<Arc<dyn Store>, Violation> {
        let store = case.another(Default::default()).await?;
        store.videos().create(&a_video()).await?;
        Ok(store)
    }

    fn store<'a>(&self, _: &'a Case, scene: &'a Arc<dyn Store>) -> &'a dyn Store {
        &**scene
    }

    async fn run(&self, _: &Case, scene: &Arc<dyn Store>) -> Result<()> {
        scene.close().await
    }

    /// It is open, or it is closed for everything.
    async fn look(&self, _: &Case, scene: &Arc<dyn Store>) -> Result<Seen, Violation> {
        match scene.health().await {
            Ok(_) => return Ok(Seen::Before),
            Err(Error::Closed { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        closed(scene.videos().exists(&a_video().id, Visibility::Live).await)?;
        closed(scene.videos().update(&a_video(), None).await)?;
        closed(scene.begin(Mode::ReadWrite).await.map(drop))?;
        Ok(Seen::After)
    }

    async fn next(&self, case: &Case, scene: &Arc<dyn Store>, n: u32) -> Outcome {
        match self.look(case, scene).await? {
            Seen::Before => next_callers(&**scene, n).await?,
            Seen::After | Seen::Same => {}
        }
        soon("another close", scene.close()).await??;
        same("a store that was closed", &self.look(case, scene).await?, &Seen::After)
    }
}

/// The end of a unit of work that wrote.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Commit,
    Rollback,
}

/// A unit of work that can be taken, and what it wrote.
pub(crate) struct Open {
    unit: Mutex<Option<Box<dyn UnitOfWork>>>,
    n: u32,
}

impl Open {
    fn new(unit: Box<dyn UnitOfWork>, n: u32) -> Self {
        Self { unit: Mutex::new(Some(unit)), n }
    }

    fn take(&self) -> Result<Box<dyn UnitOfWork>> {
        let unit = self.unit.lock().unwrap_or_else(PoisonError::into_inner).take();
        unit.ok_or_else(|| Error::Closed { what: "a unit of work that was taken before".to_owned() })
    }
}

/// Writes things of several kinds.
async fn write(unit: &dyn UnitOfWork, n: u32) -> Result<()> {
    unit.channels().create(&Channel::nth(n)).await?;
    unit.videos().create(&Video::nth(n)).await?;
    unit.transcripts().create(&Transcript::nth(n)).await.map(drop)
}

/// How much of that is there.
async fn written(case: &Case, n: u32) -> Result<Seen, Violation> {
    let unit = case.store().begin(Mode::ReadOnly).await?;
    let live = Visibility::Live;
    let there = [
        unit.channels().exists(&Channel::nth(n).id, live).await?,
        unit.videos().exists(&Video::nth(n).id, live).await?,
        unit.transcripts().exists(&Transcript::nth(n).id(), live).await?,
    ];
    unit.rollback().await?;
    if there == [false; 3] {
        return Ok(Seen::Before);
    }
    same("all of a unit of work or nothing; all of it is", &there, &[true; 3])?;
    Ok(Seen::After)
}

#[async_trait]
impl Target for End {
    type Scene = Open;

    fn calls(&self) -> Vec<Call> {
        let (kind, method) = match self {
            Self::Commit => (CallKind::Commit, "commit"),
            Self::Rollback => (CallKind::Rollback, "rollback"),
        };
        vec![Call { kind, entity: None, method }]
    }

    /// It holds what it needs itself.
    fn circumstances(&self) -> &'static [Held] {
        &[Held::Nothing]
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Open, Violation> {
        let unit = case.store().begin(Mode::ReadWrite).await?;
        write(&*unit, n).await?;
        Ok(Open::new(unit, n))
    }

    async fn run(&self, _: &Case, scene: &Open) -> Result<()> {
        match self {
            Self::Commit => scene.take()?.commit().await,
            Self::Rollback => scene.take()?.rollback().await,
        }
    }

    async fn look(&self, case: &Case, scene: &Open) -> Result<Seen, Violation> {
        let seen = written(case, scene.n).await?;
        match self {
            Self::Commit => Ok(seen),
            Self::Rollback => nothing_of_it(seen),
        }
    }

    async fn dropped(&self, _: &Case, scene: &mut Open, _: u32) -> Outcome {
        // If it was never polled, it is still there, and holds what the next one needs.
        drop(scene.take());
        Ok(())
    }
}

fn nothing_of_it(seen: Seen) -> Result<Seen, Violation> {
    same("what is kept of a unit of work that was not committed", &seen, &Seen::Before)?;
    Ok(Seen::Same)
}

/// All of a unit of work as one future, as its owner sees it.
pub(crate) struct Owner(pub(crate) Mode);

#[async_trait]
impl Target for Owner {
    type Scene = u32;

    fn calls(&self) -> Vec<Call> {
        let call = |kind, method| Call { kind, entity: None, method };
        let mut calls = vec![begin_call(self.0), call(CallKind::ReadInUnit, "exists")];
        match self.0 {
            Mode::ReadOnly => calls.push(call(CallKind::Rollback, "rollback")),
            Mode::ReadWrite => {
                calls.push(call(CallKind::WriteInUnit, "create"));
                calls.push(call(CallKind::Commit, "commit"));
            }
        }
        calls
    }

    async fn arrange(&self, _: &Case, n: u32) -> Result<u32, Violation> {
        Ok(n)
    }

    async fn run(&self, case: &Case, n: &u32) -> Result<()> {
        let unit = case.store().begin(self.0).await?;
        unit.videos().exists(&a_video().id, Visibility::Live).await?;
        match self.0 {
            Mode::ReadOnly => unit.rollback().await,
            Mode::ReadWrite => {
                write(&*unit, *n).await?;
                unit.commit().await
            }
        }
    }

    async fn look(&self, case: &Case, n: &u32) -> Result<Seen, Violation> {
        let seen = written(case, *n).await?;
        match self.0 {
            Mode::ReadOnly => nothing_of_it(seen),
            Mode::ReadWrite => Ok(seen),
        }
    }
}

/// A method as a call inside a unit of work.
pub(crate) struct InUnit<M>(pub(crate) M, pub(crate) Mode);

/// A unit of work that is open, and what was made ready for the call.
pub(crate) struct Inside<S> {
    scene: S,
    unit: Option<Box<dyn UnitOfWork>>,
    /// What it wrote before the call.
    before: Channel,
}

#[async_trait]
impl<M: Method> Target for InUnit<M> {
    type Scene = Inside<M::Scene>;

    fn calls(&self) -> Vec<Call> {
        let [_, kind] = M::KINDS;
        vec![Call { kind, entity: Some(M::ENTITY), method: self.0.name() }]
    }

    /// It has what it needs.
    fn circumstances(&self) -> &'static [Held] {
        &[Held::Nothing]
    }

    async fn arrange(&self, case: &Case, n: u32) -> Result<Self::Scene, Violation> {
        let scene = self.0.arrange(case, n).await?;
        let before = a_channel_with(|c| c.id = channel_id(&format!("before-{n}")));
        let unit = case.store().begin(self.1).await?;
        if self.1 == Mode::ReadWrite {
            unit.channels().create(&before).await?;
        }
        Ok(Inside { scene, unit: Some(unit), before })
    }

    async fn run(&self, _: &Case, Inside { scene, unit, .. }: &Self::Scene) -> Result<()> {
        match unit {
            Some(unit) => self.0.run(&**unit, scene).await,
            None => Ok(()),
        }
    }

    async fn look(&self, case: &Case, Inside { scene, before, .. }: &Self::Scene) -> Result<Seen, Violation> {
        let there = case.store().channels().exists(&before.id, Visibility::Live).await?;
        same("what was done before in the unit of work", &there, &false)?;
        match self.0.look(case, scene).await? {
            Seen::After => nothing_of_it(Seen::After),
            Seen::Before | Seen::Same => Ok(Seen::Same),
        }
    }

    async fn dropped(&self, _: &Case, Inside { unit, .. }: &mut Self::Scene, polls: u32) -> Outcome {
        let Some(unit) = unit.take() else { return Ok(()) };
        let read = unit.videos().exists(&a_video().id, Visibility::Live).await;
        if polls == 0 {
            return same("a read behind a call that was never polled", &read?, &true);
        }
        let ended =
            |error: &Error| matches!(error, Error::Closed { .. } | Error::Conflict(Conflict::Serialization));
        let expected = "Closed: the unit of work ended when its call was dropped";
        refused_as(read, expected, ended)?;
        refused_as(unit.commit().await, expected, ended)
    }
}

/// Drops a unit of work after none, one or two of its calls, while somebody waits for what it holds.
pub(crate) async fn drop_units(case: &Case) -> Outcome {
    let store = case.store();
    store.videos().create(&a_video()).await?;
    for (mode, held) in [(Mode::ReadWrite, Held::Writer), (Mode::ReadOnly, Held::Readers)] {
        for calls in 0..=2 {
            let mut others = hold(store, held).await?;
            let Some(unit) = others.pop() else { continue };
            for n in 0..calls {
                unit.videos().exists(&a_video().id, Visibility::Live).await?;
                if mode == Mode::ReadWrite {
                    unit.channels().create(&Channel::nth(n)).await?;
                }
            }
            let mut next = store.begin(mode);
            let waits = futures::poll!(&mut next);
            drop_at_once(unit, &mut others)?;
            let next = match waits {
                Poll::Ready(unit) => unit?,
                Poll::Pending => soon("whoever waits for what was held", next).await??,
            };
            next.rollback().await?;
            drop(others);
            let kept = store.channels().count(&Default::default()).await?;
            same("what is kept of a unit of work that was dropped", &kept, &0)?;
            next_callers(store, calls).await?;
        }
    }
    Ok(())
}
