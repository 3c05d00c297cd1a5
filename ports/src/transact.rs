//! Running work in a unit of work: commit on success, roll back on error, try again after a conflict.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::{Conflict, Error, Mode, Result, Store, UnitOfWork, jittered};

/// How often, and how soon, work is tried again after a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often the work is run at most, from 1.
    pub max_attempts: u32,
    /// How long to wait before the second attempt at most; twice as long before each one after that. By chance it is
    /// less, down to half of it, so that two who met do not meet again.
    pub first_delay: Duration,
}

impl Default for RetryPolicy {
    /// Ten attempts, the second after 2 ms: a second in all at most.
    fn default() -> Self {
        Self { max_attempts: 10, first_delay: Duration::from_millis(2) }
    }
}

impl RetryPolicy {
    fn delay(&self, attempts: u32) -> Duration {
        self.first_delay.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX))
    }
}

/// An error of work that is run in a unit of work: it takes in the port's errors, and can tell whether it is
/// one, so that a conflict inside the work is known as such.
pub trait WorkError: From<Error> {
    /// The port's error in it, if it is one.
    fn as_port_error(&self) -> Option<&Error>;
}

impl WorkError for Error {
    fn as_port_error(&self) -> Option<&Error> {
        Some(self)
    }
}

fn is_conflict(error: &impl WorkError) -> bool {
    matches!(error.as_port_error(), Some(Error::Conflict(Conflict::Serialization)))
}

/// Runs `work` in a unit of work: commits it if `work` succeeds, rolls it back and gives the error if not. If
/// others were in the way ([`Conflict::Serialization`]), the work is run again in a new unit, within the
/// bound of `policy`; so it must not do anything outside the unit that may not be done twice.
///
/// For work that a closure cannot express there is [`Attempts`].
///
/// ```
/// use futures::FutureExt;
/// use tubeatlas_domain::{Channel, Video};
/// use tubeatlas_ports::{Error, Mode, Repositories, RetryPolicy, Store, WriteRepository, transact};
///
/// async fn add(store: &dyn Store, channel: &Channel, video: &Video) -> Result<(), Error> {
///     transact(store, Mode::ReadWrite, RetryPolicy::default(), |unit| {
///         async move {
///             unit.channels().upsert(channel).await?;
///             unit.videos().create(video).await?;
///             Ok(())
///         }
///         .boxed()
///     })
///     .await
/// }
/// ```
///
/// # Errors
/// The error of `work`, of beginning or of committing; after the last attempt, the conflict.
// `'c` bounds the lifetimes for which the closure must work: without it the closure could borrow nothing from
// its surroundings.
pub async fn transact<'c, T, E, F>(
    store: &dyn Store,
    mode: Mode,
    policy: RetryPolicy,
    work: F,
) -> Result<T, E>
where
    T: Send,
    E: WorkError + Send,
    F: for<'a> Fn(&'a (dyn UnitOfWork + 'c)) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    let mut attempts = Attempts::new(store, mode, policy);
    loop {
        let unit = attempts.begin().await?;
        let result = work(unit.as_ref()).await;
        if let Some(result) = attempts.finish(unit, result).await {
            return result;
        }
    }
}

/// [`transact`] as a loop that hands out one unit of work an attempt, for work that a closure cannot express.
///
/// ```
/// use tubeatlas_domain::Video;
/// use tubeatlas_ports::{Attempts, Error, Mode, Repositories, RetryPolicy, Store, WriteRepository};
///
/// async fn add(store: &dyn Store, video: &Video) -> Result<u64, Error> {
///     let mut attempts = Attempts::new(store, Mode::ReadWrite, RetryPolicy::default());
///     loop {
///         let unit = attempts.begin().await?;
///         let result = async { Ok(unit.videos().create(video).await?.revision.get()) }.await;
///         if let Some(result) = attempts.finish(unit, result).await {
///             return result;
///         }
///     }
/// }
/// ```
pub struct Attempts<'a> {
    store: &'a dyn Store,
    mode: Mode,
    policy: RetryPolicy,
    begun: u32,
}

impl<'a> Attempts<'a> {
    /// Attempts on this store.
    pub fn new(store: &'a dyn Store, mode: Mode, policy: RetryPolicy) -> Self {
        Self { store, mode, policy, begun: 0 }
    }

    /// Opens the unit of work of the next attempt; waits before it if it is not the first one.
    ///
    /// # Errors
    /// As [`Store::begin`], conflicts after the last attempt.
    pub async fn begin(&mut self) -> Result<Box<dyn UnitOfWork>> {
        loop {
            if self.begun > 0 {
                tokio::time::sleep(jittered(self.policy.delay(self.begun))).await;
            }
            self.begun += 1;
            match self.store.begin(self.mode).await {
                Err(error) if is_conflict(&error) && self.may_retry() => {}
                answer => return answer,
            }
        }
    }

    /// Ends the attempt: commits after a success, rolls back after an error. `None` means that others were
    /// in the way and the work is to be run again.
    pub async fn finish<T, E: WorkError>(
        &self,
        unit: Box<dyn UnitOfWork>,
        result: Result<T, E>,
    ) -> Option<Result<T, E>> {
        let result = match result {
            Ok(value) => unit.commit().await.map(|()| value).map_err(E::from),
            Err(error) => {
                // Of the two errors the work's own says more; rolling back keeps nothing either way.
                let _ = unit.rollback().await;
                Err(error)
            }
        };
        match result {
            Err(error) if is_conflict(&error) && self.may_retry() => None,
            result => Some(result),
        }
    }

