//! Extractors for handlers that write: one unit of work a request.
//!
//! Both begin it when the handler says so, which is after its other arguments, the body among them, were read: a slow
//! client holds nothing. A handler that is given up, because it panicked or its client went away, drops the unit, and what
//! is dropped is rolled back.
//!
//! They work in any axum service whose state holds the store:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::Router;
//! use axum::extract::Path;
//! use axum::routing::post;
//! use futures::FutureExt;
//! use tubeatlas::http::{ApiError, CommitOnSuccess, ExplicitControl};
//! use tubeatlas_domain::VideoId;
//! use tubeatlas_ports::{Mode, Store};
//!
//! async fn restore(unit: CommitOnSuccess, Path(id): Path<String>) -> Result<String, ApiError> {
//!     let id = VideoId::parse(id)?;
//!     unit.run(|unit| async { Ok(unit.videos().restore(&id).await?.title.clone()) }.boxed()).await
//! }
//!
//! async fn purge(units: ExplicitControl, Path(id): Path<String>) -> Result<(), ApiError> {
//!     let unit = units.begin(Mode::ReadWrite).await?;
//!     unit.videos().purge(&VideoId::parse(id)?, None).await?;
//!     Ok(unit.commit().await?)
//! }
//!
//! fn service(store: Arc<dyn Store>) -> Router {
//!     Router::new().route("/restore/{id}", post(restore)).route("/purge/{id}", post(purge)).with_state(store)
//! }
//! # let _ = service;
//! ```

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use futures::future::BoxFuture;
use tubeatlas_ports::{Error, Mode, RetryPolicy, Store, UnitOfWork, WorkError, transact};

/// A unit of work that is committed if the handler's work succeeds, and rolled back if not.
#[derive(Clone)]
pub struct CommitOnSuccess {
    store: Arc<dyn Store>,
}

impl CommitOnSuccess {
    /// Runs `work` in a unit of work, as [`transact`] with its default policy: after a conflict with others it is run
    /// again, so that it must not do anything outside the unit that may not be done twice.
    ///
    /// # Errors
    /// The error of `work`, of beginning or of committing; after the last attempt, the conflict.
    pub async fn run<'c, T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send,
        E: WorkError + Send,
        F: for<'a> Fn(&'a (dyn UnitOfWork + 'c)) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
    {
        transact(self.store.as_ref(), Mode::ReadWrite, RetryPolicy::default(), work).await
    }
}

/// Units of work that the handler begins, commits and rolls back itself.
#[derive(Clone)]
pub struct ExplicitControl {
    store: Arc<dyn Store>,
}

impl ExplicitControl {
    /// Begins a unit of work. It is rolled back unless it is committed.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin(&self, mode: Mode) -> Result<Box<dyn UnitOfWork>, Error> {
        self.store.begin(mode).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CommitOnSuccess
where
    Arc<dyn Store>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self { store: FromRef::from_ref(state) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ExplicitControl
where
    Arc<dyn Store>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self { store: FromRef::from_ref(state) })
    }
}
