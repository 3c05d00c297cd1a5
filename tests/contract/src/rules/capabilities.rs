//! What is declared absent must be refused. Each rule is for adapters that declare so, and for no others.

use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{LeaseToken, Progress, TaskFailure, Timestamp};
use tubeatlas_ports::{
    Catalogued, ClaimRequest, Mode, PageRequest, Repository, SearchRequest, Visibility, WriteRepository,
};

use crate::check::unsupported;
use crate::fixtures::*;
use crate::{Case, Outcome, Violation};

pub(crate) async fn must_cap_a_001_absent_search_is_refused(case: &Case) -> Outcome {
    case.store().videos().create(&a_video()).await?;
    case.store().transcripts().create(&a_transcript()).await?;
    let query = SearchQuery::parse("word").map_err(|error| Violation::error("a query", error.to_string()))?;
    unsupported(case.store().transcripts().search(&SearchRequest::new(query)).await)
}

pub(crate) async fn must_cap_a_002_absent_units_of_work_are_refused(case: &Case) -> Outcome {
    unsupported(case.store().begin(Mode::ReadWrite).await.map(drop))?;
    unsupported(case.store().begin(Mode::ReadOnly).await.map(drop))
}

async fn reads_are_refused<E: Catalogued>(repository: &dyn Repository<E>, id: &E::Id) -> Outcome {
    unsupported(repository.get(id, Visibility::Live).await)?;
    unsupported(repository.get_many(std::slice::from_ref(id), Visibility::Live).await)?;
    unsupported(repository.exists(id, Visibility::Live).await)?;
    unsupported(repository.list(&Default::default(), &PageRequest::default()).await)?;
    unsupported(repository.count(&Default::default()).await)
}

async fn writes_are_refused<E: Catalogued>(repository: &dyn WriteRepository<E>, entity: &E) -> Outcome {
    let entities = std::slice::from_ref(entity);
    let ids = [entity.id()];
    unsupported(repository.create(entity).await)?;
    unsupported(repository.create_many(entities).await)?;
    unsupported(repository.update(entity, None).await)?;
    unsupported(repository.update_many(entities).await)?;
    unsupported(repository.upsert(entity).await)?;
    unsupported(repository.upsert_many(entities).await)?;
    unsupported(repository.delete(&ids[0], None).await)?;
    unsupported(repository.delete_many(&ids).await)
}

pub(crate) async fn must_cap_a_003_absent_knowledge_graphs_are_refused(case: &Case) -> Outcome {
    case.store().videos().create(&a_video()).await?;
    let graphs = case.store().knowledge_graphs();
    reads_are_refused(graphs, &a_knowledge_graph().id).await?;
    writes_are_refused(graphs, &a_knowledge_graph()).await
}

pub(crate) async fn must_cap_a_004_absent_media_files_are_refused(case: &Case) -> Outcome {
    case.store().videos().create(&a_video()).await?;
    let files = case.store().media_files();
    reads_are_refused(files, &a_media_file().id).await?;
    writes_are_refused(files, &a_media_file()).await?;
    unsupported(files.get_by_path(&a_media_file().path, Visibility::Live).await)
}

pub(crate) async fn must_cap_a_005_absent_processing_tasks_are_refused(case: &Case) -> Outcome {
    let (tasks, id, token) = (case.store().processing_tasks(), a_task().id, LeaseToken::new(uuid(1)));
    reads_are_refused(tasks, &id).await?;
    unsupported(tasks.enqueue(&a_task()).await)?;
    let request = ClaimRequest { worker: worker("w"), kinds: None, lease_ms: 1, only: None };
    unsupported(tasks.claim(&request).await)?;
    unsupported(tasks.heartbeat(id, token, 1).await)?;
    unsupported(tasks.report(id, token, Progress::NONE).await)?;
    unsupported(tasks.complete(id, token).await)?;
    let failure = TaskFailure::new("it did not work", None)
        .map_err(|error| Violation::error("a failure", error.to_string()))?;
    unsupported(tasks.fail(id, token, &failure).await)?;
    unsupported(tasks.retry(id).await)?;
    unsupported(tasks.cancel(id).await)?;
    unsupported(tasks.remove_finished(Timestamp::MAX, 1).await)
}

pub(crate) async fn must_cap_a_007_absent_adoption_is_refused(case: &Case) -> Outcome {
    let (channels, tasks) = (case.store().channels(), case.store().processing_tasks());
    unsupported(channels.adopt_many(&[channels.create(&a_channel()).await?]).await)?;
    let videos = case.store().videos();
    unsupported(videos.adopt_many(&[videos.create(&a_video()).await?]).await)?;
    let transcripts = case.store().transcripts();
    unsupported(transcripts.adopt_many(&[transcripts.create(&a_transcript()).await?]).await)?;
    unsupported(case.store().knowledge_graphs().adopt_many(&[]).await)?;
    unsupported(case.store().media_files().adopt_many(&[]).await)?;
    unsupported(case.store().source_files().adopt_many(&[]).await)?;
    unsupported(case.store().playlists().adopt_many(&[]).await)?;
    unsupported(tasks.adopt_many(&[]).await)
}

pub(crate) async fn must_cap_a_008_absent_source_files_are_refused(case: &Case) -> Outcome {
    let files = case.store().source_files();
    reads_are_refused(files, &a_source_file().path).await?;
    writes_are_refused(files, &a_source_file()).await?;
    unsupported(files.remove_many(std::slice::from_ref(&a_source_file().path)).await)
}

pub(crate) async fn must_cap_a_009_absent_playlists_are_refused(case: &Case) -> Outcome {
    let playlists = case.store().playlists();
    reads_are_refused(playlists, &a_playlist().id).await?;
    writes_are_refused(playlists, &a_playlist()).await?;
    unsupported(playlists.restore(&a_playlist().id).await)?;
    unsupported(playlists.purge(&a_playlist().id, None).await)
}

pub(crate) async fn must_cap_a_006_absent_durability_offers_no_reopening(case: &Case) -> Outcome {
    case.offers_no_reopening().await
}
