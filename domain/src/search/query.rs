//! The query language: from text to a tree.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::fields::{SearchField, SearchFields};
use super::normalise::tokens;

/// The longest query, in bytes of UTF-8.
///
/// It bounds the work of one search, and percent-encoded it still fits into any URL.
pub const MAX_QUERY_BYTES: usize = 1_000;

/// The most terms of a query, excluded ones included: each costs an engine a look-up and a join.
pub const MAX_QUERY_TERMS: usize = 32;

/// How deep groups may stand in each other: more than people write, and no more than an engine's parser takes.
pub const MAX_GROUP_DEPTH: usize = 8;

/// The most tokens of a phrase. Passages overlap by more, so that no phrase falls between two of them.
pub const MAX_PHRASE_TOKENS: usize = 64;

const _: () = assert!(MAX_PHRASE_TOKENS <= super::PASSAGE_OVERLAP + 1);

/// A query that can be answered, and the text that it was parsed from.
///
/// | written | finds passages with |
/// |---|---|
/// | `black hole` | both words, anywhere in the passage |
/// | `"black hole"` | the words next to each other, in this order |
/// | `astro*`, `"black ho*"` | words that begin so; `*` stands directly behind the (last) word or the closing quote |
/// | `tea OR coffee` | one of both; binds tighter than the space: `hot tea OR coffee` is hot, and tea or coffee |
/// | `hole -black`, `hole -"black hole"` | the first, and not the second |
/// | `(tea milk) OR coffee`, `tea -(hot OR iced)` | a group counts as one term, and may hold all of these |
/// | `tea channel:UC1`, `lang:en`, `kind:manual` | only in that channel, language, kind of transcript |
/// | `tea after:2020 before:2021-07` | only in videos of that time: from the first moment of the one on, to before that of the other, in UTC |
/// | `tea title:china`, `title:"green tea"`, `title:chin*` | only in videos with that in their titles |
///
/// The last three are [fields](SearchFields). They stand anywhere, but in a group, beside `OR` and behind `-`, and
/// narrow the whole query; each counts once, but `title:` as often as it is there. A value with spaces is quoted.
/// Any other `name:value` is words.
///
/// There are no syntax errors. A quote or a group that is never closed runs to the end; curly quotes and « » are quotes
/// too; `OR` that does not stand between two terms which are looked for is the word "or"; all other punctuation only
/// separates. `(` opens a group where a term could begin, and `)` closes the innermost one, wherever it stands; a `)`
/// that closes none, or a `(` of the same word, is punctuation, as is all of `f(x)`. Groups without words are
/// nothing. A term of several tokens (`don't`, `AT&T`, `人工智能`) is a phrase. What is refused is what could not be
/// answered, or would cost too much: see [`QueryError`].
///
/// ```
/// use tubeatlas_domain::search::{QueryError, SearchQuery};
///
/// let query = SearchQuery::parse(r#"hot tea OR "Café crè*" -iced"#)?;
/// let phrases: Vec<String> = query.phrases().iter().map(ToString::to_string).collect();
/// assert_eq!(phrases, [r#""hot""#, r#""tea""#, r#""cafe cre"*"#]);
/// assert!(query.expression().matches(&["hot", "cafe", "creme"]));
/// assert!(!query.expression().matches(&["iced", "hot", "tea"]));
/// # Ok::<(), QueryError>(())
/// ```
///
/// Two queries are equal when their texts are. In serde, a query is its text, and reading it parses it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SearchQuery {
    source: String,
    expression: Expression,
    fields: SearchFields,
}

/// What must hold in one passage. [`Expression::matches`] is its meaning.
///
/// A parsed expression is at most three levels deep, and as much again for each group in another, at most
/// [`MAX_GROUP_DEPTH`]; each of its lists of all or any has two parts or more, and what is excluded is never nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// The passage holds these tokens next to each other.
    Phrase(Phrase),
    /// All of these match.
    All(Vec<Expression>),
    /// At least one of these matches.
    Any(Vec<Expression>),
    /// One matches, and none of the others does.
    Without {
        /// What must match.
        include: Box<Expression>,
        /// What must not match.
        exclude: Vec<Expression>,
    },
}

