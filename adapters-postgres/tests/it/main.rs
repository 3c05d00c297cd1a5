//! What Postgres does that other stores do not.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod opening;
mod secrets;
mod support;
mod trouble;
