//! Whether the service lives, and whether its database does.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tubeatlas_ports::Error;

use super::{ApiError, Service};

/// How long a look at the database may take: whoever asks wants to know it now.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

pub(super) async fn database(State(service): State<Service>) -> Result<Json<Value>, ApiError> {
    let begun = Instant::now();
    let mut health = tokio::time::timeout(PATIENCE, service.store.health()).await.unwrap_or_else(|_| {
        Err(Error::Timeout { waited_for: "the store's health", waited_ms: 1_000 * PATIENCE.as_secs() })
    })?;
    let latency_ms = begun.elapsed().as_secs_f64() * 1e3;
    // Where the files of the machine lie is for its operator: `db check` and the log tell.
    health.details.retain(|name, _| *name != "path");
    Ok(Json(json!({
        "status": "ok",
        "adapter": health.adapter,
        "latency_ms": latency_ms,
        "version": env!("CARGO_PKG_VERSION"),
        "details": health.details,
    })))
}
