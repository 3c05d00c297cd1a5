//! [`Session`]: where the repositories read and write, be it the store itself or a unit of work.

use std::sync::Arc;

use tubeatlas_ports::{Error, Result};

use crate::state::{Stamp, State};
use crate::store::Shared;
use crate::unit_of_work::Unit;

/// Where the repositories read and write. They are implemented for it, so once for both.
#[derive(Clone)]
pub(crate) enum Session {
    /// Each call is a transaction of its own.
    Store(Arc<Shared>),
    /// All calls are one transaction.
    Unit(Arc<Unit>),
}

impl Session {
    /// Reads the state of this moment, or the unit's. Locks nothing meanwhile.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        let state = match self {
            Self::Store(store) => store.enter()?.current(),
            Self::Unit(unit) => unit.state()?,
        };
        read(&state)
    }

    /// Writes, wholly or not at all. `valid` says what was found of the request alone, and is refused where
    /// its turn is among the answers.
    pub(crate) async fn write<V, T>(
        &self,
        valid: Result<V>,
        write: impl FnOnce(&mut State, &Stamp<'_>, V) -> Result<T>,
    ) -> Result<T> {
        match self {
            Self::Store(store) => store.write(valid, write).await,
            Self::Unit(unit) => unit.write(valid, write),
        }
    }

    /// Refuses in a unit of work what only the store can do.
    pub(crate) fn check_alone(&self, what: &'static str) -> Result<()> {
        match self {
            Self::Store(_) => Ok(()),
            Self::Unit(unit) => unit.call(|_| Err(Error::Unsupported { what })),
        }
    }
}
