//! The listener and its connections: HTTP/1.1 over TCP or TLS, within bounds, until the service is asked to end.
//!
//! What is bounded here is what a router cannot see, because it is only asked once the head of a request is there:
//! connections, heads, silence, clients that do not take their answers. When all places for connections are taken, the
//! one that has been without a request for the longest gives way, so clients which say nothing keep nobody out.

mod activity;
mod connection;
mod exposure;
mod kept;
mod places;
mod stream;
mod tls;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::settings::Limits;
use connection::Connections;
pub use exposure::check as check_exposure;
pub(crate) use kept::Kept;
pub use tls::{Tls, TlsError};

/// How long the listener rests when the system gives no more connections, as for want of file descriptors.
const REST: Duration = Duration::from_millis(50);

/// Tells connections that the service is asked to end.
#[derive(Debug, Clone)]
struct Stopping(watch::Receiver<bool>);

impl Stopping {
    async fn wait(&mut self) {
        // If the sender is gone, the service has ended.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }
}

/// A service that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    limits: Limits,
}

impl Server {
    /// Answers what comes to `listener` by `router`, which finds `ConnectInfo<SocketAddr>` among the extensions of a request.
    pub fn new(listener: TcpListener, router: Router, tls: Option<Tls>, limits: Limits) -> Self {
        Self { listener, router, tls, limits }
    }

    /// Serves until something is received from `asked`, or its sender is gone. Then nothing new is accepted, connections
    /// without a request are closed, `stopping` is called, which has answers end that would not by themselves, and requests
    /// under way have [`Limits::shutdown_timeout`]. They are cut off then, or when something is received a second time.
    /// Answers whether all of them had ended by themselves.
    pub async fn run(self, mut asked: mpsc::Receiver<()>, stopping: impl FnOnce()) -> bool {
        let Self { listener, router, tls, limits } = self;
        let (stop, stopped) = watch::channel(false);
        let connections = Arc::new(Connections::new(router, tls, &limits, Stopping(stopped)));
        let mut running = JoinSet::new();
        {
            let mut stopped = pin!(asked.recv());
            loop {
                let (stream, peer) = tokio::select! {
                    _ = &mut stopped => break,
                    accepted = accept(&listener, &connections) => accepted,
                };
                let place = tokio::select! {
                    _ = &mut stopped => break,
                    place = connections.place() => place,
                };
                running.spawn(Arc::clone(&connections).serve(stream, peer, place));
                while let Some(ended) = running.try_join_next() {
                    if let Err(ended) = ended {
                        error!(error = %ended, "a connection panicked");
                    }
                }
            }
        }
        drop(listener);
        stop.send_replace(true);
        stopping();
        info!(connections = running.len(), "no new connections; what is under way may end");
        let ended = tokio::select! {
            ended = timeout(limits.shutdown_timeout, async { while running.join_next().await.is_some() {} }) => {
                if ended.is_err() {
                    warn!("requests were still under way after {:?}, and are cut off", limits.shutdown_timeout);
                }
                ended.is_ok()
            }
            Some(()) = asked.recv() => {
                warn!("asked again: requests under way are cut off");
                false
            }
        };
        running.shutdown().await;
        ended
    }
}

async fn accept(listener: &TcpListener, connections: &Connections) -> (TcpStream, SocketAddr) {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client has gone already.
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => {
            }
            Err(error) => {
                warn!(%error, "the system gives no connection");
                connections.make_room();
                sleep(REST).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
