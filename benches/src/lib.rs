//! What the programs of this crate share: a catalogue to measure on, and how latencies are summed up.

pub mod process;
pub mod speech;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tubeatlas_adapters_sqlite::{Location, SqliteConfig, SqliteStore};
use tubeatlas_domain::{
    Channel, ChannelFields, ChannelId, Timestamp, ValidationError, Video, VideoFields, VideoId,
};
use tubeatlas_ports::{Error, Repositories, SystemClock, UuidV7Generator};

/// How many channels the catalogue has.
pub const CHANNELS: u32 = 1_000;

/// What goes wrong in a benchmark ends it.
pub type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A store in this file, with the default settings.
///
/// # Errors
/// As [`SqliteStore::open`].
pub async fn open(location: Location) -> Result<SqliteStore, Error> {
    SqliteStore::open(SqliteConfig::new(location), Arc::new(SystemClock), Arc::new(UuidV7Generator)).await
}

/// Numbers that look random and are the same in every run (an LCG with Knuth's constants, upper bits).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence that begins with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound.max(1))).unwrap_or(0)
    }
}

/// The id of the `n`th video.
///
/// # Errors
/// None, as numbers make good ids.
pub fn video_id(n: u32) -> Result<VideoId, ValidationError> {
    VideoId::parse(format!("video-{n:08}"))
}

/// The id of the `n`th channel.
///
/// # Errors
/// None, as numbers make good ids.
pub fn channel_id(n: u32) -> Result<ChannelId, ValidationError> {
    ChannelId::parse(format!("UC-channel-{n:06}"))
}

/// The `n`th video: of some channel, of some day of ten years, with a description of 500 bytes.
///
/// # Errors
/// None, as what it makes is within the limits.
pub fn video(n: u32) -> Result<Video, ValidationError> {
    let mut numbers = Numbers::new(u64::from(n));
    let mut fields = VideoFields::new(video_id(n)?, format!("Video number {n} about topic {}", n % 97));
    fields.channel_id = Some(channel_id(numbers.below(CHANNELS))?);
    let day = i64::from(numbers.below(3_650));
    fields.published_at = Some(Timestamp::from_unix_micros((16_000 + day) * 86_400_000_000)?);
    fields.duration_ms = Some(u64::from(numbers.below(3_600_000)));
    fields.view_count = Some(u64::from(numbers.below(1_000_000)));
    fields.description = Some("A description of usual length. ".repeat(16));
    fields.tags = vec!["benchmark".to_owned(), format!("tag-{}", n % 31)];
    Video::new(fields)
}

/// The same with a description of a line.
///
/// # Errors
/// None, as what it makes is within the limits.
pub fn short_video(n: u32) -> Result<Video, ValidationError> {
    let mut fields = video(n)?.into_fields();
    fields.description = Some(format!("What was said about topic {} on that day.", n % 89));
    Video::new(fields)
}

/// Fills an empty store with channels and so many videos, a thousand a transaction.
///
/// # Errors
/// Whatever the store answers.
pub async fn fill(store: &SqliteStore, videos: u32) -> Result<()> {
    fill_with(store, 0..videos, video).await
}

/// The same with these videos, as this makes them; the channels come with the first one.
///
/// # Errors
/// Whatever the store answers.
pub async fn fill_with(
    store: &SqliteStore,
    videos: Range<u32>,
    video: fn(u32) -> Result<Video, ValidationError>,
) -> Result<()> {
    if videos.start == 0 {
        let mut channels = Vec::new();
        for n in 0..CHANNELS {
            let fields =
                ChannelFields { id: channel_id(n)?, title: format!("Channel {n}"), handle: None, url: None };
            channels.push(Channel::new(fields)?);
        }
        store.channels().create_many(&channels).await?;
    }
    for from in videos.clone().step_by(1_000) {
        let batch: Vec<Video> = (from..videos.end.min(from + 1_000)).map(video).collect::<Result<_, _>>()?;
        store.videos().create_many(&batch).await?;
    }
    Ok(())
}

/// The latency below which this share (in per cent) of the measured ones lies.
pub fn percentile(latencies: &mut [Duration], per_cent: usize) -> Duration {
    latencies.sort_unstable();
    let last = latencies.len().saturating_sub(1);
    latencies.get(last * per_cent / 100).copied().unwrap_or_default()
}
