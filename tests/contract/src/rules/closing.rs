//! Health, and the end of a store.

use std::task::Poll;

use tubeatlas_domain::Timestamp;
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_ports::{ClaimRequest, Mode, PageRequest, SearchRequest, Store, Visibility};

use crate::check::{closed, holds, same};
use crate::fixtures::*;
use crate::{Case, Outcome, Violation};

pub(crate) async fn must_clo_h_001_a_store_that_works_says_so(case: &Case) -> Outcome {
    let health = case.store().health().await?;
    holds("a name of the adapter", !health.adapter.is_empty(), &health)
}

/// That nothing is answered any more but `Closed`.
async fn everything_is_closed(store: &dyn Store) -> Outcome {
    let live = Visibility::Live;
    closed(store.channels().get(&a_channel().id, live).await)?;
    closed(store.channels().create(&a_channel()).await)?;
    closed(store.videos().get_many(&[video_id("a-video")], live).await)?;
    closed(store.videos().upsert(&a_video()).await)?;
    closed(store.videos().restore(&video_id("a-video")).await)?;
    closed(store.videos().purge(&video_id("a-video"), None).await)?;
    closed(store.transcripts().list(&Default::default(), &PageRequest::default()).await)?;
    closed(store.transcripts().create_many(&[a_transcript()]).await)?;
    let query = SearchQuery::parse("word").map_err(|error| Violation::new("a query", error.to_string()))?;
    closed(store.transcripts().search(&SearchRequest::new(query)).await)?;
    closed(store.knowledge_graphs().count(&Default::default()).await)?;
    closed(store.knowledge_graphs().update(&a_knowledge_graph(), None).await)?;
    closed(store.media_files().exists(&a_media_file().id, live).await)?;
    closed(store.media_files().get_by_path("/", live).await)?;
    closed(store.media_files().delete(&a_media_file().id, None).await)?;
    closed(store.source_files().list(&Default::default(), &PageRequest::default()).await)?;
    closed(store.source_files().upsert_many(&[a_source_file()]).await)?;
    closed(store.source_files().remove_many(&[]).await)?;
    closed(store.playlists().get(&a_playlist().id, live).await)?;
    closed(store.playlists().upsert(&a_playlist()).await)?;
    closed(store.playlists().restore(&a_playlist().id).await)?;
    closed(store.playlists().purge(&a_playlist().id, None).await)?;
    closed(store.processing_tasks().get(&a_task().id, live).await)?;
    closed(store.processing_tasks().enqueue(&a_task()).await)?;
    let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 1, only: None };
    closed(store.processing_tasks().claim(&request).await)?;
    closed(store.processing_tasks().remove_finished(Timestamp::MAX, 1).await)?;
    closed(store.begin(Mode::ReadWrite).await.map(drop))?;
    closed(store.begin(Mode::ReadOnly).await.map(drop))?;
    closed(store.health().await)
}

pub(crate) async fn must_clo_x_001_a_closed_store_answers_closed(case: &Case) -> Outcome {
    case.store().videos().create(&a_video()).await?;
    case.store().close().await?;
    everything_is_closed(case.store()).await
}

pub(crate) async fn must_clo_x_002_closing_again_succeeds(case: &Case) -> Outcome {
    case.store().close().await?;
    case.store().close().await?;
    let (first, second) = futures::future::join(case.store().close(), case.store().close()).await;
    first?;
    second?;
    everything_is_closed(case.store()).await
}

pub(crate) async fn must_clo_x_003_an_open_unit_of_work_goes_on_and_close_waits_for_it(
    case: &Case,
) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    let reader = store.begin(Mode::ReadOnly).await?;
    unit.videos().create(&a_video()).await?;
    let mut close = store.close();
    // Closing has begun when the first call is refused.
    while store.health().await.is_ok() {
        if let Poll::Ready(result) = futures::poll!(&mut close) {
            return holds("close waits for open units of work", false, &result);
        }
        tokio::task::yield_now().await;
    }
    everything_is_closed(store).await?;
    unit.transcripts().create(&a_transcript()).await?;
    same("a read", &unit.videos().count(&Default::default()).await?, &1)?;
    same("a read of the other one", &reader.videos().count(&Default::default()).await?, &0)?;
    let early = futures::poll!(&mut close);
    holds("close waits for open units of work", early.is_pending(), &early)?;
    unit.commit().await?;
    let early = futures::poll!(&mut close);
    holds("close waits for a unit of work that only reads", early.is_pending(), &early)?;
    drop(reader);
    close.await?;
    everything_is_closed(store).await
}

pub(crate) async fn must_clo_x_004_dropping_a_close_does_not_open_it_again(case: &Case) -> Outcome {
    let store = case.store();
    let unit = store.begin(Mode::ReadWrite).await?;
    unit.videos().create(&a_video()).await?;
    let mut close = store.close();
    while store.health().await.is_ok() {
        let early = futures::poll!(&mut close);
        holds("close waits for open units of work", early.is_pending(), &early)?;
        tokio::task::yield_now().await;
    }
    drop(close);
    everything_is_closed(store).await?;
    let mut again = store.close();
    let early = futures::poll!(&mut again);
    holds("another close waits for the rest", early.is_pending(), &early)?;
    unit.rollback().await?;
    again.await?;
    everything_is_closed(store).await
}

pub(crate) async fn must_clo_x_005_closing_one_store_leaves_others_open(case: &Case) -> Outcome {
    let other = case.another(Default::default()).await?;
    case.store().videos().create(&a_video()).await?;
    case.store().close().await?;
    same("what another store holds", &other.videos().count(&Default::default()).await?, &0)?;
    other.videos().create(&a_video()).await?;
    Ok(other.close().await?)
}
