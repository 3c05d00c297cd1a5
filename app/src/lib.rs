//! Tubeatlas as one program, and its parts for a service that wants to embed them.

pub mod error;
pub mod import;