/// Tokens that follow each other; a single word is a phrase of one token.
///
/// Shown as `"never gonna"`, and with a prefix at its end as `"never gon"*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phrase {
    tokens: Vec<String>,
    prefix: bool,
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text holds no letter and no digit.
    #[error("there is nothing to search for: the query has no letter and no digit; write at least one word")]
    NothingToSearchFor,
    /// All terms are excluded.
    #[error("the query only says what to leave out; add a word to search for, one without a `-` before it")]
    OnlyExclusions,
    /// All terms of a group are excluded.
    #[error(
        "the group at character {character} only says what to leave out; add a word to it, or take its words out of \
         the parentheses"
    )]
    OnlyExclusionsInGroup {
        /// Where the group begins in the text, in characters from 1.
        character: usize,
    },
    /// Groups stand in each other deeper than [`MAX_GROUP_DEPTH`].
    #[error(
        "the group at character {character} stands in {MAX_GROUP_DEPTH} others, and that is as deep as groups may be; \
         leave some parentheses out"
    )]
    TooDeep {
        /// Where the group begins in the text, in characters from 1.
        character: usize,
    },
    /// There are fields and no words.
    #[error("the query only says where to search; add a word to search for")]
    OnlyFields,
    /// A field has a value that it cannot have.
    #[error("`{field}:` at character {character} cannot be {value:?}; behind its colon stands {}", .field.allowed())]
    FieldValue {
        /// The field.
        field: SearchField,
        /// Where it begins in the text, in characters from 1.
        character: usize,
        /// The value.
        value: String,
    },
    /// A field that counts once is there twice.
    #[error("`{field}:` at character {character} stands there for the second time; leave one of the two out")]
    FieldTwice {
        /// The field.
        field: SearchField,
        /// Where it begins in the text, in characters from 1.
        character: usize,
    },
    /// A field is excluded.
    #[error(
        "`{field}:` at character {character} has a `-` before it, and what fields say cannot be left out; say what \
         is wanted, without the `-`"
    )]
    FieldExcluded {
        /// The field.
        field: SearchField,
        /// Where it begins in the text, in characters from 1.
        character: usize,
    },
    /// A field stands in a group.
    #[error(
        "`{field}:` at character {character} stands in a group, and fields narrow the whole query; write it outside \
         of the parentheses"
    )]
    FieldInGroup {
        /// The field.
        field: SearchField,
        /// Where it begins in the text, in characters from 1.
        character: usize,
    },
    /// A field stands beside `OR`.
    #[error(
        "`{field}:` at character {character} stands beside OR, and fields narrow the whole query; write it at the \
         other end, or \"OR\" in quotes if it is a word"
    )]
    FieldBesideOr {
        /// The field.
        field: SearchField,
        /// Where it begins in the text, in characters from 1.
        character: usize,
    },
    /// The text is longer than [`MAX_QUERY_BYTES`].
    #[error("the query is {bytes} bytes long, and {MAX_QUERY_BYTES} are allowed; shorten it")]
    TooLong {
        /// The length of the text.
        bytes: usize,
    },
    /// A phrase has more than [`MAX_PHRASE_TOKENS`] tokens.
    #[error(
        "the phrase at character {character} has {tokens} words, and {MAX_PHRASE_TOKENS} are allowed; shorten it, \
         or make two of it"
    )]
    PhraseTooLong {
        /// Where the phrase begins in the text, in characters from 1.
        character: usize,
        /// How many tokens it has.
        tokens: usize,
    },
    /// There are more than [`MAX_QUERY_TERMS`] terms.
    #[error("the query has {terms} words and phrases, and {MAX_QUERY_TERMS} are allowed; leave some out")]
    TooManyTerms {
        /// How many terms the text has.
        terms: usize,
    },
}

impl SearchQuery {
    /// Reads a query, in the language that [`SearchQuery`] describes.
    ///
    /// # Errors
    ///
    /// [`QueryError`], when there is nothing to search for, or when a limit is exceeded.
    pub fn parse(source: &str) -> Result<Self, QueryError> {
        if source.len() > MAX_QUERY_BYTES {
            return Err(QueryError::TooLong { bytes: source.len() });
        }
        let (expression, fields) = read(source)?;
        Ok(Self { source: source.to_owned(), expression, fields })
    }

