//! The media files of a video.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tubeatlas_domain::{
    FrameRate, MAX_LABEL_BYTES, MAX_PIXELS, MediaFile, MediaFileFields, MediaFileId, VideoId,
};
use uuid::Uuid;

use crate::address;
use crate::fields::{self, Fields, TooLong};
use crate::file_name::is_audio;
use crate::walk::cannot_be_read;

/// What a document tells of the picture and sound that were downloaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    width: Option<u32>,
    height: Option<u32>,
    frame_rate: Option<FrameRate>,
    video_codec: Option<String>,
    audio_codec: Option<String>,
}

impl Picture {
    pub(crate) fn read(fields: &mut Fields) -> Self {
        Self {
            width: pixels(fields, "width"),
            height: pixels(fields, "height"),
            frame_rate: rate(fields),
            video_codec: codec(fields, "vcodec"),
            audio_codec: codec(fields, "acodec"),
        }
    }
}

fn pixels(fields: &mut Fields, name: &str) -> Option<u32> {
    let value = fields.get(name)?;
    let pixels =
        fields::whole(value).and_then(|pixels| u32::try_from(pixels).ok()).filter(|&p| p <= MAX_PIXELS);
    if pixels.is_none() {
        fields.leave_out(name, "is no number of pixels");
    }
    pixels
}

fn codec(fields: &mut Fields, name: &str) -> Option<String> {
    let codec = fields.text(name, MAX_LABEL_BYTES, TooLong::LeaveOut)?;
    (!codec.is_empty() && codec != "none" && !address::is_in(&codec)).then_some(codec)
}

fn rate(fields: &mut Fields) -> Option<FrameRate> {
    let value = fields.get("fps")?;
    let rate = frame_rate(value);
    if rate.is_none() {
        fields.leave_out("fps", "is no number of frames a second");
    }
    rate
}

/// A rate as a fraction: 25 is 25/1; 29.97 and 23.976 are how 30000/1001 and 24000/1001 are written; any
/// other decimal is taken in thousandths.
fn frame_rate(value: &Value) -> Option<FrameRate> {
    let rate = value.as_f64().filter(|rate| (0.001..=1e6).contains(rate))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    let number = |rate: f64| rate.round() as u32;
    if rate.fract() == 0.0 {
        return FrameRate::new(number(rate), 1).ok();
    }
    let ntsc =
        [24.0, 30.0, 48.0, 60.0, 120.0, 240.0].into_iter().find(|full| (rate - full / 1.001).abs() < 0.005);
    match ntsc {
        Some(full) => FrameRate::new(number(full) * 1_000, 1_001).ok(),
        None => FrameRate::new(number(rate * 1_000.0), 1_000).ok(),
    }
}

/// The media file at `path`; `picture` is what the document tells of it, if it can only speak of this one.
///
/// # Errors
/// If the file cannot be looked at, or its path cannot be kept.
pub(crate) fn media_file(
    path: &Path,
    video_id: &VideoId,
    picture: Option<Picture>,
    thumbnail: Option<&Path>,
) -> Result<MediaFileFields, String> {
    let size = fs::metadata(path).map_err(|error| cannot_be_read(&error))?.len();
    let absolute = absolute(path)?;
    let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let mut picture = picture.unwrap_or_default();
    if is_audio(&file_name) {
        picture = Picture { audio_codec: picture.audio_codec, ..Picture::default() };
    }
    let fields = MediaFileFields {
        id: MediaFileId::new(Uuid::nil()),
        video_id: video_id.clone(),
        path: absolute,
        file_name,
        size_bytes: Some(size),
        frame_rate: picture.frame_rate,
        frame_count: None,
        width: picture.width,
        height: picture.height,
        video_codec: picture.video_codec,
        audio_codec: picture.audio_codec,
        thumbnail_path: thumbnail.and_then(|path| self::absolute(path).ok()),
    };
    MediaFile::new(fields).map(MediaFile::into_fields).map_err(|error| error.to_string())
}

/// The path from the root of the file system, the same however the folder was named. The file itself may be a
/// link and stays one.
fn absolute(path: &Path) -> Result<String, String> {
    let absolute: PathBuf = std::path::absolute(path).map_err(|error| cannot_be_read(&error))?;
    let absolute = match (absolute.parent().map(fs::canonicalize), absolute.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => absolute,
    };
    absolute.into_os_string().into_string().map_err(|_| {
        "lies in a folder whose name is not UTF-8, so that its path cannot be kept; rename the folder"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn frame_rates_are_exact_fractions() {
        for (value, expected) in [
            (json!(25), Some((25, 1))),
            (json!(30.0), Some((30, 1))),
            (json!(29.97), Some((30_000, 1_001))),
            (json!(29.970_029_97), Some((30_000, 1_001))),
            (json!(23.976), Some((24_000, 1_001))),
            (json!(23.98), Some((24_000, 1_001))),
            (json!(59.94), Some((60_000, 1_001))),
            (json!(12.5), Some((25, 2))),
            (json!(29.5), Some((59, 2))),
            (json!(0), None),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("25"), None),
        ] {
            let rate = frame_rate(&value).map(|rate| (rate.numerator(), rate.denominator()));
            assert_eq!(rate, expected, "{value}");
        }
    }

    #[test]
    fn a_file_is_measured_and_named_from_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.mp4");
        fs::write(&path, "1234").unwrap();
        let picture = Picture { width: Some(1920), audio_codec: Some("opus".into()), ..Picture::default() };
        let id = VideoId::parse("v").unwrap();
        let file = media_file(&path, &id, Some(picture.clone()), Some(&dir.path().join("v.jpg"))).unwrap();
        assert_eq!((file.size_bytes, file.width, &*file.file_name), (Some(4), Some(1920), "v.mp4"));
        assert!(file.path.starts_with('/') && file.thumbnail_path.unwrap().ends_with("v.jpg"));
        let sound = dir.path().join("v.m4a");
        fs::write(&sound, "").unwrap();
        let file = media_file(&sound, &id, Some(picture), None).unwrap();
        assert_eq!((file.width, file.audio_codec.as_deref()), (None, Some("opus")));
        assert!(media_file(&dir.path().join("gone.mp4"), &id, None, None).unwrap_err().contains("is gone"));
    }
}
