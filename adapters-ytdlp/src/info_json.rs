//! The document of a video: `*.info.json`.
//!
//! A document is one JSON object of 0.3 KB to many megabytes, most of which are addresses that have expired.
//! It is read twice: once for what decides where it belongs ([`head`](crate::head)), and once for the video
//! ([`read`]). Both pick what they want and build nothing of the rest.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};
use tubeatlas_domain::{
    Availability, Channel, Chapter, JsonObject, LanguageTag, LiveStatus, MAX_CHAPTERS, MAX_DESCRIPTION_BYTES,
    MAX_LABEL_BYTES, MAX_TAGS, MAX_TITLE_BYTES, Timestamp, TranscriptKind, Video, VideoFields, VideoId,
};
use tubeatlas_ports::archive::Remark;

use crate::address;
use crate::channel;
use crate::fields::{self, Fields, TooLong};
use crate::file_name::is_youtube_id;
use crate::head::{self, is_word};
use crate::json::{Picked, Want, pick};
use crate::media::Picture;
use crate::video::ORIGINAL;

/// A video as its document tells.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) video: Video,
    pub(crate) channel: Option<Channel>,
    pub(crate) languages: Languages,
    pub(crate) picture: Picture,
    /// The ending of the media file that was downloaded.
    pub(crate) ending: Option<String>,
    pub(crate) warnings: Vec<Remark>,
}

const WANTED: &[(&str, Want)] = &[
    ("acodec", Want::Value),
    ("age_limit", Want::Value),
    ("automatic_captions", Want::Names),
    ("availability", Want::Value),
    ("average_rating", Want::Value),
    ("categories", Want::Value),
    ("channel", Want::Value),
    ("channel_follower_count", Want::Value),
    ("channel_id", Want::Value),
    ("channel_url", Want::Value),
    ("chapters", Want::Value),
    ("comment_count", Want::Value),
    ("description", Want::Value),
    ("dislike_count", Want::Value),
    ("duration", Want::Value),
    ("epoch", Want::Value),
    ("ext", Want::Value),
    ("extractor", Want::Value),
    ("extractor_key", Want::Value),
    ("fps", Want::Value),
    ("height", Want::Value),
    ("id", Want::Value),
    ("is_live", Want::Value),
    ("language", Want::Value),
    ("like_count", Want::Value),
    ("live_status", Want::Value),
    ("media_type", Want::Value),
    ("playlist_id", Want::Value),
    ("playlist_index", Want::Value),
    ("playlist_title", Want::Value),
    ("release_timestamp", Want::Value),
    ("subtitles", Want::Names),
    ("tags", Want::Value),
    ("thumbnail", Want::Value),
    ("timestamp", Want::Value),
    ("title", Want::Value),
    ("upload_date", Want::Value),
    ("uploader", Want::Value),
    ("uploader_id", Want::Value),
    ("uploader_url", Want::Value),
    ("vcodec", Want::Value),
    ("_version", Want::Value),
    ("view_count", Want::Value),
    ("was_live", Want::Value),
    ("webpage_url", Want::Value),
    ("webpage_url_domain", Want::Value),
    ("width", Want::Value),
];

