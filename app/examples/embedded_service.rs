//! A service of another team that keeps its own routes and embeds the catalogue: `cargo run --example embedded_service`.
//!
//! `POST /watched/{id}` notes in a video's `extra` that it was watched, `POST /merge/{from}/{into}` moves the transcripts
//! of one video to another one and deletes the first, and everything that Tubeatlas serves is below `/catalogue`.

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::post;
use futures::FutureExt;
use serde_json::Value;
use tubeatlas::http::{ApiError, CommitOnSuccess, ExplicitControl, Service};
use tubeatlas::settings::{DatabaseSettings, DatabaseUrl};
use tubeatlas::wiring::{self, Missing};
use tubeatlas_domain::{JsonObject, Transcript, TranscriptId, Video, VideoId};
use tubeatlas_ports::{Error, Mode, PageRequest, Store, TranscriptFilter, Visibility};

/// Read, change, write: all of it is committed, or after a conflict done again, or nothing is kept.
async fn watched(unit: CommitOnSuccess, Path(id): Path<String>) -> Result<String, ApiError> {
    let id = VideoId::parse(id)?;
    unit.run(|unit| {
        async {
            let stored = unit.videos().get(&id, Visibility::Live).await?;
            let mut fields = stored.ok_or_else(|| Error::not_found::<Video>(&id))?.entity.into_fields();
            let mut extra = fields.extra.into_map();
            let times = extra.get("watched").and_then(Value::as_u64).unwrap_or(0) + 1;
            extra.insert("watched".to_owned(), times.into());
            fields.extra = JsonObject::new(extra)?;
            unit.videos().update(&Video::new(fields)?, None).await?;
            Ok(format!("watched {times} times\n"))
        }
        .boxed()
    })
    .await
}

/// The handler itself says when the unit of work begins and ends; whatever happens before the commit, nothing is kept.
async fn merge(
    units: ExplicitControl,
    Path((from, into)): Path<(String, String)>,
) -> Result<String, ApiError> {
    let (from, into) = (VideoId::parse(from)?, VideoId::parse(into)?);
    let unit = units.begin(Mode::ReadWrite).await?;
    let of_video = TranscriptFilter { video_id: Some(from.clone()), ..TranscriptFilter::default() };
    let mut moved = 0;
    for summary in unit.transcripts().list(&of_video, &PageRequest::default()).await?.items {
        let id = TranscriptId { video_id: from.clone(), language: summary.language.clone() };
        if let Some(stored) = unit.transcripts().get(&id, Visibility::Live).await? {
            let mut fields = stored.entity.into_fields();
            fields.video_id = into.clone();
            unit.transcripts().upsert(&Transcript::new(fields)?).await?;
            moved += 1;
        }
    }
    unit.videos().delete(&from, None).await?;
    unit.commit().await?;
    Ok(format!("{moved} transcripts moved\n"))
}

fn service(store: Arc<dyn Store>) -> Router {
    let own = Router::new()
        .route("/watched/{id}", post(watched))
        .route("/merge/{from}/{into}", post(merge))
        .with_state(Arc::clone(&store));
    own.nest("/catalogue", Service::new(store).router())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = DatabaseSettings { url: DatabaseUrl::Memory, ..DatabaseSettings::default() };
    let opened = wiring::open(&settings, Missing::Create).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, service(opened.store().clone())).await?;
    Ok(())
}
