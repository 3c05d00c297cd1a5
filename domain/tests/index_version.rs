//! That [`INDEX_VERSION`] rises with what it stands for.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use tubeatlas_domain::Cue;
use tubeatlas_domain::search::{INDEX_VERSION, Passage, metadata_passages, transcript_passages};

/// FNV-1a, 64 bits: a hash that is the same on every machine.
struct Digest(u64);

impl Digest {
    fn add(&mut self, passages: &[Passage]) {
        for Passage { ordinal, text, first_cue, last_cue } in passages {
            for byte in format!("{ordinal} {first_cue} {last_cue} {text}\n").bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
}

/// Every character of the planes that are written in, between letters and behind each other, and a long text.
#[test]
fn what_is_indexed_is_what_the_version_stands_for() {
    let mut digest = Digest(0xcbf2_9ce4_8422_2325);
    let characters: Vec<char> = ('\0'..='\u{323af}').collect();
    for some in characters.chunks(64) {
        let between: String = some.iter().map(|c| format!("a{c}b {c} ")).collect();
        digest.add(&metadata_passages(&between, Some(&some.iter().collect::<String>())));
    }
    let cues: Vec<Cue> = (0..700_u64)
        .map(|n| Cue {
            start_ms: n,
            end_ms: n,
            text: format!("word{n}").repeat(usize::try_from(n % 3).unwrap()),
        })
        .collect();
    digest.add(&transcript_passages(&cues));
    assert_eq!(
        (INDEX_VERSION, format!("{:016x}", digest.0).as_str()),
        (1, "93456e635db38e72"),
        "texts are taken apart in another way: raise INDEX_VERSION, and write the new digest here"
    );
}
