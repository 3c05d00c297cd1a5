//! The head of a document: what decides where it belongs, and what it tells of more than its own video.
//!
//! Every document of an archive is looked at before any video is read. So that an unchanged one need not be, its head
//! is noted in the [memo](tubeatlas_domain::SourceFileFields::memo) of its file.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;
use tubeatlas_domain::{
    ChannelFields, MAX_DESCRIPTION_BYTES, MAX_TITLE_BYTES, PlaylistFields, PlaylistId, VideoId,
};

use crate::address;
use crate::channel;
use crate::fields::{self, Fields, TooLong};
use crate::json::{Picked, Want, pick};

/// What decides where a document belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Head {
    /// A video's.
    Video(VideoHead),
    /// A playlist's.
    List(ListHead),
    /// Of something else, which this says.
    Other(String),
}

/// What a video's document tells before the video is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VideoHead {
    pub(crate) id: VideoId,
    /// The video's title; only as long as it takes to compare it with the file's name.
    #[serde(skip)]
    pub(crate) title: String,
    /// Whether the file is named after the title.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) titled: bool,
    /// When the document was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<i64>,
    /// How often the video had been viewed then: of two documents the later one has more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) views: Option<u64>,
    /// Where the video comes from; absent in hand-made documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<ChannelFields>,
    /// The playlist with which it was downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// Where a video comes from, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// `youtube`, `twitchclips`.
    pub(crate) platform: String,
    /// The page, if the platform is none: then yt-dlp takes the last part of an address as the id, and many
    /// pages end in `index`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<String>,
}

/// The place of a video in a playlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) playlist: PlaylistId,
    /// The playlist's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Its number, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) index: Option<u64>,
}

/// What a playlist's document tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListHead {
    /// When the document was made, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<i64>,
    /// Who keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<ChannelFields>,
    /// The playlist; its videos, if the document lists them.
    pub(crate) playlist: PlaylistFields,
}

/// What the heads of videos and of lists are read from.
const WANTED: &[(&str, Want)] = &[
    ("id", Want::Value),
    ("title", Want::Value),
    ("_type", Want::Value),
    ("epoch", Want::Value),
    ("extractor", Want::Value),
    ("extractor_key", Want::Value),
    ("entries", Want::Ids),
    ("formats", Want::Presence),
    ("duration", Want::Presence),
    ("view_count", Want::Value),
    ("webpage_url", Want::Value),
    ("channel", Want::Value),
    ("channel_id", Want::Value),
    ("channel_url", Want::Value),
    ("uploader", Want::Value),
    ("uploader_id", Want::Value),
    ("uploader_url", Want::Value),
    ("playlist_id", Want::Value),
    ("playlist_index", Want::Value),
    ("playlist_title", Want::Value),
];

/// Reads what decides where a document belongs.
///
/// # Errors
/// Says why it is no document.
pub(crate) fn head(bytes: &[u8]) -> Result<Head, String> {
    let Picked { map, .. } = pick(bytes, WANTED)?;
    let epoch = map.get("epoch").and_then(|epoch| {
        epoch.as_i64().or_else(|| fields::whole(epoch).and_then(|epoch| i64::try_from(epoch).ok()))
    });
    if let Some(what) = not_a_video(&map) {
        return Ok(list(bytes, map, epoch).map_or_else(|why| Head::Other(what + &why), Head::List));
    }
    let id = id(&map)?;
    let Some(title) = map.get("title").and_then(Value::as_str).map(str::to_owned) else {
        return Err("has no title; download it again (yt-dlp --write-info-json --skip-download)".to_owned());
    };
    let page = || {
        let page = map.get("webpage_url").and_then(Value::as_str)?;
        page.split(['?', '#']).next().map(str::to_owned)
    };
    let origin = platform(&map).map(|platform| match platform.as_str() {
        "generic" => Origin { page: page(), platform },
        _ => Origin { page: None, platform },
    });
    let views = map.get("view_count").and_then(fields::whole);
    // What is wrong with these fields is told when the video is read.
    let mut fields = Fields::new(Path::new(""), map);
    let channel = channel::read(&mut fields).map(tubeatlas_domain::Channel::into_fields);
    let place = place(&mut fields, channel.as_ref());
    Ok(Head::Video(VideoHead { id, title, titled: false, epoch, views, origin, channel, place }))
}

