//! The transcripts.

use std::sync::Arc;

use async_trait::async_trait;
use tubeatlas_domain::search::transcript_passages;
use tubeatlas_domain::{Timestamp, Transcript, TranscriptId, VideoId};
use tubeatlas_ports::{
    Result, SearchPage, SearchRequest, Stored, TranscriptFilter, TranscriptOrder, TranscriptRepository,
};

use crate::repository::{Kept, Rows, Written};
use crate::search::{DocumentKey, search};
use crate::session::Session;
use crate::state::{Groups, State, Table, behind, between};
use crate::videos::check_video;

#[derive(Clone, Default, PartialEq)]
pub(crate) struct Transcripts {
    pub(crate) by_id: Table<Transcript>,
    pub(crate) by_video: Groups<Arc<VideoId>, Arc<TranscriptId>>,
}

impl Kept for Transcript {
    fn table(state: &State) -> &Table<Self> {
        &state.transcripts.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.transcripts.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<TranscriptId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let of_video = |_: &Stored<Self>| (Arc::new(id.video_id.clone()), id.clone());
        state.transcripts.by_video.rekey(old.map(of_video), new.map(of_video));
        if old.map(|old| &old.cues) != new.map(|new| &new.cues) {
            let key = DocumentKey { video_id: id.video_id.clone(), language: Some(id.language.clone()) };
            state.index.replace(key, new.map(|new| transcript_passages(&new.cues)).unwrap_or_default());
        }
    }

    fn deleted_at(state: &State, stored: &Stored<Self>) -> Option<Timestamp> {
        state.videos.deleted_at(&stored.video_id)
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a TranscriptFilter,
        order: TranscriptOrder,
        after: Option<TranscriptId>,
    ) -> Rows<'a, Self> {
        let TranscriptFilter { video_id, language, visibility } = filter;
        let TranscriptOrder::Id = order;
        let Transcripts { by_id, by_video } = &state.transcripts;
        let rows: Rows<'a, Self> = match video_id {
            Some(video) => {
                let ids = between(by_video.of(video), after.as_ref(), None);
                Box::new(ids.filter_map(|id| by_id.get(id)))
            }
            None => {
                let rows = by_id.range::<_, TranscriptId>(behind(after.as_ref()));
                Box::new(rows.map(|(_, row)| row))
            }
        };
        Box::new(rows.filter(move |row| {
            language.as_ref().is_none_or(|wanted| wanted.covers(&row.language))
                && visibility.shows(Self::deleted_at(state, row))
        }))
    }
}

impl Written for Transcript {
    fn hangs_on(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }

    fn check_references(&self, state: &State) -> Result<()> {
        check_video(state, self, &self.video_id)
    }
}

#[async_trait]
impl TranscriptRepository for Session {
    async fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        self.read(|state| search(state, request))
    }
}
