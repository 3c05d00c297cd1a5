//! What Postgres does that other stores do not.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod conflicts;
mod crowd;
mod failover;
mod opening;
mod restarts;
mod secrets;
mod support;
mod tls;
mod trouble;
mod two_processes;
mod writers;
