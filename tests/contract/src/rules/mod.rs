//! The rules, a file an area.

pub(crate) mod channels;
mod core;
pub(crate) mod knowledge_graphs;
pub(crate) mod media_files;
mod subject;
pub(crate) mod transcripts;
pub(crate) mod videos;
