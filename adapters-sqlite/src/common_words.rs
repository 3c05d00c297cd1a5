//! Words that so many passages hold that no search may look at all of them.
//!
//! SQLite cannot be stopped while it searches, by means that Diesel offers; so what a search costs is bounded before it
//! begins. FTS5 finds some ten million passages a second, but scores only one million. And for each word it scores by, it
//! first goes through all passages that hold it, and for a beginning of words, through those of all of these words.

use std::collections::HashMap;

use diesel::prelude::*;
use tubeatlas_domain::search::{Expression, Phrase, SearchQuery};
use tubeatlas_ports::Result;

use crate::connection::{NumberRow, TextRow};
use crate::error::Context;
use crate::statement::{Bind, sql};

/// The words of the index, for each connection: FTS5 makes them out of the index itself.
pub(crate) const VOCABULARY: &str =
    "CREATE VIRTUAL TABLE temp.indexed_words USING fts5vocab('main', 'passages_fts', 'instance');";

/// What a common beginning of words stands for at most. FTS5 asks each of them at each passage.
const MAX_WORDS: usize = 32;

/// How often the index is asked for its next word for one query at most, at some 50 µs.
const MAX_STEPS: usize = 200;

/// What FTS5 is to look for.
pub(crate) enum Plan {
    /// All passages that match, scored by those of the query's phrases that are not common.
    All { matching: String, scored: String },
    /// Some of those that match.
    Latest { matching: String },
}

/// The query in FTS5's language, if no search for it is too dear.
pub(crate) fn plan(connection: &mut SqliteConnection, query: &SearchQuery, bound: u64) -> Result<Plan> {
    let mut index =
        Index { connection, bound, holders: HashMap::new(), beginnings: HashMap::new(), steps: MAX_STEPS };
    let holders = index.of_expression(query.expression())?;
    let matching = spelled(query.expression(), &index.beginnings);
    if holders > bound || index.beginnings.values().any(|it| matches!(it, Beginning::Common { .. })) {
        return Ok(Plan::Latest { matching });
    }
    let mut scored = Vec::new();
    for phrase in query.phrases() {
        if index.of_phrase(phrase)? <= bound {
            scored.push(spelled_phrase(phrase, &index.beginnings));
        }
    }
    Ok(Plan::All { matching, scored: scored.join(" OR ") })
}

/// What the index has of a query's words. Numbers of passages are exact up to the bound, and above it beyond that.
struct Index<'c> {
    connection: &'c mut SqliteConnection,
    bound: u64,
    holders: HashMap<String, u64>,
    beginnings: HashMap<String, Beginning>,
    /// How often it may still be asked for its next word.
    steps: usize,
}

/// A beginning of words that is looked for.
enum Beginning {
    /// All passages that hold a word with it can be looked at.
    Rare { holders: u64 },
    /// It stands for these words alone.
    Common { words: Vec<String> },
}

