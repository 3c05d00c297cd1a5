//! The binary from outside: its commands, its service, interruptions and bad input.
//!
//! A test target of the crate `tubeatlas`, so that Cargo builds the binary first and says where it is.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod access;
mod bad_input;
mod catalogue;
mod commands;
mod database;
mod disconnects;
mod graphs;
mod hostile;
mod import;
mod postgres;
mod service;
mod shutdown;
mod startup;
mod support;
mod under_load;
mod work;