/// Reads the document of a video.
///
/// # Errors
/// If it is no JSON object, has no id or no title, or the domain refuses it; anything else that is wrong is a
/// warning.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Document, String> {
    let Picked { map, mended, malformed } = pick(bytes, WANTED)?;
    let id = head::id(&map)?;
    let platform = head::platform(&map);
    let mut fields = Fields::new(path, map);
    if mended {
        fields.warn("is not quite JSON (NaN, half a character, bytes that are no UTF-8); read without these");
    }
    for name in malformed {
        fields.warn(format!("{name}: is too deep, or has a number that is too large; left out"));
    }
    let title = match fields.get("title") {
        Some(Value::String(_)) => fields.text("title", MAX_TITLE_BYTES, TooLong::Cut).unwrap_or_default(),
        _ => return Err("has no title".to_owned()),
    };
    let channel = channel::read(&mut fields);
    let page = fields.url("webpage_url");
    let mut video = VideoFields::new(id, title);
    video.channel_id = channel.as_ref().map(|channel| channel.id.clone());
    video.description = fields.text("description", MAX_DESCRIPTION_BYTES, TooLong::Cut);
    video.url = page.or_else(|| watch_page(&video.id, platform.as_deref()));
    video.published_at = published_at(&mut fields);
    video.duration_ms = fields.millis("duration");
    video.view_count = fields.count("view_count");
    video.like_count = fields.count("like_count");
    video.dislike_count = fields.count("dislike_count");
    video.comment_count = fields.count("comment_count");
    video.category_name = labels(&mut fields, "categories", 100).into_iter().next();
    video.tags = labels(&mut fields, "tags", MAX_TAGS);
    video.thumbnail_url = fields.url("thumbnail");
    video.live_status = live_status(&mut fields);
    video.availability = availability(&mut fields);
    video.chapters = chapters(&mut fields);
    video.extra = extra(&mut fields);
    let languages = Languages::read(&mut fields);
    let picture = Picture::read(&mut fields);
    let ending = fields.text("ext", MAX_LABEL_BYTES, TooLong::LeaveOut);
    let video = Video::new(video).map_err(|error| error.to_string())?;
    Ok(Document { video, channel, languages, picture, ending, warnings: fields.into_warnings() })
}

/// What is known of a video without a document: its id, and the title that a file is named after. `extra` says
/// so.
///
/// # Errors
/// If the domain refuses the title.
pub(crate) fn known_by_name(id: VideoId, name: &str) -> Result<Document, String> {
    let title = name[..name.floor_char_boundary(MAX_TITLE_BYTES)].to_owned();
    let mut video = VideoFields::new(id, title);
    video.url = watch_page(&video.id, is_youtube_id(video.id.as_str()).then_some("youtube"));
    let mark = Map::from_iter([("known_by_name".to_owned(), Value::Bool(true))]);
    video.extra = JsonObject::new(mark).map_err(|error| error.to_string())?;
    let video = Video::new(video).map_err(|error| error.to_string())?;
    Ok(Document {
        video,
        channel: None,
        languages: Languages::default(),
        picture: Picture::default(),
        ending: None,
        warnings: Vec::new(),
    })
}

/// What a document tells of one of the formats that it lists: one that was downloaded and not merged.
///
/// # Errors
/// If it is no document.
pub(crate) fn format(path: &Path, bytes: &[u8], format_id: &str) -> Result<Option<Picture>, String> {
    let Picked { mut map, .. } = pick(bytes, &[("formats", Want::Value)])?;
    let Some(Value::Array(formats)) = map.remove("formats") else { return Ok(None) };
    let format =
        formats.into_iter().find(|format| format.get("format_id").and_then(Value::as_str) == Some(format_id));
    let Some(Value::Object(mut format)) = format else { return Ok(None) };
    format.retain(|_, value| !value.is_null());
    Ok(Some(Picture::read(&mut Fields::new(path, format))))
}

/// The page of a YouTube video, also if nothing but the shape of its id says that it is one.
fn watch_page(id: &VideoId, platform: Option<&str>) -> Option<String> {
    let id = id.as_str();
    let safe = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let youtube = match platform {
        None => id.len() == 11,
        Some(platform) => platform == "youtube",
    };
    (youtube && safe).then(|| format!("https://www.youtube.com/watch?v={id}"))
}

/// The time of publication: to the second if the document knows it, else the day.
fn published_at(fields: &mut Fields) -> Option<Timestamp> {
    seconds(fields, "timestamp")
        .or_else(|| date(fields, "upload_date"))
        .or_else(|| seconds(fields, "release_timestamp"))
}

/// An instant in seconds since 1970.
fn seconds(fields: &mut Fields, name: &str) -> Option<Timestamp> {
    let value = fields.get(name)?;
    let micros = value.as_i64().and_then(|seconds| seconds.checked_mul(1_000_000)).or_else(|| {
        let micros = (value.as_f64()? * 1e6).round();
        #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
        (-9e18..=9e18).contains(&micros).then_some(micros as i64)
    });
    let instant = micros.and_then(|micros| Timestamp::from_unix_micros(micros).ok());
    if instant.is_none() {
        fields.leave_out(name, "is no time in seconds since 1970");
    }
    instant
}

