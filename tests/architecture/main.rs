//! The boundaries between the crates, held by `cargo metadata`.
//!
//! Dependencies point inwards only: `app → adapters-* → ports → domain`. What is checked is the resolved graph of
//! what is built, not what the manifests say, so a dependency of a dependency counts too.

#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

const DATABASES: [&str; 14] = [
    "diesel",
    "diesel-async",
    "diesel_migrations",
    "deadpool",
    "libsqlite3-sys",
    "rusqlite",
    "sqlx",
    "sea-orm",
    "tokio-postgres",
    "postgres",
    "pq-sys",
    "redb",
    "sled",
    "mongodb",
];

const EDGES: [&str; 5] = ["axum", "hyper", "clap", "dotenvy", "tracing-subscriber"];

struct Graph {
    metadata: Metadata,
}

impl Graph {
    fn load() -> Self {
        let mut command = MetadataCommand::new();
        command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
        command.other_options(["--locked".to_owned(), "--all-features".to_owned()]);
        Self { metadata: command.exec().expect("cargo metadata answers") }
    }

    fn name(&self, id: &PackageId) -> &str {
        self.metadata[id].name.as_str()
    }

    /// The crates that are built for `package`, itself left out; without what only its tests need.
    fn dependencies(&self, package: &str) -> BTreeSet<&str> {
        let resolve = self.metadata.resolve.as_ref().expect("a resolved graph");
        let nodes: BTreeMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
        let root = nodes.keys().find(|id| self.name(id) == package);
        let root = *root.unwrap_or_else(|| panic!("the workspace has a crate {package}"));
        let mut found = BTreeSet::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            for dependency in &nodes[id].deps {
                let built = dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
                if built && found.insert(&dependency.pkg) {
                    open.push(&dependency.pkg);
                }
            }
        }
        found.into_iter().map(|id| self.name(id)).collect()
    }

    fn members(&self) -> Vec<&str> {
        self.metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect()
    }

    fn assert_free_of(&self, package: &str, forbidden: &[&str]) {
        let dependencies = self.dependencies(package);
        let found: Vec<_> = forbidden.iter().filter(|name| dependencies.contains(*name)).collect();
        assert!(found.is_empty(), "{package} depends on {found:?}");
    }
}

fn adapters<'a>(members: &[&'a str]) -> Vec<&'a str> {
    members.iter().copied().filter(|name| name.starts_with("tubeatlas-adapters-")).collect()
}

#[test]
fn the_domain_depends_on_nothing_of_ours_and_does_no_io() {
    let graph = Graph::load();
    let ours = graph.members();
    graph.assert_free_of("tubeatlas-domain", &ours);
    graph.assert_free_of("tubeatlas-domain", &DATABASES);
    graph.assert_free_of("tubeatlas-domain", &EDGES);
    graph.assert_free_of("tubeatlas-domain", &["tokio", "async-trait", "futures", "mio"]);
}

#[test]
fn the_ports_depend_on_the_domain_alone_and_name_no_database() {
    let graph = Graph::load();
    let mut others = graph.members();
    others.retain(|name| !["tubeatlas-domain", "tubeatlas-ports"].contains(name));
    graph.assert_free_of("tubeatlas-ports", &others);
    graph.assert_free_of("tubeatlas-ports", &DATABASES);
    graph.assert_free_of("tubeatlas-ports", &EDGES);
}

#[test]
fn no_adapter_depends_on_another_one_or_on_the_app() {
    let graph = Graph::load();
    let members = graph.members();
    let adapters = adapters(&members);
    assert!(adapters.len() >= 3, "{adapters:?}");
    for adapter in &adapters {
        let mut forbidden = adapters.clone();
        forbidden.retain(|other| other != adapter);
        forbidden.push("tubeatlas");
        forbidden.extend(EDGES);
        graph.assert_free_of(adapter, &forbidden);
    }
}

#[test]
fn only_adapters_of_databases_know_databases() {
    let graph = Graph::load();
    for package in ["tubeatlas-adapters-memory", "tubeatlas-adapters-ytdlp"] {
        graph.assert_free_of(package, &DATABASES);
    }
    // The app reaches databases through adapters alone.
    let app = graph.metadata.workspace_packages();
    let app = app.iter().find(|package| package.name.as_str() == "tubeatlas").expect("the app");
    for dependency in &app.dependencies {
        assert!(!DATABASES.contains(&dependency.name.as_str()), "the app names {}", dependency.name);
    }
}

#[test]
fn the_contract_suite_depends_on_domain_and_ports_alone() {
    let graph = Graph::load();
    let mut others = graph.members();
    others.retain(|name| !["tubeatlas-domain", "tubeatlas-ports", "tubeatlas-contract"].contains(name));
    graph.assert_free_of("tubeatlas-contract", &others);
    graph.assert_free_of("tubeatlas-contract", &DATABASES);
}
