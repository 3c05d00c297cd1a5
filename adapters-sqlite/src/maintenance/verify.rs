//! Verifying: that the file is whole, that every row can be read, and that what is searched is what is said.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::connection::{DefaultLoadingMode, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use tubeatlas_domain::search::{Passage, metadata_passages, transcript_passages};
use tubeatlas_domain::{
    Channel, KnowledgeGraph, MediaFile, Playlist, ProcessingTask, SourceFile, Transcript, TranscriptSummary,
    Video, VideoId,
};
use tubeatlas_ports::{
    Catalogued, ChannelOrder, Check, Error, KnowledgeGraphFilter, MediaFileFilter, PlaylistFilter,
    PlaylistOrder, ProcessingTaskOrder, Result, Stored, TranscriptFilter, TranscriptOrder, VideoFilter,
    VideoOrder, Visibility,
};

use super::Maintenance;
use super::rows::each;
use crate::check::{check_integrity, check_references, number, texts, wrong};
use crate::error::{Context, corrupt};
use crate::index_version;
use crate::media_files::words;
use crate::migrations;
use crate::playlists::videos_of;
use crate::schema::{media_file_words, passages, playlist_videos};
use crate::table::Table;

/// How many findings are named; the others are counted.
const NAMED: usize = 20;

const VISIBILITY: Visibility = Visibility::WithDeleted;

impl Maintenance {
    /// Looks at everything that the file holds, as it is at one moment: its pages, its references, that each row is one
    /// that the domain takes, that counts are what they count, and that the full-text index has exactly the tokens
    /// of the texts. Others can read and write meanwhile. It takes some times as long as reading the file, and some
    /// 50 bytes of memory a passage.
    ///
    /// # Errors
    /// Only if the file cannot be opened; what is wrong is in the answer. Of a database that needs migrations only the
    /// file is looked at.
    pub async fn verify(&self) -> Result<Vec<Check>> {
        self.run(|connection, _| verify(connection)).await
    }
}

pub(super) fn verify(connection: &mut SqliteConnection) -> Result<Vec<Check>> {
    // In the schema that is this connection's own; it shows the index token by token.
    let has_index = "SELECT count(*) AS value FROM sqlite_schema WHERE name = 'passages_fts'";
    if number(connection, has_index)? > 0 {
        connection
            .batch_execute(
                "CREATE VIRTUAL TABLE temp.index_tokens USING fts5vocab('main', 'passages_fts', 'instance')",
            )
            .doing("looking into the index")?;
    }
    connection.batch_execute("BEGIN").doing("beginning a read")?;
    let mut checks = vec![
        Check::new("integrity", check_integrity(connection)),
        Check::new("references", check_references(connection)),
    ];
    let pending = migrations::status(connection)?.pending;
    if pending.is_empty() {
        checks.extend(verify_content(connection));
    } else {
        let detail = format!("not looked at: the database needs the migrations {}", pending.join(", "));
        checks.push(Check { name: "content".to_owned(), ok: true, detail });
    }
    connection.batch_execute("ROLLBACK").doing("ending a read")?;
    Ok(checks)
}

fn verify_content(connection: &mut SqliteConnection) -> Vec<Check> {
    let mut index = Index::default();
    let videos = verify_videos(connection, &mut index);
    let transcripts = verify_transcripts(connection, &mut index);
    let all_texts = videos.is_ok() && transcripts.is_ok();
    let version = Check::index_version(index_version::read(connection));
    let index = if !version.ok {
        Ok("not compared, because of its version".to_owned())
    } else if all_texts {
        index.verify(connection)
    } else {
        Err(incomplete())
    };
    vec![
        Check::new("revision", verify_revision(connection)),
        Check::new(
            "channels",
            rows(each::<Channel>(connection, &Default::default(), ChannelOrder::Id, |_, _| Ok(()))),
        ),
        Check::new("videos", videos),
        Check::new("transcripts", transcripts),
        Check::new("knowledge graphs", verify_graphs(connection)),
        Check::new("media files", verify_media_files(connection)),
        Check::new("playlists", verify_playlists(connection)),
        Check::new(
            "source files",
            rows(each::<SourceFile>(connection, &Default::default(), Default::default(), |_, _| Ok(()))),
        ),
        Check::new("tasks", verify_tasks(connection)),
        Check::new("search index", index),
        version,
    ]
}

fn rows(count: Result<u64>) -> Result<String> {
    count.map(|count| format!("{count}, all readable"))
}

fn incomplete() -> Error {
    wrong("not compared, because not all of its texts can be read".to_owned())
}