/// A day as `20091025`, also as a number, or `2009-10-25`, or an instant in RFC 3339; without an offset in UTC.
fn date(fields: &mut Fields, name: &str) -> Option<Timestamp> {
    let value = fields.get(name)?;
    let number = value.as_u64().map(|number| number.to_string());
    let text = number.as_deref().or(value.as_str()).unwrap_or_default();
    let day = || -> Option<Timestamp> {
        let time = if text.len() == 8 {
            jiff::civil::Date::strptime("%Y%m%d", text).ok()?.to_datetime(jiff::civil::Time::midnight())
        } else {
            text.parse::<jiff::civil::DateTime>().ok()?
        };
        let instant = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Timestamp::from_unix_micros(instant.as_microsecond()).ok()
    };
    let instant = text.parse().ok().or_else(day);
    if instant.is_none() {
        fields.leave_out(name, "is no date such as 20091025");
    }
    instant
}

/// A list of short texts.
fn labels(fields: &mut Fields, name: &str, max: usize) -> Vec<String> {
    let mut labels = Vec::new();
    let (mut malformed, mut long, mut many) = (0_usize, 0_usize, 0_usize);
    for value in fields.list(name) {
        match value {
            Value::String(_) if labels.len() == max => many += 1,
            Value::String(text) if text.len() > MAX_LABEL_BYTES => long += 1,
            Value::String(text) => {
                labels.extend(fields.fitted(name, text, MAX_LABEL_BYTES, TooLong::LeaveOut))
            }
            _ => malformed += 1,
        }
    }
    for (count, what) in [
        (malformed, "are no text".to_owned()),
        (long, format!("have more than {MAX_LABEL_BYTES} bytes")),
        (many, format!("follow the first {max}")),
    ] {
        if count > 0 {
            fields.warn(format!("{name}: {count} of its members {what}; left out"));
        }
    }
    labels
}

fn live_status(fields: &mut Fields) -> Option<LiveStatus> {
    if let Some(value) = fields.get("live_status") {
        match value.as_str() {
            Some("not_live") => return Some(LiveStatus::NotLive),
            Some("is_upcoming") => return Some(LiveStatus::IsUpcoming),
            Some("is_live") => return Some(LiveStatus::IsLive),
            Some("post_live") => return Some(LiveStatus::PostLive),
            Some("was_live") => return Some(LiveStatus::WasLive),
            _ => fields.leave_out("live_status", "is no live status that is known"),
        }
    }
    match (fields.truth("is_live"), fields.truth("was_live")) {
        (Some(true), _) => Some(LiveStatus::IsLive),
        (_, Some(true)) => Some(LiveStatus::WasLive),
        (Some(false), Some(false)) => Some(LiveStatus::NotLive),
        _ => None,
    }
}

fn availability(fields: &mut Fields) -> Option<Availability> {
    match fields.get("availability")?.as_str() {
        Some("public") => Some(Availability::Public),
        Some("unlisted") => Some(Availability::Unlisted),
        Some("private") => Some(Availability::Private),
        Some("premium_only") => Some(Availability::PremiumOnly),
        Some("subscriber_only") => Some(Availability::SubscriberOnly),
        Some("needs_auth") => Some(Availability::NeedsAuth),
        _ => {
            fields.leave_out("availability", "is no availability that is known");
            None
        }
    }
}

