//! Tubeatlas on its real schema. What it does more than the others in the same workload:
//! - each write takes a revision of the store's sequence, finds out whether the row is there already, and checks
//!   that the channel (or the video) exists and is not deleted;
//! - titles and descriptions are in the full-text index, and so is every transcript, as normalised passages; a
//!   search looks through all of them, and its hits have their cues and highlights;
//! - a row is checked by the domain when it is read, and has tags, chapters and further fields as values, not as
//!   JSON text;
//! - a claim gives a lease with a token, and looks for leases that have expired.
//!
//! Its own times (`created_at`, `updated_at`) are the store's; the check sum takes the model's in their place.
//! Pages have no OFFSET: W8 goes on behind the 999th page's cursor, as a caller does who turned the pages.
//!
//! `TUBEATLAS_UNIT=1`: W4 with an explicit unit of work.
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use peers_common::data::{channel, dt};
use peers_common::{Cfg, H, Peer, R, Transcript, Video};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::*;
use tubeatlas_ports::*;

/// The system's clock, or a fixed time while the tasks of W10 are made, whose order their times are.
pub struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Relaxed) {
            0 => SystemClock.now(),
            set => Timestamp::from_unix_micros(set).expect("a time"),
        }
    }
}

use crate::entity::entity;

/// One of the adapters.
pub trait Adapter: Store + Clone + 'static {
    const NAME: &'static str;
    /// What its health calls the version of what is below it.
    const VERSION: &'static str;
    /// The store, and the size of its pool.
    fn open(c: &Cfg, clock: Arc<SetClock>) -> impl Future<Output = R<(Self, usize)>> + Send;
}

pub struct Row(Stored<tubeatlas_domain::Video>);

impl H for Row {
    fn h(&self) -> u64 {
        let video = self.0.entity.clone().into_fields();
        let seconds = video.published_at.map_or(0, |at| at.unix_micros() / 1_000_000);
        let version = video.title.rsplit_once(" v").map_or(0, |(_, version)| version.parse().unwrap_or(0));
        let number = |n: Option<u64>| n.unwrap_or(0) as i64;
        let row = Video {
            id: video.id.into(),
            channel_id: video.channel_id.map(String::from).unwrap_or_default(),
            title: video.title,
            description: video.description,
            published_at: dt(seconds),
            duration_seconds: number(video.duration_ms) / 1_000,
            view_count: number(video.view_count),
            like_count: number(video.like_count),
            dislike_count: number(video.dislike_count),
            comment_count: number(video.comment_count),
            category_id: video.category_id.unwrap_or_default(),
            category_name: video.category_name.unwrap_or_default(),
            tags: serde_json::to_string(&video.tags).expect("tags"),
            thumbnail_url: video.thumbnail_url.unwrap_or_default(),
            created_at: dt(seconds + 86_400),
            updated_at: dt(seconds + 86_400 + 3_600 * version),
        };
        row.h()
    }
}

/// The text as a caption file has it: cues of ten words, four seconds each.
fn cues(text: &str) -> Vec<Cue> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let cue = |(i, words): (usize, &[&str])| {
        let start_ms = i as u64 * 4_000;
        Cue { start_ms, end_ms: start_ms + 4_000, text: words.join(" ") }
    };
    words.chunks(10).enumerate().map(cue).collect()
}

#[derive(Clone)]
pub struct P<S> {
    store: S,
    clock: Arc<SetClock>,
    pool: usize,
    in_unit: bool,
    /// Where the last page of W8 begins.
    cursor: Arc<tokio::sync::OnceCell<Cursor>>,
}

impl<S: Adapter> P<S> {
    async fn videos(
        &self,
        order: VideoOrder,
        filter: &VideoFilter,
        limit: u32,
        after: Option<Cursor>,
    ) -> R<Vec<Row>> {
        let page = self.store.videos().list(filter, &PageRequest { order, limit, after }).await?;
        Ok(page.items.into_iter().map(Row).collect())
    }

    /// Turns the pages up to this place.
    async fn turn_to(&self, limit: u32, offset: i64) -> R<Cursor> {
        let mut request = PageRequest { order: VideoOrder::Oldest, limit, after: None };
        for _ in 0..offset / i64::from(limit) {
            request.after = self.store.videos().list(&VideoFilter::default(), &request).await?.next;
        }
        Ok(request.after.ok_or("no such page")?)
    }

    async fn make_channels(&self) -> R<()> {
        for c in 0..1_000 {
            let id = ChannelId::parse(channel(c))?;
            let fields = ChannelFields { id, title: format!("Channel {c}"), handle: None, url: None };
            self.store.channels().create(&Channel::new(fields)?).await?;
        }
        Ok(())
    }

    /// The rows of `tasks.sql`.
    async fn make_tasks(&self) -> R<()> {
        for thousand in 0..10 {
            let unit = self.store.begin(Mode::ReadWrite).await?;
            for i in thousand * 1_000..(thousand + 1) * 1_000_i64 {
                let at = Timestamp::from_unix_micros((1_700_000_000 + i * 7919 % 10_007) * 1_000_000)?;
                self.clock.0.store(at.unix_micros(), Ordering::Relaxed);
                let new = NewTask {
                    id: ProcessingTaskId::new(uuid::Uuid::from_u128(i as u128)),
                    kind: TaskKind::parse("transcript")?,
                    target: Some(format!("task-{i:06}")),
                    payload: JsonObject::default(),
                    max_attempts: 3,
                    available_at: at,
                };
                unit.processing_tasks().enqueue(&new).await?;
            }
            unit.commit().await?;
        }
        self.clock.0.store(0, Ordering::Relaxed);
        Ok(())
    }
}

impl<S: Adapter> Peer for P<S> {
    const NAME: &'static str = S::NAME;
    const SCHEMA: &'static str = "the channels";
    const TASKS: &'static str = "the tasks";
    type V = Row;

    async fn open(c: &Cfg) -> R<Self> {
        let clock = Arc::new(SetClock(AtomicI64::new(0)));
        let (store, pool) = S::open(c, Arc::clone(&clock)).await?;
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
        Ok(self.store.health().await?.details[S::VERSION].clone())
    }

    async fn exec(&self, sql: &'static str) -> R<()> {
        if sql == Self::SCHEMA { self.make_channels().await } else { self.make_tasks().await }
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
    }
}
