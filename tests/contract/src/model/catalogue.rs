//! What is stored, and what each call does to it: the sentences of the ports, one after another.

use std::collections::BTreeMap;

use serde::Serialize;
use tubeatlas_domain::{
    Channel, ChannelId, Claimability, EntityKind, GraphOwner, KnowledgeGraph, KnowledgeGraphId, Lease,
    LeaseToken, MediaFile, MediaFileId, Playlist, PlaylistId, ProcessingTask, ProcessingTaskId, SourceFile,
    SourcePath, Timestamp, Transcript, TranscriptId, TransitionError, Video, VideoId,
};
use tubeatlas_ports::{
    ChannelFilter, ClaimRequest, Conflict, Cursor, Error, KnowledgeGraphFilter, MAX_EXPIRED_PER_CLAIM,
    MAX_PAGE_LIMIT, MAX_SEARCH_LIMIT, MediaFileFilter, Page, PageRequest, PlaylistFilter,
    ProcessingTaskFilter, Result, Revision, SearchOrder, SearchPage, SearchPosition, SearchRequest,
    SourceFileFilter, Stored, TranscriptFilter, Upserted, VideoFilter, Visibility, check_limit,
};

use crate::rules::search::{self, Corpus};
use crate::rules::subject::{Subject, Written};

/// Everything that is stored.
#[derive(Clone, Default)]
pub(super) struct Catalogue {
    channels: BTreeMap<ChannelId, Stored<Channel>>,
    videos: BTreeMap<VideoId, Stored<Video>>,
    transcripts: BTreeMap<TranscriptId, Stored<Transcript>>,
    knowledge_graphs: BTreeMap<KnowledgeGraphId, Stored<KnowledgeGraph>>,
    processing_tasks: BTreeMap<ProcessingTaskId, Stored<ProcessingTask>>,
    media_files: BTreeMap<MediaFileId, Stored<MediaFile>>,
    source_files: BTreeMap<SourcePath, Stored<SourceFile>>,
    playlists: BTreeMap<PlaylistId, Stored<Playlist>>,
    last_revision: u64,
}

/// A kind of entity in the catalogue.
pub(super) trait Kept: Subject + Serialize {
    fn rows(catalogue: &Catalogue) -> &BTreeMap<Self::Id, Stored<Self>>;

    fn rows_mut(catalogue: &mut Catalogue) -> &mut BTreeMap<Self::Id, Stored<Self>>;

    /// What a filter wants to see of what is deleted.
    fn visibility(filter: &Self::Filter) -> Visibility;

    /// The video that it hangs on.
    fn video(&self) -> Option<&VideoId> {
        None
    }

    /// When it, or the video that it hangs on, was deleted.
    fn deleted_at(catalogue: &Catalogue, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.entity.video().and_then(|id| catalogue.video_deleted_at(id))
    }
}

/// A kind of entity whose state is free.
pub(super) trait Free: Kept + Written {
    /// That what must be unique is free, then that what it refers to is there.
    fn check(&self, catalogue: &Catalogue) -> Result<()>;

    /// That nothing refers to what has this id.
    fn check_unreferenced(_: &Catalogue, _: &Self::Id) -> Result<()> {
        Ok(())
    }

    /// Deletes what is there.
    fn delete(catalogue: &mut Catalogue, stored: &Stored<Self>, _: Timestamp) -> Result<()> {
        Self::rows_mut(catalogue).remove(&stored.entity.id());
        Ok(())
    }
}

// Reads

impl Catalogue {
    fn video_deleted_at(&self, id: &VideoId) -> Option<Timestamp> {
        self.videos.get(id).and_then(|video| video.deleted_at)
    }

    pub(super) fn get<E: Kept>(&self, id: &E::Id, visibility: Visibility) -> Option<&Stored<E>> {
        E::rows(self).get(id).filter(|stored| visibility.shows(E::deleted_at(self, stored)))
    }

    fn taken_in<'a, E: Kept>(&'a self, filter: &'a E::Filter) -> impl Iterator<Item = &'a Stored<E>> {
        E::rows(self).values().filter(|stored| {
            E::takes_in(filter, stored) && E::visibility(filter).shows(E::deleted_at(self, stored))
        })
    }

    pub(super) fn count<E: Kept>(&self, filter: &E::Filter) -> u64 {
        self.taken_in::<E>(filter).count() as u64
    }

