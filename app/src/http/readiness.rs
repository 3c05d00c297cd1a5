//! `GET /health/ready`: whether the service can do its work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tubeatlas_ports::{Error, Mode, Store};

use super::ApiError;

/// How long a look may take: whoever asks wants to know it now.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what was seen counts. To see it, the right to write is taken for a moment, and anybody may ask, as often as they
/// like.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the service can do its work, as it was seen last.
pub(super) struct Readiness {
    store: Arc<dyn Store>,
    seen: Mutex<Option<(Instant, Result<(), ApiError>)>>,
}

impl Readiness {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, seen: Mutex::new(None) }
    }

    /// Looks at it, or waits for who does; nobody looks twice at a time.
    async fn look(&self) -> Result<(), ApiError> {
        let mut seen = self.seen.lock().await;
        if let Some((at, found)) = seen.as_ref()
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let found = timeout(PATIENCE, is_ready(self.store.as_ref())).await.unwrap_or_else(|_| {
            let waited_ms = 1_000 * PATIENCE.as_secs();
            Err(Error::Timeout { waited_for: "a sign that the store is ready", waited_ms })
        });
        let found = found.map_err(ApiError::from);
        *seen = Some((Instant::now(), found.clone()));
        found
    }
}

/// A connection of the pool answers, by the schema of this program, and the right to write can be had.
async fn is_ready(store: &dyn Store) -> Result<(), Error> {
    store.health().await?;
    store.begin(Mode::ReadWrite).await?.rollback().await
}

pub(super) async fn ready(State(readiness): State<Arc<Readiness>>) -> Result<Json<Value>, ApiError> {
    readiness.look().await?;
    Ok(Json(json!({"status": "ok"})))
}

#[cfg(test)]
mod tests {
    use tubeatlas_ports::Health;
    use tubeatlas_ports::mock::{MockStore, MockUnitOfWork};

    use super::*;

    fn unit_of_work() -> MockUnitOfWork {
        let mut unit = MockUnitOfWork::default();
        unit.calls.expect_rollback().once().return_once(|| Ok(()));
        unit
    }

    #[tokio::test]
    async fn however_many_ask_the_store_is_asked_once() {
        let mut store = MockStore::default();
        store.calls.expect_health().once().return_once(|| Ok(Health::new("mock")));
        store.calls.expect_begin().once().return_once(|mode| {
            assert_eq!(mode, Mode::ReadWrite);
            Ok(unit_of_work())
        });
        let readiness = Readiness::new(Arc::new(store));
        for _ in 0..100 {
            readiness.look().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_written_to_is_not_ready() {
        let mut store = MockStore::default();
        store.calls.expect_health().return_once(|| Ok(Health::new("mock")));
        store.calls.expect_begin().return_once(|_| Err(Error::ReadOnly { what: "the file".into() }));
        let readiness = Readiness::new(Arc::new(store));
        for _ in 0..2 {
            let found = readiness.look().await.unwrap_err();
            assert_eq!((found.status().as_u16(), found.problem().code), (503, "read_only"));
        }
    }

    #[tokio::test]
    async fn a_store_that_does_not_answer_is_not_ready() {
        let mut store = MockStore::default();
        store.calls.expect_health().return_once(|| Err(Error::Closed { what: "the store".into() }));
        let found = Readiness::new(Arc::new(store)).look().await.unwrap_err();
        assert_eq!((found.status().as_u16(), found.problem().code), (503, "closed"));
    }
}
