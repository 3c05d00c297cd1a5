//! The port of channels.

use serde::{Deserialize, Serialize};
use tubeatlas_domain::{Channel, ChannelId};

use crate::{Catalogued, Stored, WriteRepository};

/// Which channels a list takes in: all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelFilter {}

/// The orders of a list of channels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// By title, then by id, both byte by byte.
    #[default]
    Title,
    /// By id, byte by byte.
    Id,
}

/// The order key of a channel. In [`ChannelOrder::Id`] the title plays no part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPosition {
    /// The title.
    pub title: String,
    /// The id.
    pub id: ChannelId,
}

impl Catalogued for Channel {
    type Filter = ChannelFilter;
    type Order = ChannelOrder;
    type Listed = Self;
    type Position = ChannelPosition;

    fn listed(&self) -> Self {
        self.clone()
    }

    fn position(listed: &Stored<Self>) -> ChannelPosition {
        ChannelPosition { title: listed.title.clone(), id: listed.entity.id.clone() }
    }
}

/// The channels. Nothing beyond the generic core yet; a channel is never deleted softly, and cannot be deleted
/// while a video or a playlist (also a deleted one) or a graph refers to it.
pub trait ChannelRepository: WriteRepository<Channel> {}
