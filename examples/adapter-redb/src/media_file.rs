//! The media files.

use std::collections::BTreeSet;

use async_trait::async_trait;
use tubeatlas_domain::search::tokens;
use tubeatlas_domain::{MediaFile, MediaFileId, VideoId};
use tubeatlas_ports::{
    Error, MediaFileFilter, MediaFileOrder, MediaFilePosition, MediaFileRepository, Result, Stored,
    Visibility,
};

use crate::draft::Draft;
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written, shown};
use crate::keys::{joined, text_key};
use crate::session::Session;
use crate::video;

const TABLE: Table = "media_files";
/// Scope, path; the scope is a video, or empty for all files.
const BY_PATH: Table = "media_files_by_path";
pub(crate) const TABLES: &[Table] = &[TABLE, BY_PATH];

/// Begins the keys of the files of a video, or of all.
fn scope(video: Option<&VideoId>) -> Vec<u8> {
    text_key(&[video.map_or("", VideoId::as_str)])
}

fn path_key(video: Option<&VideoId>, path: &str) -> Vec<u8> {
    joined(&scope(video), path.as_bytes())
}

/// The files of a video.
pub(crate) fn of_video(draft: &Draft<'_>, id: &VideoId) -> Result<Vec<Stored<MediaFile>>> {
    let keys = draft.scan(BY_PATH, Span::prefix(scope(Some(id))));
    keys.filter_map(|row| row.and_then(|(_, key)| draft.read(TABLE, &key)).transpose()).collect()
}

/// Whether all words are words of the path. (This looks at each file; an index of words would go here.)
fn holds_words(path: &str, words: &str) -> bool {
    let path: BTreeSet<String> = tokens(path).into_iter().map(|token| token.text.into_owned()).collect();
    let words = tokens(words);
    !words.is_empty() && words.iter().all(|word| path.contains(&*word.text))
}

impl Kept for MediaFile {
    const TABLE: Table = TABLE;

    fn key(id: &MediaFileId) -> Vec<u8> {
        id.get().as_bytes().into()
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let scopes = [None, Some(&stored.video_id)];
        let row = |video| (BY_PATH, path_key(video, &stored.path), Self::key(&stored.entity.id));
        Ok(scopes.map(row).into())
    }

    fn hangs_on(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }

    fn walk(filter: &MediaFileFilter, order: MediaFileOrder, after: Option<&MediaFilePosition>) -> Walk {
        let MediaFileOrder::Path = order;
        let video = filter.video_id.as_ref();
        let after = after.map(|after| path_key(video, &after.path));
        Walk { table: BY_PATH, spans: vec![Span::prefix(scope(video)).behind_if(after)] }
    }

    fn takes_in(draft: &Draft<'_>, filter: &MediaFileFilter, row: &Stored<Self>) -> Result<bool> {
        let MediaFileFilter { video_id, words, visibility } = filter;
        Ok(video_id.as_ref().is_none_or(|wanted| row.video_id == *wanted)
            && words.as_ref().is_none_or(|words| holds_words(&row.path, words))
            && visibility.shows(video::deleted_at(draft, &row.video_id)?))
    }
}

impl Written for MediaFile {
    fn check_unique(&self, draft: &Draft<'_>) -> Result<()> {
        match draft.get(BY_PATH, &path_key(None, &self.path))? {
            Some(other) if other != Self::key(&self.id) => {
                Err(Error::already_exists::<Self>("path", &self.path))
            }
            _ => Ok(()),
        }
    }

    fn check_references(&self, draft: &Draft<'_>) -> Result<()> {
        video::check_live(draft, self, &self.video_id)
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        let key = path_key(None, path);
        self.read(move |draft| {
            let Some(stored) = draft.get(BY_PATH, &key)? else { return Ok(None) };
            let stored: Option<Stored<MediaFile>> = draft.read(TABLE, &stored)?;
            stored.map_or(Ok(None), |stored| shown(draft, &stored.entity.id, visibility))
        })
        .await
    }
}
