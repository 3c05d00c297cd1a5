//! Every method of every repository, with each filter and order: so that an adapter's own tests can look at the
//! statements that it makes of them.

use std::sync::atomic::{AtomicI64, Ordering};

use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{
    Entity, GraphOwner, KnowledgeGraph, KnowledgeGraphId, MediaFile, MediaFileId, ProcessingTaskId,
    SourceVerdict, TaskStatus, Timestamp, Transcript, TranscriptId, Video,
};
use tubeatlas_ports::{
    Catalogued, ChannelFilter, ChannelOrder, ClaimRequest, Clock, Error, KnowledgeGraphFilter,
    KnowledgeGraphOrder, MediaFileFilter, MediaFileOrder, PageRequest, PlaylistFilter, PlaylistOrder,
    ProcessingTaskFilter, ProcessingTaskOrder, Repository, Result, SearchOrder, SearchRequest,
    SourceFileFilter, SourceFileOrder, Store, TranscriptFilter, TranscriptOrder, VideoFilter, VideoOrder,
    Visibility,
};

use crate::fixtures::{
    a_channel_with, a_knowledge_graph_with, a_media_file_with, a_playlist_with, a_source_file_with,
    a_task_with, a_transcript_with, a_video_with, channel_id, cues, language, playlist_id, source_path,
    task_kind, uuid, video_id, worker,
};

const VISIBILITIES: [Visibility; 2] = [Visibility::Live, Visibility::WithDeleted];

/// A clock that begins at 1970, and goes on by a second whenever it is read.
#[derive(Debug, Default)]
pub struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        micros(self.0.fetch_add(1_000_000, Ordering::Relaxed))
    }
}

/// Calls every method of an empty store, pages with each filter and order, first and later ones, and leaves something
/// in each table. The store's clock must be [`Ticking`]: a lease of a millisecond has expired by the
/// next call.
///
/// # Errors
/// The first of the store.
///
/// # Panics
/// If the store finds less than it was given.
pub async fn every_query(store: &dyn Store) -> Result<()> {
    channels(store).await?;
    videos(store).await?;
    transcripts(store).await?;
    knowledge_graphs(store).await?;
    processing_tasks(store).await?;
    media_files(store).await?;
    source_files(store).await?;
    playlists(store).await?;
    store.videos().purge(&video_id("v6"), None).await?;
    store.health().await.map(drop)
}

/// Lists with this filter in this order: two pages, and the count.
async fn list<E: Catalogued>(
    repository: &(impl Repository<E> + ?Sized),
    filter: E::Filter,
    order: E::Order,
) -> Result<()> {
    let mut request = PageRequest { order, limit: 1, after: None };
    let page = repository.list(&filter, &request).await?;
    assert!(page.next.is_some(), "{filter:?} finds more than one page");
    request.after = page.next;
    repository.list(&filter, &request).await?;
    repository.count(&filter).await.map(drop)
}

fn micros(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MAX)
}

fn missing(what: &str) -> Error {
    Error::Backend { message: format!("{what} is missing"), source: None }
}

async fn channels(store: &dyn Store) -> Result<()> {
    let channels = store.channels();
    let channel =
        |id: &str, title: &str| a_channel_with(|c| (c.id, c.title) = (channel_id(id), title.to_owned()));
    channels.create_many(&["c", "d", "e"].map(|id| channel(id, "a title"))).await?;
    channels.update(&channel("d", "another"), None).await?;
    channels.upsert(&channel("d", "a title")).await?;
    channels.get(&channel_id("c"), Visibility::Live).await?;
    for order in [ChannelOrder::Title, ChannelOrder::Id] {
        list(channels, ChannelFilter::default(), order).await?;
    }
    channels.delete(&channel_id("e"), None).await
}

fn video(n: u32, title: &str, channel: &str) -> Video {
    a_video_with(|v| {
        (v.id, v.title) = (video_id(&format!("v{n}")), title.to_owned());
        v.channel_id = Some(channel_id(channel));
        v.description = Some("words".to_owned());
        v.published_at = (n > 2).then(|| micros(i64::from(n)));
    })
}

