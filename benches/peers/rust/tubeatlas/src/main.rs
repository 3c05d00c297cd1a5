//! Tubeatlas on SQLite, on its real schema (`real.rs` says what that does more than the others).
//! `TUBEATLAS_INLINE=1`: `get` without a hop.
use std::sync::Arc;

use peers_common::{Cfg, R};
use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore, Synchronous};
use tubeatlas_ports::{Clock, UuidV7Generator};

mod entity;
mod real;

impl real::Adapter for SqliteStore {
    const NAME: &'static str = "tubeatlas";
    const VERSION: &'static str = "sqlite_version";

    async fn open(c: &Cfg, clock: Arc<real::SetClock>) -> R<(Self, usize)> {
        let mut config = SqliteConfig::new(Location::File(c.db.clone().into()));
        config.synchronous = if c.full { Synchronous::Full } else { Synchronous::Normal };
        config.pool_size = c.pool.unwrap_or(config.pool_size);
        config.inline_reads = std::env::var_os("TUBEATLAS_INLINE").is_some();
        let pool = config.pool_size;
<<<<<<< HEAD
        let clock: Arc<dyn Clock> = clock;
        Ok((SqliteStore::open(config, clock, Arc::new(UuidV7Generator)).await?, pool))
=======
        let clock = Arc::new(SetClock(AtomicI64::new(0)));
        let for_store: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
        let store = SqliteStore::open(config, for_store, Arc::new(UuidV7Generator)).await?;
        let in_unit = std::env::var_os("TUBEATLAS_UNIT").is_some();
        let p = P { store, clock, pool, in_unit, cursor: Arc::default() };
        if c.workload == "w8" {
            p.cursor.set(p.turn_to(100, c.videos as i64 - 100).await?)?;
        }
        Ok(p)
    }

    fn pool_size(&self) -> usize {
        self.pool
    }

    async fn version(&self) -> R<String> {
        Ok(self.store.health().await?.details["sqlite_version"].clone())
    }

    async fn exec(&self, sql: &'static str) -> R<()> {
        match sql {
            SCHEMA => self.make_channels().await,
            TASKS => self.make_tasks().await,
            other => panic!("has its own schema: {other}"),
        }
    }

    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        let videos: Vec<_> = v.into_iter().map(entity).collect::<R<_>>()?;
        self.store.videos().create_many(&videos).await?;
        Ok(())
    }

    async fn insert_tx(&self, v: Video) -> R<()> {
        let mut v = v;
        if self.in_unit {
            v.id.insert(0, '_'); // the same database has had W4 without a unit of work
        }
        let video = entity(v)?;
        if self.in_unit {
            let unit = self.store.begin(Mode::ReadWrite).await?;
            unit.videos().create(&video).await?;
            return Ok(unit.commit().await?);
        }
        self.store.videos().create(&video).await?;
        Ok(())
    }

    async fn upsert(&self, v: Video) -> R<()> {
        self.store.videos().upsert(&entity(v)?).await?;
        Ok(())
    }

    async fn get(&self, id: String) -> R<Option<Row>> {
        Ok(self.store.videos().get(&VideoId::parse(id)?, Visibility::Live).await?.map(Row))
    }

    async fn list(&self, ch: String) -> R<Vec<Row>> {
        let filter = VideoFilter { channel_id: Some(ChannelId::parse(ch)?), ..VideoFilter::default() };
        self.videos(VideoOrder::Newest, &filter, 50, None).await
    }

    async fn page(&self, limit: i64, _: i64) -> R<Vec<Row>> {
        let after = self.cursor.get().cloned();
        self.videos(VideoOrder::Oldest, &VideoFilter::default(), limit as u32, after).await
    }

    async fn transcript(&self, t: Transcript) -> R<()> {
        let transcript = tubeatlas_domain::Transcript::new(TranscriptFields {
            video_id: VideoId::parse(t.video_id)?,
            language: LanguageTag::parse(t.language)?,
            kind: if t.kind == "auto" { TranscriptKind::Automatic } else { TranscriptKind::Manual },
            cues: cues(&t.content),
        })?;
        self.store.transcripts().create(&transcript).await?;
        Ok(())
    }

    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        let mut request = SearchRequest::new(SearchQuery::parse(&q)?);
        request.language = Some(LanguageTag::parse("en")?); // transcripts alone, as the others
        request.limit = 20;
        let page = self.store.transcripts().search(&request).await?;
        Ok(page.items.into_iter().map(|hit| (hit.video_id.into(), hit.score.unwrap_or(0.0))).collect())
    }

    async fn claim(&self) -> R<Option<String>> {
        let request = ClaimRequest { worker: WorkerId::parse("bench")?, kinds: None, lease_ms: 3_600_000, only: None };
        let claimed = self.store.processing_tasks().claim(&request).await?;
        Ok(claimed.and_then(|task| task.entity.into_fields().target))
>>>>>>> 823671a (domain, ports, contract, adapters: A claim of one task; a reader's memo on a file)
    }
}

fn main() {
    peers_common::run::<real::P<SqliteStore>>()
}
