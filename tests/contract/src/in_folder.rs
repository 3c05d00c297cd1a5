//! [`InFolder`]: the harness of adapters that keep all they have in a folder.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use tubeatlas_ports::{Result, Store};

use crate::{Exceptions, Harness, Setup};

/// A harness for adapters that keep all they have in files of one folder: given how a store is opened in a folder,
/// each rule gets a folder of its own, which is gone afterwards, and stores can be opened again.
///
/// ```no_run
/// # use std::{path::PathBuf, sync::Arc, time::Duration};
/// # use tubeatlas_ports::{Clock, IdGenerator, Result, Store};
/// # struct Options { acquire_timeout: Duration, unit_of_work_timeout: Duration }
/// # async fn open(_: PathBuf, _: Options, _: Arc<dyn Clock>, _: Arc<dyn IdGenerator>) -> Result<Arc<dyn Store>> { todo!() }
/// use tubeatlas_contract::{InFolder, Limits, contract_tests};
///
/// contract_tests!(InFolder::new(|folder, setup| {
///     let Limits { acquire_timeout, unit_of_work_timeout, .. } = setup.limits;
///     let file = folder.join("catalogue.db");
///     open(file, Options { acquire_timeout, unit_of_work_timeout }, setup.clock, setup.ids)
/// }));
/// # fn main() {}
/// ```
pub struct InFolder<F> {
    open: F,
    exceptions: Exceptions,
}

impl<F, A> InFolder<F>
where
    F: Fn(PathBuf, Setup) -> A + Send + Sync,
    A: Future<Output = Result<Arc<dyn Store>>> + Send,
{
    /// A harness that opens a store, a fresh one or what is there, in the folder that it is given.
    pub fn new(open: F) -> Self {
        Self { open, exceptions: Exceptions::none() }
    }

    /// With what is not asked of the adapter.
    #[must_use]
    pub fn except(self, exceptions: Exceptions) -> Self {
        Self { exceptions, ..self }
    }
}

#[async_trait]
impl<F, A> Harness for InFolder<F>
where
    F: Fn(PathBuf, Setup) -> A + Send + Sync,
    A: Future<Output = Result<Arc<dyn Store>>> + Send,
{
    type Guard = TempDir;

    async fn open(&self, setup: Setup) -> std::result::Result<(Arc<dyn Store>, TempDir), String> {
        let folder = TempDir::new().map_err(|error| format!("no temporary folder can be made: {error}"))?;
        let store = (self.open)(folder.path().to_owned(), setup).await.map_err(|error| error.chain())?;
        Ok((store, folder))
    }

    fn place(&self, folder: &TempDir) -> Option<String> {
        folder.path().to_str().map(str::to_owned)
    }

    async fn reopen(&self, place: &str, setup: Setup) -> std::result::Result<Arc<dyn Store>, String> {
        (self.open)(PathBuf::from(place), setup).await.map_err(|error| error.chain())
    }

    fn exceptions(&self) -> Exceptions {
        self.exceptions.clone()
    }
}
