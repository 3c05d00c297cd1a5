//! The SQLite adapter on a disk that loses power and fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests fail by panicking")]

mod io_errors;
mod power_loss;
mod read_only;
mod support;