impl Index<'_> {
    /// How many passages an expression can be found in at most.
    fn of_expression(&mut self, expression: &Expression) -> Result<u64> {
        match expression {
            Expression::Phrase(phrase) => self.of_phrase(phrase),
            Expression::All(parts) => {
                parts.iter().try_fold(u64::MAX, |least, part| Ok(least.min(self.of_expression(part)?)))
            }
            Expression::Any(parts) => {
                parts.iter().try_fold(0_u64, |sum, part| Ok(sum.saturating_add(self.of_expression(part)?)))
            }
            Expression::Without { include, exclude: _ } => self.of_expression(include),
        }
    }

    fn of_phrase(&mut self, phrase: &Phrase) -> Result<u64> {
        let (words, beginning) = parts(phrase);
        let least = match beginning {
            Some(beginning) => self.of_beginning(beginning)?,
            None => u64::MAX,
        };
        words.iter().try_fold(least, |least, word| Ok(least.min(self.of_word(word)?)))
    }

    fn of_word(&mut self, word: &str) -> Result<u64> {
        if let Some(holders) = self.holders.get(word) {
            return Ok(*holders);
        }
        let text = "SELECT count(*) AS value FROM (
                        SELECT rowid FROM passages_fts WHERE passages_fts MATCH ?1 LIMIT ?2 + 1
                    )";
        let most = i64::try_from(self.bound).unwrap_or(i64::MAX);
        let binds = vec![Bind::Text(Some(format!("\"{word}\""))), Bind::Integer(Some(most))];
        let row: NumberRow = sql(text, binds).get_result(self.connection).doing("counting passages")?;
        let holders = u64::try_from(row.value).unwrap_or_default();
        self.holders.insert(word.to_owned(), holders);
        Ok(holders)
    }

    /// How many passages there are, up to the bound and one more.
    fn passages(&mut self) -> Result<u64> {
        let text = "SELECT count(*) AS value FROM (SELECT id FROM passages LIMIT ?1 + 1)";
        let most = i64::try_from(self.bound).unwrap_or(i64::MAX);
        let row: NumberRow = sql(text, vec![Bind::Integer(Some(most))])
            .get_result(self.connection)
            .doing("counting passages")?;
        Ok(u64::try_from(row.value).unwrap_or_default())
    }

    fn of_beginning(&mut self, beginning: &str) -> Result<u64> {
        match self.beginnings.get(beginning) {
            Some(Beginning::Rare { holders }) => return Ok(*holders),
            Some(Beginning::Common { .. }) => return Ok(u64::MAX),
            None => {}
        }
        let (words, are_all) = self.words(beginning, usize::MAX)?;
        let mut holders = 0_u64;
        for word in &words {
            holders = holders.saturating_add(self.of_word(word)?);
            if holders > self.bound {
                break;
            }
        }
        let (known, holders) = match are_all {
            true if holders <= self.bound => (Beginning::Rare { holders }, holders),
            true => (Beginning::Common { words }, u64::MAX),
            false if self.passages()? <= self.bound => (Beginning::Rare { holders: self.bound }, self.bound),
            false => (Beginning::Common { words: self.shortest_words(beginning, words)? }, u64::MAX),
        };
        self.beginnings.insert(beginning.to_owned(), known);
        Ok(holders)
    }

    /// The shortest words with this beginning, for those that are said most often are among them; or at least these.
    fn shortest_words(&mut self, beginning: &str, first: Vec<String>) -> Result<Vec<String>> {
        let mut shortest = Vec::new();
        for letters in beginning.chars().count().. {
            let (words, are_all) = self.words(beginning, letters)?;
            for word in words {
                if shortest.len() < MAX_WORDS && !shortest.contains(&word) {
                    shortest.push(word);
                }
            }
            if are_all || shortest.len() >= MAX_WORDS || self.steps == 0 {
                break;
            }
        }
        Ok(if shortest.is_empty() { first } else { shortest })
    }

    /// The words with this beginning that have at most so many letters, in order, and whether no other has it. Only
    /// some of them if there are too many.
    fn words(&mut self, beginning: &str, letters: usize) -> Result<(Vec<String>, bool)> {
        let mut words = Vec::new();
        let mut are_all = true;
        let mut from = beginning.to_owned();
        while let Some(word) = self.next_word(&from)?.filter(|word| word.starts_with(beginning)) {
            if words.len() >= MAX_WORDS || self.steps == 0 {
                return Ok((words, false));
            }
            self.steps -= 1;
            match word.char_indices().nth(letters) {
                Some((end, _)) => {
                    are_all = false;
                    from = format!("{}{}", &word[..end], char::MAX);
                }
                None => {
                    from = format!("{word}0"); // what follows is no smaller: words hold letters and digits alone
                    words.push(word);
                }
            }
        }
        Ok((words, are_all))
    }

    /// The first word of the index that is this one or stands behind it.
    fn next_word(&mut self, from: &str) -> Result<Option<String>> {
        let text = "SELECT term AS value FROM temp.indexed_words WHERE term >= ?1 LIMIT 1";
        let row: Option<TextRow> = sql(text, vec![Bind::Text(Some(from.to_owned()))])
            .get_result(self.connection)
            .optional()
            .doing("looking for words")?;
        Ok(row.map(|row| row.value))
    }
}

/// The words of a phrase that must occur as they are, and the one that is only a beginning.
fn parts(phrase: &Phrase) -> (&[String], Option<&str>) {
    match phrase.tokens().split_last() {
        Some((beginning, words)) if phrase.is_prefix() => (words, Some(beginning)),
        _ => (phrase.tokens(), None),
    }
}

/// The expression in FTS5's language, with these common beginnings as the words that they stand for. What is excluded
/// is so by all words with its beginning. Tokens hold letters, digits and marks alone, so that nothing in them needs
/// escaping inside quotes, and the tree is spelled out with parentheses.
fn spelled(expression: &Expression, common: &HashMap<String, Beginning>) -> String {
    let joined = |parts: &[Expression], operator: &str| {
        parts.iter().map(|part| spelled(part, common)).collect::<Vec<_>>().join(operator)
    };
    match expression {
        Expression::Phrase(phrase) => spelled_phrase(phrase, common),
        Expression::All(parts) => format!("({})", joined(parts, " AND ")),
        Expression::Any(parts) => format!("({})", joined(parts, " OR ")),
        Expression::Without { include, exclude } => {
            let exclude: Vec<String> = exclude.iter().map(|part| spelled(part, &HashMap::new())).collect();
            format!("({} NOT ({}))", spelled(include, common), exclude.join(" OR "))
        }
    }
}

