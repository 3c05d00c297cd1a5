//! The port of videos.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{ChannelId, Timestamp, Video, VideoId};

use crate::{Catalogued, Result, Revision, Stored, Visibility, WriteRepository};

/// Which videos a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VideoFilter {
    /// Only those of this channel; of a channel that does not exist there are none.
    pub channel_id: Option<ChannelId>,
    /// Only those published at this time or later; never those without a date.
    pub published_from: Option<Timestamp>,
    /// Only those published before this time; never those without a date.
    pub published_before: Option<Timestamp>,
    /// Whether deleted ones are taken in.
    pub visibility: Visibility,
}

/// The orders of a list of videos.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VideoOrder {
    /// By date of publication, latest first, those without a date last; of the same date by id, largest first.
    #[default]
    Newest,
    /// By date of publication, earliest first, those without a date last; of the same date by id.
    Oldest,
    /// By id, byte by byte.
    Id,
}

/// The order key of a video. In [`VideoOrder::Id`] the date plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoPosition {
    /// When it was published.
    pub published_at: Option<Timestamp>,
    /// The id.
    pub id: VideoId,
}

impl Catalogued for Video {
    type Filter = VideoFilter;
    type Order = VideoOrder;
    type Listed = Self;
    type Position = VideoPosition;

    fn listed(&self) -> Self {
        self.clone()
    }

    fn position(listed: &Stored<Self>) -> VideoPosition {
        VideoPosition { published_at: listed.published_at, id: listed.entity.id.clone() }
    }
}

/// The videos, which are deleted softly.
///
/// # What an implementor owes
/// - [`delete`](WriteRepository::delete) hides the video and all that hangs on it (transcripts, graphs, media
///   files) from every read with [`Visibility::Live`], search included. It changes the video as
///   [`Stored::deleted`] does, and touches nothing of what hangs on it.
/// - `create` with the id of a deleted video is [`AlreadyExists`](crate::Error::AlreadyExists); `upsert`
///   leaves it deleted and says so ([`Upserted::LeftDeleted`](crate::Upserted::LeftDeleted)).
/// - A change of title or description changes what search finds in the same transaction.
#[async_trait]
pub trait VideoRepository: WriteRepository<Video> {
    /// Brings a deleted video back with all that hangs on it, changed as [`Stored::restored`] does. A video that
    /// is not deleted is answered as it is.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if there is no such video, deleted or not.
    async fn restore(&self, id: &VideoId) -> Result<Stored<Video>>;

    /// Removes a video, deleted or not, with its transcripts, graphs and media files for good; with
    /// `expected`, only if it is still at that revision. Nothing of it is found by any read afterwards, and
    /// its id is free again. Tasks that name it stay.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if there is no such video, deleted or not;
    /// [`Conflict::Revision`](crate::Conflict::Revision).
    async fn purge(&self, id: &VideoId, expected: Option<Revision>) -> Result<()>;
}
