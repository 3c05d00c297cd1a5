//! What only this adapter promises; what all adapters promise is in `tests/contract.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests fail by panicking")]

mod blocking;
mod cancellation;
mod concurrency;
mod damage;
mod maintenance;
mod opening;
mod search;
mod support;
mod trouble;
mod upgrade;
mod wal;
