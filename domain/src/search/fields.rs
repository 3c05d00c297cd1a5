//! The fields of a query: what `name:value` narrows it to.

use std::fmt;

use super::query::{Phrase, QueryError, Written};
use crate::{ChannelId, LanguageTag, Timestamp, TranscriptKind};

/// What a query is narrowed to by its fields, whatever its words. Default: to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchFields {
    /// `channel:`, only in videos of this channel.
    pub channel_id: Option<ChannelId>,
    /// `lang:`, only in transcripts whose language this tag covers.
    pub language: Option<LanguageTag>,
    /// `kind:`, only in transcripts that came to be so.
    pub kind: Option<TranscriptKind>,
    /// `after:`, only in videos that were published at this time or later.
    pub published_from: Option<Timestamp>,
    /// `before:`, only in videos that were published before this time.
    pub published_before: Option<Timestamp>,
    /// `title:`, only in videos with all of these in their titles.
    pub title: Vec<Phrase>,
}

/// A field of a query, shown as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchField {
    /// `channel`
    Channel,
    /// `lang`
    Language,
    /// `kind`
    Kind,
    /// `after`
    After,
    /// `before`
    Before,
    /// `title`
    Title,
}

impl SearchField {
    const ALL: [Self; 6] =
        [Self::Channel, Self::Language, Self::Kind, Self::After, Self::Before, Self::Title];

    /// The field that a term begins with, and what stands behind its colon.
    pub(super) fn of(term: &str) -> Option<(Self, &str)> {
        let (name, value) = term.split_once(':')?;
        let field = Self::ALL.into_iter().find(|field| field.name() == name)?;
        Some((field, value))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Language => "lang",
            Self::Kind => "kind",
            Self::After => "after",
            Self::Before => "before",
            Self::Title => "title",
        }
    }

    /// What may stand behind the colon.
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::Channel => "a channel, in quotes if there are spaces in it",
            Self::Language => "the tag of a language, such as en or pt-BR",
            Self::Kind => "manual, automatic or translated",
            Self::After | Self::Before => "a date, such as 2024, 2024-05 or 2024-05-31",
            Self::Title => "a word, a \"phrase\" or a prefix*",
        }
    }
}

impl fmt::Display for SearchField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SearchFields {
    /// Narrows by one more; `character` is where it stands.
    pub(super) fn add(
        &mut self,
        field: SearchField,
        character: usize,
        written: &Written<'_>,
    ) -> Result<(), QueryError> {
        let value = written.content;
        let bad = || QueryError::FieldValue { field, character, value: value.to_owned() };
        let is_new = match field {
            SearchField::Channel => once(&mut self.channel_id, ChannelId::parse(value).map_err(|_| bad())?),
            SearchField::Language => once(&mut self.language, LanguageTag::parse(value).map_err(|_| bad())?),
            SearchField::Kind => once(&mut self.kind, kind(value).ok_or_else(bad)?),
            SearchField::After => once(&mut self.published_from, date(value).ok_or_else(bad)?),
            SearchField::Before => once(&mut self.published_before, date(value).ok_or_else(bad)?),
            SearchField::Title => {
                let phrase = written.phrase(character)?.filter(|_| !value.starts_with('('));
                self.title.push(phrase.ok_or_else(bad)?);
                true
            }
        };
        if is_new { Ok(()) } else { Err(QueryError::FieldTwice { field, character }) }
    }
}

/// Whether nothing was there before.
fn once<T>(place: &mut Option<T>, value: T) -> bool {
    place.replace(value).is_none()
}

fn kind(value: &str) -> Option<TranscriptKind> {
    match value {
        "manual" => Some(TranscriptKind::Manual),
        "automatic" => Some(TranscriptKind::Automatic),
        "translated" => Some(TranscriptKind::Translated),
        _ => None,
    }
}