async fn videos(store: &dyn Store) -> Result<()> {
    let videos = store.videos();
    videos.create_many(&(1..=6).map(|n| video(n, "a title", "c")).collect::<Vec<_>>()).await?;
    videos.update(&video(6, "another", "c"), None).await?;
    videos.upsert(&video(6, "a title", "d")).await?;
    videos.upsert(&video(6, "a title", "c")).await?;
    videos.get_many(&[video_id("v1"), video_id("v2")], Visibility::Live).await?;
    let (from, before) = (Some(micros(0)), Some(micros(9)));
    for channel_id in [None, Some(channel_id("c"))] {
        for (published_from, published_before) in [(None, None), (from, None), (None, before), (from, before)]
        {
            for visibility in VISIBILITIES {
                for order in [VideoOrder::Newest, VideoOrder::Oldest, VideoOrder::Id] {
                    let channel_id = channel_id.clone();
                    let filter = VideoFilter { channel_id, published_from, published_before, visibility };
                    list(videos, filter, order).await?;
                }
            }
        }
    }
    videos.delete(&video_id("v6"), None).await?;
    videos.restore(&video_id("v6")).await.map(drop)
}

fn transcript(n: u32, tag: &str, text: &str) -> Transcript {
    a_transcript_with(|t| {
        (t.video_id, t.language, t.cues) = (video_id(&format!("v{n}")), language(tag), cues(&[text]));
    })
}

async fn transcripts(store: &dyn Store) -> Result<()> {
    let transcripts = store.transcripts();
    transcripts.create_many(&[transcript(1, "en", "words"), transcript(2, "en", "words")]).await?;
    transcripts.create(&transcript(1, "en-GB", "words")).await?;
    transcripts.upsert(&transcript(1, "en", "other words")).await?;
    for video_id in [None, Some(video_id("v1"))] {
        for language in [None, Some(language("en"))] {
            for visibility in VISIBILITIES {
                let (video_id, language) = (video_id.clone(), language.clone());
                let filter = TranscriptFilter { video_id, language, visibility };
                list(transcripts, filter, TranscriptOrder::Id).await?;
            }
        }
    }
    for order in [SearchOrder::Relevance, SearchOrder::Newest, SearchOrder::Oldest] {
        for visibility in VISIBILITIES {
            let query = SearchQuery::parse("words").map_err(|_| missing("the query"))?;
            let mut request = SearchRequest::new(query);
            (request.order, request.visibility, request.limit) = (order, visibility, 1);
            request.after = transcripts.search(&request).await?.next;
            assert!(request.after.is_some(), "{order:?} finds more than one page");
            transcripts.search(&request).await?;
        }
    }
    transcripts.delete(&TranscriptId { video_id: video_id("v2"), language: language("en") }, None).await
}

async fn knowledge_graphs(store: &dyn Store) -> Result<()> {
    let graphs = store.knowledge_graphs();
    let graph = |n, owner: &GraphOwner, version| -> KnowledgeGraph {
        a_knowledge_graph_with(|g| {
            (g.id, g.owner, g.version) = (KnowledgeGraphId::new(uuid(n)), owner.clone(), version);
        })
    };
    let owners = [GraphOwner::Video(video_id("v1")), GraphOwner::Channel(channel_id("c"))];
    for (n, owner) in (1..).zip(owners.iter().cycle().take(6)) {
        graphs.create(&graph(n, owner, 1)).await?;
    }
    graphs.upsert(&graph(1, &owners[0], 2)).await?;
    for owner in [None, Some(owners[0].clone()), Some(owners[1].clone())] {
        for visibility in VISIBILITIES {
            for order in [KnowledgeGraphOrder::Newest, KnowledgeGraphOrder::Oldest] {
                list(graphs, KnowledgeGraphFilter { owner: owner.clone(), visibility }, order).await?;
            }
        }
    }
    graphs.delete(&KnowledgeGraphId::new(uuid(1)), None).await
}

