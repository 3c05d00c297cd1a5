//! The port of media files.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tubeatlas_domain::{MediaFile, VideoId};

use crate::{Catalogued, Result, Stored, Visibility, WriteRepository};

/// Which media files a list takes in: those that meet all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaFileFilter {
    /// Only those of this video.
    pub video_id: Option<VideoId>,
    /// Only those whose path holds all of these words, in any order: each token that
    /// [`tokens`](tubeatlas_domain::search::tokens) makes of this text is one that it makes of the path (so NUL
    /// only separates words, as any other sign does). A text without any word takes in nothing.
    pub words: Option<String>,
    /// Whether those of deleted videos are taken in.
    pub visibility: Visibility,
}

/// The orders of a list of media files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MediaFileOrder {
    /// By path, byte by byte.
    #[default]
    Path,
}

/// The order key of a media file; unique, as paths are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFilePosition {
    /// The path.
    pub path: String,
}

impl Catalogued for MediaFile {
    type Filter = MediaFileFilter;
    type Order = MediaFileOrder;
    type Listed = Self;
    type Position = MediaFilePosition;

    fn listed(&self) -> Self {
        self.clone()
    }

    fn position(listed: &Stored<Self>) -> MediaFilePosition {
        MediaFilePosition { path: listed.path.clone() }
    }
}

/// The media files. No two have the same path: to create, or to change to, a path that another one has is
/// [`AlreadyExists`](crate::Error::AlreadyExists) with the field `path`, also if that one is hidden. If id
/// and path are both taken, the field is `id`.
#[async_trait]
pub trait MediaFileRepository: WriteRepository<MediaFile> {
    /// The file with this path, or `None` if there is none or `visibility` hides it.
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>>;
}
