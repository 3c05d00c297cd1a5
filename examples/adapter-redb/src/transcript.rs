//! The transcripts.

use async_trait::async_trait;
use tubeatlas_domain::{Transcript, TranscriptId, TranscriptSummary, VideoId};
use tubeatlas_ports::{
    MAX_SEARCH_LIMIT, Result, SearchPage, SearchRequest, Stored, TranscriptFilter, TranscriptOrder,
    TranscriptRepository, check_limit,
};

use crate::draft::{Draft, decode, encode};
use crate::engine::{Span, Table};
use crate::entity::{Kept, TableRow, Walk, Written};
use crate::keys::text_key;
use crate::session::Session;
use crate::{search, video};

/// Video, language.
const TABLE: Table = "transcripts";
/// The same without the content.
const LISTED: Table = "transcripts_listed";
pub(crate) const TABLES: &[Table] = &[TABLE, LISTED];

/// Begins the keys of the transcripts of a video.
fn prefix(video: &VideoId) -> Vec<u8> {
    text_key(&[video.as_str()])
}

/// The transcripts of a video.
pub(crate) fn of_video(draft: &Draft<'_>, id: &VideoId) -> Result<Vec<Stored<Transcript>>> {
    draft.scan(TABLE, Span::prefix(prefix(id))).map(|row| decode(TABLE, &row?.1)).collect()
}

impl Kept for Transcript {
    const TABLE: Table = TABLE;
    const LISTED: Table = LISTED;

    fn key(id: &TranscriptId) -> Vec<u8> {
        text_key(&[id.video_id.as_str(), id.language.as_str()])
    }

    fn index(stored: &Stored<Self>) -> Result<Vec<TableRow>> {
        let mut rows = search::rows_of_transcript(&stored.entity);
        let id = TranscriptId { video_id: stored.video_id.clone(), language: stored.language.clone() };
        rows.push((LISTED, Self::key(&id), encode(&stored.listed())?));
        Ok(rows)
    }

    fn hangs_on(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }

    fn walk(filter: &TranscriptFilter, order: TranscriptOrder, after: Option<&TranscriptId>) -> Walk {
        let TranscriptOrder::Id = order;
        let prefix = filter.video_id.as_ref().map(prefix).unwrap_or_default();
        Walk { table: LISTED, spans: vec![Span::prefix(prefix).behind_if(after.map(Self::key))] }
    }

    fn takes_in(
        draft: &Draft<'_>,
        filter: &TranscriptFilter,
        row: &Stored<TranscriptSummary>,
    ) -> Result<bool> {
        let TranscriptFilter { video_id, language, visibility } = filter;
        Ok(video_id.as_ref().is_none_or(|wanted| row.video_id == *wanted)
            && language.as_ref().is_none_or(|wanted| wanted.covers(&row.language))
            && visibility.shows(video::deleted_at(draft, &row.video_id)?))
    }
}

impl Written for Transcript {
    fn check_references(&self, draft: &Draft<'_>) -> Result<()> {
        video::check_live(draft, self, &self.video_id)
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        let request = request.clone();
        self.read(move |draft| {
            check_limit(request.limit, MAX_SEARCH_LIMIT)?;
            let scope = request.cursor_scope();
            let after = request.after.as_ref().map(|cursor| cursor.decode(scope)).transpose()?;
            search::search(draft, &request, after.as_ref())
        })
        .await
    }
}
