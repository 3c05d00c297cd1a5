//! [`Video`]: what was published.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::{ChannelId, JsonObject, Timestamp, VideoId, validate};

/// The longest title of a video, in bytes. YouTube allows 100 characters; other platforms several hundred.
pub const MAX_TITLE_BYTES: usize = 2_000;

/// The longest description of a video, in bytes. YouTube allows 5,000 characters of at most 4 bytes; other
/// platforms put whole articles there.
pub const MAX_DESCRIPTION_BYTES: usize = 100_000;

/// The longest short label (category, tag, codec, model), in bytes.
pub const MAX_LABEL_BYTES: usize = 500;

/// The most tags of a video. YouTube allows 500 characters of tags altogether.
pub const MAX_TAGS: usize = 1_000;

/// The most chapters of a video: one a second for nearly three hours.
pub const MAX_CHAPTERS: usize = 10_000;

/// Whether a video is, was or will be live. The names are those of yt-dlp's `live_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LiveStatus {
    /// An ordinary video.
    NotLive,
    /// Will be live.
    IsUpcoming,
    /// Is live now.
    IsLive,
    /// Was live; the recording is being made.
    PostLive,
    /// Was live; this is the recording.
    WasLive,
}

/// Who may watch a video. The names are those of yt-dlp's `availability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Availability {
    /// Everybody.
    Public,
    /// Everybody who has the link.
    Unlisted,
    /// Those whom the owner invited.
    Private,
    /// Subscribers of the platform's paid plan.
    PremiumOnly,
    /// Members of the channel.
    SubscriberOnly,
    /// Those who are signed in.
    NeedsAuth,
}

/// A named part of a video.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Chapter {
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// Where it ends, in milliseconds; absent if the source does not say.
    pub end_ms: Option<u64>,
    /// Its name; may be empty.
    #[cfg_attr(feature = "openapi", schema(max_length = 2000))]
    pub title: String,
}

/// The fields of a [`Video`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VideoFields {
    /// The platform's id.
    pub id: VideoId,
    /// The channel that published it; absent if the source names none.
    pub channel_id: Option<ChannelId>,
    /// The title; may be empty.
    pub title: String,
    /// The description; an empty one is not an absent one.
    pub description: Option<String>,
    /// The video's page, to which times can be added.
    pub url: Option<String>,
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// Its length in milliseconds.
    pub duration_ms: Option<u64>,
    /// How often it was viewed.
    pub view_count: Option<u64>,
    /// How many like it.
    pub like_count: Option<u64>,
    /// How many dislike it.
    pub dislike_count: Option<u64>,
    /// How many comments it has.
    pub comment_count: Option<u64>,
    /// The platform's id of its category.
    pub category_id: Option<String>,
    /// The name of its category.
    pub category_name: Option<String>,
    /// Its tags, in the source's order.
    #[serde(default)]
    pub tags: Vec<String>,
    /// A picture of it.
    pub thumbnail_url: Option<String>,
    /// Whether it is, was or will be live.
    pub live_status: Option<LiveStatus>,
    /// Who may watch it.
    pub availability: Option<Availability>,
    /// Its chapters, in the source's order.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// What the archive knows beyond these fields.
    #[serde(default)]
    pub extra: JsonObject,
}

impl VideoFields {
    /// The fields of a video of which nothing but id and title is known.
    pub fn new(id: VideoId, title: impl Into<String>) -> Self {
        Self {
            id,
            channel_id: None,
            title: title.into(),
            description: None,
            url: None,
            published_at: None,
            duration_ms: None,
            view_count: None,
            like_count: None,
            dislike_count: None,
            comment_count: None,
            category_id: None,
            category_name: None,
            tags: Vec::new(),
            thumbnail_url: None,
            live_status: None,
            availability: None,
            chapters: Vec::new(),
            extra: JsonObject::default(),
        }
    }
}

/// What was published. Read its fields through [`Deref`]; to change one, take the fields out
/// ([`Video::into_fields`]) and build a new video.
///
/// ```
/// use tubeatlas_domain::{Video, VideoFields, VideoId};
///
/// let mut fields = VideoFields::new(VideoId::parse("dQw4w9WgXcQ")?, "Never Gonna Give You Up");
/// fields.duration_ms = Some(213_000);
/// let video = Video::new(fields)?;
/// assert_eq!(video.title, "Never Gonna Give You Up");
/// # Ok::<(), tubeatlas_domain::ValidationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "VideoFields", into = "VideoFields")]
pub struct Video(VideoFields);

