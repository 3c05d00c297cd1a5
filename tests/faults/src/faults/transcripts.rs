//! Faults of transcripts.

use tubeatlas_domain::{LanguageTag, Transcript, TranscriptFields, TranscriptId};

use super::{core, owned};
use crate::fault::Fault;

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = owned::faults::<Transcript>();
    super::also(
        &mut faults,
        "TRN-C-004",
        "SEA-X-005",
        "it searches for what a refused batch would have created",
        &["what was refused: 0", "observed: 1"],
    );
    faults.extend([
        core::lost_by_create::<Transcript>("create leaves out cues without text", |transcript| {
            rebuilt(transcript, |fields| fields.cues.retain(|cue| !cue.text.is_empty()))
        }),
        core::kept_by_update::<Transcript>(
            "update keeps the old cues if there are no new ones",
            |old, new| {
                rebuilt(new, |fields| {
                    if fields.cues.is_empty() {
                        fields.cues.clone_from(&old.cues);
                    }
                })
            },
        ),
        core::folded_by_get::<Transcript>("get takes an underscore in a language for a hyphen", |id| {
            let language = LanguageTag::parse(id.language.as_str().replace('_', "-"));
            let language = language.unwrap_or_else(|_| id.language.clone());
            TranscriptId { video_id: id.video_id.clone(), language }
        }),
    ]);
    faults
}

/// The transcript with other fields; as it is, if the domain refuses them.
fn rebuilt(transcript: &Transcript, change: impl FnOnce(&mut TranscriptFields)) -> Transcript {
    let mut fields = transcript.clone().into_fields();
    change(&mut fields);
    Transcript::new(fields).unwrap_or_else(|_| transcript.clone())
}
