//! [`Session`]: where the repositories read and write, and [`Unit`], the unit of work.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Error, Mode, Result, UnitOfWork, delegate_repositories};

use crate::blocking::blocking;
use crate::draft::Draft;
use crate::shared::{Inside, Open, Shared};
use crate::slot::Slot;

/// Where the repositories read and write.
pub(crate) enum Session {
    /// Each call is a transaction of its own.
    Store(Arc<Shared>),
    /// All calls are one transaction.
    Unit(Arc<Slot>),
}

impl Session {
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Draft<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        match self {
            Self::Store(store) => {
                let inside = store.enter()?;
                blocking(move || read(&Draft::over(&inside.begin()?.transaction))).await
            }
            Self::Unit(slot) => slot.call(move |open| read(&Draft::over(&open.transaction))).await,
        }
    }

    /// A write happens wholly or not at all. `valid` is what was found of the request alone, and what the write
    /// takes from it; it comes after `Closed`, and before all that needs a look at the store.
    pub(crate) async fn write<V: Send + 'static, R: Send + 'static>(
        &self,
        valid: Result<V>,
        write: impl FnOnce(&mut Draft<'_>, Timestamp, V) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        match self {
            Self::Store(store) => {
                let inside = store.enter()?;
                let valid = valid?;
                let writer = inside.acquire().await?;
                blocking(move || {
                    let mut open = writer.begin()?;
                    let answer = open.write(valid, write)?;
                    open.commit()?;
                    Ok(answer)
                })
                .await
            }
            Self::Unit(slot) => {
                slot.call(move |open| {
                    let valid = valid?;
                    if open.permit.is_none() {
                        return Err(Error::ReadOnly { what: "the unit of work".to_owned() });
                    }
                    open.write(valid, write)
                })
                .await
            }
        }
    }
}

impl Open {
    /// Runs a write on a draft, and takes the draft over if it succeeded.
    fn write<V, R>(
        &mut self,
        valid: V,
        write: impl FnOnce(&mut Draft<'_>, Timestamp, V) -> Result<R>,
    ) -> Result<R> {
        let mut draft = Draft::over(&self.transaction);
        let answer = write(&mut draft, self.inside.shared().clock.now(), valid)?;
        let changes = draft.into_changes();
        self.written |= !changes.is_empty();
        self.transaction.apply(changes)?;
        Ok(answer)
    }
}

/// An open unit of work.
pub(crate) struct Unit {
    session: Session,
    slot: Arc<Slot>,
    timer: AbortHandle,
}

delegate_repositories!(Unit, session);

/// Ends a unit of work when it is dropped.
struct EndOnDrop(Arc<Slot>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.slot.end();
        self.timer.abort();
    }
}

impl Unit {
    /// What the unit sees is fixed before this answers.
    pub(crate) async fn begin(inside: Inside, mode: Mode) -> Result<Self> {
        let duration = inside.shared().options.unit_of_work_timeout;
        let open = match mode {
            Mode::ReadOnly => blocking(move || inside.begin()).await?,
            Mode::ReadWrite => {
                let writer = inside.acquire().await?;
                blocking(move || writer.begin()).await?
            }
        };
        let slot = Slot::new(open, Instant::now() + duration);
        // Ends the unit at its deadline without anybody calling it, and also when the runtime is shut down: then
        // the task is dropped, and with it `end`.
        let end = EndOnDrop(slot.clone());
        let timer = tokio::spawn(async move {
            sleep(duration).await;
            drop(end);
        });
        Ok(Self { session: Session::Unit(slot.clone()), slot, timer: timer.abort_handle() })
    }
}

#[async_trait]
impl UnitOfWork for Unit {
    async fn commit(self: Box<Self>) -> Result<()> {
        self.slot.commit().await
    }

    async fn rollback(self: Box<Self>) -> Result<()> {
        Ok(()) // dropping it does the rest
    }
}
