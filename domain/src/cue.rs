//! A cue: one time-coded piece of a transcript.

use serde::{Deserialize, Serialize};

/// One time-coded piece of a transcript, as it is shown on the screen.
///
/// Times are whole milliseconds from the start of the video. `end_ms` is not before `start_ms`; cues may
/// overlap, and may have no length, as real caption files do. The transcript that holds the cue checks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cue {
    /// When the cue appears, in milliseconds from the start of the video.
    pub start_ms: u64,
    /// When the cue disappears, in milliseconds from the start of the video.
    pub end_ms: u64,
    /// What is said; entities decoded, markup removed, lines separated by `\n`.
    #[cfg_attr(feature = "openapi", schema(max_length = 65536))]
    pub text: String,
}
