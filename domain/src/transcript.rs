//! [`Transcript`]: what was said in a video, in one language.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::error::{Problem, ValidationError};
use crate::{Cue, LanguageTag, VideoId, validate};

/// The longest text of one cue, in bytes. Two lines on a screen have some 100; a whole speech put into one
/// cue still fits.
pub const MAX_CUE_TEXT_BYTES: usize = 64 * 1024;

/// The most cues of a transcript: one a second for more than two days.
pub const MAX_CUES: usize = 200_000;

/// The largest text of a transcript, all cues together, in bytes. An hour of speech has some 60 KB.
pub const MAX_TRANSCRIPT_TEXT_BYTES: usize = 16 * 1024 * 1024;

/// The id of a transcript: a video has at most one in each language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TranscriptId {
    /// The video.
    pub video_id: VideoId,
    /// The language; two tags that differ in a letter's case are two languages.
    pub language: LanguageTag,
}

impl fmt::Display for TranscriptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.video_id, self.language)
    }
}

/// How a transcript came to be. An attribute, not part of the id: it may be corrected later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TranscriptKind {
    /// Written by people.
    Manual,
    /// Made by speech recognition.
    Automatic,
    /// Translated by a machine from another transcript.
    Translated,
}

/// The fields of a [`Transcript`], not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TranscriptFields {
    /// The video.
    pub video_id: VideoId,
    /// The language.
    pub language: LanguageTag,
    /// How it came to be.
    pub kind: TranscriptKind,
    /// The cues, in the order in which they are shown. Real files hold cues that overlap, have no length or
    /// are out of order; all are kept as they are.
    pub cues: Vec<Cue>,
}

/// What was said in a video, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TranscriptFields", into = "TranscriptFields")]
pub struct Transcript(TranscriptFields);

impl Transcript {
    /// Checks the fields.
    ///
    /// # Errors
    /// Names the first cue that ends before it starts, is too long or holds NUL, or says that there are too
    /// many cues or too much text altogether.
    pub fn new(fields: TranscriptFields) -> Result<Self, ValidationError> {
        validate::count_of("transcript.cues", &fields.cues, MAX_CUES)?;
        let mut text_bytes = 0;
        for (i, cue) in fields.cues.iter().enumerate() {
            check_cue(i, cue)?;
            text_bytes += cue.text.len();
        }
        if text_bytes > MAX_TRANSCRIPT_TEXT_BYTES {
            let problem = Problem::TooLong { max_bytes: MAX_TRANSCRIPT_TEXT_BYTES, actual_bytes: text_bytes };
            return Err(ValidationError::new("transcript.cues", problem));
        }
        Ok(Self(fields))
    }

    /// The fields, to change them and build a new transcript.
    pub fn into_fields(self) -> TranscriptFields {
        self.0
    }

    /// The plain text: the cues' texts, each on lines of its own.
    pub fn text(&self) -> String {
        self.cues.iter().map(|cue| cue.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The transcript without its content, as lists show it.
    pub fn summary(&self) -> TranscriptSummary {
        TranscriptSummary {
            video_id: self.video_id.clone(),
            language: self.language.clone(),
            kind: self.kind,
            cue_count: self.cues.len() as u64,
            text_bytes: self.cues.iter().map(|cue| cue.text.len() as u64).sum(),
        }
    }
}

fn check_cue(i: usize, cue: &Cue) -> Result<(), ValidationError> {
    validate::text(format_args!("transcript.cues[{i}].text"), &cue.text, MAX_CUE_TEXT_BYTES)?;
    validate::number(format_args!("transcript.cues[{i}].end_ms"), Some(cue.end_ms))?;
    if cue.end_ms < cue.start_ms {
        let message = format!("is {}, before start_ms ({})", cue.end_ms, cue.start_ms);
        return Err(ValidationError::new(
            format!("transcript.cues[{i}].end_ms"),
            Problem::Malformed(message),
        ));
    }
    Ok(())
}

crate::entity::checked_fields!(Transcript, TranscriptFields, TranscriptId, EntityKind::Transcript, |it| {
    TranscriptId { video_id: it.video_id.clone(), language: it.language.clone() }
});

/// A transcript without its content, as lists show it. Both numbers follow from the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TranscriptSummary {
    /// The video.
    pub video_id: VideoId,
    /// The language.
    pub language: LanguageTag,
    /// How it came to be.
    pub kind: TranscriptKind,
    /// How many cues it has.
    pub cue_count: u64,
    /// How many bytes its cues' texts have altogether.
    pub text_bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(cues: Vec<Cue>) -> Result<Transcript, ValidationError> {
        Transcript::new(TranscriptFields {
            video_id: VideoId::parse("v").unwrap(),
            language: LanguageTag::parse("en").unwrap(),
            kind: TranscriptKind::Manual,
            cues,
        })
    }

    fn cue(start_ms: u64, end_ms: u64, text: &str) -> Cue {
        Cue { start_ms, end_ms, text: text.into() }
    }

    #[test]
    fn real_disorder_is_kept() {
        let cues =
            vec![cue(5, 5, "no length"), cue(1, 9, "out of order"), cue(2, 3, ""), cue(2, 3, "overlap")];
        assert_eq!(transcript(cues.clone()).unwrap().cues, cues);
    }

    #[test]
    fn each_refusal_names_its_cue() {
        for (spoilt, field) in [
            (cue(2, 1, "x"), "transcript.cues[1].end_ms"),
            (cue(0, u64::MAX, "x"), "transcript.cues[1].end_ms"),
            (cue(0, 1, "x\0"), "transcript.cues[1].text"),
            (cue(0, 1, &"x".repeat(MAX_CUE_TEXT_BYTES + 1)), "transcript.cues[1].text"),
        ] {
            assert_eq!(transcript(vec![cue(0, 1, "fine"), spoilt]).unwrap_err().field(), field);
        }
    }

    #[test]
    fn the_whole_text_is_bounded() {
        let full = cue(0, 1, &"x".repeat(MAX_CUE_TEXT_BYTES));
        let cues = vec![full; MAX_TRANSCRIPT_TEXT_BYTES / MAX_CUE_TEXT_BYTES];
        assert!(transcript(cues.clone()).is_ok());
        let one_more = cues.into_iter().chain([cue(0, 1, "x")]).collect();
        assert_eq!(transcript(one_more).unwrap_err().field(), "transcript.cues");
    }

    #[test]
    fn text_and_summary_follow_from_the_cues() {
        let transcript = transcript(vec![cue(0, 1, "один"), cue(1, 2, "two")]).unwrap();
        assert_eq!(transcript.text(), "один\ntwo");
        assert_eq!((transcript.summary().cue_count, transcript.summary().text_bytes), (2, 11));
    }
}
