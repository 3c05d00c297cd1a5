//! What the author of an adapter writes: how to open a fresh store.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tubeatlas_ports::{Clock, IdGenerator, Store};

use crate::Exceptions;

/// How the suite gets at the stores of one adapter.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Keeps what a store needs, a temporary directory say, and is dropped after the store's last use.
    type Guard: Send + 'static;

    /// A fresh, empty store with this clock, these ids and these limits. Nothing that is done in another
    /// store, also in one that is open at the same time, may be seen in it.
    ///
    /// # Errors
    /// Why there is none (no server, no right to write), for the person who runs the tests. A rule that gets no
    /// store could not be tried, which is never a success.
    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, Self::Guard), String>;

    /// Where the store with this guard can be opened again, also by another process: a path or a URL. `None` if
    /// the adapter keeps nothing and says so ([`Capability::Durability`](crate::Capability::Durability)).
    fn place(&self, _guard: &Self::Guard) -> Option<String> {
        None
    }

    /// Opens what is stored at a [`place`](Self::place) again, after it was closed, dropped, or the process that
    /// had it open was killed.
    ///
    /// # Errors
    /// Why that cannot be done.
    async fn reopen(&self, _place: &str, _setup: Setup) -> Result<Arc<dyn Store>, String> {
        Err("the harness has no `reopen`".to_owned())
    }

    /// What the adapter does not do, or not yet. Nothing by default: every rule is tried.
    fn exceptions(&self) -> Exceptions {
        Exceptions::none()
    }
}

/// A harness that several threads share.
#[async_trait]
impl<H: Harness> Harness for Arc<H> {
    type Guard = H::Guard;

    async fn open(&self, setup: Setup) -> Result<(Arc<dyn Store>, Self::Guard), String> {
        (**self).open(setup).await
    }

    fn place(&self, guard: &Self::Guard) -> Option<String> {
        (**self).place(guard)
    }

    async fn reopen(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String> {
        (**self).reopen(place, setup).await
    }

    fn exceptions(&self) -> Exceptions {
        (**self).exceptions()
    }
}

/// With what a store is opened.
#[derive(Clone)]
pub struct Setup {
    /// The only clock that the store may ask for the time that it stores and compares.
    pub clock: Arc<dyn Clock>,
    /// Where the store takes new ids from.
    pub ids: Arc<dyn IdGenerator>,
    /// How long, and how much.
    pub limits: Limits,
}

/// How long a store may let its callers wait, and how many connections it may have. An adapter for which one
/// of them means nothing leaves it aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a caller waits for a connection, or for the right to write, until it is told
    /// [`Timeout`](tubeatlas_ports::Error::Timeout).
    pub acquire_timeout: Duration,
    /// After which time a unit of work ends by itself.
    pub unit_of_work_timeout: Duration,
    /// How many connections for reading the store may have.
    pub connections: usize,
}

impl Default for Limits {
    /// Limits that no rule reaches: long waits, some connections.
    fn default() -> Self {
        let long = Duration::from_secs(60);
        Self { acquire_timeout: long, unit_of_work_timeout: long, connections: 4 }
    }
}

/// A harness whose guard is of no particular type, so that rules need not be generic.
#[async_trait]
pub(crate) trait Opener: Send + Sync {
    async fn open_any(&self, setup: Setup) -> Result<(Arc<dyn Store>, Guard), String>;
    fn place_of(&self, guard: &Guard) -> Option<String>;
    async fn reopen_any(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String>;
    fn exceptions_of(&self) -> Exceptions;
}

pub(crate) type Guard = Box<dyn Any + Send>; // of the harness's own type

#[async_trait]
impl<H: Harness> Opener for H {
    async fn open_any(&self, setup: Setup) -> Result<(Arc<dyn Store>, Guard), String> {
        let (store, guard) = self.open(setup).await?;
        Ok((store, Box::new(guard)))
    }

    fn place_of(&self, guard: &Guard) -> Option<String> {
        self.place(guard.downcast_ref()?)
    }

    async fn reopen_any(&self, place: &str, setup: Setup) -> Result<Arc<dyn Store>, String> {
        self.reopen(place, setup).await
    }

    fn exceptions_of(&self) -> Exceptions {
        self.exceptions()
    }
}