    pub(super) fn list<E: Kept>(
        &self,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Stored<E::Listed>>> {
        check_limit(page.limit, MAX_PAGE_LIMIT)?;
        let scope = E::cursor_scope(page.order, filter);
        let mut rows: Vec<_> = self.taken_in::<E>(filter).collect();
        rows.sort_by(|a, b| E::compare(page.order, &E::key(a), &E::key(b)));
        if let Some(cursor) = &page.after {
            let position: E::Position = cursor.decode(scope)?;
            rows.retain(|row| E::compare(page.order, &E::key(row), &position).is_gt());
        }
        let rows = rows.into_iter().map(Stored::listed).collect();
        Page::from_rows(rows, page.limit, |last| Cursor::encode(scope, &E::position(last)))
    }

    pub(super) fn file_at(&self, path: &str, visibility: Visibility) -> Option<&Stored<MediaFile>> {
        let file = self.media_files.values().find(|file| file.path == path)?;
        self.get(&file.entity.id, visibility)
    }

    /// All hits have the same score: scores are each adapter's own.
    pub(super) fn search(&self, request: &SearchRequest) -> Result<SearchPage> {
        check_limit(request.limit, MAX_SEARCH_LIMIT)?;
        let corpus = Corpus {
            videos: self.videos.values().map(|video| video.entity.clone()).collect(),
            transcripts: self.transcripts.values().map(|transcript| transcript.entity.clone()).collect(),
            deleted: self.videos.keys().filter(|id| self.video_deleted_at(id).is_some()).cloned().collect(),
        };
        let by_relevance = request.order == SearchOrder::Relevance;
        let mut hits = corpus.hits(request);
        let scope = request.cursor_scope();
        if let Some(cursor) = &request.after {
            let after: SearchPosition = cursor.decode(scope)?;
            hits.retain(|hit| search::compare(request.order, &search::position(hit), &after).is_gt());
        }
        hits.iter_mut().for_each(|hit| hit.score = by_relevance.then_some(0.0));
        let page =
            Page::from_rows(hits, request.limit, |last| Cursor::encode(scope, &search::position(last)))?;
        Ok(page.into())
    }
}

// Writes

impl Catalogue {
    fn next_revision(&mut self) -> Result<Revision> {
        self.last_revision += 1;
        Revision::new(self.last_revision).map_err(Error::Invalid)
    }

    fn put<E: Kept>(&mut self, stored: Stored<E>) -> Stored<E> {
        E::rows_mut(self).insert(stored.entity.id(), stored.clone());
        stored
    }

    fn find<E: Kept>(&self, id: &E::Id, visibility: Visibility) -> Result<Stored<E>> {
        self.get(id, visibility).cloned().ok_or_else(|| Error::not_found::<E>(id))
    }

    pub(super) fn create<E: Free>(&mut self, entity: &E, now: Timestamp) -> Result<Stored<E>> {
        let id = entity.id();
        if E::rows(self).contains_key(&id) {
            return Err(Error::already_exists::<E>("id", id));
        }
        entity.check(self)?;
        let revision = self.next_revision()?;
        Ok(self.put(Stored::created(entity.clone(), now, revision)))
    }

    fn change<E: Free>(&mut self, old: &Stored<E>, entity: &E, now: Timestamp) -> Result<Stored<E>> {
        entity.check(self)?;
        let revision = self.next_revision()?;
        Ok(self.put(old.changed(entity.clone(), now, revision)))
    }

