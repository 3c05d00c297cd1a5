//! What only this adapter promises; what all adapters promise is in `tests/contract.rs`.

mod cancellation;
mod concurrency;
mod opening;
mod schema;
mod support;
