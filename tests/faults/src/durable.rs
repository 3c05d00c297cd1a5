//! A store that outlives its closing, in this process: with it, rules about opening again can be tried.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::{Exceptions, Harness, Setup};
use tubeatlas_domain::{LeaseToken, ProcessingTask, ProcessingTaskId, Video};
use tubeatlas_ports::{
    Clock, Error, Page, Repositories, Result, SearchPage, SearchRequest, Store, Stored, UnitOfWork,
};

use crate::adapter::{FaultyStore, exceptions};
use crate::hooks::{At, Hooks, StoreHook, TaskHook, TranscriptHook, WriteHook};

/// What can go wrong between closing and opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopening {
    /// Closing forgets the media files.
    ForgetsFilesAtClose,
    /// What was not closed has lost its graphs.
    ForgetsGraphsWithoutClose,
    /// Videos of a unit of work that was never committed are written when the store is opened again.
    ReplaysOpenUnits,
    /// Revisions begin anew.
    NumbersAnew,
    /// The index of the search is not kept.
    LosesTheIndex,
    /// Leases are not kept.
    ForgetsLeases,
}

/// Opens stores that can be opened again, perhaps with something wrong.
#[derive(Default)]
pub struct Durable {
    flaw: Option<Reopening>,
    places: Arc<Mutex<HashMap<String, Kept>>>,
}

/// What is kept at a place.
#[derive(Clone)]
struct Kept {
    store: MemoryStore,
    closed: bool,
    /// The videos that units of work have written and neither committed nor rolled back.
    open: Arc<Mutex<HashMap<u64, Vec<Video>>>>,
}

impl Durable {
    /// With something wrong, or nothing.
    pub fn new(flaw: Option<Reopening>) -> Self {
        Self { flaw, ..Self::default() }
    }

    fn put(&self, place: &str, kept: Kept, setup: Setup, again: bool) -> Arc<dyn Store> {
        locked(&self.places).insert(place.to_owned(), kept.clone());
        let keeper = Keeper {
            place: place.to_owned(),
            places: self.places.clone(),
            clock: setup.clock.clone(),
            open: kept.open,
        };
        let mut hooks = Hooks::new().store(keeper.clone()).writes::<Video>(keeper);
        if again && self.flaw == Some(Reopening::LosesTheIndex) {
            hooks = hooks.transcripts(NoIndex);
        }
        if again && self.flaw == Some(Reopening::ForgetsLeases) {
            hooks = hooks.tasks(NoLeases);
        }
        Arc::new(FaultyStore::over(Arc::new(kept.store), hooks, setup.clock))
    }

    /// What is wrong with what was kept, done to it.
    async fn spoil(&self, kept: &Kept, closed: bool) -> Result<()> {
        match self.flaw {
            Some(Reopening::ForgetsFilesAtClose) if closed => {
                let files = kept.store.media_files().list(&Default::default(), &Default::default()).await?;
                for file in files.items {
                    kept.store.media_files().delete(&file.entity.id, None).await?;
                }
            }
            Some(Reopening::ForgetsGraphsWithoutClose) if !closed => {
                let graphs = kept.store.knowledge_graphs();
                for graph in graphs.list(&Default::default(), &Default::default()).await?.items {
                    graphs.delete(&graph.entity.id, None).await?;
                }
            }
            Some(Reopening::ReplaysOpenUnits) => {
                let open: Vec<_> = locked(&kept.open).drain().flat_map(|(_, videos)| videos).collect();
                for video in open {
                    kept.store.videos().upsert(&video).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Harness for Durable {
    /// The place.
    type Guard = String;

    async fn open(&self, setup: Setup) -> std::result::Result<(Arc<dyn Store>, String), String> {
        let config = MemoryConfig {
            acquire_timeout: setup.limits.acquire_timeout,
            unit_of_work_timeout: setup.limits.unit_of_work_timeout,
        };
        let store = MemoryStore::new(config, setup.clock.clone(), setup.ids.clone());
        let kept = Kept { store, closed: false, open: Arc::default() };
        let place = locked(&self.places).len().to_string();
        Ok((self.put(&place, kept, setup, false), place))
    }

    fn place(&self, place: &String) -> Option<String> {
        Some(place.clone())
    }

    async fn reopen(&self, place: &str, setup: Setup) -> std::result::Result<Arc<dyn Store>, String> {
        let kept = locked(&self.places).get(place).cloned();
        let mut kept = kept.ok_or_else(|| format!("nothing was ever at {place}"))?;
        let anew = (self.flaw == Some(Reopening::NumbersAnew)).then(Arc::<AtomicU64>::default);
        let fork = kept.store.fork(setup.clock.clone(), anew);
        kept.store = fork.map_err(|error| error.chain())?;
        self.spoil(&kept, kept.closed).await.map_err(|error| error.chain())?;
        kept.closed = false;
        Ok(self.put(place, kept, setup, true))
    }

    fn exceptions(&self) -> Exceptions {
        let reason = "it lives in this process alone";
        exceptions(&Hooks::new()).skip("DUR-K-001", reason).skip("DUR-K-002", reason)
    }
}

/// Keeps what is closed, and notes what units of work leave open.
#[derive(Clone)]
struct Keeper {
    place: String,
    places: Arc<Mutex<HashMap<String, Kept>>>,
    clock: Arc<dyn Clock>,
    open: Arc<Mutex<HashMap<u64, Vec<Video>>>>,
}

#[async_trait]
impl StoreHook for Keeper {
    async fn close(&self, store: &Arc<dyn Store>) -> Result<()> {
        let kept = locked(&self.places).get(&self.place).cloned();
        // Before closing, which empties it. What an open unit of work commits meanwhile is lost: no rule looks.
        if let Some(kept) = kept.filter(|kept| !kept.closed) {
            let fork = kept.store.fork(self.clock.clone(), None)?;
            locked(&self.places).insert(self.place.clone(), Kept { store: fork, closed: true, ..kept });
        }
        store.close().await
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        locked(&self.open).remove(&unit);
        inner.commit().await
    }

    async fn rollback(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        locked(&self.open).remove(&unit);
        inner.rollback().await
    }
}

#[async_trait]
impl WriteHook<Video> for Keeper {
    async fn create(&self, at: &At<'_>, entity: &Video) -> Result<Stored<Video>> {
        if let Some(unit) = at.unit {
            locked(&self.open).entry(unit).or_default().push(entity.clone());
        }
        at.writes::<Video>().create(entity).await
    }
}

struct NoIndex;

#[async_trait]
impl TranscriptHook for NoIndex {
    async fn search(&self, _: &At<'_>, _: &SearchRequest) -> Result<SearchPage> {
        Ok(Page { items: Vec::new(), next: None }.into())
    }
}

struct NoLeases;

#[async_trait]
impl TaskHook for NoLeases {
    async fn complete(
        &self,
        _: &At<'_>,
        id: ProcessingTaskId,
        _: LeaseToken,
    ) -> Result<Stored<ProcessingTask>> {
        Err(Error::not_found::<ProcessingTask>(&id))
    }
}

/// What a lock guards; nothing here leaves it half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
