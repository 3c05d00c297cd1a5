//! The port of playlists.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{ChannelId, Playlist, PlaylistId, PlaylistSummary, VideoId};

use crate::{Catalogued, Result, Revision, Stored, Visibility, WriteRepository};

/// Which playlists a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaylistFilter {
    /// Only those of this channel; of a channel that does not exist there are none.
    pub channel_id: Option<ChannelId>,
    /// Only those that hold this video, which need not be in the catalogue.
    pub video_id: Option<VideoId>,
    /// Whether deleted ones are taken in.
    pub visibility: Visibility,
}

/// The orders of a list of playlists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PlaylistOrder {
    /// By title, then by id, both byte by byte.
    #[default]
    Title,
    /// By id, byte by byte.
    Id,
}

/// The order key of a playlist. In [`PlaylistOrder::Id`] the title plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaylistPosition {
    /// The title.
    pub title: String,
    /// The id.
    pub id: PlaylistId,
}

impl Catalogued for Playlist {
    type Filter = PlaylistFilter;
    type Order = PlaylistOrder;
    type Listed = PlaylistSummary;
    type Position = PlaylistPosition;

    fn listed(&self) -> PlaylistSummary {
        self.summary()
    }

    fn position(listed: &Stored<PlaylistSummary>) -> PlaylistPosition {
        PlaylistPosition { title: listed.title.clone(), id: listed.entity.id.clone() }
    }
}

/// The playlists, which are deleted softly, as videos are; nothing hangs on them. The videos of a playlist need not be
/// in the catalogue, so nothing happens to it when one is created, deleted or purged.
#[async_trait]
pub trait PlaylistRepository: WriteRepository<Playlist> {
    /// Brings a deleted playlist back, changed as [`Stored::restored`] does. One that is not deleted is answered as it
    /// is.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if there is no such playlist, deleted or not.
    async fn restore(&self, id: &PlaylistId) -> Result<Stored<Playlist>>;

    /// Removes a playlist, deleted or not, for good; with `expected`, only if it is still at that revision. Its id is
    /// free again.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if there is no such playlist, deleted or not;
    /// [`Conflict::Revision`](crate::Conflict::Revision).
    async fn purge(&self, id: &PlaylistId, expected: Option<Revision>) -> Result<()>;
}