    /// The text that the query was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What a passage must match.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// What the query is narrowed to.
    #[must_use]
    pub fn fields(&self) -> &SearchFields {
        &self.fields
    }

    /// The phrases that are looked for (not those that are excluded): each once, in the order of their first
    /// appearance, at most [`MAX_QUERY_TERMS`].
    #[must_use]
    pub fn phrases(&self) -> Vec<&Phrase> {
        fn collect<'a>(expression: &'a Expression, phrases: &mut Vec<&'a Phrase>) {
            match expression {
                Expression::Phrase(phrase) if phrases.contains(&phrase) => {}
                Expression::Phrase(phrase) => phrases.push(phrase),
                Expression::All(parts) | Expression::Any(parts) => {
                    parts.iter().for_each(|part| collect(part, phrases));
                }
                Expression::Without { include, .. } => collect(include, phrases),
            }
        }
        let mut phrases = Vec::new();
        collect(&self.expression, &mut phrases);
        phrases
    }
}

impl PartialEq for SearchQuery {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for SearchQuery {}

impl Hash for SearchQuery {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

impl fmt::Display for SearchQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for SearchQuery {
    type Err = QueryError;

    fn from_str(source: &str) -> Result<Self, QueryError> {
        Self::parse(source)
    }
}

impl TryFrom<String> for SearchQuery {
    type Error = QueryError;

    fn try_from(source: String) -> Result<Self, QueryError> {
        Self::parse(&source)
    }
}

impl From<SearchQuery> for String {
    fn from(query: SearchQuery) -> Self {
        query.source
    }
}

impl Phrase {
    /// The tokens, as [`tokens`](super::tokens) makes them: at least one, at most [`MAX_PHRASE_TOKENS`].
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether the last token stands for all words that begin with it.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"{}", self.tokens.join(" "), if self.prefix { "*" } else { "" })
    }
}

/// A term of a query that holds something to search for: a phrase, or a group of terms.
struct Term {
    expression: Expression,
    kind: TermKind,
}

#[derive(PartialEq)]
enum TermKind {
    Sought,
    Excluded,
    /// Written exactly `OR`: an operator, when its neighbours are sought.
    Or,
}

/// The terms of the query, or of a group of it, that were read so far.
struct Group {
    kind: TermKind,
    /// Where it begins in the text, in characters from 1.
    character: usize,
    terms: Vec<Term>,
}

/// A word, or a phrase in quotes, and what stands behind it.
pub(super) struct Written<'a> {
    /// The text, without the quotes.
    pub(super) content: &'a str,
    is_quoted: bool,
    has_star: bool,
    rest: &'a str,
}

impl<'a> Written<'a> {
    fn read(text: &'a str, in_group: bool) -> Self {
        match text.strip_prefix(is_quote) {
            Some(inside) => {
                let content = inside.split(is_quote).next().unwrap_or(inside);
                // Behind a phrase stands its closing quote, unless the query ended first.
                let closed = &inside[content.len()..];
                let rest = closed.strip_prefix(is_quote).unwrap_or(closed);
                Self { content, is_quoted: true, has_star: rest.starts_with('*'), rest }
            }
            None => {
                let (content, rest) = text.split_at(end_of_word(text, in_group));
                Self { content, is_quoted: false, has_star: false, rest }
            }
        }
    }

    /// What is looked for by it, if it is anything.
    pub(super) fn phrase(&self, character: usize) -> Result<Option<Phrase>, QueryError> {
        let words = tokens(self.content);
        let Some(last) = words.last() else { return Ok(None) };
        if words.len() > MAX_PHRASE_TOKENS {
            return Err(QueryError::PhraseTooLong { character, tokens: words.len() });
        }
        let prefix = self.has_star || self.content[last.end..].starts_with('*');
        let tokens = words.into_iter().map(|word| word.text.into_owned()).collect();
        Ok(Some(Phrase { tokens, prefix }))
    }
}