    fn may_retry(&self) -> bool {
        self.begun < self.policy.max_attempts
    }
}

#[cfg(all(test, feature = "mock"))]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;

    use super::*;
    use crate::mock::{MockStore, MockUnitOfWork};

    const POLICY: RetryPolicy = RetryPolicy { max_attempts: 3, first_delay: Duration::from_millis(1) };

    fn conflict() -> Error {
        Error::Conflict(Conflict::Serialization)
    }

    /// A store whose `n`th unit of work expects what `expect` says.
    fn store(expect: fn(u32, &mut MockUnitOfWork)) -> MockStore {
        let mut store = MockStore::default();
        let begun = AtomicU32::new(0);
        store.calls.expect_begin().returning(move |mode| {
            assert_eq!(mode, Mode::ReadWrite);
            let mut unit = MockUnitOfWork::default();
            expect(begun.fetch_add(1, Ordering::Relaxed) + 1, &mut unit);
            Ok(unit)
        });
        store
    }

    async fn run(store: &MockStore, results: fn(u32) -> Result<u32>) -> (Result<u32>, u32) {
        let runs = AtomicU32::new(0);
        let result = transact(store, Mode::ReadWrite, POLICY, |_| {
            async { results(runs.fetch_add(1, Ordering::Relaxed) + 1) }.boxed()
        })
        .await;
        (result, runs.into_inner())
    }

    #[tokio::test]
    async fn success_is_committed() {
        let store = store(|_, unit| {
            unit.calls.expect_commit().once().returning(|| Ok(()));
        });
        let (result, runs) = run(&store, Ok).await;
        assert_eq!((result.unwrap(), runs), (1, 1));
    }

    #[tokio::test]
    async fn an_error_is_rolled_back_and_not_tried_again() {
        let store = store(|_, unit| {
            unit.calls.expect_rollback().once().returning(|| Ok(()));
        });
        let (result, runs) = run(&store, |_| Err(Error::Unsupported { what: "this" })).await;
        assert!(matches!(result, Err(Error::Unsupported { .. })), "{result:?}");
        assert_eq!(runs, 1);
    }

    #[tokio::test]
    async fn a_conflict_of_the_work_or_of_the_commit_is_tried_again() {
        let store = store(|n, unit| match n {
            1 => {
                unit.calls.expect_rollback().once().returning(|| Ok(()));
            }
            2 => {
                unit.calls.expect_commit().once().returning(|| Err(conflict()));
            }
            _ => {
                unit.calls.expect_commit().once().returning(|| Ok(()));
            }
        });
        let (result, runs) = run(&store, |n| if n == 1 { Err(conflict()) } else { Ok(n) }).await;
        assert_eq!((result.unwrap(), runs), (3, 3));
    }

    #[tokio::test]
    async fn after_the_last_attempt_the_conflict_is_the_answer() {
        let store = store(|_, unit| {
            unit.calls.expect_commit().once().returning(|| Err(conflict()));
        });
        let (result, runs) = run(&store, Ok).await;
        assert!(matches!(result, Err(Error::Conflict(Conflict::Serialization))), "{result:?}");
        assert_eq!(runs, POLICY.max_attempts);
    }

    #[tokio::test]
    async fn a_conflict_of_beginning_counts_as_an_attempt() {
        let mut store = MockStore::default();
        store.calls.expect_begin().times(3).returning(|_| Err(conflict()));
        let (result, runs) = run(&store, Ok).await;
        assert!(matches!(result, Err(Error::Conflict(Conflict::Serialization))), "{result:?}");
        assert_eq!(runs, 0);
    }

    #[tokio::test]
    async fn other_conflicts_are_answers() {
        let store = store(|_, unit| {
            unit.calls.expect_rollback().once().returning(|| Ok(()));
        });
        let stale = |_| {
            let entity = tubeatlas_domain::EntityKind::Video;
            let (expected, actual) = (crate::Revision::new(1).unwrap(), crate::Revision::new(2).unwrap());
            Err(Error::Conflict(Conflict::Revision { entity, key: "v".into(), expected, actual }))
        };
        let (result, runs) = run(&store, stale).await;
        assert!(matches!(result, Err(Error::Conflict(Conflict::Revision { .. }))), "{result:?}");
        assert_eq!(runs, 1);
    }

    #[tokio::test]
    async fn the_loop_hands_out_a_unit_an_attempt() {
        let store = store(|n, unit| {
            let result = move || if n < 2 { Err(conflict()) } else { Ok(()) };
            unit.calls.expect_commit().once().returning(result);
        });
        let mut attempts = Attempts::new(&store, Mode::ReadWrite, POLICY);
        let mut runs = 0;
        let result = loop {
            let unit = attempts.begin().await.unwrap();
            runs += 1;
            if let Some(result) = attempts.finish(unit, Ok::<_, Error>("done")).await {
                break result;
            }
        };
        assert_eq!((result.unwrap(), runs), ("done", 2));
    }
}