/// Every revision comes from the one sequence, so none is above it.
fn verify_revision(connection: &mut SqliteConnection) -> Result<String> {
    let given = number(connection, "SELECT revision AS value FROM store_state")?;
    let highest = number(
        connection,
        "SELECT max(coalesce((SELECT max(revision) FROM channels), 0),
                    coalesce((SELECT max(revision) FROM videos), 0),
                    coalesce((SELECT max(revision) FROM transcripts), 0),
                    coalesce((SELECT max(revision) FROM knowledge_graphs), 0),
                    coalesce((SELECT max(revision) FROM processing_tasks), 0),
                    coalesce((SELECT max(revision) FROM media_files), 0),
                    coalesce((SELECT max(revision) FROM source_files), 0),
                    coalesce((SELECT max(revision) FROM playlists), 0)) AS value",
    )?;
    if highest > given {
        return Err(wrong(format!("a row has revision {highest}, and the last one given is {given}")));
    }
    Ok(given.to_string())
}

fn verify_videos(connection: &mut SqliteConnection, index: &mut Index) -> Result<String> {
    let filter = VideoFilter { visibility: VISIBILITY, ..VideoFilter::default() };
    rows(each::<Video>(connection, &filter, VideoOrder::Newest, |connection, video| {
        index.expect(
            connection,
            &video.id,
            None,
            &metadata_passages(&video.title, video.description.as_deref()),
        )
    }))
}

fn verify_transcripts(connection: &mut SqliteConnection, index: &mut Index) -> Result<String> {
    let filter = TranscriptFilter { visibility: VISIBILITY, ..TranscriptFilter::default() };
    let mut findings = Findings::default();
    let visit = |connection: &mut SqliteConnection, listed: Stored<TranscriptSummary>| {
        let id = Transcript::position(&listed);
        let Some(loaded) = Transcript::load(connection, &id)? else { return Ok(()) }; // of the same moment: it is there
        let transcript = loaded.stored.entity;
        if transcript.summary() != listed.entity {
            findings.add(|| format!("{id} has other counts than its cues"));
        }
        let (language, found) = (transcript.language.as_str(), transcript_passages(&transcript.cues));
        index.expect(connection, &transcript.video_id, Some(language), &found)
    };
    let count = each::<Transcript>(connection, &filter, TranscriptOrder::Id, visit)?;
    findings.end(format!("{count}, all readable"))
}

fn verify_graphs(connection: &mut SqliteConnection) -> Result<String> {
    let filter = KnowledgeGraphFilter { visibility: VISIBILITY, ..KnowledgeGraphFilter::default() };
    let mut findings = Findings::default();
    let count = each::<KnowledgeGraph>(connection, &filter, Default::default(), |connection, listed| {
        let id = listed.entity.id;
        let graph = KnowledgeGraph::load(connection, &id)?;
        if graph.is_some_and(|graph| graph.stored.entity.summary() != listed.entity) {
            findings.add(|| format!("{id} has other counts than its entities and relations"));
        }
        Ok(())
    })?;
    findings.end(format!("{count}, all readable"))
}

fn verify_media_files(connection: &mut SqliteConnection) -> Result<String> {
    let filter = MediaFileFilter { visibility: VISIBILITY, ..MediaFileFilter::default() };
    let mut findings = Findings::default();
    let count = each::<MediaFile>(connection, &filter, Default::default(), |connection, file| {
        let found: Vec<String> = media_file_words::table
            .filter(media_file_words::media_file_id.eq(file.entity.id.get().as_bytes().as_slice()))
            .order(media_file_words::word)
            .select(media_file_words::word)
            .load(connection)
            .doing("reading the words of a media file")?;
        if found.iter().ne(&words(&file.entity.path)) {
            findings.add(|| format!("{} is not found by the words of its path", file.entity.id));
        }
        Ok(())
    })?;
    findings.end(format!("{count}, all readable"))
}

fn verify_playlists(connection: &mut SqliteConnection) -> Result<String> {
    let filter = PlaylistFilter { visibility: VISIBILITY, ..PlaylistFilter::default() };
    let mut findings = Findings::default();
    let count = each::<Playlist>(connection, &filter, PlaylistOrder::Id, |connection, listed| {
        let id = &listed.entity.id;
        let Some(loaded) = Playlist::load(connection, id)? else { return Ok(()) }; // of the same moment: it is there
        let playlist = loaded.stored.entity;
        if playlist.summary() != listed.entity {
            findings.add(|| format!("{id} has another count than its videos"));
        }
        let mut found: Vec<String> = playlist_videos::table
            .filter(playlist_videos::playlist_id.eq(id.as_str()))
            .select(playlist_videos::video_id)
            .load(connection)
            .doing("reading the index of a playlist")?;
        found.sort_unstable();
        if !found.iter().map(String::as_str).eq(videos_of(&playlist).into_iter().map(VideoId::as_str)) {
            findings.add(|| format!("{id} is not found by the videos that it holds"));
        }
        Ok(())
    })?;
    findings.end(format!("{count}, all readable"))
}

fn verify_tasks(connection: &mut SqliteConnection) -> Result<String> {
    rows(each::<ProcessingTask>(connection, &Default::default(), ProcessingTaskOrder::Newest, |_, _| Ok(())))
}

/// What the full-text index should have: for each passage the sum of the hashes of its tokens with their places.
///
/// The index is ordered by token, and the texts are not; sums do not mind the order, so neither has to be sorted.
/// What is found is subtracted; what is left of a passage must be nothing.
#[derive(Default)]
struct Index {
    sums: HashMap<i64, Sum>,
    findings: Findings,
}

