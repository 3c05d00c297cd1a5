//! `tubeatlas serve`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::Context;
use crate::error::AppError;
use crate::http;
use crate::wiring::{self, Missing};

/// How long requests that are under way, and then the store, have when the service is asked to end.
const DRAIN: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen; port 0 takes any that is free [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let settings = &context.settings;
        // First of all, so that a signal during the start is not lost.
        let mut signals = Signals::new()?;

        info!(database = %settings.database.url, "start-up 1 of 3: open and migrate the store");
        let opened = wiring::open(&settings.database, Missing::Create).await?;
        if opened.is_new() {
            warn!(database = %settings.database.url, "there was no such database; it is new and empty");
        }
        info!("start-up 2 of 3: check the store");
        let checks = opened.check().await?;
        let failed: Vec<String> =
            checks.iter().filter(|it| !it.ok).map(|it| format!("{}: {}", it.name, it.detail)).collect();
        if !failed.is_empty() {
            return Err(AppError::ChecksFailed(failed));
        }
        info!(address = %settings.listen, "start-up 3 of 3: listen");
        let address = settings.listen;
        let listening = |source| AppError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let url = format!("http://{}", listener.local_addr().map_err(listening)?);
        info!(%url, "listening");
        match context.output.show(&json!({"listening": url}), |_| format!("listening on {url}")) {
            // Whoever started the service need not listen to it.
            Err(error) if !error.is_closed_pipe() => return Err(error),
            _ => {}
        }

        let (stop, stopped) = oneshot::channel::<()>();
        let router = http::router(opened.store().clone());
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopped.await;
        });
        let mut server = tokio::spawn(server.into_future());
        let early = tokio::select! {
            ended = &mut server => Some(ended),
            name = signals.next() => {
                info!(signal = name, "shutting down: no new requests");
                None
            }
        };
        if early.is_some() {
            warn!("the service stopped listening by itself");
        } else {
            let _ = stop.send(());
            tokio::select! {
                ended = tokio::time::timeout(DRAIN, &mut server) => if ended.is_err() {
                    warn!("requests were still under way after {} s, and are cut off", DRAIN.as_secs());
                },
                _ = signals.next() => warn!("asked again: requests under way are cut off"),
            }
            server.abort();
        }
        info!("shutting down: close the store");
        match tokio::time::timeout(DRAIN, opened.store().close()).await {
            Ok(closed) => closed?,
            Err(_) => warn!("the store did not close within {} s", DRAIN.as_secs()),
        }
        info!("shut down");
        Ok(if early.is_some() { ExitCode::from(2) } else { ExitCode::SUCCESS })
    }
}

/// The signals that ask the service to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, AppError> {
        let listen =
            |kind| signal(kind).map_err(|source| AppError::System { what: "listen to signals", source });
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
