//! [`Playlist`]: an ordered list of videos.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::ValidationError;
use crate::video::{MAX_DESCRIPTION_BYTES, MAX_TITLE_BYTES};
use crate::{ChannelId, PlaylistId, VideoId, validate};

/// The most entries of a playlist. YouTube allows 5,000, and more in those that it makes itself.
pub const MAX_PLAYLIST_VIDEOS: usize = 20_000;

/// The fields of a [`Playlist`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaylistFields {
    /// The platform's id.
    pub id: PlaylistId,
    /// The channel that keeps it; what an archive does not say is absent.
    pub channel_id: Option<ChannelId>,
    /// Its title; may be empty.
    pub title: String,
    /// What stands below it.
    pub description: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// The videos in their order. One may stand in it several times, and need not be in the catalogue.
    pub videos: Vec<VideoId>,
}

impl PlaylistFields {
    /// The fields of a playlist without videos, of which no more is known.
    pub fn new(id: PlaylistId, title: impl Into<String>) -> Self {
        let title = title.into();
        Self { id, channel_id: None, title, description: None, url: None, videos: Vec::new() }
    }
}

/// An ordered list of videos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PlaylistFields", into = "PlaylistFields")]
pub struct Playlist(PlaylistFields);

/// A playlist without its videos: what lists show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaylistSummary {
    /// The platform's id.
    pub id: PlaylistId,
    /// The channel that keeps it.
    pub channel_id: Option<ChannelId>,
    /// Its title.
    pub title: String,
    /// What stands below it.
    pub description: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// How many entries it has.
    pub video_count: u64,
}

impl Playlist {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is too long, holds NUL or is no web address.
    pub fn new(fields: PlaylistFields) -> Result<Self, ValidationError> {
        validate::text("playlist.title", &fields.title, MAX_TITLE_BYTES)?;
        validate::optional_text(
            "playlist.description",
            fields.description.as_deref(),
            MAX_DESCRIPTION_BYTES,
        )?;
        validate::url("playlist.url", fields.url.as_deref())?;
        validate::count_of("playlist.videos", &fields.videos, MAX_PLAYLIST_VIDEOS)?;
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new playlist.
    pub fn into_fields(self) -> PlaylistFields {
        self.0
    }

    /// It without its videos.
    pub fn summary(&self) -> PlaylistSummary {
        PlaylistSummary {
            id: self.id.clone(),
            channel_id: self.channel_id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            url: self.url.clone(),
            video_count: self.videos.len() as u64,
        }
    }
}

crate::entity::checked_fields!(Playlist, PlaylistFields, PlaylistId, EntityKind::Playlist, |it| it
    .id
    .clone());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_names_its_field() {
        let fields = PlaylistFields::new(PlaylistId::parse("PL1").unwrap(), "");
        let video = VideoId::parse("v").unwrap();
        let most = PlaylistFields { videos: vec![video.clone(); MAX_PLAYLIST_VIDEOS], ..fields.clone() };
        assert_eq!(Playlist::new(most).unwrap().summary().video_count, MAX_PLAYLIST_VIDEOS as u64);
        let cases: [(&str, &dyn Fn(&mut PlaylistFields)); 4] = [
            ("playlist.title", &|p| p.title = "\0".into()),
            ("playlist.description", &|p| p.description = Some("d".repeat(MAX_DESCRIPTION_BYTES + 1))),
            ("playlist.url", &|p| p.url = Some("ftp://x".into())),
            ("playlist.videos", &|p| p.videos = vec![video.clone(); MAX_PLAYLIST_VIDEOS + 1]),
        ];
        for (field, spoil) in cases {
            let mut fields = fields.clone();
            spoil(&mut fields);
            assert_eq!(Playlist::new(fields).unwrap_err().field(), field);
        }
    }
}
