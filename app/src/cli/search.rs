//! `tubeatlas search`

use std::process::ExitCode;

use clap::Args;
use tubeatlas_domain::{ChannelId, LanguageTag, VideoId};
use tubeatlas_ports::{Cursor, DEFAULT_SEARCH_LIMIT, SearchOrder, SearchRequest};

use super::Context;
use super::list::{Deleted, note_next, word};
use super::output::{one_line, time};
use crate::error::AppError;
use crate::excerpt::Excerpt;
use crate::search::{Hit, Within, parse_query, request, search};

#[derive(Debug, Args)]
#[command(
    after_help = "A query is words that must all be said near each other. \"in quotes\" a phrase, astro* \
                        what begins so, -tea what must not be said, tea OR coffee one of both, (tea milk) OR \
                        coffee a group. It is narrowed by channel:NAME, lang:en, kind:manual, automatic or \
                        translated, after:2020, before:2021-07, title:word."
)]
pub(super) struct Search {
    /// What was said; several words are one query, and behind -- it may begin with a hyphen
    #[arg(value_name = "QUERY", required = true)]
    query: Vec<String>,
    /// Only in videos of this channel
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    channel: Option<ChannelId>,
    /// Only in this video, with all its cues
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    video: Option<VideoId>,
    /// Only in this language; en takes in en-US
    #[arg(long, value_name = "TAG")]
    language: Option<LanguageTag>,
    #[command(flatten)]
    deleted: Deleted,
    /// The order of the hits
    #[arg(long, value_name = "relevance|newest|oldest", default_value = "relevance", value_parser = word::<SearchOrder>)]
    order: SearchOrder,
    /// How many hits at most, from 1 to 100
    #[arg(long, default_value_t = DEFAULT_SEARCH_LIMIT)]
    limit: u32,
    /// Go on behind the page that gave this cursor
    #[arg(long)]
    cursor: Option<String>,
    /// How many cues of a hit at most; 3 if it is not given, and inside one video all
    #[arg(long, value_name = "N")]
    cues: Option<u32>,
}

impl Search {
    pub(super) async fn run(self, context: &Context<'_>) -> Result<ExitCode, AppError> {
        let query = parse_query(&self.query.join(" "))?;
        let within = Within { channel_id: self.channel, video_id: self.video, language: self.language };
        let output = context.output;
        context
            .with_catalogue(async |store| {
                let request = request(store, query, within).await?;
                let request = SearchRequest {
                    visibility: self.deleted.visibility(),
                    order: self.order,
                    limit: self.limit,
                    after: self.cursor.map(Cursor::from_text),
                    cues_per_hit: self.cues.unwrap_or(request.cues_per_hit),
                    ..request
                };
                let hits = search(store, &request).await?;
                output.show(&hits, |hits| {
                    let hits = hits.hits.iter().map(|hit| shown(hit, output.is_bold()));
                    hits.collect::<Vec<_>>().join("\n")
                })?;
                if hits.hits.is_empty() && output.is_text() {
                    output.note("nothing was found");
                }
                if let Some(passages) = hits.among_latest {
                    output.note(&format!(
                        "so common words were only looked for in what was stored last, and are not ranked: at most {passages} \
                         passages were taken into account; add a rarer word"
                    ));
                }
                note_next(output, hits.next_cursor.as_ref());
                Ok(ExitCode::SUCCESS)
            })
            .await
    }
}

fn shown(hit: &Hit, bold: bool) -> String {
    let mut about = Vec::new();
    about.extend(hit.channel_id.as_ref().map(ToString::to_string));
    about.push(hit.language.as_ref().map_or_else(|| found_in(hit).to_owned(), ToString::to_string));
    about.extend(hit.cues.first().map(|cue| time(cue.start_ms)));
    about.push(hit.url.clone().unwrap_or_else(|| hit.video_id.to_string()));
    let title = marked(&hit.title, &hit.title_highlights, bold);
    let mut text = format!("{title}\n  {}\n", one_line(&about.join(" · ")));
    if let Some(Excerpt { text: line, highlights }) = &hit.description {
        text += &format!("  {:>8}  {}\n", "", marked(line, highlights, bold));
    }
    for cue in &hit.cues {
        text += &format!("  {:>8}  {}\n", time(cue.start_ms), marked(&cue.text, &cue.highlights, bold));
    }
    text
}

/// Which of title and description shows words of the query; both, too, if what was found runs across them.
fn found_in(hit: &Hit) -> &'static str {
    match (hit.title_highlights.is_empty(), &hit.description) {
        (false, None) => "title",
        (true, Some(_)) => "description",
        _ => "title and description",
    }
}

/// A text in one line with what was found in brackets, or bold.
fn marked(whole: &str, highlights: &[(usize, usize)], bold: bool) -> String {
    let (begin, end) = if bold { ("\u{1b}[1m", "\u{1b}[0m") } else { ("[", "]") };
    // Words go on one line; the spaces around a highlight are kept by marking before and after them.
    let piece = |from: usize, to: usize| {
        let text = whole.get(from..to).unwrap_or_default();
        super::output::clean(text).replace('\n', " ")
    };
    let mut text = String::new();
    let mut done = 0;
    for (from, to) in highlights {
        text += &format!("{}{begin}{}{end}", piece(done, *from), piece(*from, *to));
        done = *to;
    }
    text + &piece(done, whole.len())
}

#[cfg(test)]
mod tests {
    use tubeatlas_ports::FoundCue;

    use super::*;

    fn hit() -> Hit {
        Hit {
            video_id: VideoId::parse("abc").unwrap(),
            title: "A\ntitle".into(),
            title_highlights: vec![],
            description: None,
            channel_id: Some(ChannelId::parse("UC1").unwrap()),
            language: Some(LanguageTag::parse("en").unwrap()),
            url: Some("https://a.example/abc?t=9s".into()),
            score: Some(1.0),
            cues: vec![FoundCue {
                start_ms: 9_500,
                end_ms: 10_000,
                text: "a high\nlevel \u{1b}API".into(),
                highlights: vec![(2, 6), (7, 12)],
            }],
        }
    }

    #[test]
    fn a_hit_is_readable_without_colour() {
        let text = "A title\n  UC1 · en · 00:09 · https://a.example/abc?t=9s\n     00:09  a [high] [level] \u{fffd}API\n";
        assert_eq!(shown(&hit(), false), text);
        assert!(shown(&hit(), true).contains("a \u{1b}[1mhigh\u{1b}[0m "));
    }

    #[test]
    fn a_hit_in_the_title_says_so() {
        let hit = Hit { cues: vec![], language: None, url: None, title_highlights: vec![(2, 7)], ..hit() };
        assert_eq!(shown(&hit, false), "A [title]\n  UC1 · title · abc\n");
        let excerpt = Excerpt { text: "this title".into(), highlights: vec![(5, 10)] };
        let both = Hit { description: Some(excerpt), ..hit };
        let text = "A [title]\n  UC1 · title and description · abc\n            this [title]\n";
        assert_eq!(shown(&both, false), text);
        let description = Hit { title_highlights: vec![], ..both };
        assert!(shown(&description, false).contains(" · description · "));
    }
}