fn read(source: &str) -> Result<(Expression, SearchFields), QueryError> {
    let mut fields = SearchFields::default();
    // The field that was read last, and where it stands, if no term came between.
    let mut beside = None;
    let mut group = Group { kind: TermKind::Sought, character: 1, terms: Vec::new() };
    // Those that `group` stands in.
    let mut outer: Vec<Group> = Vec::new();
    let mut rest = source;
    loop {
        rest = rest.trim_start_matches(is_space);
        if rest.is_empty() {
            break;
        }
        if let Some(behind) = rest.strip_prefix(')')
            && let Some(around) = outer.pop()
        {
            group = closed(group, around)?;
            rest = behind;
            continue;
        }
        let character = source[..source.len() - rest.len()].chars().count() + 1;
        let unsigned = rest.strip_prefix('-');
        let term = unsigned.unwrap_or(rest);
        let kind = if unsigned.is_some() { TermKind::Excluded } else { TermKind::Sought };
        if let Some(inside) = term.strip_prefix('(') {
            if outer.len() == MAX_GROUP_DEPTH {
                return Err(QueryError::TooDeep { character });
            }
            outer.push(std::mem::replace(&mut group, Group { kind, character, terms: Vec::new() }));
            (rest, beside) = (inside, None);
            continue;
        }
        if let Some((field, value)) = SearchField::of(term) {
            if unsigned.is_some() {
                return Err(QueryError::FieldExcluded { field, character });
            }
            if !outer.is_empty() {
                return Err(QueryError::FieldInGroup { field, character });
            }
            if group.terms.last().is_some_and(|before| before.kind == TermKind::Or) {
                return Err(QueryError::FieldBesideOr { field, character });
            }
            let written = Written::read(value, false);
            fields.add(field, character, &written)?;
            (rest, beside) = (written.rest, Some((field, character)));
            continue;
        }
        let written = Written::read(term, !outer.is_empty());
        rest = written.rest;
        let Some(phrase) = written.phrase(character)? else { continue };
        let is_or = unsigned.is_none() && !written.is_quoted && written.content == "OR";
        if let Some((field, character)) = beside.take().filter(|_| is_or) {
            return Err(QueryError::FieldBesideOr { field, character });
        }
        let kind = if is_or { TermKind::Or } else { kind };
        group.terms.push(Term { expression: Expression::Phrase(phrase), kind });
    }
    while let Some(around) = outer.pop() {
        group = closed(group, around)?;
    }
    let Tree { include, exclude } = tree(group.terms);
    let terms = include.iter().chain(&exclude).map(count).sum::<usize>() + fields.title.len();
    if terms > MAX_QUERY_TERMS {
        return Err(QueryError::TooManyTerms { terms });
    }
    let nothing = match (exclude.is_empty(), fields == SearchFields::default()) {
        (false, _) => QueryError::OnlyExclusions,
        (true, false) => QueryError::OnlyFields,
        (true, true) => QueryError::NothingToSearchFor,
    };
    Ok((without(include.ok_or(nothing)?, exclude), fields))
}

/// Where a word ends: before a space, a quote, or a parenthesis that closes a group and none of the word's own.
fn end_of_word(text: &str, in_group: bool) -> usize {
    let mut open = 0_usize;
    let ends = |c: char| match c {
        '(' => {
            open += 1;
            false
        }
        ')' if open > 0 => {
            open -= 1;
            false
        }
        ')' => in_group,
        other => is_space(other) || is_quote(other),
    };
    text.find(ends).unwrap_or(text.len())
}

/// The group around one that is closed, which is now a term of it.
fn closed(group: Group, mut around: Group) -> Result<Group, QueryError> {
    let Group { kind, character, terms } = group;
    let Tree { include, exclude } = tree(terms);
    match include {
        Some(include) => around.terms.push(Term { expression: without(include, exclude), kind }),
        None if exclude.is_empty() => {} // a group of nothing is nothing
        None => return Err(QueryError::OnlyExclusionsInGroup { character }),
    }
    Ok(around)
}

/// What terms that stand beside each other mean.
struct Tree {
    include: Option<Expression>,
    exclude: Vec<Expression>,
}

