//! Work of the engine, on threads where it blocks nobody.

use tubeatlas_ports::{Error, Result};

/// Runs work that may wait for the disk. If the future is dropped the work goes on to its end, so it must own all it
/// uses.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        // It panicked, or the runtime is shutting down: nobody knows what became of it.
        Err(Error::Backend { message: "a call did not end".to_owned(), source: Some(Box::new(error)) })
    })
}
