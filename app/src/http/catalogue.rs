//! Lists of what is in the catalogue, and each thing alone.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tubeatlas_domain::{
    Channel, ChannelId, GraphOwner, KnowledgeGraph, KnowledgeGraphSummary, LanguageTag, MediaFile, Playlist,
    PlaylistId, PlaylistSummary, TaskKind, TaskStatus, Transcript, TranscriptId, TranscriptSummary, Video,
    VideoId,
};
use tubeatlas_ports::{
    Catalogued, ChannelFilter, ChannelOrder, Cursor, Error, KnowledgeGraphFilter, KnowledgeGraphOrder,
    MediaFileFilter, Page, PlaylistFilter, PlaylistOrder, ProcessingTaskFilter, ProcessingTaskOrder,
    Repository, Stored, TranscriptFilter, VideoFilter, VideoOrder, Visibility,
};

use super::params::{Params, Segments, page};
use super::{ApiError, SharedStore};
use crate::dates::date_or_time;
use crate::view::TaskView;

type Answer<T> = Result<Json<T>, ApiError>;
type ListAnswer<T> = Answer<Page<Stored<T>>>;

async fn get<E: Catalogued>(
    repository: &(impl Repository<E> + ?Sized),
    id: E::Id,
) -> Result<Stored<E>, ApiError> {
    let found = repository.get(&id, Visibility::Live).await?;
    Ok(found.ok_or_else(|| Error::NotFound { entity: E::KIND, key: id.to_string() })?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelParams {
    order: Option<ChannelOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn channels(
    State(store): State<SharedStore>,
    Params(params): Params<ChannelParams>,
) -> ListAnswer<Channel> {
    let page = page(params.order, params.limit, params.cursor);
    Ok(Json(store.channels().list(&ChannelFilter {}, &page).await?))
}

pub(super) async fn channel(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<Channel>> {
    Ok(Json(get(store.channels(), ChannelId::parse(id)?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaylistParams {
    channel: Option<ChannelId>,
    video: Option<VideoId>,
    order: Option<PlaylistOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn playlists(
    State(store): State<SharedStore>,
    Params(params): Params<PlaylistParams>,
) -> ListAnswer<PlaylistSummary> {
    let filter =
        PlaylistFilter { channel_id: params.channel, video_id: params.video, visibility: Visibility::Live };
    let page = page(params.order, params.limit, params.cursor);
    Ok(Json(store.playlists().list(&filter, &page).await?))
}

pub(super) async fn playlist(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<Playlist>> {
    Ok(Json(get(store.playlists(), PlaylistId::parse(id)?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VideoParams {
    channel: Option<ChannelId>,
    from: Option<String>,
    before: Option<String>,
    order: Option<VideoOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn videos(
    State(store): State<SharedStore>,
    Params(params): Params<VideoParams>,
) -> ListAnswer<Video> {
    let time = |text: Option<String>| text.as_deref().map(date_or_time).transpose();
    let filter = VideoFilter {
        channel_id: params.channel,
        published_from: time(params.from)?,
        published_before: time(params.before)?,
        visibility: Visibility::Live,
    };
    let page = page(params.order, params.limit, params.cursor);
    Ok(Json(store.videos().list(&filter, &page).await?))
}

pub(super) async fn video(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<Video>> {
    Ok(Json(get(store.videos(), VideoId::parse(id)?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TranscriptParams {
    language: Option<LanguageTag>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

/// The transcripts of a video; of one that is not there they are `not_found`, rather than none.
pub(super) async fn transcripts(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
    Params(params): Params<TranscriptParams>,
) -> ListAnswer<TranscriptSummary> {
    let id = VideoId::parse(id)?;
    let filter = TranscriptFilter {
        video_id: Some(id.clone()),
        language: params.language,
        visibility: Visibility::Live,
    };
    let page = page(None, params.limit, params.cursor);
    let transcripts = store.transcripts().list(&filter, &page).await?;
    if transcripts.items.is_empty() {
        get(store.videos(), id).await?;
    }
    Ok(Json(transcripts))
}

pub(super) async fn transcript(
    State(store): State<SharedStore>,
    Segments((video_id, language)): Segments<(String, String)>,
) -> Answer<Stored<Transcript>> {
    let id = TranscriptId { video_id: VideoId::parse(video_id)?, language: LanguageTag::parse(language)? };
    Ok(Json(get(store.transcripts(), id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphParams {
    video: Option<VideoId>,
    channel: Option<ChannelId>,
    order: Option<KnowledgeGraphOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn graphs(
    State(store): State<SharedStore>,
    Params(params): Params<GraphParams>,
) -> ListAnswer<KnowledgeGraphSummary> {
    let owner = match (params.video, params.channel) {
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid(Some("channel"), "a graph has one owner; give video or channel"));
        }
        (video, channel) => video.map(GraphOwner::Video).or(channel.map(GraphOwner::Channel)),
    };
    let filter = KnowledgeGraphFilter { owner, visibility: Visibility::Live };
    let page = page(params.order, params.limit, params.cursor);
    Ok(Json(store.knowledge_graphs().list(&filter, &page).await?))
}

pub(super) async fn graph(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<KnowledgeGraph>> {
    Ok(Json(get(store.knowledge_graphs(), id.parse()?).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskParams {
    status: Option<TaskStatus>,
    kind: Option<TaskKind>,
    target: Option<String>,
    order: Option<ProcessingTaskOrder>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn tasks(
    State(store): State<SharedStore>,
    Params(params): Params<TaskParams>,
) -> ListAnswer<TaskView> {
    let filter = ProcessingTaskFilter { status: params.status, kind: params.kind, target: params.target };
    let page = page(params.order, params.limit, params.cursor);
    let Page { items, next } = store.processing_tasks().list(&filter, &page).await?;
    let items = items.into_iter().map(|task| task.map(TaskView::from)).collect();
    Ok(Json(Page { items, next }))
}

pub(super) async fn task(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<TaskView>> {
    Ok(Json(get(store.processing_tasks(), id.parse()?).await?.map(TaskView::from)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaParams {
    video: Option<VideoId>,
    words: Option<String>,
    limit: Option<u32>,
    cursor: Option<Cursor>,
}

pub(super) async fn media_files(
    State(store): State<SharedStore>,
    Params(params): Params<MediaParams>,
) -> ListAnswer<MediaFile> {
    let filter =
        MediaFileFilter { video_id: params.video, words: params.words, visibility: Visibility::Live };
    let page = page(None, params.limit, params.cursor);
    Ok(Json(store.media_files().list(&filter, &page).await?))
}

pub(super) async fn media_file(
    State(store): State<SharedStore>,
    Segments(id): Segments<String>,
) -> Answer<Stored<MediaFile>> {
    Ok(Json(get(store.media_files(), id.parse()?).await?))
}