impl Video {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is too long or too large, holds NUL, or is no web address.
    pub fn new(fields: VideoFields) -> Result<Self, ValidationError> {
        validate::text("video.title", &fields.title, MAX_TITLE_BYTES)?;
        validate::optional_text("video.description", fields.description.as_deref(), MAX_DESCRIPTION_BYTES)?;
        validate::url("video.url", fields.url.as_deref())?;
        validate::number("video.duration_ms", fields.duration_ms)?;
        validate::number("video.view_count", fields.view_count)?;
        validate::number("video.like_count", fields.like_count)?;
        validate::number("video.dislike_count", fields.dislike_count)?;
        validate::number("video.comment_count", fields.comment_count)?;
        validate::optional_text("video.category_id", fields.category_id.as_deref(), MAX_LABEL_BYTES)?;
        validate::optional_text("video.category_name", fields.category_name.as_deref(), MAX_LABEL_BYTES)?;
        validate::count_of("video.tags", &fields.tags, MAX_TAGS)?;
        for (i, tag) in fields.tags.iter().enumerate() {
            validate::text(format_args!("video.tags[{i}]"), tag, MAX_LABEL_BYTES)?;
        }
        validate::url("video.thumbnail_url", fields.thumbnail_url.as_deref())?;
        validate::count_of("video.chapters", &fields.chapters, MAX_CHAPTERS)?;
        for (i, chapter) in fields.chapters.iter().enumerate() {
            check_chapter(i, chapter)?;
        }
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new video.
    pub fn into_fields(self) -> VideoFields {
        self.0
    }
}

/// Real chapters may start after the video's end and overlap; only what cannot be a span is refused.
fn check_chapter(i: usize, chapter: &Chapter) -> Result<(), ValidationError> {
    validate::text(format_args!("video.chapters[{i}].title"), &chapter.title, MAX_TITLE_BYTES)?;
    validate::number(format_args!("video.chapters[{i}].start_ms"), Some(chapter.start_ms))?;
    validate::number(format_args!("video.chapters[{i}].end_ms"), chapter.end_ms)?;
    if chapter.end_ms.is_some_and(|end| end < chapter.start_ms) {
        let message = format!("is before start_ms ({})", chapter.start_ms);
        return Err(ValidationError::new(format!("video.chapters[{i}].end_ms"), Problem::Malformed(message)));
    }
    Ok(())
}

crate::entity::checked_fields!(Video, VideoFields, VideoId, EntityKind::Video, |it| it.id.clone());

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> VideoFields {
        VideoFields::new(VideoId::parse("v").unwrap(), "t")
    }

    #[test]
    fn each_refusal_names_its_field() {
        let cases: [(&str, fn(&mut VideoFields)); 12] = [
            ("video.title", |v| v.title = "x\0".into()),
            ("video.title", |v| v.title = "x".repeat(MAX_TITLE_BYTES + 1)),
            ("video.description", |v| v.description = Some("x".repeat(MAX_DESCRIPTION_BYTES + 1))),
            ("video.url", |v| v.url = Some("file:///etc/passwd".into())),
            ("video.duration_ms", |v| v.duration_ms = Some(u64::MAX)),
            ("video.view_count", |v| v.view_count = Some(validate::MAX_NUMBER + 1)),
            ("video.category_id", |v| v.category_id = Some("\0".into())),
            ("video.tags", |v| v.tags = vec![String::new(); MAX_TAGS + 1]),
            ("video.tags[1]", |v| v.tags = vec!["a".into(), "\0".into()]),
            ("video.thumbnail_url", |v| v.thumbnail_url = Some("https://a b".into())),
            ("video.chapters[0].end_ms", |v| {
                v.chapters = vec![Chapter { start_ms: 2, end_ms: Some(1), title: String::new() }];
            }),
            ("video.chapters[0].title", |v| {
                v.chapters = vec![Chapter { start_ms: 2, end_ms: None, title: "\0".into() }];
            }),
        ];
        for (field, spoil) in cases {
            let mut fields = fields();
            spoil(&mut fields);
            assert_eq!(Video::new(fields).unwrap_err().field(), field);
        }
    }

    #[test]
    fn limits_are_inclusive() {
        let mut fields = fields();
        fields.title = "x".repeat(MAX_TITLE_BYTES);
        fields.view_count = Some(validate::MAX_NUMBER);
        assert!(Video::new(fields).is_ok());
    }

    #[test]
    fn the_wire_form_checks_and_keeps_empty_apart_from_absent() {
        let video: Video = serde_json::from_str(r#"{"id":"v","title":"","description":""}"#).unwrap();
        assert_eq!(video.description.as_deref(), Some(""));
        let json = serde_json::to_string(&video).unwrap();
        assert_eq!(serde_json::from_str::<Video>(&json).unwrap(), video);
        let error = serde_json::from_str::<Video>(r#"{"id":"v","title":"a\u0000"}"#).unwrap_err();
        assert!(error.to_string().contains("video.title"), "{error}");
    }
}
