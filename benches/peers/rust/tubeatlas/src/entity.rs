//! The others' video as ours.
use peers_common::{R, Video};
use tubeatlas_domain::{ChannelId, Timestamp, VideoFields, VideoId};

pub fn entity(video: Video) -> R<tubeatlas_domain::Video> {
    let number = |n: i64| u64::try_from(n).ok();
    let mut fields = VideoFields::new(VideoId::parse(video.id)?, video.title);
    fields.channel_id = Some(ChannelId::parse(video.channel_id)?);
    fields.description = video.description;
    fields.published_at = Some(Timestamp::from_unix_micros(video.published_at.and_utc().timestamp_micros())?);
    fields.duration_ms = number(video.duration_seconds * 1_000);
    fields.view_count = number(video.view_count);
    fields.like_count = number(video.like_count);
    fields.dislike_count = number(video.dislike_count);
    fields.comment_count = number(video.comment_count);
    fields.category_id = Some(video.category_id);
    fields.category_name = Some(video.category_name);
    fields.tags = serde_json::from_str(&video.tags)?;
    fields.thumbnail_url = Some(video.thumbnail_url);
    Ok(tubeatlas_domain::Video::new(fields)?)
}
