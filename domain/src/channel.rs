//! [`Channel`]: who publishes videos.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::ValidationError;
use crate::{ChannelId, validate};

/// The longest title of a channel, in bytes. YouTube allows 100 characters, of at most 4 bytes each.
pub const MAX_CHANNEL_TITLE_BYTES: usize = 1_000;

/// The longest handle of a channel, in bytes. YouTube allows 30 characters; older uploader names are longer.
pub const MAX_HANDLE_BYTES: usize = 255;

/// The fields of a [`Channel`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChannelFields {
    /// The platform's id.
    pub id: ChannelId,
    /// What the channel calls itself; may be empty.
    pub title: String,
    /// `@name` or an older uploader name.
    pub handle: Option<String>,
    /// The channel's page.
    pub url: Option<String>,
}

/// Who publishes videos.
///
/// Read its fields through [`Deref`]; to change one, take the fields out ([`Channel::into_fields`]) and build
/// a new channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ChannelFields", into = "ChannelFields")]
pub struct Channel(ChannelFields);

impl Channel {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is too long, holds NUL or is no web address.
    pub fn new(fields: ChannelFields) -> Result<Self, ValidationError> {
        validate::text("channel.title", &fields.title, MAX_CHANNEL_TITLE_BYTES)?;
        validate::optional_text("channel.handle", fields.handle.as_deref(), MAX_HANDLE_BYTES)?;
        validate::url("channel.url", fields.url.as_deref())?;
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new channel.
    pub fn into_fields(self) -> ChannelFields {
        self.0
    }
}

crate::entity::checked_fields!(Channel, ChannelFields, ChannelId, EntityKind::Channel, |it| it.id.clone());