    pub(super) fn update<E: Free>(
        &mut self,
        entity: &E,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<Stored<E>> {
        let old = self.find::<E>(&entity.id(), Visibility::Live)?;
        old.check_revision(expected)?;
        if old.entity == *entity {
            return Ok(old);
        }
        self.change(&old, entity, now)
    }

    pub(super) fn upsert<E: Free>(&mut self, entity: &E, now: Timestamp) -> Result<Upserted<E>> {
        match E::rows(self).get(&entity.id()).cloned() {
            Some(old) if E::deleted_at(self, &old).is_some() => Ok(Upserted::LeftDeleted),
            Some(old) if old.entity == *entity => Ok(Upserted::Unchanged(old)),
            Some(old) => self.change(&old, entity, now).map(Upserted::Updated),
            None if entity.video().is_some_and(|video| self.video_deleted_at(video).is_some()) => {
                Ok(Upserted::LeftDeleted)
            }
            None => self.create(entity, now).map(Upserted::Created),
        }
    }

    pub(super) fn delete<E: Free>(
        &mut self,
        id: &E::Id,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<()> {
        let stored = self.find::<E>(id, Visibility::Live)?;
        stored.check_revision(expected)?;
        E::check_unreferenced(self, id)?;
        E::delete(self, &stored, now)
    }

    pub(super) fn remove_sources(&mut self, paths: &[SourcePath]) -> u64 {
        paths.iter().filter(|path| self.source_files.remove(*path).is_some()).count() as u64
    }

    pub(super) fn restore<E: Free>(&mut self, id: &E::Id, now: Timestamp) -> Result<Stored<E>> {
        let stored = self.find::<E>(id, Visibility::WithDeleted)?;
        if stored.deleted_at.is_none() {
            return Ok(stored);
        }
        let revision = self.next_revision()?;
        Ok(self.put(stored.restored(now, revision)))
    }

    pub(super) fn purge_playlist(&mut self, id: &PlaylistId, expected: Option<Revision>) -> Result<()> {
        self.find::<Playlist>(id, Visibility::WithDeleted)?.check_revision(expected)?;
        self.playlists.remove(id);
        Ok(())
    }

    pub(super) fn purge(&mut self, id: &VideoId, expected: Option<Revision>) -> Result<()> {
        self.find::<Video>(id, Visibility::WithDeleted)?.check_revision(expected)?;
        self.videos.remove(id);
        self.transcripts.retain(|_, transcript| transcript.entity.video() != Some(id));
        self.knowledge_graphs.retain(|_, graph| graph.entity.video() != Some(id));
        self.media_files.retain(|_, file| file.entity.video() != Some(id));
        Ok(())
    }
}

// Tasks

impl Catalogue {
    pub(super) fn enqueue(&mut self, task: ProcessingTask, now: Timestamp) -> Result<Stored<ProcessingTask>> {
        if self.processing_tasks.contains_key(&task.id) {
            return Err(Error::already_exists::<ProcessingTask>("id", task.id));
        }
        let revision = self.next_revision()?;
        Ok(self.put(Stored::created(task, now, revision)))
    }

    pub(super) fn transition(
        &mut self,
        id: ProcessingTaskId,
        now: Timestamp,
        change: impl FnOnce(&ProcessingTask) -> Result<ProcessingTask, TransitionError>,
    ) -> Result<Stored<ProcessingTask>> {
        let old = self.find::<ProcessingTask>(&id, Visibility::Live)?;
        let task =
            change(&old.entity).map_err(|error| Conflict::Transition { key: id.to_string(), error })?;
        let revision = self.next_revision()?;
        Ok(self.put(old.changed(task, now, revision)))
    }

    pub(super) fn claim(
        &mut self,
        request: &ClaimRequest,
        now: Timestamp,
        new_token: impl FnOnce() -> LeaseToken,
    ) -> Result<Option<Stored<ProcessingTask>>> {
        let in_queue = |catalogue: &Self, wanted: Claimability| -> Vec<ProcessingTaskId> {
            let mut tasks: Vec<_> = catalogue
                .processing_tasks
                .values()
                .filter(|task| request.kinds.as_ref().is_none_or(|kinds| kinds.contains(&task.kind)))
                .filter(|task| request.only.is_none_or(|only| task.id == only))
                .filter(|task| task.claimability(now) == wanted)
                .map(|task| (task.created_at, task.entity.id))
                .collect();
            tasks.sort();
            tasks.into_iter().map(|(_, id)| id).collect()
        };
        let most = usize::try_from(MAX_EXPIRED_PER_CLAIM).unwrap_or(usize::MAX);
        for id in in_queue(self, Claimability::Exhausted).into_iter().take(most) {
            self.transition(id, now, |task| task.expire(now))?;
        }
        let Some(oldest) = in_queue(self, Claimability::Yes).into_iter().next() else { return Ok(None) };
        let lease = Lease {
            token: new_token(),
            worker: request.worker.clone(),
            expires_at: now.saturating_add_millis(request.lease_ms),
        };
        self.transition(oldest, now, |task| task.claim(lease, now)).map(Some)
    }

    pub(super) fn remove_finished(&mut self, before: Timestamp, limit: u32) -> u64 {
        let tasks = self.processing_tasks.values();
        let mut finished: Vec<_> =
            tasks.filter_map(|task| Some((task.finished_at?, task.entity.id))).collect();
        finished.retain(|(at, _)| *at < before);
        finished.sort();
        finished.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        for (_, id) in &finished {
            self.processing_tasks.remove(id);
        }
        finished.len() as u64
    }
}

// The kinds

fn check_channel<E: Kept>(catalogue: &Catalogue, entity: &E, id: &ChannelId) -> Result<()> {
    match catalogue.channels.contains_key(id) {
        true => Ok(()),
        false => Err(Error::missing_reference(entity, EntityKind::Channel, id)),
    }
}

fn check_video<E: Kept>(catalogue: &Catalogue, entity: &E, id: &VideoId) -> Result<()> {
    match catalogue.get::<Video>(id, Visibility::Live) {
        Some(_) => Ok(()),
        None => Err(Error::missing_reference(entity, EntityKind::Video, id)),
    }
}

macro_rules! kept_in {
    ($field:ident) => {
        fn rows(catalogue: &Catalogue) -> &BTreeMap<Self::Id, Stored<Self>> {
            &catalogue.$field
        }

        fn rows_mut(catalogue: &mut Catalogue) -> &mut BTreeMap<Self::Id, Stored<Self>> {
            &mut catalogue.$field
        }
    };
}

impl Kept for Channel {
    kept_in!(channels);

    fn visibility(ChannelFilter {}: &ChannelFilter) -> Visibility {
        Visibility::Live
    }
}

impl Free for Channel {
    fn check(&self, _: &Catalogue) -> Result<()> {
        Ok(())
    }

    fn check_unreferenced(catalogue: &Catalogue, id: &ChannelId) -> Result<()> {
        let video = catalogue.videos.values().any(|video| video.channel_id.as_ref() == Some(id));
        let owner = GraphOwner::Channel(id.clone());
        let graph = catalogue.knowledge_graphs.values().any(|graph| graph.owner == owner);
        let playlist = catalogue.playlists.values().any(|playlist| playlist.channel_id.as_ref() == Some(id));
        let by = match (video, graph, playlist) {
            (true, _, _) => EntityKind::Video,
            (false, true, _) => EntityKind::KnowledgeGraph,
            (false, false, true) => EntityKind::Playlist,
            (false, false, false) => return Ok(()),
        };
        Err(Error::StillReferenced { entity: EntityKind::Channel, key: id.to_string(), by })
    }
}

impl Kept for Video {
    kept_in!(videos);

    fn visibility(filter: &VideoFilter) -> Visibility {
        filter.visibility
    }

    fn deleted_at(_: &Catalogue, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.deleted_at
    }
}

impl Free for Video {
    fn check(&self, catalogue: &Catalogue) -> Result<()> {
        self.channel_id.as_ref().map_or(Ok(()), |channel| check_channel(catalogue, self, channel))
    }

    fn delete(catalogue: &mut Catalogue, stored: &Stored<Self>, now: Timestamp) -> Result<()> {
        let revision = catalogue.next_revision()?;
        catalogue.put(stored.deleted(now, revision));
        Ok(())
    }
}

impl Kept for Transcript {
    kept_in!(transcripts);

    fn visibility(filter: &TranscriptFilter) -> Visibility {
        filter.visibility
    }

    fn video(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }
}

impl Free for Transcript {
    fn check(&self, catalogue: &Catalogue) -> Result<()> {
        check_video(catalogue, self, &self.video_id)
    }
}

impl Kept for KnowledgeGraph {
    kept_in!(knowledge_graphs);

    fn visibility(filter: &KnowledgeGraphFilter) -> Visibility {
        filter.visibility
    }

    fn video(&self) -> Option<&VideoId> {
        match &self.owner {
            GraphOwner::Video(id) => Some(id),
            GraphOwner::Channel(_) => None,
        }
    }
}

impl Free for KnowledgeGraph {
    fn check(&self, catalogue: &Catalogue) -> Result<()> {
        match &self.owner {
            GraphOwner::Video(id) => check_video(catalogue, self, id),
            GraphOwner::Channel(id) => check_channel(catalogue, self, id),
        }
    }
}

impl Kept for MediaFile {
    kept_in!(media_files);

    fn visibility(filter: &MediaFileFilter) -> Visibility {
        filter.visibility
    }

    fn video(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }
}

impl Free for MediaFile {
    fn check(&self, catalogue: &Catalogue) -> Result<()> {
        let taken =
            catalogue.media_files.values().any(|file| file.path == self.path && file.entity.id != self.id);
        if taken {
            return Err(Error::already_exists::<Self>("path", &self.path));
        }
        check_video(catalogue, self, &self.video_id)
    }
}

impl Kept for SourceFile {
    kept_in!(source_files);

    fn visibility(_: &SourceFileFilter) -> Visibility {
        Visibility::Live
    }
}

impl Free for SourceFile {
    fn check(&self, _: &Catalogue) -> Result<()> {
        Ok(())
    }
}

impl Kept for Playlist {
    kept_in!(playlists);

    fn visibility(filter: &PlaylistFilter) -> Visibility {
        filter.visibility
    }

    fn deleted_at(_: &Catalogue, stored: &Stored<Self>) -> Option<Timestamp> {
        stored.deleted_at
    }
}

impl Free for Playlist {
    fn check(&self, catalogue: &Catalogue) -> Result<()> {
        self.channel_id.as_ref().map_or(Ok(()), |channel| check_channel(catalogue, self, channel))
    }

    fn delete(catalogue: &mut Catalogue, stored: &Stored<Self>, now: Timestamp) -> Result<()> {
        let revision = catalogue.next_revision()?;
        catalogue.put(stored.deleted(now, revision));
        Ok(())
    }
}

impl Kept for ProcessingTask {
    kept_in!(processing_tasks);

    fn visibility(_: &ProcessingTaskFilter) -> Visibility {
        Visibility::Live
    }
}