async fn processing_tasks(store: &dyn Store) -> Result<()> {
    let tasks = store.processing_tasks();
    for n in 1..=6 {
        let task = a_task_with(|t| {
            (t.id, t.kind, t.target) =
                (ProcessingTaskId::new(uuid(n)), task_kind("kind"), Some("target".into()));
            t.available_at = micros(0);
        });
        tasks.enqueue(&task).await?;
    }
    for status in [None, Some(TaskStatus::Pending)] {
        for kind in [None, Some(task_kind("kind"))] {
            for target in [None, Some("target".to_owned())] {
                for order in [ProcessingTaskOrder::Newest, ProcessingTaskOrder::Oldest] {
                    let (kind, target) = (kind.clone(), target.clone());
                    list(tasks, ProcessingTaskFilter { status, kind, target }, order).await?;
                }
            }
        }
    }
    let claim = |kinds, lease_ms| async move {
        let claimed =
            tasks.claim(&ClaimRequest { worker: worker("worker"), kinds, lease_ms, only: None }).await?;
        claimed.ok_or_else(|| missing("a task"))
    };
    claim(None, 1).await?;
    claim(None, 60_000).await?;
    let task = claim(Some(vec![task_kind("kind")]), 60_000).await?;
    let token = task.lease.as_ref().ok_or_else(|| missing("a lease"))?.token;
    tasks.complete(task.entity.id(), token).await?;
    tasks.remove_finished(Timestamp::MAX, 10).await.map(drop)
}

async fn media_files(store: &dyn Store) -> Result<()> {
    let files = store.media_files();
    let file = |n, path: &str| -> MediaFile {
        a_media_file_with(|f| {
            (f.id, f.video_id, f.path) = (MediaFileId::new(uuid(n)), video_id("v1"), path.to_owned());
        })
    };
    for n in 1..=3 {
        files.create(&file(n, &format!("/word/{n}"))).await?;
    }
    files.upsert(&file(3, "/word/other")).await?;
    files.get_by_path("/word/1", Visibility::Live).await?;
    for video_id in [None, Some(video_id("v1"))] {
        for words in [None, Some("word".to_owned())] {
            for visibility in VISIBILITIES {
                let (video_id, words) = (video_id.clone(), words.clone());
                list(files, MediaFileFilter { video_id, words, visibility }, MediaFileOrder::Path).await?;
            }
        }
    }
    files.delete(&MediaFileId::new(uuid(2)), None).await
}

async fn playlists(store: &dyn Store) -> Result<()> {
    let playlists = store.playlists();
    let playlist = |n: u32, channel: &str, videos: &[&str]| {
        a_playlist_with(|p| {
            (p.id, p.channel_id) = (playlist_id(&format!("p{n}")), Some(channel_id(channel)));
            p.videos = videos.iter().map(|id| video_id(id)).collect();
        })
    };
    let all: Vec<_> = (1..=8).map(|n| playlist(n, "c", &["v1", "v2"])).collect();
    playlists.create_many(&all).await?;
    playlists.upsert(&playlist(3, "d", &["v2", "v1", "v1"])).await?;
    playlists.upsert(&playlist(3, "c", &["v1", "v3"])).await?;
    playlists.get_many(&[playlist_id("p1"), playlist_id("p2")], Visibility::Live).await?;
    for id in [4, 5, 6].map(|n| playlist_id(&format!("p{n}"))) {
        playlists.delete(&id, None).await?;
    }
    playlists.restore(&playlist_id("p4")).await?;
    for order in [PlaylistOrder::Title, PlaylistOrder::Id] {
        for channel_id in [None, Some(channel_id("c"))] {
            for video_id in [None, Some(video_id("v1"))] {
                for visibility in VISIBILITIES {
                    let (channel_id, video_id) = (channel_id.clone(), video_id.clone());
                    list(playlists, PlaylistFilter { channel_id, video_id, visibility }, order).await?;
                }
            }
        }
    }
    playlists.purge(&playlist_id("p6"), None).await
}

async fn source_files(store: &dyn Store) -> Result<()> {
    let files = store.source_files();
    let file =
        |n, size| a_source_file_with(|s| (s.path, s.size) = (source_path(&format!("/sources/{n}")), size));
    for n in 1..=4 {
        files.create(&file(n, 1)).await?;
    }
    files.upsert_many(&[file(3, 2), file(5, 1), file(6, 1)]).await?;
    for prefix in [None, Some("/sources/".to_owned()), Some(char::MAX.to_string())] {
        for verdict in [None, Some(SourceVerdict::Imported)] {
            let filter = SourceFileFilter { prefix: prefix.clone(), verdict };
            if prefix.as_deref() == Some("\u{10FFFF}") {
                files.count(&filter).await?; // no path stands behind those, so no page follows
                files.list(&filter, &PageRequest::default()).await?;
            } else {
                list(files, filter, SourceFileOrder::Path).await?;
            }
        }
    }
    files.remove_many(&[source_path("/sources/1"), source_path("/sources/2")]).await?;
    files.delete(&source_path("/sources/3"), None).await
}