fn chapters(fields: &mut Fields) -> Vec<Chapter> {
    let mut chapters = Vec::new();
    let (mut malformed, mut backwards, mut many) = (0_usize, 0_usize, 0_usize);
    for value in fields.list("chapters") {
        let Some(start_ms) = value.get("start_time").and_then(fields::millis) else {
            malformed += 1;
            continue;
        };
        if chapters.len() == MAX_CHAPTERS {
            many += 1;
            continue;
        }
        let mut end_ms = value.get("end_time").and_then(fields::millis);
        if end_ms.is_some_and(|end| end < start_ms) {
            backwards += 1;
            end_ms = None;
        }
        let title = value.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        let title = fields.fitted("chapters", title, MAX_TITLE_BYTES, TooLong::Cut).unwrap_or_default();
        chapters.push(Chapter { start_ms, end_ms, title });
    }
    for (count, what) in [
        (malformed, "have no start; left out".to_owned()),
        (backwards, "end before they start; their ends are left out".to_owned()),
        (many, format!("follow the first {MAX_CHAPTERS}; left out")),
    ] {
        if count > 0 {
            fields.warn(format!("chapters: {count} of them {what}"));
        }
    }
    chapters
}

/// What is kept beyond the video's own fields: a short list, each of a checked shape. Nothing else of the
/// document is kept, so that no address of a client and no address that expires can be.
fn extra(fields: &mut Fields) -> JsonObject {
    let mut extra = Map::new();
    for name in ["extractor", "extractor_key", "language", "media_type", "webpage_url_domain"] {
        let word = fields.text(name, 100, TooLong::LeaveOut);
        extra.extend(word.filter(|word| is_word(word)).map(|word| (name.to_owned(), word.into())));
    }
    for name in ["age_limit", "channel_follower_count", "playlist_index"] {
        extra.extend(fields.count(name).map(|count| (name.to_owned(), count.into())));
    }
    for name in ["epoch", "release_timestamp"] {
        extra.extend(fields.integer(name).map(|integer| (name.to_owned(), integer.into())));
    }
    let rating = fields.get("average_rating").filter(|rating| rating.is_number()).cloned();
    extra.extend(rating.map(|rating| ("average_rating".to_owned(), rating)));
    let playlist = fields.text("playlist_title", MAX_TITLE_BYTES, TooLong::Cut);
    let playlist = playlist.filter(|title| !address::is_in(title));
    extra.extend(playlist.map(|title| ("playlist_title".to_owned(), title.into())));
    let playlist = fields.text("playlist_id", 255, TooLong::LeaveOut).filter(|id| is_word(id));
    extra.extend(playlist.map(|id| ("playlist_id".to_owned(), id.into())));
    let version = fields.get("_version").and_then(|version| version.get("version")?.as_str());
    let version = version.filter(|version| version.len() <= 100 && is_word(version)).map(str::to_owned);
    extra.extend(version.map(|version| ("yt_dlp_version".to_owned(), version.into())));
    JsonObject::new(extra).unwrap_or_else(|error| {
        fields.warn(format!("{error}; what has no field of its own is left out"));
        JsonObject::default()
    })
}

/// Which captions the platform has, and the language that is spoken.
#[derive(Debug, Default)]
pub(crate) struct Languages {
    spoken: Option<LanguageTag>,
    manual: BTreeSet<String>,
    automatic: BTreeSet<String>,
}

impl Languages {
    fn read(fields: &mut Fields) -> Self {
        let spoken = fields.text("language", 100, TooLong::LeaveOut).filter(|language| !language.is_empty());
        let spoken = spoken.and_then(|language| match LanguageTag::parse(language) {
            Ok(language) => Some(language),
            Err(_) => {
                fields.leave_out("language", "is no language tag");
                None
            }
        });
        let manual = fields.names("subtitles").into_iter().collect();
        let automatic = fields.names("automatic_captions").into_iter().collect();
        Self { spoken, manual, automatic }
    }

    /// The language that is spoken, if the document says.
    pub(crate) fn spoken(&self) -> Option<&LanguageTag> {
        self.spoken.as_ref()
    }

    /// How captions came to be. YouTube offers automatic ones in the spoken language, and machine translations
    /// of them, and of captions that people wrote, in a hundred others. `heard` says that the content shows
    /// speech recognition; content that does not may be a machine's too.
    pub(crate) fn kind(&self, language: &LanguageTag, heard: bool) -> TranscriptKind {
        let tag = language.as_str();
        if tag.ends_with(ORIGINAL) {
            return TranscriptKind::Automatic;
        }
        let automatic = self.automatic.contains(tag);
        if !heard && (!automatic || self.manual.contains(tag)) {
            return TranscriptKind::Manual;
        }
        if automatic && self.is_translation(tag) {
            TranscriptKind::Translated
        } else {
            TranscriptKind::Automatic
        }
    }

