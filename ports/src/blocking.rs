//! [`Blocking`]: a store for callers that are not async, such as scripts and batch jobs.

use std::future::Future;
use std::ops::Deref;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Result};

/// A store with a runtime of its own, for callers that are not async.
///
/// Every future of the store is waited for with [`wait`](Self::wait). It may be shared between threads.
///
/// ```
/// use tubeatlas_domain::{Video, VideoFields, VideoId};
/// use tubeatlas_ports::blocking::Blocking;
/// use tubeatlas_ports::{Mode, Repositories, Repository, Result, Store, Visibility, WriteRepository};
///
/// /// Opened as `Blocking::open(SqliteStore::open(config, clock, ids))?`, for instance.
/// fn rename(store: &Blocking<impl Store>, id: &VideoId, title: &str) -> Result<bool> {
///     let unit = store.wait(store.begin(Mode::ReadWrite))?;
///     let Some(stored) = store.wait(unit.videos().get(id, Visibility::Live))? else { return Ok(false) };
///     let fields = VideoFields { title: title.to_owned(), ..stored.entity.into_fields() };
///     let renamed = Video::new(fields).map_err(tubeatlas_ports::Error::Invalid)?;
///     store.wait(unit.videos().update(&renamed, None))?;
///     store.wait(unit.commit())?;
///     Ok(true)
/// }
/// ```
#[derive(Debug)]
pub struct Blocking<S> {
    store: S,
    /// None while it is dropped.
    runtime: Option<Runtime>,
}

impl<S> Blocking<S> {
    /// Opens a store, on a runtime of its own: one thread more, on which what the store does beside its callers goes on
    /// between two calls.
    ///
    /// # Errors
    /// Those of `open`; [`Unavailable`](Error::Unavailable) if no runtime can be made; as [`wait`](Self::wait).
    pub fn open(open: impl Future<Output = Result<S>>) -> Result<Self> {
        check_not_async()?;
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Error::Unavailable {
            message: "no runtime could be made for a store that blocks".to_owned(),
            source: Some(Box::new(error)),
        })?;
        match runtime.block_on(open) {
            Ok(store) => Ok(Self { store, runtime: Some(runtime) }),
            Err(error) => Err(error),
        }
    }

    /// Waits for a call of the store, or of a unit of work of it.
    ///
    /// # Errors
    /// Those of the call; [`Unsupported`](Error::Unsupported) inside an async runtime, of which it would keep a thread
    /// from its other tasks: the call was not begun then, and can be awaited there.
    pub fn wait<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        check_not_async()?;
        match &self.runtime {
            Some(runtime) => runtime.block_on(call),
            None => Err(Error::Closed { what: "the store".to_owned() }), // cannot be: it is being dropped
        }
    }
}

/// The store, whose calls are to be waited for.
impl<S> Deref for Blocking<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.store
    }
}

impl<S> Drop for Blocking<S> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // dropping it would panic inside an async runtime
        }
    }
}

fn check_not_async() -> Result<()> {
    match Handle::try_current() {
        Ok(_) => {
            Err(Error::Unsupported { what: "to wait for a store inside an async runtime; await it there" })
        }
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_waits_and_what_was_spawned_goes_on_between_two_calls() {
        let (done, was_done) = std::sync::mpsc::channel();
        let store = Blocking::open(async {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                done.send(()).unwrap();
            });
            Ok("a store")
        });
        let store = store.unwrap();
        was_done.recv_timeout(Duration::from_secs(60)).expect("it goes on while nobody waits");
        let length = store.wait(async {
            tokio::task::yield_now().await;
            Ok(store.len())
        });
        assert_eq!(length.unwrap(), 7);
        let refused: Result<()> = store.wait(async { Err(Error::Closed { what: "it".to_owned() }) });
        assert!(matches!(refused, Err(Error::Closed { .. })));
    }

    #[test]
    fn inside_a_runtime_it_says_so_and_nothing_panics() {
        let store = Blocking::open(async { Ok(1) }).unwrap();
        for mut runtime in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            runtime.build().unwrap().block_on(async {
                let waited = store.wait(async { Ok(()) });
                assert!(matches!(waited, Err(Error::Unsupported { .. })), "{waited:?}");
                let opened = Blocking::open(async { Ok(2) });
                assert!(matches!(opened, Err(Error::Unsupported { .. })));
            });
        }
        Builder::new_current_thread().build().unwrap().block_on(async move { drop(store) });
    }
}