/// The place of a video in the playlist with which it was downloaded. What a channel has published is no playlist:
/// there the newest has number 1, whichever that was on the day.
fn place(fields: &mut Fields, channel: Option<&ChannelFields>) -> Option<Place> {
    let playlist = fields.text("playlist_id", 255, TooLong::LeaveOut).filter(|id| is_word(id))?;
    if playlist.starts_with("UC") || channel.is_some_and(|channel| channel.id.as_str() == playlist) {
        return None;
    }
    let title = fields.text("playlist_title", MAX_TITLE_BYTES, TooLong::Cut);
    let title = title.filter(|title| !title.is_empty() && !address::is_in(title));
    let index = fields.count("playlist_index");
    Some(Place { playlist: PlaylistId::parse(playlist).ok()?, title, index })
}

/// The playlist that a document describes, or why it describes none.
fn list(bytes: &[u8], map: Map<String, Value>, epoch: Option<i64>) -> Result<ListHead, String> {
    match map.get("_type").and_then(Value::as_str) {
        None | Some("playlist" | "multi_video") => (),
        Some(_) => return Err(String::new()),
    }
    let text = map.get("id").and_then(Value::as_str).ok_or(", and has no id")?.to_owned();
    let id = PlaylistId::parse(text.as_str())
        .map_err(|error| format!(", and has no id that can be used: {error}"))?;
    let mut fields = Fields::new(Path::new(""), map);
    let channel = channel::read(&mut fields).map(tubeatlas_domain::Channel::into_fields);
    if text.starts_with("UC") || channel.as_ref().is_some_and(|channel| channel.id.as_str() == text) {
        return Err(": all that a channel has published, which its videos tell as well".to_owned());
    }
    let title = fields.text("title", MAX_TITLE_BYTES, TooLong::Cut).unwrap_or_default();
    let mut playlist = PlaylistFields::new(id, title);
    playlist.channel_id = channel.as_ref().map(|channel| channel.id.clone());
    playlist.url = fields.url("webpage_url");
    let ids = fields.list("entries").into_iter().filter_map(|id| id.as_str().map(VideoId::parse));
    playlist.videos = ids.flatten().take(tubeatlas_domain::MAX_PLAYLIST_VIDEOS).collect();
    // Of a list alone: the descriptions of videos are long.
    let mut fields = Fields::new(Path::new(""), pick(bytes, &[("description", Want::Value)])?.map);
    playlist.description = fields.text("description", MAX_DESCRIPTION_BYTES, TooLong::Cut);
    let playlist = tubeatlas_domain::Playlist::new(playlist).map_err(|error| format!(", and {error}"))?;
    Ok(ListHead { epoch, channel, playlist: playlist.into_fields() })
}

/// What a document is of, if not of a video.
fn not_a_video(map: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("_type") {
        "video" => return None,
        "" => (),
        kind @ ("url" | "url_transparent") => {
            return Some(format!("is a link to something (its _type is {kind}) and holds no video"));
        }
        kind => {
            let kind: String = kind.chars().take(40).collect();
            return Some(format!("describes a list of videos (its _type is {kind}), not a video"));
        }
    }
    // Before 2021 documents had no `_type`.
    let key = platform(map).unwrap_or_default();
    let list_key = ["tab", "playlist", "search", "channel", "user", "album", "collection"];
    let plays = map.contains_key("formats") || map.contains_key("duration");
    let list = map.contains_key("entries")
        || key.ends_with("tab")
        || (!plays && list_key.iter().any(|ending| key.ends_with(ending)))
        || (!plays && is_list_id(text("id")));
    list.then(|| "describes a channel or a playlist, not a video".to_owned())
}

