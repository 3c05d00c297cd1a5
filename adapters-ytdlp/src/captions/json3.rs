//! `json3`, YouTube's own form of captions as JSON: events with a start, a duration and segments of text. In
//! automatic ones each segment is a word with its own time, and between two lines stands an event that holds
//! nothing but the line's end.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::{Parsed, RawCue, stated_kind};

/// Reads a file that is a JSON object.
///
/// # Errors
/// If it is no JSON, or not of this form.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let file: File = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => format!("is JSON, but no captions: {error}"),
        _ => format!("is no JSON that can be read: {error}; download it again"),
    })?;
    let Some(Events(mut parsed)) = file.events else {
        return Err("is JSON, but holds no events, so it is no captions".to_owned());
    };
    parsed.kind = file.tubeatlas_kind.as_ref().and_then(Value::as_str).and_then(stated_kind);
    Ok(parsed)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    events: Option<Events>,
    tubeatlas_kind: Option<Value>,
}

/// The events, made into cues one by one: a file may hold millions of them that are empty.
struct Events(Parsed);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    t_start_ms: Option<f64>,
    d_duration_ms: Option<f64>,
    segs: Option<Segments>,
}

/// The text of an event's segments together.
#[derive(Default)]
struct Segments {
    text: String,
    timed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Segment {
    utf8: Option<String>,
    t_offset_ms: Option<IgnoredAny>,
    ac_asr_conf: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parsed = Parsed::default();
        each(deserializer, |event: Event| {
            let Some(words) = event.segs.filter(|words| !words.text.trim().is_empty()) else { return };
            let Some(start) = event.t_start_ms.and_then(millis) else {
                parsed.strays += 1;
                return;
            };
            let end = event.d_duration_ms.and_then(|duration| millis(event.t_start_ms? + duration));
            let mut cue = RawCue::new((start, end.unwrap_or(start)));
            cue.push_plain(&words.text, words.timed);
            parsed.cues.push(cue);
        })?;
        Ok(Self(parsed))
    }
}

impl<'de> Deserialize<'de> for Segments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut words = Self::default();
        each(deserializer, |segment: Segment| {
            words.text.push_str(&segment.utf8.unwrap_or_default());
            words.timed |= segment.t_offset_ms.is_some() || segment.ac_asr_conf.is_some();
        })?;
        Ok(words)
    }
}

fn millis(millis: f64) -> Option<u64> {
    crate::fields::millis(&serde_json::Value::from(millis / 1_000.0))
}

/// Gives each member of a list to `take`, and keeps none.
fn each<'de, D, T, F>(deserializer: D, take: F) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    F: FnMut(T),
{
    struct Each<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
            while let Some(member) = list.next_element()? {
                (self.0)(member);
            }
            Ok(())
        }
    }

    deserializer.deserialize_seq(Each(take, PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> Vec<(u64, u64, String)> {
        parse(text).unwrap().cues.iter().map(|cue| (cue.start_ms, cue.end_ms, cue.text())).collect()
    }

    #[test]
    fn lines_of_words_become_cues_and_line_ends_go() {
        let text = r#"{"wireMagic": "pb3", "pens": [{}], "events": [
            {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1},
            {"tStartMs": 160, "dDurationMs": 4320, "wWinId": 1, "segs": [
                {"utf8": "so", "acAsrConf": 0}, {"utf8": " hello", "tOffsetMs": 559, "acAsrConf": 0}]},
            {"tStartMs": 2230, "dDurationMs": 2250, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]},
            {"tStartMs": 2240, "dDurationMs": 3440, "segs": [{"utf8": "welcome"}]}
        ]}"#;
        assert_eq!(cues(text), [(160, 4_480, "so hello".to_owned()), (2_240, 5_680, "welcome".to_owned())]);
        let timed: Vec<bool> = parse(text).unwrap().cues.iter().map(|cue| cue.lines[0].timed).collect();
        assert_eq!(timed, [true, false]);
    }

    #[test]
    fn text_is_taken_as_it_stands() {
        let text = r#"{"events": [{"tStartMs": 1, "segs": [{"utf8": "AT&amp;T <i>\n"}, {"utf8": "\u00a0x\u00a0 "}, {}]}]}"#;
        assert_eq!(cues(text), [(1, 1, "AT&amp;T <i>\nx".to_owned())]);
    }

    #[test]
    fn an_event_without_a_time_is_counted() {
        let text = r#"{"events": [{"segs": [{"utf8": "lost"}]}, {"tStartMs": -5, "segs": [{"utf8": "early"}]},
            {"tStartMs": 3.4, "dDurationMs": null, "segs": [{"utf8": "kept"}]}, {}]}"#;
        assert_eq!(cues(text), [(3, 3, "kept".to_owned())]);
        assert_eq!(parse(text).unwrap().strays, 2);
    }

    #[test]
    fn what_is_no_json3_is_refused_with_the_reason() {
        for (text, reason) in [
            ("{", "is no JSON that can be read"),
            (r#"{"error": 429}"#, "holds no events"),
            (r#"{"events": null}"#, "holds no events"),
            (r#"{"events": {}}"#, "no captions"),
            (r#"{"events": [{"tStartMs": "soon"}]}"#, "no captions"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