fn tree(terms: Vec<Term>) -> Tree {
    let mut all: Vec<Vec<Expression>> = Vec::new();
    let mut exclude = Vec::new();
    // Whether the term before is sought, and whether an operator joins the next one to it.
    let (mut sought_before, mut joins) = (false, false);
    let mut terms = terms.into_iter().peekable();
    while let Some(Term { expression, kind }) = terms.next() {
        let sought_next = terms.peek().is_some_and(|next| next.kind == TermKind::Sought);
        if kind == TermKind::Or && sought_before && sought_next {
            joins = true;
            continue;
        }
        sought_before = kind != TermKind::Excluded;
        match all.last_mut() {
            _ if kind == TermKind::Excluded => exclude.push(expression),
            Some(any) if joins => any.push(expression),
            _ => all.push(vec![expression]),
        }
        joins = false;
    }
    let all = all.into_iter().filter_map(|any| one_or(any, Expression::Any)).collect();
    Tree { include: one_or(all, Expression::All), exclude }
}

fn without(include: Expression, exclude: Vec<Expression>) -> Expression {
    if exclude.is_empty() { include } else { Expression::Without { include: Box::new(include), exclude } }
}

/// How many phrases an expression is made of.
fn count(expression: &Expression) -> usize {
    match expression {
        Expression::Phrase(_) => 1,
        Expression::All(parts) | Expression::Any(parts) => parts.iter().map(count).sum(),
        Expression::Without { include, exclude } => count(include) + exclude.iter().map(count).sum::<usize>(),
    }
}