#[derive(Default)]
struct Sum {
    is_passage: bool,
    sum: u64,
}

#[derive(QueryableByName)]
struct TokenRow {
    #[diesel(sql_type = Text)]
    term: String,
    #[diesel(sql_type = BigInt)]
    doc: i64,
    #[diesel(sql_type = BigInt)]
    offset: i64,
}

fn hash(token: &str, place: i64) -> u64 {
    let mut hasher = DefaultHasher::new(); // the same keys every time
    (token, place).hash(&mut hasher);
    hasher.finish()
}

impl Index {
    /// Expects these passages of a transcript, or of title and description (`None`).
    fn expect(
        &mut self,
        connection: &mut SqliteConnection,
        video_id: &VideoId,
        language: Option<&str>,
        expected: &[Passage],
    ) -> Result<()> {
        let of_video = passages::table.filter(passages::video_id.eq(video_id.as_str())).into_boxed();
        let of_text = match language {
            Some(language) => of_video.filter(passages::language.eq(language)),
            None => of_video.filter(passages::language.is_null()),
        };
        let found: Vec<(i64, i32)> = of_text
            .order((passages::ordinal, passages::id))
            .select((passages::id, passages::ordinal))
            .load(connection)
            .doing("reading passages")?;
        let ordinals = found.iter().map(|(_, ordinal)| i64::from(*ordinal));
        if ordinals.ne(expected.iter().map(|passage| i64::from(passage.ordinal))) {
            let text = language.unwrap_or("title and description");
            let (found, expected) = (found.len(), expected.len());
            self.findings.add(|| format!("{video_id} ({text}) has {found} passages, not its {expected}"));
        }
        for ((id, _), passage) in found.into_iter().zip(expected) {
            let places = 0_i64..;
            let hashes = passage.tokens().zip(places).map(|(token, place)| hash(token, place));
            let sum = hashes.fold(0, u64::wrapping_add);
            self.sums.insert(id, Sum { is_passage: true, sum });
        }
        Ok(())
    }

    fn verify(mut self, connection: &mut SqliteConnection) -> Result<String> {
        let passages = number(connection, "SELECT count(*) AS value FROM passages")?;
        let without_text = texts(
            connection,
            "SELECT p.video_id || ' (' || p.language || ')' AS value
             FROM passages p LEFT JOIN transcripts t ON t.video_id = p.video_id AND t.language = p.language
             WHERE p.language IS NOT NULL AND t.video_id IS NULL GROUP BY p.video_id, p.language",
        )?;
        for text in without_text {
            self.findings.add(|| format!("{text} has passages and no transcript"));
        }
        let tokens = diesel::sql_query("SELECT term, doc, \"offset\" FROM temp.index_tokens");
        for row in tokens.load_iter::<TokenRow, DefaultLoadingMode>(connection).doing("reading the index")? {
            let row = row.doing("reading the index")?;
            let sum = self.sums.entry(row.doc).or_default();
            sum.sum = sum.sum.wrapping_sub(hash(&row.term, row.offset));
        }
        let mut different: Vec<(i64, bool)> =
            self.sums.into_iter().filter(|(_, it)| it.sum != 0).map(|(id, it)| (id, it.is_passage)).collect();
        different.sort_unstable();
        for (id, is_passage) in different {
            if is_passage {
                self.findings.add_with(|| passage_name(connection, id))?;
            } else {
                self.findings.add(|| format!("the index has tokens of a passage {id} that there is not"));
            }
        }
        self.findings.end(format!("{passages} passages, each with its tokens")).map_err(|error| match error {
            Error::Corrupt { message, source } => {
                Error::Corrupt { message: format!("{message}; build it anew with `db reindex`"), source }
            }
            error => error,
        })
    }
}

fn passage_name(connection: &mut SqliteConnection, id: i64) -> Result<String> {
    let (video, language, ordinal): (String, Option<String>, i32) = passages::table
        .find(id)
        .select((passages::video_id, passages::language, passages::ordinal))
        .get_result(connection)
        .map_err(|error| corrupt("passages", &id, &error))?;
    let text = language.as_deref().unwrap_or("title and description");
    Ok(format!("passage {ordinal} of {video} ({text}) has other tokens than its text"))
}

/// What was found to be wrong, of which there may be as much as there is of everything.
#[derive(Default)]
struct Findings {
    named: Vec<String>,
    count: usize,
}

impl Findings {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(name());
        }
    }

    fn add_with(&mut self, name: impl FnOnce() -> Result<String>) -> Result<()> {
        if self.named.len() < NAMED {
            self.named.push(name()?);
        }
        self.count += 1;
        Ok(())
    }

    /// `fine`, if nothing was found.
    fn end(mut self, fine: String) -> Result<String> {
        if self.count == 0 {
            return Ok(fine);
        }
        if self.count > self.named.len() {
            self.named.push(format!("and {} more", self.count - self.named.len()));
        }
        Err(wrong(self.named.join("; ")))
    }
}
