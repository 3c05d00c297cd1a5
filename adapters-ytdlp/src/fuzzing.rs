//! The parsers by themselves, and what must hold of whatever they are given. For the fuzz targets alone, and no
//! part of the interface.

use std::path::Path;

use tubeatlas_domain::MAX_CUE_TEXT_BYTES;

use crate::head::{self, Head};
use crate::{captions, file_name, info_json};

/// The longest warning: it names a field and shows the beginning of its value.
const MAX_WARNING_BYTES: usize = 300;

/// A document: what `head::head` takes for a video's can be read, and is that video's.
pub fn info_json(bytes: &[u8]) {
    let head = head::head(bytes);
    let read = info_json::read(Path::new("d"), bytes);
    if let Ok(Head::Video(head)) = head {
        match read {
            Ok(document) => {
                assert_eq!(document.video.id, head.id);
                assert!(
                    document.warnings.iter().all(|it| it.reason.len() <= MAX_WARNING_BYTES),
                    "{document:?}"
                );
            }
            Err(reason) => panic!("a video's document was refused: {reason}"),
        }
    }
}

/// Captions: cues in which something is said, each within its limits, and no more text than the file holds.
pub fn captions(bytes: &[u8], header_required: bool) {
    let Ok(captions) = captions::parse(bytes, header_required) else { return };
    let mut text_bytes = 0;
    for cue in &captions.cues {
        assert!(cue.start_ms <= cue.end_ms && cue.end_ms <= tubeatlas_domain::MAX_NUMBER, "{cue:?}");
        assert!(!cue.text.trim().is_empty() && cue.text.len() <= MAX_CUE_TEXT_BYTES, "{cue:?}");
        assert!(!cue.text.contains(['\0', '\r']), "{cue:?}");
        text_bytes += cue.text.len();
    }
    assert!(!captions.cues.is_empty());
    // A byte of an older encoding becomes at most three.
    assert!(text_bytes <= 3 * bytes.len(), "{text_bytes} bytes of text out of {}", bytes.len());
}

/// A file's name.
pub fn file_name(name: &str) {
    let Some(parsed) = file_name::parse(name) else { return };
    for base in parsed.bases {
        assert!(name.contains(base.base));
        assert!(file_name::ids(base.base).all(|id| base.base.contains(id)));
        if let Some((id, title)) = file_name::sure_id(base.base) {
            assert!(base.base.contains(id) && base.base.starts_with(title));
        }
        let title = file_name::title(base.base);
        assert_eq!(file_name::title(&title), title);
        let key = file_name::key(base.base);
        assert_eq!(file_name::key(&key), key);
    }
}