/// Whether an id has the shape of a YouTube channel's or playlist's.
fn is_list_id(id: &str) -> bool {
    id.len() >= 18 && ["UC", "PL", "UU", "FL", "LL", "OL", "RD"].iter().any(|start| id.starts_with(start))
}

/// The id of a video.
///
/// # Errors
/// Says why there is none.
pub(crate) fn id(map: &Map<String, Value>) -> Result<VideoId, String> {
    let text = match map.get("id") {
        None => {
            return Err("has no id; download it again (yt-dlp --write-info-json --skip-download)".to_owned());
        }
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err("has an id that is no text".to_owned()),
    };
    VideoId::parse(text).map_err(|error| error.to_string())
}

/// The platform in a form that can be compared: `youtube`, `twitchclips`. A plugin's name behind `+` is cut.
pub(crate) fn platform(map: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("extractor_key").or_else(|| text("extractor"))?;
    let name = name.split('+').next().unwrap_or_default();
    Some(name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect())
}

/// A word of a technical kind: `youtube+GetPOT`, `youtube.com`, `2026.06.09`.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+:._-@".contains(&byte))
        && !address::is_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn heads_tell_videos_from_lists() {
        let of = |value: Value| head(value.to_string().as_bytes());
        let video = |id: &str, epoch, views, platform: Option<(&str, Option<&str>)>| {
            let origin = platform.map(|(platform, page)| Origin {
                platform: platform.to_owned(),
                page: page.map(str::to_owned),
            });
            Ok(Head::Video(VideoHead {
                id: VideoId::parse(id).unwrap(),
                title: "t".into(),
                titled: false,
                epoch,
                views,
                origin,
                channel: None,
                place: None,
            }))
        };
        assert_eq!(of(json!({"id": "v", "title": "t", "view_count": "many"})), video("v", None, None, None));
        assert_eq!(
            of(
                json!({"id": 7, "title": "t", "epoch": 3.0, "view_count": 9, "extractor": "twitch:clips", "webpage_url": "x"})
            ),
            video("7", Some(3), Some(9), Some(("twitchclips", None)))
        );
        assert_eq!(
            of(json!({"id": "UC45678901234567890", "title": "t", "duration": 1, "extractor": "youtube+x"})),
            video("UC45678901234567890", None, None, Some(("youtube", None)))
        );
        assert_eq!(
            of(
                json!({"id": "index", "title": "t", "extractor": "generic", "webpage_url": "http://e.com/a?b"})
            ),
            video("index", None, None, Some(("generic", Some("http://e.com/a"))))
        );
        for list in [
            json!({"id": "v", "title": "t", "_type": "playlist"}),
            json!({"_type": "multi_video"}),
            json!({"id": "v", "_type": "url"}),
            json!({"id": "v", "title": "t", "entries": []}),
            json!({"id": "v", "title": "t", "extractor": "youtube:tab"}),
            json!({"id": "v", "title": "t", "extractor_key": "YoutubePlaylist"}),
            json!({"id": "PLoopXDarluPBnuxs4PTC55Sc", "title": "t"}),
        ] {
            assert!(matches!(of(list.clone()), Ok(Head::Other(_) | Head::List(_))), "{list}");
        }
        for (refused, reason) in [
            (json!({"title": "t"}), "has no id"),
            (json!({"id": null, "title": "t"}), "has no id"),
            (json!({"id": [], "title": "t"}), "no text"),
            (json!({"id": "a\nb", "title": "t"}), "video.id"),
            (json!({"id": "v"}), "has no title"),
            (json!({"id": "v", "title": 7}), "has no title"),
            (json!([]), "no JSON object"),
        ] {
            let error = of(refused.clone()).unwrap_err();
            assert!(error.contains(reason), "{refused}: {error}");
        }
    }
}
