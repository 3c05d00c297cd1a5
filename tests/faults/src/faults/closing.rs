//! Faults of closing.

use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tubeatlas_domain::{Video, VideoId};
use tubeatlas_ports::{Error, Health, Mode, Result, Store, Stored, UnitOfWork, Visibility};

use super::lists::Notes;
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, StoreHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new("CLO-H-001", "the name of the adapter is empty", &["a name of the adapter"], || {
            Hooks::new().store(NamelessHealth)
        }),
        Fault::new(
            "CLO-X-001",
            "a closed store answers get_many from its cache",
            &["Closed", "observed: Ok([Some(Stored"],
            || Hooks::new().both::<Video>(CacheOutlivesTheStore::default()),
        ),
        Fault::new(
            "CLO-X-002",
            "closing what is closed is refused",
            &["the call succeeds", "observed: the store is closed"],
            || Hooks::new().store(ClosesOnce::default()),
        ),
        Fault::new(
            "CLO-X-003",
            "an open unit of work is refused everything once closing has begun",
            &["the call succeeds", "observed: the unit of work is closed"],
            || Hooks::new().store(ClosingStopsUnitsOfWork::default()),
        ),
        Fault::new(
            "CLO-X-004",
            "a close that is dropped leaves the store open",
            &["Closed", "observed: Ok(None)"],
            || Hooks::new().store(DroppedCloseOpensAgain::default()),
        ),
        Fault::new(
            "CLO-X-005",
            "what is closed is kept for all stores of a thread",
            &["the call succeeds", "observed: the store is closed"],
            || Hooks::new().store(ClosesAllOfItsThread),
        )
        .also(
            "CAN-S-004",
            "it closes one store after the other on its thread",
            &["the call succeeds", "observed: the store is closed"],
        ),
    ]
}

fn closed(what: &str) -> Error {
    Error::Closed { what: what.to_owned() }
}

struct NamelessHealth;

#[async_trait]
impl StoreHook for NamelessHealth {
    async fn health(&self, store: &Arc<dyn Store>) -> Result<Health> {
        let mut health = store.health().await?;
        health.adapter = "";
        Ok(health)
    }
}

/// What single calls created.
#[derive(Default)]
struct CacheOutlivesTheStore(Notes<VideoId, Stored<Video>>);

#[async_trait]
impl WriteHook<Video> for CacheOutlivesTheStore {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await?;
        if at.unit.is_none() {
            self.0.note(created.entity.id.clone(), created.clone());
        }
        Ok(created)
    }
}

#[async_trait]
impl ReadHook<Video> for CacheOutlivesTheStore {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[VideoId],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<Video>>>> {
        let answer = at.reads::<Video>().get_many(ids, visibility).await;
        let cached: Vec<_> = ids.iter().map(|id| self.0.of(id)).collect();
        if at.unit.is_none()
            && matches!(answer, Err(Error::Closed { .. }))
            && cached.iter().all(Option::is_some)
        {
            return Ok(cached);
        }
        answer
    }
}

#[derive(Default)]
struct ClosesOnce {
    closed: AtomicBool,
}

#[async_trait]
impl StoreHook for ClosesOnce {
    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed("the store"));
        }
        store.close().await?;
        self.closed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[derive(Default)]
struct ClosingStopsUnitsOfWork {
    closing: AtomicBool,
}

#[async_trait]
impl StoreHook for ClosingStopsUnitsOfWork {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        if at.unit.is_some() && self.closing.load(Ordering::SeqCst) {
            return Err(closed("the unit of work"));
        }
        Ok(())
    }

    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        self.closing.store(true, Ordering::SeqCst);
        store.close().await
    }
}

/// It closes the inner store only when all units of work have ended. Until then it is the flag that keeps callers out.
#[derive(Default)]
struct DroppedCloseOpensAgain {
    closing: AtomicBool,
    open: Mutex<HashSet<u64>>,
}

impl DroppedCloseOpensAgain {
    fn check(&self) -> Result<()> {
        if self.closing.load(Ordering::SeqCst) { Err(closed("the store")) } else { Ok(()) }
    }

    fn ended(&self, unit: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&unit);
    }

    fn all_have_ended(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Takes the flag back, unless the store was closed.
struct Closing<'a> {
    flag: &'a AtomicBool,
    closed: bool,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.flag.store(self.closed, Ordering::SeqCst);
    }
}

#[async_trait]
impl StoreHook for DroppedCloseOpensAgain {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        if at.unit.is_none() { self.check() } else { Ok(()) }
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, unit: u64) -> Result<Box<dyn UnitOfWork>> {
        self.check()?;
        let begun = store.begin(mode).await?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(unit);
        Ok(begun)
    }

    async fn health(&self, store: &Arc<dyn Store>) -> Result<Health> {
        self.check()?;
        store.health().await
    }

    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        self.closing.store(true, Ordering::SeqCst);
        let mut closing = Closing { flag: &self.closing, closed: false };
        while !self.all_have_ended() {
            tokio::task::yield_now().await;
        }
        store.close().await?;
        closing.closed = true;
        Ok(())
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        let answer = inner.commit().await;
        self.ended(unit);
        answer
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        let answer = inner.rollback().await;
        self.ended(unit);
        answer
    }

    fn dropped(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) {
        drop(inner);
        self.ended(unit);
    }
}

thread_local! {
    /// Each trial has a thread of its own, so this says nothing to the others.
    static CLOSED: Cell<bool> = const { Cell::new(false) };
}

struct ClosesAllOfItsThread;

#[async_trait]
impl StoreHook for ClosesAllOfItsThread {
    async fn before(&self, _: &At<'_>) -> Result<()> {
        if CLOSED.get() { Err(closed("the store")) } else { Ok(()) }
    }

    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        store.close().await?;
        CLOSED.set(true);
        Ok(())
    }
}
