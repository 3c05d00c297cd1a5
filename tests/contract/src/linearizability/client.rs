//! [`Client`]: calls a store and records it; [`Crowd`]: several of them at once.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use futures::future::join_all;
use tokio::sync::Barrier;
use tokio::task::yield_now;
use tubeatlas_ports::{Conflict, Error, Mode, Store};

use super::{Operation, sort};
use crate::Violation;
use crate::fixtures::{a_channel_with, channel_id};
use crate::random::Random;

/// How often, in per cent, a client that cancels does so.
const CANCELLED: u64 = 25;

/// How many calls each client cancels at most: the checker has twice as much to think of with each.
const MAX_CANCELLED: u32 = 2;

/// How often a call that is to be cancelled is polled at most. A unit of work needs some to get anywhere.
const POLLS: u64 = 8;

/// One client of a store.
pub(crate) struct Client<C, A> {
    /// Its number.
    pub(crate) number: usize,
    /// What it leaves to chance.
    pub(crate) random: Random,
    /// How many calls it may still cancel.
    cancels: u32,
    moments: Arc<AtomicU64>,
    log: Vec<Operation<C, A>>,
}

impl<C, A> Client<C, A> {
    /// What it did.
    pub(crate) fn into_log(self) -> Vec<Operation<C, A>> {
        self.log
    }
}

impl<C, A: Clone> Client<C, A> {
    /// Makes a call and records it. None if it was cancelled: dropped after some polls.
    pub(crate) async fn call(
        &mut self,
        call: C,
        work: impl Future<Output = Result<A, Violation>>,
    ) -> Result<Option<A>, Violation> {
        // A call that waits for nothing would otherwise be followed by the next one of the same client.
        self.random.pause().await;
        let polls =
            (self.cancels > 0 && self.random.below(100) < CANCELLED).then(|| 1 + self.random.below(POLLS));
        let made = self.now();
        let answer = match polls {
            None => Some(work.await?),
            Some(polls) => polled(work, polls).await.transpose()?,
        };
        self.cancels -= u32::from(answer.is_none());
        let answered = answer.clone().map(|answer| (self.now(), answer));
        self.log.push(Operation { client: self.number, call, made, answered });
        Ok(answer)
    }

    fn now(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::SeqCst)
    }
}

/// Polls so often, and drops what is not ready then.
async fn polled<F: Future>(work: F, polls: u64) -> Option<F::Output> {
    let mut work = pin!(work);
    for _ in 0..polls {
        if let Poll::Ready(answer) = futures::poll!(work.as_mut()) {
            return Some(answer);
        }
        yield_now().await;
    }
    None
}

/// The clients of one history.
pub(crate) struct Crowd {
    random: Random,
    cancels: bool,
    moments: Arc<AtomicU64>,
}

impl Crowd {
    /// How many clients call at once.
    pub(crate) const CLIENTS: usize = 4;

    /// The crowd of this seed; `cancels` says whether its clients do.
    pub(crate) fn new(seed: u64, cancels: bool) -> Self {
        Self { random: Random::new(seed), cancels, moments: Arc::default() }
    }

    /// A client that is alone, and cancels nothing.
    pub(crate) fn alone<C, A>(&mut self) -> Client<C, A> {
        Client { cancels: 0, ..self.client(Self::CLIENTS) }
    }

    /// Lets clients do their work at once, as tasks, and answers all that they did.
    ///
    /// Meanwhile somebody else opens units of work and rolls them back, so that calls have something to wait
    /// for: in a store that never waits otherwise, no two would ever be under way on a runtime of one thread.
    pub(crate) async fn at_once<C, A, F>(
        &mut self,
        store: &Arc<dyn Store>,
        work: impl Fn(Client<C, A>) -> F,
    ) -> Result<Vec<Operation<C, A>>, Violation>
    where
        C: Send + 'static,
        A: Send + 'static,
        F: Future<Output = Result<Client<C, A>, Violation>> + Send + 'static,
        Client<C, A>: Send,
    {
        let start = Arc::new(Barrier::new(Self::CLIENTS + 1));
        let tasks: Vec<_> = (0..Self::CLIENTS)
            .map(|number| {
                let (work, start) = (work(self.client(number)), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    work.await
                })
            })
            .collect();
        let (store, random) = (store.clone(), self.fork());
        let other = tokio::spawn(async move {
            start.wait().await;
            stand_in_the_way(&*store, random).await
        });
        let ended = |error: tokio::task::JoinError| Violation::new("a client ends", error.to_string());
        let mut history = Vec::new();
        for client in join_all(tasks).await {
            history.extend(client.map_err(ended)??.into_log());
        }
        other.await.map_err(ended)??;
        sort(&mut history);
        Ok(history)
    }

    fn client<C, A>(&mut self, number: usize) -> Client<C, A> {
        let cancels = if self.cancels { MAX_CANCELLED } else { 0 };
        let (random, moments) = (self.fork(), self.moments.clone());
        Client { number, random, cancels, moments, log: Vec::new() }
    }

    fn fork(&mut self) -> Random {
        Random::new(self.random.next())
    }
}

/// Opens units of work that change something, and rolls them back.
async fn stand_in_the_way(store: &dyn Store, mut random: Random) -> Result<(), Violation> {
    for _ in 0..4 {
        let unit = match store.begin(Mode::ReadWrite).await {
            Err(Error::Unsupported { .. }) => return Ok(()),
            unit => unit?,
        };
        let channel = a_channel_with(|channel| channel.id = channel_id("in-the-way"));
        match unit.channels().upsert(&channel).await {
            Err(Error::Conflict(Conflict::Serialization)) => {} // it has given way
            written => drop(written?),
        }
        for _ in 0..random.below(8) {
            yield_now().await;
        }
        unit.rollback().await?;
        for _ in 0..random.below(8) {
            yield_now().await;
        }
    }
    Ok(())
}
