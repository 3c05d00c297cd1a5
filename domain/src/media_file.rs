//! [`MediaFile`]: a local file of a video.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::video::MAX_LABEL_BYTES;
use crate::{MediaFileId, VideoId, validate};

/// The longest path, in bytes: Linux' PATH_MAX.
pub const MAX_PATH_BYTES: usize = 4_096;

/// The most pixels of one side of a picture: what fits a signed 32-bit column.
pub const MAX_PIXELS: u32 = i32::MAX.unsigned_abs();

/// Frames a second as a reduced fraction: 29.97 is 30000/1001, and no binary fraction is exactly that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "FrameRateFields", into = "FrameRateFields")]
pub struct FrameRate {
    numerator: u32,
    denominator: u32,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct FrameRateFields {
    numerator: u32,
    denominator: u32,
}

impl FrameRate {
    /// The rate `numerator / denominator`, reduced.
    ///
    /// # Errors
    /// If one of them is 0 or larger than `i32::MAX`.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, ValidationError> {
        for (field, value) in [("frame_rate.numerator", numerator), ("frame_rate.denominator", denominator)] {
            if value == 0 || value > MAX_PIXELS {
                let problem = Problem::OutOfRange { min: 1, max: i32::MAX.into(), actual: value.to_string() };
                return Err(ValidationError::new(format!("media_file.{field}"), problem));
            }
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Ok(Self { numerator: numerator / a, denominator: denominator / a })
    }

    /// Frames in [`FrameRate::denominator`] seconds.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// Seconds in which [`FrameRate::numerator`] frames are shown.
    pub fn denominator(self) -> u32 {
        self.denominator
    }
}

impl TryFrom<FrameRateFields> for FrameRate {
    type Error = ValidationError;

    fn try_from(fields: FrameRateFields) -> Result<Self, Self::Error> {
        Self::new(fields.numerator, fields.denominator)
    }
}

impl From<FrameRate> for FrameRateFields {
    fn from(rate: FrameRate) -> Self {
        Self { numerator: rate.numerator, denominator: rate.denominator }
    }
}

/// The fields of a [`MediaFile`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MediaFileFields {
    /// Its id.
    pub id: MediaFileId,
    /// The video it is of.
    pub video_id: VideoId,
    /// Where it lies; no two media files have the same path, compared byte by byte.
    pub path: String,
    /// The last part of the path.
    pub file_name: String,
    /// Its size in bytes, if known.
    pub size_bytes: Option<u64>,
    /// Its frames a second, if known.
    pub frame_rate: Option<FrameRate>,
    /// How many frames it has, if known.
    pub frame_count: Option<u64>,
    /// The width of its picture in pixels, if known.
    pub width: Option<u32>,
    /// The height of its picture in pixels, if known.
    pub height: Option<u32>,
    /// The codec of its picture, as the source names it.
    pub video_codec: Option<String>,
    /// The codec of its sound, as the source names it.
    pub audio_codec: Option<String>,
    /// Where a picture of it lies.
    pub thumbnail_path: Option<String>,
}

impl MediaFileFields {
    /// The fields of a file of which nothing but its place is known; its name is what stands behind the last `/`.
    pub fn new(id: MediaFileId, video_id: VideoId, path: impl Into<String>) -> Self {
        let path = path.into();
        Self {
            id,
            video_id,
            file_name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            path,
            size_bytes: None,
            frame_rate: None,
            frame_count: None,
            width: None,
            height: None,
            video_codec: None,
            audio_codec: None,
            thumbnail_path: None,
        }
    }
}

/// A local file of a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MediaFileFields", into = "MediaFileFields")]
pub struct MediaFile(MediaFileFields);

impl MediaFile {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first field that is empty, too long or too large, or holds NUL.
    pub fn new(fields: MediaFileFields) -> Result<Self, ValidationError> {
        validate::non_empty_text("media_file.path", &fields.path, MAX_PATH_BYTES)?;
        validate::non_empty_text("media_file.file_name", &fields.file_name, MAX_PATH_BYTES)?;
        validate::number("media_file.size_bytes", fields.size_bytes)?;
        validate::number("media_file.frame_count", fields.frame_count)?;
        for (field, value) in [("media_file.width", fields.width), ("media_file.height", fields.height)] {
            if let Some(value) = value.filter(|value| *value > MAX_PIXELS) {
                let problem = Problem::OutOfRange { min: 0, max: i32::MAX.into(), actual: value.to_string() };
                return Err(ValidationError::new(field, problem));
            }
        }
        validate::optional_text("media_file.video_codec", fields.video_codec.as_deref(), MAX_LABEL_BYTES)?;
        validate::optional_text("media_file.audio_codec", fields.audio_codec.as_deref(), MAX_LABEL_BYTES)?;
        validate::optional_text(
            "media_file.thumbnail_path",
            fields.thumbnail_path.as_deref(),
            MAX_PATH_BYTES,
        )?;
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new media file.
    pub fn into_fields(self) -> MediaFileFields {
        self.0
    }
}

crate::entity::checked_fields!(MediaFile, MediaFileFields, MediaFileId, EntityKind::MediaFile, |it| it.id);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_rate_is_reduced_and_never_zero() {
        let ntsc = FrameRate::new(60_000, 2_002).unwrap();
        assert_eq!((ntsc.numerator(), ntsc.denominator()), (30_000, 1_001));
        assert!(FrameRate::new(0, 1).is_err() && FrameRate::new(1, 0).is_err());
        assert!(FrameRate::new(u32::MAX, 1).is_err());
        assert!(serde_json::from_str::<FrameRate>(r#"{"numerator":1,"denominator":0}"#).is_err());
    }

    #[test]
    fn each_refusal_names_its_field() {
        let fields = MediaFileFields::new(
            MediaFileId::new(uuid::Uuid::nil()),
            VideoId::parse("v").unwrap(),
            "/a/b.mp4",
        );
        assert_eq!(fields.file_name, "b.mp4");
        assert!(MediaFile::new(fields.clone()).is_ok());
        let cases: [(&str, fn(&mut MediaFileFields)); 5] = [
            ("media_file.path", |m| m.path = String::new()),
            ("media_file.file_name", |m| m.file_name = "\0".into()),
            ("media_file.size_bytes", |m| m.size_bytes = Some(u64::MAX)),
            ("media_file.height", |m| m.height = Some(u32::MAX)),
            ("media_file.audio_codec", |m| m.audio_codec = Some("\0".into())),
        ];
        for (field, spoil) in cases {
            let mut fields = fields.clone();
            spoil(&mut fields);
            assert_eq!(MediaFile::new(fields).unwrap_err().field(), field);
        }
    }
}