/// A list of one needs no list.
fn one_or(mut parts: Vec<Expression>, list: fn(Vec<Expression>) -> Expression) -> Option<Expression> {
    if parts.len() > 1 { Some(list(parts)) } else { parts.pop() }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn is_quote(c: char) -> bool {
    // The last one is what Japanese keyboards write.
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»' | '\u{FF02}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in a short form: `(a & (b | "c d"*)) - x`.
    fn shape(source: &str) -> String {
        fn write(expression: &Expression) -> String {
            let list = |parts: &[Expression], by: &str| {
                format!("({})", parts.iter().map(write).collect::<Vec<_>>().join(by))
            };
            match expression {
                Expression::Phrase(phrase) if phrase.tokens().len() == 1 && !phrase.is_prefix() => {
                    phrase.tokens()[0].clone()
                }
                Expression::Phrase(phrase) => phrase.to_string(),
                Expression::All(parts) => list(parts, " & "),
                Expression::Any(parts) => list(parts, " | "),
                Expression::Without { include, exclude } => {
                    format!(
                        "[{} - {}]",
                        write(include),
                        exclude.iter().map(write).collect::<Vec<_>>().join(" - ")
                    )
                }
            }
        }
        match SearchQuery::parse(source) {
            Ok(query) => {
                let text = write(query.expression());
                let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
                bare.unwrap_or(&text).to_owned()
            }
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn the_grammar() {
        for (source, expected) in [
            // Words and phrases.
            ("Hello", "hello"),
            ("  hello\u{3000}WORLD\t", "(hello & world)"),
            ("a\0b\u{1b}c", "(a & b & c)"),
            ("a a", "(a & a)"),
            ("don't", "\"don t\""),
            ("AT&T", "\"at t\""),
            ("well-known", "\"well known\""),
            ("人工智能", "\"人 工 智 能\""),
            ("foo_bar:baz/(qux)", "\"foo bar baz qux\""),
            ("\"never gonna\" give", "(\"never gonna\" & give)"),
            ("\"one\"", "one"),
            ("a\"b c\"d", "(a & \"b c\" & d)"),
            // Quotes of all kinds; the last may be missing.
            ("“a b” „c d“ «e f»", "(\"a b\" & \"c d\" & \"e f\")"),
            ("＂東京＂", "\"東 京\""),
            ("x \"a b -c OR d", "(x & \"a b c or d\")"),
            ("a \"", "a"),
            ("\"\" a \"...\"", "a"),
            // Prefixes.
            ("foo*", "\"foo\"*"),
            ("(foo*),", "\"foo\"*"),
            ("foo**", "\"foo\"*"),
            ("\"foo ba\"*", "\"foo ba\"*"),
            ("\"foo ba*\"", "\"foo ba\"*"),
            ("\"foo ba*", "\"foo ba\"*"),
            ("don't*", "\"don t\"*"),
            ("人工*", "\"人 工\"*"),
            ("foo *", "foo"),
            ("* foo", "foo"),
            ("*foo", "foo"),
            ("foo-*", "foo"),
            ("foo*bar", "\"foo bar\""),
            ("\"foo* bar\"", "\"foo bar\""),
            ("\"foo\"*bar", "(\"foo\"* & bar)"),
            ("\"foo\" *", "foo"),
            ("\"\"* foo", "foo"),
            // Exclusions.
            ("a -b", "a - b"),
            ("-b a", "a - b"),
            ("a -b -\"c d\" -e*", "a - b - \"c d\" - \"e\"*"),
            ("a b -c", "(a & b) - c"),
            ("a - b", "(a & b)"),
            ("a -", "a"),
            ("a -...", "a"),
            ("a --b", "a - b"),
            ("a -don't", "a - \"don t\""),
            ("a –b −c", "(a & b & c)"),
            // OR.
            ("a OR b", "(a | b)"),
            ("a OR b OR c", "(a | b | c)"),
            ("a b OR c", "(a & (b | c))"),
            ("a OR b c OR d", "((a | b) & (c | d))"),
            ("a OR \"b c\" -d", "(a | \"b c\") - d"),
            ("-d a OR b", "(a | b) - d"),
            ("a or b", "(a & or & b)"),
            ("a Or b", "(a & or & b)"),
            ("a \"OR\" b", "(a & or & b)"),
            ("a OR, b", "(a & or & b)"),
            ("OR", "or"),
            ("OR a", "(or & a)"),
            ("a OR", "(a & or)"),
            ("a OR -b", "(a & or) - b"),
            ("-a OR b", "(or & b) - a"),
            ("a OR OR b", "(a & (or | b))"),
            ("OR OR OR", "(or & or & or)"),
            ("a -OR b", "(a & b) - or"),
            ("a OR ... b", "(a | b)"),
            // Groups.
            ("(a)", "a"),
            ("((a b))", "(a & b)"),
            ("(a b) OR c", "((a & b) | c)"),
            ("c OR (a b)", "(c | (a & b))"),
            ("(a OR b) c", "((a | b) & c)"),
            ("(a OR b) OR c", "((a | b) | c)"),
            ("(a b) c", "((a & b) & c)"),
            ("a -(b c)", "a - (b & c)"),
            ("a -(b OR c)", "a - (b | c)"),
            ("a -(b -c)", "a - [b - c]"),
            ("(a -b) OR c", "([a - b] | c)"),
            ("a (b -c)", "(a & [b - c])"),
            ("-(a) b", "b - a"),
            ("(\"a b\" OR c*)", "(\"a b\" | \"c\"*)"),
            ("(a OR (b (c OR d)))", "(a | (b & (c | d)))"),
            ("(a)(b)", "(a & b)"),
            ("(a OR b)c", "((a | b) & c)"),
            ("( a OR b )", "(a | b)"),
            // The operator joins groups only where they are sought, and groups of nothing are nothing.
            ("(a) OR -(b)", "(a & or) - b"),
            ("a OR () b", "(a | b)"),
            ("() a -(...) (\"\")", "a"),
            ("(OR)", "or"),
            ("a (OR) b", "(a & or & b)"),
            ("(a OR) b", "((a & or) & b)"),
            ("(a) OR (b) OR (c)", "(a | b | c)"),
            // What does not open or close a group is punctuation.
            ("f(x)", "\"f x\""),
            ("f(x) OR g(y)", "(\"f x\" | \"g y\")"),
            ("(f(x) OR g(y)) z", "((\"f x\" | \"g y\") & z)"),
            ("f(x", "\"f x\""),
            ("a) b", "(a & b)"),
            ("a)b", "\"a b\""),
            (") a (", "a"),
            (":) a", "a"),
            ("\"(a\" b) c", "(a & b & c)"),
            ("--(a) b", "b - a"),
            ("- (a) b", "(a & b)"),
            ("(foo)*", "foo"),
            ("（a b）", "(a & b)"),
            // What is not closed runs to the end.
            ("a OR (b c", "(a | (b & c))"),
            ("((a OR b", "(a | b)"),
            ("a -(b", "a - b"),
            ("a -)", "a"),
            ("(a -) b", "(a & b)"),
            ("(a \"b) c", "(a & \"b c\")"),
            // Words of other languages are words.
            ("a AND b NOT c", "(a & and & b & not & c)"),
        ] {
            assert_eq!(shape(source), expected, "{source:?}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (source, expected) in [
            (String::new(), QueryError::NothingToSearchFor),
            (" \t\0".into(), QueryError::NothingToSearchFor),
            ("\"...\" -* ?! 🚀".into(), QueryError::NothingToSearchFor),
            ("-a".into(), QueryError::OnlyExclusions),
            ("... -a -\"b c\"".into(), QueryError::OnlyExclusions),
            ("-(a b)".into(), QueryError::OnlyExclusions),
            ("(-a)".into(), QueryError::OnlyExclusionsInGroup { character: 1 }),
            ("ü (a OR (-b -c))".into(), QueryError::OnlyExclusionsInGroup { character: 9 }),
            ("a -(-b)".into(), QueryError::OnlyExclusionsInGroup { character: 3 }),
            ("(".repeat(8), QueryError::NothingToSearchFor),
            ("(".repeat(1_000), QueryError::TooDeep { character: 9 }),
            (format!("{}a", "-(".repeat(9)), QueryError::TooDeep { character: 17 }),
            (format!("a{}", " OR (a".repeat(9)), QueryError::TooDeep { character: 54 }),
            ("(a b) ".repeat(17), QueryError::TooManyTerms { terms: 34 }),
            ("a".repeat(1_001), QueryError::TooLong { bytes: 1_001 }),
            (format!("é \"{}\"", "a ".repeat(65)), QueryError::PhraseTooLong { character: 3, tokens: 65 }),
            (format!("a -{}", "漢".repeat(65)), QueryError::PhraseTooLong { character: 3, tokens: 65 }),
            ("a ".repeat(33), QueryError::TooManyTerms { terms: 33 }),
            (format!("a{}", " -b".repeat(32)), QueryError::TooManyTerms { terms: 33 }),
        ] {
            assert_eq!(SearchQuery::parse(&source), Err(expected), "{source:?}");
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        for source in [
            "a".repeat(1_000),
            format!("\"{}\"", "a ".repeat(64)),
            "a ".repeat(32),
            // The groups beside each other are no deeper than one.
            "(a) ".repeat(32),
            format!("{}a{}", "(".repeat(8), ")".repeat(8)),
            // The operator is no term.
            format!("a{}", " OR a".repeat(31)),
        ] {
            assert!(SearchQuery::parse(&source).is_ok(), "{source:?}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let error = SearchQuery::parse(&"a ".repeat(33)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the query has 33 words and phrases, and 32 are allowed; leave some out"
        );
    }

    #[test]
    fn phrases_are_those_sought_each_once() {
        let query = SearchQuery::parse("b a OR \"c d\" -x B b*").unwrap();
        let phrases: Vec<String> = query.phrases().iter().map(ToString::to_string).collect();
        assert_eq!(phrases, ["\"b\"", "\"a\"", "\"c d\"", "\"b\"*"]);
    }

    #[test]
    fn in_serde_a_query_is_its_text() {
        let query: SearchQuery = "Café -x".parse().unwrap();
        let json = serde_json::to_string(&query).unwrap();
        assert_eq!(json, "\"Café -x\"");
        assert_eq!(serde_json::from_str::<SearchQuery>(&json).unwrap(), query);
        assert_eq!(query.to_string(), query.source());
        let error = serde_json::from_str::<SearchQuery>("\"-x\"").unwrap_err();
        assert!(error.to_string().contains("only says what to leave out"), "{error}");
    }
}
