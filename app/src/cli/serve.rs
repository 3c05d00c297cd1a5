//! `tubeatlas serve`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{info, warn};
use tubeatlas_ports::{Check, Error as StoreError, Mode};

use super::Context;
use super::signals::Signals;
use crate::error::AppError;
use crate::http::access::Access;
use crate::http::{MediaAccess, Metrics, Service};
use crate::server::{self, Server, Tls};
use crate::settings::Flags;
use crate::wiring::{self, Missing};
use crate::worker::{WorkerOptions, Workers};

/// How long the start waits for the right to write.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen; port 0 takes any that is free [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Hand out the media files that lie below this folder, for the player of the web interface; may be repeated
    #[arg(long = "media-root", value_name = "DIR")]
    media_roots: Vec<PathBuf>,
    /// Let archives below this folder be imported on request; may be repeated
    #[arg(long = "import-root", value_name = "DIR")]
    import_roots: Vec<PathBuf>,
    /// Let the whole catalogue be exported into files of this folder on request
    #[arg(long, value_name = "DIR")]
    export_dir: Option<String>,
    /// Do tasks out of the queue, this many at once
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    workers: u32,
    /// Speak TLS with this certificate, in PEM, its chain behind it
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// A proxy before the service speaks TLS
    #[arg(long)]
    behind_proxy: bool,
    /// Answer to this name, besides localhost and addresses; may be repeated
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Let pages of this site ask, as https://atlas.example; may be repeated
    #[arg(long, value_name = "SITE")]
    allow_origin: Vec<String>,
}

impl Serve {
    /// The settings that were given as flags.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            listen: self.listen.clone(),
            media_roots: self.media_roots.clone(),
            import_roots: self.import_roots.clone(),
            export_dir: self.export_dir.clone(),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            behind_proxy: self.behind_proxy,
            allowed_hosts: self.allow_host.clone(),
            allowed_origins: self.allow_origin.clone(),
            ..Flags::default()
        }
    }

    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let settings = &context.settings;
        let limits = &settings.serve.limits;
        // First of all, so that a signal during the start is not lost.
        let asked = signals()?;

        info!(database = %settings.database.url, "start-up 1 of 4: look at the settings");
        server::check_exposure(settings.listen, &settings.serve)?;
        let media = MediaAccess::new(&settings.media_roots, wiring::clock())?;
        let import_roots = canonical(&settings.import_roots)?;
        let export_dir = settings.export_dir.as_deref().map(whole).transpose()?;
        let tls =
            settings.serve.tls.as_ref().map(|files| Tls::load(&files.certificate, &files.key)).transpose()?;
        let metrics = Metrics::install().map_err(|error| AppError::System {
            what: "measure the service",
            source: std::io::Error::other(error),
        })?;

        info!(database = %settings.database.url, "start-up 2 of 4: open and migrate the store");
        let opened = Arc::new(wiring::open(&settings.database, Missing::Create).await?);
        if opened.is_new() {
            warn!(database = %settings.database.url, "there was no such database; it is new and empty");
        }
        info!("start-up 3 of 4: check the store");
        let checks = opened.check().await?;
        // Opening has said it of the index already, and it can be built anew meanwhile.
        let bars = |it: &&wiring::Check| !it.ok && it.name != Check::INDEX_VERSION;
        let failed: Vec<String> =
            checks.iter().filter(bars).map(|it| format!("{}: {}", it.name, it.detail)).collect();
        if !failed.is_empty() {
            return Err(AppError::ChecksFailed(failed));
        }
        // Whatever else is in the way of a write, such as another program that writes for long, may pass.
        match timeout(PATIENCE, opened.store().begin(Mode::ReadWrite)).await {
            Ok(Ok(unit)) => unit.rollback().await?,
            Ok(Err(source @ StoreError::ReadOnly { .. })) => {
                return Err(AppError::Open { database: settings.database.url.to_string(), source });
            }
            Ok(Err(error)) => warn!(%error, "nothing can be written now"),
            Err(_) => warn!("nothing can be written now: somebody else is writing"),
        }
        info!(address = %settings.listen, "start-up 4 of 4: listen");
        let address = settings.listen;
        let listening = |source| AppError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listening)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().map_err(listening)?);
        info!(%url, tokens = settings.serve.tokens.len(), "listening");
        match context.output.show(&json!({"listening": url}), |_| format!("listening on {url}")) {
            // Whoever started the service need not listen to it.
            Err(error) if !error.is_closed_pipe() => return Err(error),
            _ => {}
        }

        let upkeep = tokio::spawn(metrics.clone().upkeep());
        let service = Service::new(opened.store().clone())
            .with_media(media)
            .with_import_roots(import_roots)
            .with_export_dir(export_dir.clone())
            .with_reindexing(opened.can_reindex());
        let options = WorkerOptions { export_dir, ..WorkerOptions::default() };
        let workers = Workers::start(&opened, self.workers, &options)?;
        let router = service.clone().guarded(Access::new(&settings.serve), &metrics);
        let server = Server::new(listener, router, tls, limits.clone());
        server.run(asked, || service.end_streams()).await;
        upkeep.abort();
        workers.stop(limits.shutdown_timeout).await;
        info!("shutting down: close the store");
        match timeout(limits.shutdown_timeout, opened.store().close()).await {
            Ok(closed) => closed?,
            Err(_) => warn!("the store did not close within {:?}", limits.shutdown_timeout),
        }
        info!("shut down");
        Ok(ExitCode::SUCCESS)
    }
}

/// Folders as they are without links, so that what lies below them can be told.
fn canonical(folders: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
    folders.iter().map(|folder| whole(folder)).collect()
}

/// A folder as it is without links.
pub(super) fn whole(folder: &Path) -> Result<PathBuf, AppError> {
    folder.canonicalize().map_err(|source| AppError::File {
        what: "find the folder",
        path: folder.to_owned(),
        source,
    })
}

/// Receives something for each signal that asks the service to end.
pub(super) fn signals() -> Result<mpsc::Receiver<()>, AppError> {
    let mut signals = Signals::new()?;
    let (ask, asked) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let name = signals.next().await;
            info!(signal = name, "asked to end");
            if ask.send(()).await.is_err() {
                break;
            }
        }
    });
    Ok(asked)
}
