//! What a connection is about at the moment, for whoever has to decide how long it may go on like that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// What a connection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The head of a request is awaited on a new connection, or has begun to come; also a connection that lingers.
    Head(Instant),
    /// Nothing has come since the last answer.
    Idle(Instant),
    /// A request is answered, or its body is read.
    Busy,
}

/// What a connection is about at the moment.
#[derive(Debug)]
pub(super) struct Activity {
    phase: Mutex<Phase>,
    /// Whether the client does not take what is written to it.
    blocked: AtomicBool,
    dismissed: AtomicBool,
    dismissal: Notify,
}

/// How long a connection may be without a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) head: Duration,
    pub(super) idle: Duration,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            phase: Mutex::new(Phase::Head(Instant::now())),
            blocked: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            dismissal: Notify::new(),
        }
    }

    fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has come from the client.
    pub(super) fn received(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if let Phase::Idle(_) = *phase {
            *phase = Phase::Head(Instant::now());
        }
    }

    /// The head of a request is there.
    pub(super) fn begin(&self) {
        self.set(Phase::Busy);
    }

    /// The answer was handed over to be written.
    pub(super) fn end(&self) {
        self.set(Phase::Idle(Instant::now()));
    }

    /// Nothing more is read but to be thrown away.
    pub(super) fn linger(&self) {
        self.set(Phase::Head(Instant::now()));
    }

    /// Whether the client does not take what is written to it.
    pub(super) fn set_blocked(&self, blocked: bool) {
        // Relaxed: it guards nothing, and is looked at by turns.
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    /// Whether no request is read, answered or written to the client.
    pub(super) fn is_waiting(&self) -> bool {
        self.phase() != Phase::Busy && !self.blocked.load(Ordering::Relaxed)
    }

    /// When there has to be a request; `None` while there is one.
    pub(super) fn deadline(&self, patience: Patience) -> Option<Instant> {
        if self.blocked.load(Ordering::Relaxed) {
            return None;
        }
        match self.phase() {
            Phase::Head(since) => Some(since + patience.head),
            Phase::Idle(since) => Some(since + patience.idle),
            Phase::Busy => None,
        }
    }

    /// How soon this connection gives way to another, the least first; `None` if it does not. A client that has been
    /// answered before goes on before one that has not said anything yet.
    pub(super) fn rank(&self) -> Option<(bool, Instant)> {
        if self.blocked.load(Ordering::Relaxed) || self.dismissed.load(Ordering::Relaxed) {
            return None;
        }
        match self.phase() {
            Phase::Head(since) => Some((false, since)),
            Phase::Idle(since) => Some((true, since)),
            Phase::Busy => None,
        }
    }

    /// Whether the connection is about to give way to another.
    pub(super) fn gives_way(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed) && self.is_waiting()
    }

    /// Has the connection give way to another.
    pub(super) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
        self.dismissal.notify_one();
    }

    /// Waits until the connection has to give way.
    pub(super) async fn dismissed(&self) {
        self.dismissal.notified().await;
    }
}