    /// Whether captions that a machine made are in another language than it heard.
    fn is_translation(&self, tag: &str) -> bool {
        // `de-en-US`: into German, from captions in American English that people wrote.
        let from =
            |manual: &String| tag.strip_suffix(manual.as_str()).is_some_and(|rest| rest.ends_with('-'));
        if self.manual.iter().any(from) {
            return true;
        }
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let mut originals = self.automatic.iter().filter_map(|tag| tag.strip_suffix(ORIGINAL)).peekable();
        if originals.peek().is_some() {
            // A video with several sound tracks has several.
            return originals.all(|heard| primary(heard) != primary(tag));
        }
        self.spoken().is_some_and(|spoken| primary(spoken.as_str()) != primary(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Head, head};
    use proptest::prelude::*;
    use serde_json::json;

    fn document(value: Value) -> Document {
        read(Path::new("d.info.json"), value.to_string().as_bytes()).unwrap()
    }

    fn warnings(document: &Document) -> Vec<&str> {
        document.warnings.iter().map(|warning| warning.reason.as_str()).collect()
    }

    #[test]
    fn a_document_of_today_becomes_a_video() {
        let document = document(json!({
            "id": "dQw4w9WgXcQ", "title": "Never", "description": "", "_type": "video", "extractor": "youtube+GetPOT",
            "extractor_key": "Youtube", "epoch": 1_737_037_417, "timestamp": 1_256_453_100, "upload_date": "20091024",
            "duration": 212.5, "view_count": 1, "like_count": 2, "dislike_count": 3, "comment_count": 0,
            "categories": ["Music", "More"], "tags": ["a", "b"], "thumbnail": "https://i.ytimg.com/vi/x/a.webp",
            "webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "live_status": "was_live",
            "availability": "unlisted", "channel": "Rick", "channel_id": "UC1", "language": "en", "age_limit": 18,
            "chapters": [{"start_time": 0.0, "end_time": 1.5, "title": "One"}, {"start_time": 2, "end_time": null}],
            "_version": {"version": "2026.06.09", "repository": "yt-dlp/yt-dlp"}, "playlist_title": "A list",
            "playlist_index": 7, "release_timestamp": null, "width": 1920, "fps": 29.97,
        }));
        let mut expected = VideoFields::new(VideoId::parse("dQw4w9WgXcQ").unwrap(), "Never");
        expected.channel_id = Some("UC1".parse().unwrap());
        expected.description = Some(String::new());
        expected.url = Some("https://www.youtube.com/watch?v=dQw4w9WgXcQ".to_owned());
        expected.published_at = Some("2009-10-25T06:45:00Z".parse().unwrap());
        expected.duration_ms = Some(212_500);
        expected.view_count = Some(1);
        expected.like_count = Some(2);
        expected.dislike_count = Some(3);
        expected.comment_count = Some(0);
        expected.category_name = Some("Music".to_owned());
        expected.tags = vec!["a".to_owned(), "b".to_owned()];
        expected.thumbnail_url = Some("https://i.ytimg.com/vi/x/a.webp".to_owned());
        expected.live_status = Some(LiveStatus::WasLive);
        expected.availability = Some(Availability::Unlisted);
        expected.chapters = vec![
            Chapter { start_ms: 0, end_ms: Some(1_500), title: "One".to_owned() },
            Chapter { start_ms: 2_000, end_ms: None, title: String::new() },
        ];
        let Value::Object(extra) = json!({
            "extractor": "youtube+GetPOT", "extractor_key": "Youtube", "language": "en", "age_limit": 18,
            "epoch": 1_737_037_417, "yt_dlp_version": "2026.06.09", "playlist_title": "A list", "playlist_index": 7,
        }) else {
            unreachable!()
        };
        expected.extra = JsonObject::new(extra).unwrap();
        assert_eq!(document.video.clone().into_fields(), expected);
        assert_eq!(warnings(&document), [""; 0]);
    }

    #[test]
    fn a_malformed_field_is_left_out_and_told() {
        for (field, value) in [
            ("description", json!(7)),
            ("webpage_url", json!("not an address")),
            ("webpage_url", json!("ftp://e.com")),
            ("timestamp", json!("yesterday")),
            ("timestamp", json!(1e30)),
            ("upload_date", json!("2009")),
            ("upload_date", json!("20091399")),
            ("duration", json!("3:20")),
            ("view_count", json!(-1)),
            ("like_count", json!("many")),
            ("dislike_count", json!(1.5)),
            ("comment_count", json!([])),
            ("categories", json!("Music")),
            ("tags", json!(["a", 7])),
            ("tags", json!(["x".repeat(MAX_LABEL_BYTES + 1)])),
            ("tags", json!(vec!["x"; MAX_TAGS + 1])),
            ("thumbnail", json!({})),
            ("live_status", json!("asleep")),
            ("is_live", json!("no")),
            ("availability", json!("soon")),
            ("chapters", json!({})),
            ("chapters", json!([{"title": "no start"}, 7])),
            ("chapters", json!([{"start_time": 2, "end_time": 1, "title": ""}])),
            ("chapters", json!(vec![json!({"start_time": 0}); MAX_CHAPTERS + 1])),
            ("channel_id", json!(7)),
            ("channel", json!([])),
            ("language", json!("no language")),
            ("age_limit", json!("old")),
            ("epoch", json!("then")),
            ("width", json!("wide")),
            ("fps", json!(0)),
            ("title", json!("x".repeat(MAX_TITLE_BYTES + 1))),
            ("title", json!("a\0b")),
            ("description", json!("é".repeat(MAX_DESCRIPTION_BYTES))),
        ] {
            let mut whole = json!({"id": "v", "title": "t"});
            whole[field] = value;
            let document = document(whole);
            assert_eq!(document.warnings.len(), 1, "{field}: {:?}", document.warnings);
            let warning = &document.warnings[0].reason;
            assert!(warning.starts_with(&format!("{field}: ")) && warning.len() < 150, "{warning}");
        }
    }

    #[test]
    fn a_number_too_large_costs_no_more_than_its_field() {
        let bytes = br#"{"id": "v", "title": "t", "chapters": [{"start_time": 1e3085}], "view_count": 7}"#;
        let document = read(Path::new("d"), bytes).unwrap();
        assert_eq!(document.video.view_count, Some(7));
        assert!(warnings(&document)[0].starts_with("chapters: is too deep"), "{:?}", document.warnings);
    }

    #[test]
    fn a_document_that_is_not_quite_json_is_read() {
        let bytes = br#"{"id": "v", "title": "half \ud83d", "duration": NaN, "view_count": 7}"#;
        let document = read(Path::new("d"), bytes).unwrap();
        assert_eq!(document.video.title, "half \u{fffd}");
        assert_eq!((document.video.duration_ms, document.video.view_count), (None, Some(7)));
        assert!(warnings(&document)[0].starts_with("is not quite JSON"));
        assert!(matches!(head(bytes), Ok(Head::Video(_))));
    }

    #[test]
    fn null_is_absent_in_every_field() {
        let nulls: Map<String, Value> =
            WANTED.iter().map(|(name, _)| ((*name).to_owned(), Value::Null)).collect();
        let mut whole = Value::Object(nulls);
        whole["id"] = json!("v");
        whole["title"] = json!("");
        let document = document(whole);
        assert_eq!(document.video.into_fields(), VideoFields::new(VideoId::parse("v").unwrap(), ""));
        assert!(document.warnings.is_empty() && document.channel.is_none());
    }

    #[test]
    fn the_best_known_date_is_taken() {
        for (fields, expected) in [
            (json!({"timestamp": 1.5, "upload_date": "20091024"}), Some("1970-01-01T00:00:01.5Z")),
            (json!({"timestamp": "?", "upload_date": "20091024"}), Some("2009-10-24T00:00:00Z")),
            (json!({"upload_date": 20_091_024}), Some("2009-10-24T00:00:00Z")),
            (json!({"upload_date": "2009-10-24"}), Some("2009-10-24T00:00:00Z")),
            (json!({"upload_date": "2009-10-24T01:02:03"}), Some("2009-10-24T01:02:03Z")),
            (json!({"upload_date": "2009-10-24T01:02:03+02:00"}), Some("2009-10-23T23:02:03Z")),
            (json!({"release_timestamp": 0}), Some("1970-01-01T00:00:00Z")),
            (json!({"timestamp": -1}), Some("1969-12-31T23:59:59Z")),
            (json!({}), None),
        ] {
            let mut whole = json!({"id": "v", "title": "t"});
            whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            let expected = expected.map(|text| text.parse::<Timestamp>().unwrap());
            assert_eq!(document(whole).video.published_at, expected, "{fields}");
        }
    }

    #[test]
    fn the_page_is_known_of_youtube_only() {
        for (document_fields, expected) in [
            (json!({"id": "dQw4w9WgXcQ"}), Some("https://www.youtube.com/watch?v=dQw4w9WgXcQ")),
            (json!({"id": "short"}), None),
            (json!({"id": "short", "extractor": "youtube"}), Some("https://www.youtube.com/watch?v=short")),
            (json!({"id": "no fancy", "extractor": "youtube"}), None),
            (json!({"id": "dQw4w9WgXcQ", "extractor_key": "Vimeo"}), None),
            (
                json!({"id": "1", "webpage_url": "http://e.com/1", "extractor_key": "Vimeo"}),
                Some("http://e.com/1"),
            ),
            (
                json!({"id": "dQw4w9WgXcQ", "webpage_url": "https://e.com/?ip=203.0.113.7"}),
                Some("https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
            ),
        ] {
            let mut whole = document_fields.clone();
            whole["title"] = json!("t");
            assert_eq!(document(whole).video.url.as_deref(), expected, "{document_fields}");
        }
    }

    #[test]
    fn live_status_of_older_documents_is_inferred() {
        for (fields, expected) in [
            (json!({"is_live": true, "was_live": false}), Some(LiveStatus::IsLive)),
            (json!({"is_live": false, "was_live": true}), Some(LiveStatus::WasLive)),
            (json!({"is_live": false, "was_live": false}), Some(LiveStatus::NotLive)),
            (json!({"is_live": false}), None),
            (json!({"is_live": true, "live_status": "is_upcoming"}), Some(LiveStatus::IsUpcoming)),
        ] {
            let mut whole = json!({"id": "v", "title": "t"});
            whole.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert_eq!(document(whole).video.live_status, expected, "{fields}");
        }
    }

    /// Every field of a document that the schema of yt-dlp knows, and some that it does not, holds the
    /// client's address and addresses that expire. Only the author's own words may keep them.
    #[test]
    fn no_client_address_and_no_expiring_address_is_kept() {
        const IP: &str = "203.0.113.7";
        const AUTHOR: [&str; 7] = ["id", "title", "description", "tags", "categories", "channel", "uploader"];
        let names = WANTED.iter().map(|(name, _)| *name).chain([
            "url",
            "manifest_url",
            "formats",
            "requested_formats",
            "requested_downloads",
            "http_headers",
            "cookies",
            "heatmap",
            "thumbnails",
            "original_url",
            "fragments",
            "comments",
            "x_forwarded_for",
            "_filename",
        ]);
        let private = [
            format!("https://r1.example.com/videoplayback?expire=1700000000&ip={IP}&id=o-A&sig=AB"),
            format!("https://r1.example.com/api/manifest/expire/1700000000/ip/{IP}/id/x"),
            format!("https://e.com/?next=https%3A%2F%2Fe.com%2F%3Fip%3D{IP}"),
            IP.to_owned(),
            format!("{IP}:443"),
        ];
        for name in names.filter(|name| !AUTHOR.contains(name)) {
            for text in &private {
                for value in [
                    json!(text),
                    json!([text]),
                    json!({"version": text, "url": text}),
                    json!([{"url": text}]),
                ] {
                    let mut whole = json!({"id": "v", "title": "t", "uploader": "u"});
                    whole[name] = value.clone();
                    let document = document(whole);
                    let kept = [
                        serde_json::to_string(&document.video).unwrap(),
                        serde_json::to_string(&document.channel).unwrap(),
                        format!("{:?} {:?}", document.picture, document.languages.spoken()),
                    ]
                    .concat();
                    assert!(!kept.contains(IP) && !kept.contains("expire"), "{name}: {value}: {kept}");
                    let told = format!("{:?}", document.warnings);
                    assert!(!told.contains(IP) && !told.contains("expire="), "{name}: {value}: {told}");
                }
            }
        }
    }

    #[test]
    fn the_document_tells_how_captions_came_to_be() {
        let kind = |whole: Value, tag: &str| {
            let mut whole = whole;
            whole["id"] = json!("v");
            whole["title"] = json!("t");
            document(whole).languages.kind(&LanguageTag::parse(tag).unwrap(), false)
        };
        let heard = |mut whole: Value, tag: &str| {
            whole["id"] = json!("v");
            whole["title"] = json!("t");
            document(whole).languages.kind(&LanguageTag::parse(tag).unwrap(), true)
        };
        let youtube =
            json!({"language": "en", "subtitles": {"en": []}, "automatic_captions": {"en": [], "de": []}});
        assert_eq!(kind(youtube.clone(), "en"), TranscriptKind::Manual);
        assert_eq!(kind(youtube.clone(), "de"), TranscriptKind::Translated);
        assert_eq!(kind(youtube.clone(), "fr"), TranscriptKind::Manual);
        assert_eq!(kind(youtube.clone(), "en-orig"), TranscriptKind::Automatic);
        assert_eq!(heard(youtube.clone(), "en"), TranscriptKind::Automatic);
        assert_eq!(heard(youtube.clone(), "de"), TranscriptKind::Translated);
        assert_eq!(heard(youtube, "fr"), TranscriptKind::Automatic);
        let of_manual = json!({"language": "en", "subtitles": {"en-US": []}, "automatic_captions": {"en-en-US": [], "en": []}});
        assert_eq!(kind(of_manual.clone(), "en-en-US"), TranscriptKind::Translated);
        assert_eq!(kind(of_manual, "en"), TranscriptKind::Automatic);
        let spoken = json!({"automatic_captions": {"en-orig": [], "en": [], "de": []}});
        assert_eq!(kind(spoken.clone(), "en"), TranscriptKind::Automatic);
        assert_eq!(kind(spoken, "de"), TranscriptKind::Translated);
        assert_eq!(kind(json!({"automatic_captions": {"de": []}}), "de"), TranscriptKind::Automatic);
        assert_eq!(kind(json!({"automatic_captions": null, "subtitles": 7}), "de"), TranscriptKind::Manual);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            Just(json!("a\0\n")),
            Just(json!("20091024")),
            Just(json!("https://e.com/%")),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::hash_map(
                    prop_oneof![
                        Just("start_time"),
                        Just("end_time"),
                        Just("title"),
                        Just("version"),
                        Just("en")
                    ],
                    inner,
                    0..4
                )
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = head(&bytes);
            let _ = read(Path::new("d"), &bytes);
        }

        #[test]
        fn whatever_a_field_holds_the_document_is_read(
            fields in proptest::collection::vec((proptest::sample::select(WANTED), any_json()), 0..12),
        ) {
            let mut map: Map<String, Value> =
                fields.into_iter().map(|((name, _), value)| (name.to_owned(), value)).collect();
            map.insert("id".into(), json!("v"));
            map.insert("title".into(), json!("t"));
            let bytes = serde_json::to_vec(&map).unwrap();
            prop_assert!(read(Path::new("d"), &bytes).is_ok());
            prop_assert!(head(&bytes).is_ok());
        }

        #[test]
        fn a_document_cut_off_anywhere_is_refused(cut in 1_usize..60) {
            let whole = r#"{"id": "v", "title": "tä", "formats": [{"url": "x"}], "a": 12}"#.as_bytes();
            prop_assert!(head(&whole[..cut.min(whole.len() - 1)]).is_err());
        }
    }
}
