//! The Tubeatlas store on Postgres: the same catalogue for many machines.

mod channels;
mod columns;
mod config;
mod engine;
mod error;
mod knowledge_graphs;
mod media_files;
mod migrations;
mod passages;
mod pool;
mod processing_tasks;
mod retry;
mod schema;
mod search;
mod session;
mod statement;
mod store;
mod table;
mod tls;
mod transcripts;
mod unit_of_work;
mod videos;

pub use config::{DatabaseUrl, PostgresConfig};
pub use migrations::MigrationStatus;
pub use store::{PostgresStore, migrate, migration_status};
