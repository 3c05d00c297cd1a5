//! The rules, a file an area.

pub(crate) mod adoption;
pub(crate) mod cancellation;
pub(crate) mod capabilities;
pub(crate) mod channels;
pub(crate) mod closing;
pub(crate) mod concurrency;
mod core;
pub(crate) mod durability;
pub(crate) mod isolation;
pub(crate) mod knowledge_graphs;
pub(crate) mod linearizability;
mod lists;
pub(crate) mod media_files;
pub(crate) mod model;
mod owned;
pub(crate) mod playlists;
pub(crate) mod processing_tasks;
pub(crate) mod search;
mod soft;
pub(crate) mod source_files;
pub(crate) mod subject;
pub(crate) mod transactions;
pub(crate) mod transcripts;
pub(crate) mod units_of_work;
pub(crate) mod videos;
