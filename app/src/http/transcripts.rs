//! `/api/v1/transcripts`, and those of a video

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing;
use serde::Deserialize;
use serde_json::Value;
use tubeatlas_domain::{
    LanguageTag, Transcript, TranscriptFields, TranscriptId, TranscriptSummary, ValidationError, VideoId,
};
use tubeatlas_ports::{Cursor, Repositories, TranscriptFilter, TranscriptOrder, Visibility, WriteRepository};
use utoipa::IntoParams;
use utoipa::openapi::HttpMethod;
use utoipa_axum::router::OpenApiRouter;

use super::accept::{Offer, chosen};
use super::conditions::{Conditions, etag};
use super::openapi::{Describe, Description};
use super::params::{Params, Segments, encoded, page};
use super::resource::{Resource, Tagged, find, listed, not_modified, writes};
use super::{ApiError, Service};
use crate::captions::{self, CaptionFormat};

impl Resource for Transcript {
    type Fields = TranscriptFields;
    type Segments = (String, String);

    const COLLECTION: &'static str = "/transcripts";
    const ITEM: &'static str = "/videos/{video_id}/transcripts/{language}";

    fn id_of((video_id, language): (String, String)) -> Result<TranscriptId, ValidationError> {
        Ok(TranscriptId { video_id: VideoId::parse(video_id)?, language: LanguageTag::parse(language)? })
    }

    fn path_of(id: &TranscriptId) -> String {
        format!("/videos/{}/transcripts/{}", encoded(id.video_id.as_str()), id.language)
    }

    fn id_fields(id: &TranscriptId) -> Vec<(&'static str, Value)> {
        vec![("video_id", id.video_id.as_str().into()), ("language", id.language.as_str().into())]
    }

    fn repository(repositories: &dyn Repositories) -> &dyn WriteRepository<Self> {
        repositories.transcripts()
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Of this video.
    video: Option<VideoId>,
    /// In this language.
    language: Option<LanguageTag>,
    /// Whether those of deleted videos are shown: `live` (not), `with_deleted`, `only_deleted`.
    visibility: Option<Visibility>,
    /// `id`.
    order: Option<TranscriptOrder>,
    /// How many; 50 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<Cursor>,
}

async fn list(
    State(service): State<Service>,
    uri: OriginalUri,
    Params(params): Params<ListParams>,
) -> Result<Response, ApiError> {
    let filter = TranscriptFilter {
        video_id: params.video,
        language: params.language,
        visibility: params.visibility.unwrap_or_default(),
    };
    let page = page(params.order, params.limit, params.cursor);
    Ok(listed(&uri, service.store.transcripts().list(&filter, &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OfVideoParams {
    /// In this language.
    language: Option<LanguageTag>,
    /// How many; 50 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on.
    cursor: Option<Cursor>,
}

/// The transcripts of a video; of one that is not there they are `not_found`, rather than none.
async fn of_video(
    State(service): State<Service>,
    uri: OriginalUri,
    Segments(id): Segments<String>,
    Params(params): Params<OfVideoParams>,
) -> Result<Response, ApiError> {
    let id = VideoId::parse(id)?;
    let filter = TranscriptFilter {
        video_id: Some(id.clone()),
        language: params.language,
        visibility: Visibility::Live,
    };
    let page = page(None, params.limit, params.cursor);
    let transcripts = service.store.transcripts().list(&filter, &page).await?;
    if transcripts.items.is_empty() {
        find(service.store.videos(), &id).await?;
    }
    Ok(listed(&uri, transcripts))
}

/// The media types that a transcript is given in, and the files that they are.
const OFFERS: [Offer<Option<CaptionFormat>>; 4] = [
    Offer { media_type: "application/json", name: "json", what: None },
    Offer { media_type: "text/vtt", name: "vtt", what: Some(CaptionFormat::Vtt) },
    Offer { media_type: "application/x-subrip", name: "srt", what: Some(CaptionFormat::Srt) },
    Offer { media_type: "text/plain", name: "txt", what: Some(CaptionFormat::Txt) },
];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OneParams {
    /// Which of them, where `Accept` cannot be set: `json`, `vtt`, `srt` or `txt`.
    #[param(value_type = Option<String>, pattern = "^(json|vtt|srt|txt)$")]
    format: Option<String>,
}

async fn one(
    State(service): State<Service>,
    Segments(segments): Segments<(String, String)>,
    Params(params): Params<OneParams>,
    headers: HeaderMap,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let offer = chosen(&OFFERS, params.format.as_deref(), &headers)?;
    let stored = find(service.store.transcripts(), &Transcript::id_of(segments)?).await?;
    if conditions.has(stored.revision) {
        return Ok(not_modified(stored.revision));
    }
    let mut response = match offer.what {
        None => Tagged(stored).into_response(),
        Some(format) => {
            let file = captions::write(&stored.entity, format);
            let name = file_name(&stored.entity, offer.name);
            let disposition = HeaderValue::from_str(&name).map_err(|_| ApiError::internal())?;
            let media_type = match offer.media_type {
                "text/plain" => "text/plain; charset=utf-8",
                other => other,
            };
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
                (header::CONTENT_DISPOSITION, disposition),
                (header::ETAG, etag(stored.revision)),
            ];
            (headers, file.text).into_response()
        }
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// As yt-dlp names caption files; what a header cannot hold is left out.
fn file_name(transcript: &Transcript, extension: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let id: String = transcript.video_id.as_str().chars().filter(is_plain).collect();
    format!("inline; filename=\"{id}.{}.{extension}\"", transcript.language)
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    let list_operation = Description::of::<Transcript>("list", "The transcripts, without what was said")
        .query::<ListParams>()
        .page::<TranscriptSummary>("A page of them");
    let of_video_operation =
        Description::new("transcripts", "listTranscriptOfVideo", "The transcripts of a video")
            .query::<OfVideoParams>()
            .page::<TranscriptSummary>("A page of them");
    let get_operation =
        Description::of::<Transcript>("get", "What was said, as JSON, WebVTT, SubRip or text")
            .query::<OneParams>()
            .one::<Transcript>(&["text/vtt", "application/x-subrip", "text/plain"]);
    writes::<Transcript>()
        .describe(Transcript::COLLECTION, HttpMethod::Get, list_operation, routing::get(list))
        .describe(
            "/videos/{video_id}/transcripts",
            HttpMethod::Get,
            of_video_operation,
            routing::get(of_video),
        )
        .describe(Transcript::ITEM, HttpMethod::Get, get_operation, routing::get(one))
}
