//! One connection, from when it was accepted to its end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::debug;

use super::activity::{Activity, Patience};
use super::kept::Kept;
use super::places::{Place, Places};
use super::stream::Stream;
use super::{Stopping, Tls};
use crate::settings::Limits;

/// How long, and of how many bytes, what a client still sends is read and thrown away after its last answer. A socket that
/// is closed with something unread resets the connection, and the client may never see why it was refused.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 16 * 1024 * 1024);

/// What is buffered of a connection at most in each direction, but for a larger head.
const BUFFER_BYTES: usize = 64 * 1024;

/// How many headers hyper takes without an allocation a request.
const HYPERS_MAX_HEADERS: usize = 100;

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Connections {
    router: Router,
    tls: Option<Tls>,
    http: http1::Builder,
    patience: Patience,
    write_timeout: Duration,
    stopping: Stopping,
    places: Places,
}

/// Why a connection has ended.
enum End {
    /// All was answered, or the client has gone, or it does not speak HTTP.
    Http(hyper::Result<()>),
    /// There was no request in time.
    Late,
    /// Another connection needs the place.
    Dismissed,
    /// The service ends.
    Stopped,
}

impl Connections {
    pub(super) fn new(router: Router, tls: Option<Tls>, limits: &Limits, stopping: Stopping) -> Self {
        let mut http = http1::Builder::new();
        // The time that a head takes is watched here, and not by hyper, which would give no more to a client between two
        // requests.
        http.timer(TokioTimer::new()).header_read_timeout(None::<Duration>);
        http.max_header_size(limits.max_head_bytes).max_buf_size(BUFFER_BYTES.max(2 * limits.max_head_bytes));
        if limits.max_headers != HYPERS_MAX_HEADERS {
            http.max_headers(limits.max_headers);
        }
        Self {
            router,
            tls,
            http,
            patience: Patience { head: limits.header_timeout, idle: limits.idle_timeout },
            write_timeout: limits.write_timeout,
            stopping,
            places: Places::new(limits.max_connections),
        }
    }

    pub(super) async fn place(&self) -> Place {
        self.places.take().await
    }

    pub(super) fn make_room(&self) {
        self.places.make_room();
    }

    pub(super) async fn serve(self: Arc<Self>, tcp: TcpStream, peer: SocketAddr, place: Place) {
        // An answer is written at once, and not held back for more.
        let _ = tcp.set_nodelay(true);
        let activity = Arc::clone(&place.activity);
        let stream = Stream::new(tcp, Arc::clone(&activity), self.write_timeout);
        match &self.tls {
            None => self.answer(stream, peer, &activity).await,
            Some(tls) => {
                let mut stopping = self.stopping.clone();
                let stream = tokio::select! {
                    accepted = timeout(self.patience.head, tls.accept(stream)) => accepted,
                    () = activity.dismissed() => return,
                    () = stopping.wait() => return,
                };
                match stream {
                    Ok(Ok(stream)) => self.answer(stream, peer, &activity).await,
                    Ok(Err(error)) => debug!(%error, "a client does not speak TLS as it should"),
                    Err(_) => debug!("a client took too long to begin with TLS"),
                }
            }
        }
    }

    async fn answer<S>(&self, stream: S, peer: SocketAddr, activity: &Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let service = self.service(peer, activity);
        let mut http = self.http.serve_connection(TokioIo::new(stream), service);
        let end = self.drive(&mut http, activity).await;
        match end {
            End::Http(Ok(())) => {}
            End::Http(Err(error)) => debug!(error = crate::error::chain(&error), "a connection has failed"),
            End::Late => return debug!("a connection had no request for too long, and is closed"),
            End::Dismissed => return debug!("a connection without a request gives way to another"),
            End::Stopped => return,
        }
        activity.linger();
        let mut stream = http.into_parts().io.into_inner();
        let lingering = async {
            if stream.shutdown().await.is_ok() {
                let _ = tokio::io::copy(&mut stream.take(LINGER.1), &mut tokio::io::sink()).await;
            }
        };
        tokio::select! {
            _ = timeout(LINGER.0, lingering) => {}
            () = activity.dismissed() => {}
        }
    }

    /// Has hyper serve the connection, and looks after each of its steps whether it may go on. All that changes what the
    /// connection is about happens in these steps.
    async fn drive<S, H>(&self, http: &mut http1::Connection<TokioIo<S>, H>, activity: &Activity) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        H: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Unpin,
        H::Future: Unpin,
    {
        let mut stopping = self.stopping.clone();
        let mut stopped = pin!(stopping.wait());
        let mut is_stopping = false;
        let mut dismissed = pin!(activity.dismissed());
        let mut alarm = pin!(sleep_until(Instant::now() + self.patience.head));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(ended) = http.poll_without_shutdown(cx) {
                    return Poll::Ready(End::Http(ended));
                }
                if dismissed.as_mut().poll(cx).is_ready() {
                    // It may have received a request meanwhile: then that is its last one.
                    if activity.is_waiting() {
                        return Poll::Ready(End::Dismissed);
                    }
                    Pin::new(&mut *http).graceful_shutdown();
                    dismissed.set(activity.dismissed());
                    continue;
                }
                if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
                    is_stopping = true;
                    if !activity.is_waiting() {
                        Pin::new(&mut *http).graceful_shutdown();
                        continue;
                    }
                }
                if is_stopping && activity.is_waiting() {
                    return Poll::Ready(End::Stopped);
                }
                let Some(deadline) = activity.deadline(self.patience) else { return Poll::Pending };
                // Mostly it only moves away; then the alarm is set anew when it rings, and not with each request.
                if deadline < alarm.deadline() {
                    alarm.as_mut().reset(deadline);
                }
                while alarm.as_mut().poll(cx).is_ready() {
                    if deadline <= Instant::now() {
                        return Poll::Ready(End::Late);
                    }
                    alarm.as_mut().reset(deadline);
                }
                return Poll::Pending;
            }
        })
        .await
    }

    /// The router, as hyper calls it, which notes when a request begins and when its answer was handed over.
    fn service(
        &self,
        peer: SocketAddr,
        activity: &Arc<Activity>,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Body>,
        Error = Infallible,
        Future = BoxFuture<'static, Result<Response<Body>, Infallible>>,
    > + Unpin
    + use<> {
        struct Answering(Arc<Activity>);
        impl Drop for Answering {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        let router = TowerToHyperService::new(self.router.clone());
        let activity = Arc::clone(activity);
        service_fn(move |mut request: Request<Incoming>| {
            activity.begin();
            let answering = Answering(Arc::clone(&activity));
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.call(request);
            let answer: BoxFuture<'static, _> = Box::pin(async move {
                let answer = answer.await?;
                Ok(answer.map(|body| Body::new(Kept::new(body, answering))))
            });
            answer
        })
    }
}
