//! Transcripts of real length, made up: words drawn by how often words are said.

use tubeatlas_domain::{Cue, LanguageTag, Transcript, TranscriptFields, TranscriptKind, ValidationError};

use crate::Numbers;

/// How many different words there are.
pub const VOCABULARY: u32 = 200_000;

/// The words of a cue: what is said in some three seconds.
const CUE_WORDS: u32 = 8;

const SYLLABLES: [&str; 60] = [
    "ba", "be", "bi", "bo", "da", "de", "di", "do", "fa", "fe", "fi", "fo", "ga", "ge", "gi", "go", "ha",
    "he", "hi", "ho", "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne",
    "ni", "no", "pa", "pe", "pi", "po", "ra", "re", "ri", "ro", "sa", "se", "si", "so", "ta", "te", "ti",
    "to", "va", "ve", "vi", "vo", "za", "ze", "zi", "zo",
];

/// The `rank`th most frequent word, from 0: the 60 most frequent ones have one syllable of two letters, the next
/// 3,600 two, all others three. So a word of one syllable is a prefix of 3,661 words.
pub fn word(rank: u32) -> String {
    let of =
        |digit: u32| SYLLABLES.get(usize::try_from(digit % 60).unwrap_or(0)).copied().unwrap_or_default();
    match rank {
        0..60 => of(rank).to_owned(),
        60..3_660 => [of(rank - 60), of((rank - 60) / 60)].concat(),
        _ => [of(rank - 3_660), of((rank - 3_660) / 60), of((rank - 3_660) / 3_600)].concat(),
    }
}

/// Draws words as speech does, by Zipf's law as Mandelbrot mended it: the word of rank r (from 1) has a share in
/// proportion to (r + 2.7)^-1.07. The first then has 3.5 %, the 100th 0.1 %, the 1,000th 0.009 %; in the recorded
/// talks that this was compared with it is 3.7, 0.16 and 0.008 %.
#[derive(Debug)]
pub struct Speech {
    /// The share of the words up to each rank.
    shares: Vec<f64>,
}

impl Default for Speech {
    fn default() -> Self {
        let weights = (1..=VOCABULARY).map(|rank| (f64::from(rank) + 2.7).powf(-1.07));
        let mut sum = 0.0;
        let mut shares: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        shares.iter_mut().for_each(|share| *share /= sum);
        Self { shares }
    }
}

impl Speech {
    /// The rank of a word that is drawn.
    fn draw(&self, numbers: &mut Numbers) -> u32 {
        let point = f64::from(numbers.below(1 << 30)) / f64::from(1 << 30);
        u32::try_from(self.shares.partition_point(|share| *share <= point)).unwrap_or(0)
    }

    /// The English transcript of the `n`th video, of 1,600 to 7,200 words: ten minutes to three quarters of an hour.
    ///
    /// # Errors
    /// None, as what it makes is within the limits.
    pub fn transcript(&self, n: u32) -> Result<Transcript, ValidationError> {
        let mut numbers = Numbers::new(u64::from(n) ^ 0x5eed);
        let cues = 200 + numbers.below(701);
        let cues = (0..cues).map(|i| {
            let words: Vec<String> = (0..CUE_WORDS).map(|_| word(self.draw(&mut numbers))).collect();
            let start_ms = u64::from(i) * 3_000;
            Cue { start_ms, end_ms: start_ms + 3_000, text: words.join(" ") }
        });
        Transcript::new(TranscriptFields {
            video_id: crate::video_id(n)?,
            language: LanguageTag::parse("en")?,
            kind: TranscriptKind::Automatic,
            cues: cues.collect(),
        })
    }
}
