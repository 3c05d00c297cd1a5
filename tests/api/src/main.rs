//! The service over a store in memory that holds some samples, and fails as often as it is told to: what
//! `tests/api/schemathesis.sh` asks.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use clap::Parser;
use tubeatlas::http::{MediaAccess, Service};
use tubeatlas::import::{ImportOptions, import};
use tubeatlas::wiring;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_domain::{
    FrameRate, GraphEntity, GraphOwner, GraphRelation, KnowledgeGraph, KnowledgeGraphFields,
    KnowledgeGraphId, MediaFile, MediaFileFields, MediaFileId, VideoId, WorkerId,
};
use tubeatlas_faults::{At, FaultyStore, Hooks, StoreHook};
use tubeatlas_ports::{Conflict, Error, IdGenerator, Mode, Result, Store, UnitOfWork};

#[derive(Parser)]
struct Arguments {
    /// How many of a hundred calls of the store fail.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100))]
    faults: u64,
    /// Which of them, and how.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// An archive to begin with, and from which may be imported.
    #[arg(long)]
    archive: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
}

/// Lets calls fail by chance.
struct Trouble {
    percent: u64,
    seed: u64,
    calls: AtomicU64,
}

impl Trouble {
    /// A number that looks like chance, another one each time (SplitMix64).
    fn draw(&self) -> u64 {
        let n = self.calls.fetch_add(1, Ordering::Relaxed).wrapping_add(self.seed << 32);
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn strike(&self, in_unit: bool) -> Result<()> {
        let drawn = self.draw();
        if drawn % 100 >= self.percent {
            return Ok(());
        }
        let message = || "SELECT secret FROM /secret/path".to_owned();
        let source = || Some("secret".into());
        Err(match (drawn / 100) % 7 {
            0 => Error::Unavailable { message: message(), source: source() },
            1 => Error::Backend { message: message(), source: source() },
            2 => Error::Corrupt { message: message(), source: source() },
            3 => Error::StorageFull { source: source() },
            4 => Error::Timeout { waited_for: "a connection", waited_ms: 1 },
            5 if in_unit => Error::Conflict(Conflict::Serialization),
            _ => Error::ReadOnly { what: "/secret/path".into() },
        })
    }
}

#[async_trait]
impl StoreHook for Trouble {
    async fn before(&self, at: &At<'_>) -> Result<()> {
        self.strike(at.unit.is_some())
    }

    async fn begin(&self, store: &Arc<dyn Store>, mode: Mode, _: u64) -> Result<Box<dyn UnitOfWork>> {
        self.strike(true)?;
        store.begin(mode).await
    }

    async fn commit(&self, _: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, _: u64) -> Result<()> {
        self.strike(true)?;
        inner.commit().await
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let Arguments { faults, seed, archive, listen } = Arguments::parse();
    let archive = archive.canonicalize()?;
    let (clock, ids) = (wiring::clock(), wiring::ids());
    let store: Arc<dyn Store> =
        Arc::new(MemoryStore::new(MemoryConfig::default(), Arc::clone(&clock), Arc::clone(&ids)));
    let options = ImportOptions::new(WorkerId::parse("faulty-service")?, "samples");
    let source = wiring::archive(vec![archive.clone()]);
    import(&source, store.as_ref(), (ids.as_ref(), clock.as_ref()), &options, &|_| {}).await?;
    let folder = tempfile::tempdir()?;
    add_what_no_archive_has(store.as_ref(), ids.as_ref(), folder.path()).await?;
    let media = MediaAccess::new(&[folder.path().to_owned()], Arc::clone(&clock))?;
    let hooks = Hooks::new().store(Trouble { percent: faults, seed, calls: AtomicU64::new(0) });
    let store = Arc::new(FaultyStore::over(store, hooks, clock));
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("http://{}", listener.local_addr()?);
    let service = Service::new(store).with_import_roots(vec![archive]).with_media(media);
    axum::serve(listener, service.router()).await?;
    Ok(())
}

/// A media file that can be played, and a graph, of one of the videos.
async fn add_what_no_archive_has(
    store: &dyn Store,
    ids: &dyn IdGenerator,
    folder: &Path,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let video_id = VideoId::parse("Katsuobushi")?;
    let path = folder.join("Katsuobushi.mp4");
    std::fs::write(&path, "0123456789")?;
    let path = path.to_str().ok_or("the folder's name is no UTF-8")?;
    let mut file = MediaFileFields::new(MediaFileId::new(ids.new_id()), video_id.clone(), path);
    file.frame_rate = Some(FrameRate::new(30_000, 1_001)?);
    store.media_files().create(&MediaFile::new(file)?).await?;
    let entity = |name: &str| GraphEntity { name: name.to_owned(), kind: None };
    let relation =
        GraphRelation { subject: "dashi".into(), predicate: "needs".into(), object: "tuna".into() };
    let graph = KnowledgeGraphFields {
        id: KnowledgeGraphId::new(ids.new_id()),
        owner: GraphOwner::Video(video_id),
        model: None,
        processing_time_ms: None,
        version: 1,
        entities: vec![entity("dashi"), entity("tuna")],
        relations: vec![relation],
    };
    store.knowledge_graphs().create(&KnowledgeGraph::new(graph)?).await?;
    Ok(())
}