fn spelled_phrase(phrase: &Phrase, common: &HashMap<String, Beginning>) -> String {
    let (words, beginning) = parts(phrase);
    match beginning.and_then(|beginning| common.get(beginning)) {
        Some(Beginning::Common { words: last }) => {
            let either: Vec<String> = last
                .iter()
                .map(|last| format!("\"{}\"", [words, std::slice::from_ref(last)].concat().join(" ")))
                .collect();
            format!("({})", either.join(" OR "))
        }
        _ => {
            let star = if phrase.is_prefix() { " *" } else { "" };
            format!("\"{}\"{star}", phrase.tokens().join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;

    /// An index in which passage n holds all of these words whose number divides n, and `p0` to `p99` one each.
    fn index(words: &[(i64, &str)]) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        crate::migrations::run(&mut connection, std::path::Path::new(":memory:")).unwrap();
        connection.batch_execute(VOCABULARY).unwrap();
        connection.batch_execute("PRAGMA foreign_keys = OFF").unwrap(); // there are no videos
        for n in 1..=100 {
            let held = words.iter().filter(|(every, _)| n % every == 0).map(|(_, word)| *word);
            let tokens = held.collect::<Vec<_>>().join(" ");
            let insert = format!(
                "INSERT INTO passages_fts (rowid, tokens) VALUES ({n}, '{tokens} p{}');
                 INSERT INTO passages (id, video_id, ordinal) VALUES ({n}, 'v', {n});",
                n - 1
            );
            connection.batch_execute(&insert).unwrap();
        }
        connection
    }

    #[track_caller]
    fn check(connection: &mut SqliteConnection, query: &str, expected: &str) {
        let plan = plan(connection, &SearchQuery::parse(query).unwrap(), 10).unwrap();
        let shown = match plan {
            Plan::All { matching, scored } => format!("all {matching} by {scored}"),
            Plan::Latest { matching } => format!("latest {matching}"),
        };
        assert_eq!(shown, expected, "{query}");
    }

    #[test]
    fn a_query_is_bounded_if_none_of_its_words_bounds_it() {
        let mut connection = index(&[(1, "the"), (2, "of"), (10, "ten"), (9, "nine"), (50, "rare")]);
        let index = &mut connection;
        check(index, "ten", "all \"ten\" by \"ten\"");
        check(index, "nine", "latest \"nine\"");
        check(index, "the rare", "all (\"the\" AND \"rare\") by \"rare\"");
        check(index, "ten rare", "all (\"ten\" AND \"rare\") by \"ten\" OR \"rare\"");
        check(index, "ten OR rare", "latest (\"ten\" OR \"rare\")");
        check(index, "rare OR missing", "all (\"rare\" OR \"missing\") by \"rare\" OR \"missing\"");
        check(index, "the of", "latest (\"the\" AND \"of\")");
        check(index, "\"the of\"", "latest \"the of\"");
        check(index, "\"of rare\"", "all \"of rare\" by \"of rare\"");
        check(index, "the -rare", "latest (\"the\" NOT (\"rare\"))");
        check(index, "rare -the", "all (\"rare\" NOT (\"the\")) by \"rare\"");
    }

    #[test]
    fn a_common_beginning_stands_for_its_shortest_words() {
        let mut connection = index(&[(1, "the"), (2, "then"), (50, "rare")]);
        let index = &mut connection;
        check(index, "ra*", "all \"ra\" * by \"ra\" *");
        check(
            index,
            "p1*",
            "latest (\"p1\" OR \"p10\" OR \"p11\" OR \"p12\" OR \"p13\" OR \"p14\" OR \"p15\" OR \"p16\" OR \"p17\" OR \"p18\" OR \"p19\")",
        );
        check(index, "\"rare th*\"", "latest (\"rare the\" OR \"rare then\")");
        check(index, "rare -th*", "all (\"rare\" NOT (\"th\" *)) by \"rare\"");
        // 100 words are too many: those of two letters, and then some of three.
        let query = SearchQuery::parse("p*").unwrap();
        let Plan::Latest { matching } = plan(index, &query, 10).unwrap() else { panic!("all are searched") };
        assert_eq!(matching.matches(" OR ").count() + 1, MAX_WORDS);
        assert!((0..10).all(|n| matching.contains(&format!("\"p{n}\""))), "{matching}");
        // Among few passages nothing is common.
        assert!(matches!(super::plan(index, &query, 100).unwrap(), Plan::All { .. }));
    }
}
