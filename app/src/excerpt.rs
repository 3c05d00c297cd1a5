//! The part of a long text that shows where a query was found in it.

use serde::Serialize;
use tubeatlas_domain::search::{SearchQuery, find_in_text};

/// The longest excerpt, in bytes: some two lines of a terminal.
const MAX_BYTES: usize = 200;

/// How much of it stands before the first place at most.
const BEFORE: usize = 60;

/// A part of a text, with the places in it where a query was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Excerpt {
    /// The part, of one line.
    pub text: String,
    /// The places: byte ranges `[from, to]` of it, in order, at least one.
    pub highlights: Vec<(usize, usize)>,
}

impl Excerpt {
    /// Out of the line in which most places are, from shortly before its first one; `None` if there is none.
    pub fn of(text: &str, query: &SearchQuery) -> Option<Self> {
        let found = |line| (line, find_in_text(line, query));
        // The first of those with as many.
        let (line, places) = text.lines().map(found).rev().max_by_key(|(_, places)| places.len())?;
        let &(first, end_of_first) = places.first()?;
        let start = match line.floor_char_boundary(first.saturating_sub(BEFORE)) {
            0 => 0,
            cut => line[cut..first].find(char::is_whitespace).map_or(first, |space| cut + space + 1),
        };
        let end = match line.floor_char_boundary((start + MAX_BYTES).max(end_of_first)) {
            end if end == line.len() => end,
            cut => {
                line[end_of_first..cut].rfind(char::is_whitespace).map_or(cut, |space| end_of_first + space)
            }
        };
        let inside = places.into_iter().filter(|(_, to)| *to <= end);
        let highlights = inside.map(|(from, to)| (from - start, to - start)).collect();
        Some(Self { text: line.get(start..end)?.to_owned(), highlights })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The excerpt, with its places in brackets.
    fn excerpt(text: &str, query: &str) -> Option<String> {
        let Excerpt { text, highlights } = Excerpt::of(text, &SearchQuery::parse(query).unwrap())?;
        assert!(text.len() <= MAX_BYTES || highlights.len() == 1, "{text:?}");
        let mut marked = text.clone();
        for (from, to) in highlights.into_iter().rev() {
            marked.replace_range(from..to, &format!("[{}]", &text[from..to]));
        }
        Some(marked)
    }

    #[test]
    fn the_line_that_tells_most() {
        assert_eq!(excerpt("About tea.\nMilk and tea!\ntea, milk", "milk tea").unwrap(), "[Milk] and [tea]!");
        assert_eq!(excerpt("nothing\n", "tea"), None);
        assert_eq!(excerpt("", "tea"), None);
    }

    #[test]
    fn a_long_line_is_cut_between_words() {
        let filler = "wörter ".repeat(50);
        let found = excerpt(&format!("{filler}tea {filler}milk"), "tea milk").unwrap();
        assert!(found.starts_with("wörter wörter") && found.ends_with(" wörter"), "{found:?}");
        assert!(found.contains(" [tea] ") && !found.contains("milk"), "{found:?}");
        assert_eq!(excerpt(&format!("{filler}tea"), "tea").unwrap().matches("wörter").count(), 7);
        let word = "x".repeat(1_000);
        assert_eq!(excerpt(&format!("y {word} z"), "x*").unwrap(), format!("y [{word}]"));
        // Without spaces it is cut anywhere but through a character.
        let run = "字".repeat(300);
        assert!(excerpt(&format!("{run}茶{run}"), "茶").unwrap().starts_with("[茶]字"));
    }
}