/// The first moment, in UTC, of a year, a month or a day.
fn date(value: &str) -> Option<Timestamp> {
    let is_date = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let rest = match value.len() {
        4 => "-01-01",
        7 => "-01",
        10 => "",
        _ => return None,
    };
    is_date.then(|| format!("{value}{rest}T00:00:00Z").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::super::query::SearchQuery;
    use super::*;

    fn fields(source: &str) -> SearchFields {
        SearchQuery::parse(source).unwrap().fields().clone()
    }

    #[test]
    fn fields_narrow_wherever_they_stand() {
        let all = "channel:UC1 black lang:en-US hole kind:automatic after:2020 before:2021-07 title:star* -x";
        let query = SearchQuery::parse(all).unwrap();
        assert_eq!(query.expression(), SearchQuery::parse("black hole -x").unwrap().expression());
        let SearchFields { channel_id, language, kind, published_from, published_before, title } =
            query.fields();
        assert_eq!(channel_id.as_ref().map(ChannelId::as_str), Some("UC1"));
        assert_eq!(language.as_ref().map(LanguageTag::as_str), Some("en-US"));
        assert_eq!(*kind, Some(TranscriptKind::Automatic));
        assert_eq!(*published_from, "2020-01-01T00:00:00Z".parse().ok());
        assert_eq!(*published_before, "2021-07-01T00:00:00Z".parse().ok());
        assert_eq!(title.iter().map(ToString::to_string).collect::<Vec<_>>(), ["\"star\"*"]);
        assert_eq!(fields("a"), SearchFields::default());
    }

    #[test]
    fn a_value_may_be_quoted() {
        let channel = fields("x channel:\"A channel, of (some) name\"").channel_id.unwrap();
        assert_eq!(channel.as_str(), "A channel, of (some) name");
        assert_eq!(fields("lang:“de” x").language, LanguageTag::parse("de").ok());
        let titles = fields("title:\"Black HOLES\" title:Hawking's x title:\"of the ho\"*").title;
        let titles: Vec<_> = titles.iter().map(ToString::to_string).collect();
        assert_eq!(titles, ["\"black holes\"", "\"hawking s\"", "\"of the ho\"*"]);
        assert_eq!(fields("x after:2024-02-29").published_from, "2024-02-29T00:00:00Z".parse().ok());
    }

    #[test]
    fn what_is_no_field_is_words() {
        for source in [
            "foo:bar",
            "Lang:en",
            "\"lang:en\"",
            "xlang:en",
            "lang :en",
            "text:title:x",
            "lang",
            "x -\"kind:a\"",
        ] {
            assert_eq!(fields(source), SearchFields::default(), "{source}");
        }
    }

    #[test]
    fn a_field_is_refused_where_it_would_not_narrow_the_whole() {
        use SearchField::{After, Before, Channel, Kind, Language, Title};
        for (source, expected) in [
            ("x lang:", QueryError::FieldValue { field: Language, character: 3, value: String::new() }),
            ("kind:good x", QueryError::FieldValue { field: Kind, character: 1, value: "good".into() }),
            ("x after:20201", QueryError::FieldValue { field: After, character: 3, value: "20201".into() }),
            (
                "x before:2021-13",
                QueryError::FieldValue { field: Before, character: 3, value: "2021-13".into() },
            ),
            ("x after:+020", QueryError::FieldValue { field: After, character: 3, value: "+020".into() }),
            ("x title:...", QueryError::FieldValue { field: Title, character: 3, value: "...".into() }),
            ("x title:(a b)", QueryError::FieldValue { field: Title, character: 3, value: "(a".into() }),
            ("x channel:\" a\"", QueryError::FieldValue { field: Channel, character: 3, value: " a".into() }),
            ("ü lang:en lang:de", QueryError::FieldTwice { field: Language, character: 11 }),
            ("x -lang:en", QueryError::FieldExcluded { field: Language, character: 3 }),
            ("(x lang:en)", QueryError::FieldInGroup { field: Language, character: 4 }),
            ("x OR lang:en", QueryError::FieldBesideOr { field: Language, character: 6 }),
            ("lang:en OR x", QueryError::FieldBesideOr { field: Language, character: 1 }),
            ("lang:en title:a", QueryError::OnlyFields),
            ("lang:en ...", QueryError::OnlyFields),
            ("lang:en -x", QueryError::OnlyExclusions),
        ] {
            assert_eq!(SearchQuery::parse(source), Err(expected), "{source}");
        }
        let error = SearchQuery::parse("x kind:good").unwrap_err().to_string();
        assert_eq!(
            error,
            "`kind:` at character 3 cannot be \"good\"; behind its colon stands manual, automatic or translated"
        );
        let many = format!("x {}", "title:a ".repeat(32));
        assert_eq!(SearchQuery::parse(&many), Err(QueryError::TooManyTerms { terms: 33 }));
    }
}
