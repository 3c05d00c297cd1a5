//! Tubeatlas as one program, and its parts for a service that wants to embed them.

pub mod dates;
pub mod error;
pub mod http;
pub mod import;
pub mod link;
pub mod redact;
pub mod search;
pub mod settings;
pub mod view;
