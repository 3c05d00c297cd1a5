//! What the rules that hold for every kind of entity must know about each kind.

use std::cmp::Ordering;

use async_trait::async_trait;
use tubeatlas_domain::{
    Channel, ContentHash, EntityKind, GraphOwner, KnowledgeGraph, KnowledgeGraphId, LanguageTag,
    MAX_PATH_BYTES, MediaFile, MediaFileId, Playlist, ProcessingTask, ProcessingTaskId, Progress, SourceFile,
    SourceFileFields, SourceOutcome, SourceVerdict, SourceYield, TaskStatus, Timestamp, Transcript,
    TranscriptId, TranscriptKind, Video, search,
};
use tubeatlas_ports::{
    Catalogued, ChannelFilter, ChannelOrder, ChannelPosition, ClaimRequest, KnowledgeGraphFilter,
    KnowledgeGraphOrder, KnowledgeGraphPosition, MediaFileFilter, MediaFileOrder, MediaFilePosition,
    PlaylistFilter, PlaylistOrder, PlaylistPosition, ProcessingTaskFilter, ProcessingTaskOrder,
    ProcessingTaskPosition, Repositories, Repository, Result, Revision, SourceFileFilter, SourceFileOrder,
    SourceFilePosition, Stored, TranscriptFilter, TranscriptOrder, VideoFilter, VideoOrder, VideoPosition,
    Visibility, WriteRepository,
};

use crate::check::some;
use crate::fixtures::*;
use crate::{Case, Outcome, Violation};

/// Something stored, and whether it or its video is deleted.
#[derive(Debug, Clone)]
pub(crate) struct Row<E> {
    pub(crate) stored: Stored<E>,
    pub(crate) deleted: bool,
}

impl<E> Row<E> {
    pub(crate) fn live(stored: Stored<E>) -> Self {
        Self { stored, deleted: false }
    }

    pub(crate) fn shown(&self, visibility: Visibility) -> bool {
        visibility.shows(self.deleted.then(noon))
    }
}

pub(crate) const VISIBILITIES: [Visibility; 3] =
    [Visibility::Live, Visibility::WithDeleted, Visibility::OnlyDeleted];

/// A kind of entity that can be read.
#[async_trait]
pub(crate) trait Subject: Catalogued {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self>;

    /// Stores some that differ in all that orders and filters look at, with ties, some of them deleted where
    /// there is such a thing; answers them as the store answered.
    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation>;

    /// Stores one that is not in the catalogue. The `n` from 0 differ, and stand before, between and behind
    /// those of the catalogue.
    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation>;

    /// The id of something that is never stored.
    fn missing_id() -> Self::Id;

    fn orders() -> Vec<Self::Order>;

    /// Filters that take in some, all and none of the catalogue; of what is live.
    fn filters() -> Vec<Self::Filter>;

    /// The filter with this visibility, if this kind of entity can be filtered so.
    fn seeing(filter: &Self::Filter, visibility: Visibility) -> Option<Self::Filter>;

    /// What a filter takes in, visibility aside.
    fn takes_in(filter: &Self::Filter, stored: &Stored<Self>) -> bool;

    /// What an order is: how two order keys stand in it.
    fn compare(order: Self::Order, a: &Self::Position, b: &Self::Position) -> Ordering;

    /// The order key of something stored.
    fn key(stored: &Stored<Self>) -> Self::Position {
        Self::position(&stored.listed())
    }
}

/// A kind of entity whose state is free.
#[async_trait]
pub(crate) trait Written: Subject {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self>;

    /// The `n`th of many: all different, with owners that [`Written::owners`] stores.
    fn nth(n: u32) -> Self;

    /// The same one with other contents, different for each `n`, and from what [`Written::nth`] makes.
    fn changed(&self, n: u32) -> Self;

    /// One with every field set, one with nothing set that may be absent, and one where the same is there and
    /// empty.
    fn shapes() -> Vec<Self>;

    /// Some whose ids look alike and are different.
    fn alike() -> Vec<Self>;

    /// Stores what the others refer to.
    async fn owners(to: &dyn Repositories) -> Outcome;

    /// Removes one so that its id is free again.
    async fn remove(from: &dyn Repositories, id: &Self::Id) -> Result<()> {
        Self::writes(from).delete(id, None).await
    }
}

/// A kind of entity that is deleted softly.
#[async_trait]
pub(crate) trait Soft: Written {
    /// Brings one back.
    async fn restore(to: &dyn Repositories, id: &Self::Id) -> Result<Stored<Self>>;

    /// Removes one for good.
    async fn purge(to: &dyn Repositories, id: &Self::Id, expected: Option<Revision>) -> Result<()>;

    /// The same one, of a channel that is not there.
    fn orphan(&self) -> Self;
}

/// A kind of entity that hangs on a video.
pub(crate) trait OfVideo: Written {
    /// The `n`th of this video.
    fn of(video: &str, n: u32) -> Self;
}

/// A kind of entity that can be given another video.
pub(crate) trait Movable: OfVideo {
    /// The same one, of this video.
    fn moved(&self, video: &str) -> Self;
}

/// By time, then by id; what has no time comes last either way.
fn by_time<I: Ord>(newest: bool, a: (Option<Timestamp>, &I), b: (Option<Timestamp>, &I)) -> Ordering {
    let undated_last = a.0.is_none().cmp(&b.0.is_none());
    let dated = (a.0, a.1).cmp(&(b.0, b.1));
    undated_last.then(if newest { dated.reverse() } else { dated })
}

#[async_trait]
impl Subject for Channel {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.channels()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let mut rows = Vec::new();
        for (id, title) in [
            ("m", "Same"),
            ("b", "Same"),
            ("B", "Same"),
            ("é", ""),
            ("e", ""),
            ("10", "same"),
            ("9", "Zebra"),
            ("z", "\u{E000}"),
            ("a", "\u{1F600}"),
            ("Z", "Äpfel"),
            ("😀", "A\u{308}pfel"),
            ("%", "a%"),
        ] {
            let channel = a_channel_with(|c| {
                c.id = channel_id(id);
                c.title = title.into();
            });
            rows.push(Row::live(case.store().channels().create(&channel).await?));
        }
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let letter = ["A", "Same", "n", "~"][n as usize % 4];
        let channel = a_channel_with(|c| {
            c.id = channel_id(&format!("{letter}-added-{n}"));
            c.title = letter.into();
        });
        Ok(case.store().channels().create(&channel).await?)
    }

    fn missing_id() -> Self::Id {
        channel_id("missing")
    }

    fn orders() -> Vec<ChannelOrder> {
        vec![ChannelOrder::Title, ChannelOrder::Id]
    }

    fn filters() -> Vec<ChannelFilter> {
        vec![ChannelFilter {}]
    }

    fn seeing(filter: &ChannelFilter, visibility: Visibility) -> Option<ChannelFilter> {
        (visibility == Visibility::Live).then(|| filter.clone())
    }

    fn takes_in(ChannelFilter {}: &ChannelFilter, _: &Stored<Self>) -> bool {
        true
    }

    fn compare(order: ChannelOrder, a: &ChannelPosition, b: &ChannelPosition) -> Ordering {
        match order {
            ChannelOrder::Title => (&a.title, &a.id).cmp(&(&b.title, &b.id)),
            ChannelOrder::Id => a.id.cmp(&b.id),
        }
    }
}

#[async_trait]
impl Written for Channel {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.channels()
    }

    fn nth(n: u32) -> Self {
        a_channel_with(|c| c.id = channel_id(&format!("UC-{n}")))
    }

    fn changed(&self, n: u32) -> Self {
        a_channel_with(|c| {
            *c = self.clone().into_fields();
            c.title = format!("changed {n}");
        })
    }

    fn shapes() -> Vec<Self> {
        let empty = a_channel_with(|c| {
            c.id = channel_id("empty");
            c.title = String::new();
            c.handle = Some(String::new());
        });
        vec![a_full_channel(), a_channel(), empty]
    }

    fn alike() -> Vec<Self> {
        look_alikes().iter().map(|id| a_channel_with(|c| c.id = channel_id(id))).collect()
    }

    async fn owners(_: &dyn Repositories) -> Outcome {
        Ok(())
    }
}

/// Ids of which none is another one.
fn look_alikes() -> [&'static str; 12] {
    ["dQw4w9WgXcQ", "dqw4w9wgxcq", "DQW4W9WGXCQ", "é", "e\u{301}", "e", "1", "01", "1.0", "a b", "a  b", "a%"]
}

#[async_trait]
impl Subject for Video {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.videos()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let store = case.store();
        for id in ["one", "ONE"] {
            store.channels().create(&a_channel_with(|c| c.id = channel_id(id))).await?;
        }
        let mut rows = Vec::new();
        for (id, channel, published_at, deleted) in [
            ("m", Some("one"), Some(100), false),
            ("B", Some("ONE"), Some(100), false),
            ("b", None, Some(100), false),
            ("a", Some("one"), Some(100), true),
            ("9", Some("one"), Some(-5), false),
            ("10", None, Some(-5), true),
            ("é", Some("one"), Some(200), false),
            ("z", Some("ONE"), None, false),
            ("A", Some("one"), None, false),
            ("n", None, None, true),
            ("%", Some("one"), Some(300), false),
            ("😀", None, Some(300), false),
            ("_", None, Some(0), false),
        ] {
            let video = a_video_with(|v| {
                v.id = video_id(id);
                v.channel_id = channel.map(channel_id);
                v.published_at = published_at.map(at);
            });
            let stored = store.videos().create(&video).await?;
            rows.push(if deleted { delete_softly(store, &video_id(id)).await? } else { Row::live(stored) });
        }
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let (letter, published_at) =
            [("A", Some(400)), ("a", Some(100)), ("m", None), ("~", Some(-9))][n as usize % 4];
        let video = a_video_with(|v| {
            v.id = video_id(&format!("{letter}-added-{n}"));
            v.published_at = published_at.map(at);
        });
        Ok(case.store().videos().create(&video).await?)
    }

    fn missing_id() -> Self::Id {
        video_id("missing")
    }

    fn orders() -> Vec<VideoOrder> {
        vec![VideoOrder::Newest, VideoOrder::Oldest, VideoOrder::Id]
    }

    fn filters() -> Vec<VideoFilter> {
        let all = VideoFilter::default;
        let mut filters = vec![all()];
        for channel in ["one", "ONE", "One", "missing"] {
            filters.push(VideoFilter { channel_id: Some(channel_id(channel)), ..all() });
        }
        for seconds in [-5, 0, 100, 101] {
            filters.push(VideoFilter { published_from: Some(at(seconds)), ..all() });
            filters.push(VideoFilter { published_before: Some(at(seconds)), ..all() });
        }
        for (from, before) in [(-5, 100), (100, 200), (100, 100), (200, 100)] {
            let (from, before) = (Some(at(from)), Some(at(before)));
            filters.push(VideoFilter { published_from: from, published_before: before, ..all() });
            let channel_id = Some(channel_id("one"));
            filters.push(VideoFilter { channel_id, published_from: from, published_before: before, ..all() });
        }
        filters
    }

    fn seeing(filter: &VideoFilter, visibility: Visibility) -> Option<VideoFilter> {
        Some(VideoFilter { visibility, ..filter.clone() })
    }

    fn takes_in(filter: &VideoFilter, stored: &Stored<Self>) -> bool {
        let VideoFilter { channel_id, published_from, published_before, visibility: _ } = filter;
        channel_id.as_ref().is_none_or(|wanted| stored.channel_id.as_ref() == Some(wanted))
            && published_from.is_none_or(|from| stored.published_at.is_some_and(|at| at >= from))
            && published_before.is_none_or(|before| stored.published_at.is_some_and(|at| at < before))
    }

    fn compare(order: VideoOrder, a: &VideoPosition, b: &VideoPosition) -> Ordering {
        let (a, b) = ((a.published_at, &a.id), (b.published_at, &b.id));
        match order {
            VideoOrder::Newest => by_time(true, a, b),
            VideoOrder::Oldest => by_time(false, a, b),
            VideoOrder::Id => a.1.cmp(b.1),
        }
    }
}

/// Deletes something softly, and reads how it is then.
pub(crate) async fn delete_softly<E: Soft>(from: &dyn Repositories, id: &E::Id) -> Result<Row<E>, Violation> {
    E::writes(from).delete(id, None).await?;
    let what = format!("the deleted {}", E::KIND);
    let stored = some(&what, E::reads(from).get(id, Visibility::WithDeleted).await?)?;
    Ok(Row { stored, deleted: true })
}

#[async_trait]
impl Written for Video {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.videos()
    }

    fn nth(n: u32) -> Self {
        a_video_with(|v| v.id = video_id(&format!("video-{n}")))
    }

    fn changed(&self, n: u32) -> Self {
        a_video_with(|v| {
            *v = self.clone().into_fields();
            v.title = format!("changed {n}");
        })
    }

    fn shapes() -> Vec<Self> {
        let empty = a_video_with(|v| {
            v.id = video_id("empty");
            v.title = String::new();
            v.description = Some(String::new());
            v.category_id = Some(String::new());
            v.category_name = Some(String::new());
            v.duration_ms = Some(0);
            v.view_count = Some(0);
            v.like_count = Some(0);
            v.comment_count = Some(0);
            v.published_at = Some(at(0));
        });
        let mut shapes = vec![a_full_video(), a_video(), empty];
        shapes.extend(every_status());
        shapes
    }

    fn alike() -> Vec<Self> {
        look_alikes().iter().map(|id| a_video_with(|v| v.id = video_id(id))).collect()
    }

    async fn owners(to: &dyn Repositories) -> Outcome {
        to.channels().create_many(&[a_channel(), a_full_channel()]).await?;
        Ok(())
    }

    async fn remove(from: &dyn Repositories, id: &Self::Id) -> Result<()> {
        from.videos().purge(id, None).await
    }
}

#[async_trait]
impl Soft for Video {
    async fn restore(to: &dyn Repositories, id: &Self::Id) -> Result<Stored<Self>> {
        to.videos().restore(id).await
    }

    async fn purge(to: &dyn Repositories, id: &Self::Id, expected: Option<Revision>) -> Result<()> {
        to.videos().purge(id, expected).await
    }

    fn orphan(&self) -> Self {
        a_video_with(|v| {
            *v = self.clone().into_fields();
            v.channel_id = Some(channel_id("missing"));
        })
    }
}

/// Videos that together have each live status and each availability.
fn every_status() -> Vec<Video> {
    use tubeatlas_domain::{Availability as A, LiveStatus as L};
    let live = [L::NotLive, L::IsUpcoming, L::IsLive, L::PostLive, L::WasLive, L::NotLive];
    let who = [A::Public, A::Unlisted, A::Private, A::PremiumOnly, A::SubscriberOnly, A::NeedsAuth];
    let video = |(n, (live, who))| {
        a_video_with(|v| {
            v.id = video_id(&format!("status-{n}"));
            v.live_status = Some(live);
            v.availability = Some(who);
        })
    };
    live.into_iter().zip(who).enumerate().map(video).collect()
}

/// Stores videos with these ids.
pub(crate) async fn store_videos(to: &dyn Repositories, ids: &[&str]) -> Outcome {
    let videos: Vec<_> = ids.iter().map(|id| a_video_with(|v| v.id = video_id(id))).collect();
    to.videos().create_many(&videos).await?;
    Ok(())
}

#[async_trait]
impl Subject for Transcript {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.transcripts()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let store = case.store();
        store_videos(store, &["b", "B", "gone", "%", "added"]).await?;
        let mut rows = Vec::new();
        for (video, tag) in [
            ("b", "en"),
            ("b", "EN"),
            ("b", "en-US"),
            ("b", "eng"),
            ("b", "de-en-US"),
            ("B", "en-orig"),
            ("B", "zh-Hans"),
            ("B", "zh"),
            ("gone", "en"),
            ("gone", "de"),
            ("%", "en-us-x"),
            ("%", "e"),
        ] {
            let transcript = a_transcript_with(|t| {
                t.video_id = video_id(video);
                t.language = language(tag);
            });
            let stored = store.transcripts().create(&transcript).await?;
            rows.push(Row { stored, deleted: video == "gone" });
        }
        store.videos().delete(&video_id("gone"), None).await?;
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let video = ["%", "B", "added", "b"][n as usize % 4];
        Ok(case.store().transcripts().create(&Self::of(video, n)).await?)
    }

    fn missing_id() -> Self::Id {
        TranscriptId { video_id: video_id("a-video"), language: language("tlh") }
    }

    fn orders() -> Vec<TranscriptOrder> {
        vec![TranscriptOrder::Id]
    }

    fn filters() -> Vec<TranscriptFilter> {
        let all = TranscriptFilter::default;
        let mut filters = vec![all()];
        for video in ["b", "B", "gone", "missing"] {
            filters.push(TranscriptFilter { video_id: Some(video_id(video)), ..all() });
        }
        for tag in ["en", "EN", "en-us", "e", "zh-hans", "zh-Hant", "de", "e_"] {
            let language = Some(language(tag));
            filters.push(TranscriptFilter { language: language.clone(), ..all() });
            filters.push(TranscriptFilter { video_id: Some(video_id("b")), language, ..all() });
        }
        filters
    }

    fn seeing(filter: &TranscriptFilter, visibility: Visibility) -> Option<TranscriptFilter> {
        Some(TranscriptFilter { visibility, ..filter.clone() })
    }

    fn takes_in(filter: &TranscriptFilter, stored: &Stored<Self>) -> bool {
        let TranscriptFilter { video_id, language, visibility: _ } = filter;
        video_id.as_ref().is_none_or(|wanted| stored.video_id == *wanted)
            && language.as_ref().is_none_or(|wanted: &LanguageTag| wanted.covers(&stored.language))
    }

    fn compare(order: TranscriptOrder, a: &TranscriptId, b: &TranscriptId) -> Ordering {
        match order {
            TranscriptOrder::Id => a.cmp(b),
        }
    }
}

#[async_trait]
impl Written for Transcript {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.transcripts()
    }

    fn nth(n: u32) -> Self {
        Self::of("a-video", n)
    }

    fn changed(&self, n: u32) -> Self {
        a_transcript_with(|t| {
            *t = self.clone().into_fields();
            t.cues.push(cue(n.into(), "changed"));
        })
    }

    fn shapes() -> Vec<Self> {
        let automatic = a_transcript_with(|t| {
            t.language = language("a");
            t.kind = TranscriptKind::Automatic;
        });
        let empty = a_transcript_with(|t| {
            t.language = language("b");
            t.cues = Vec::new();
        });
        vec![a_full_transcript(), a_transcript(), automatic, empty]
    }

    fn alike() -> Vec<Self> {
        let tags = ["en", "EN", "En", "en-US", "en-us", "en_US", "en-x", "eng"];
        tags.iter().map(|tag| a_transcript_with(|t| t.language = language(tag))).collect()
    }

    async fn owners(to: &dyn Repositories) -> Outcome {
        store_videos(to, &["a-video"]).await
    }
}

impl OfVideo for Transcript {
    fn of(video: &str, n: u32) -> Self {
        a_transcript_with(|t| {
            t.video_id = video_id(video);
            t.language = language(&format!("n-{n}"));
            t.cues = cues(&["the secret", &format!("number {n}")]);
        })
    }
}

#[async_trait]
impl Subject for KnowledgeGraph {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.knowledge_graphs()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let store = case.store();
        store_videos(store, &["b", "B", "gone"]).await?;
        store.channels().create(&a_channel_with(|c| c.id = channel_id("b"))).await?;
        let mut rows = Vec::new();
        let (video, channel) = (|id| GraphOwner::Video(video_id(id)), GraphOwner::Channel(channel_id("b")));
        for (n, owner, then_ms) in [
            (7, video("b"), 0),
            (3, video("B"), 0),
            (5, channel.clone(), 0),
            (4, video("gone"), 1),
            (1, video("b"), 0),
            (9, channel.clone(), 0),
            (2, video("gone"), -5),
            (8, video("b"), 0),
            (6, video("B"), 0),
        ] {
            let graph = a_knowledge_graph_with(|g| {
                g.id = KnowledgeGraphId::new(uuid(n));
                g.owner = owner.clone();
            });
            let stored = store.knowledge_graphs().create(&graph).await?;
            rows.push(Row { stored, deleted: owner == video("gone") });
            case.clock.move_by_ms(then_ms);
        }
        store.videos().delete(&video_id("gone"), None).await?;
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        case.clock.move_by_ms([10, -20, 5, 0][n as usize % 4]);
        Ok(case.store().knowledge_graphs().create(&Self::of("b", n)).await?)
    }

    fn missing_id() -> Self::Id {
        KnowledgeGraphId::new(uuid(999_999))
    }

    fn orders() -> Vec<KnowledgeGraphOrder> {
        vec![KnowledgeGraphOrder::Newest, KnowledgeGraphOrder::Oldest]
    }

    fn filters() -> Vec<KnowledgeGraphFilter> {
        let all = KnowledgeGraphFilter::default;
        let mut filters = vec![all()];
        for id in ["b", "B", "gone", "missing"] {
            filters.push(KnowledgeGraphFilter { owner: Some(GraphOwner::Video(video_id(id))), ..all() });
            filters.push(KnowledgeGraphFilter { owner: Some(GraphOwner::Channel(channel_id(id))), ..all() });
        }
        filters
    }

    fn seeing(filter: &KnowledgeGraphFilter, visibility: Visibility) -> Option<KnowledgeGraphFilter> {
        Some(KnowledgeGraphFilter { visibility, ..filter.clone() })
    }

    fn takes_in(filter: &KnowledgeGraphFilter, stored: &Stored<Self>) -> bool {
        let KnowledgeGraphFilter { owner, visibility: _ } = filter;
        owner.as_ref().is_none_or(|wanted| stored.owner == *wanted)
    }

    fn compare(
        order: KnowledgeGraphOrder,
        a: &KnowledgeGraphPosition,
        b: &KnowledgeGraphPosition,
    ) -> Ordering {
        let newest = match order {
            KnowledgeGraphOrder::Newest => true,
            KnowledgeGraphOrder::Oldest => false,
        };
        by_time(newest, (Some(a.created_at), &a.id), (Some(b.created_at), &b.id))
    }
}

#[async_trait]
impl Written for KnowledgeGraph {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.knowledge_graphs()
    }

    fn nth(n: u32) -> Self {
        Self::of("a-video", n)
    }

    fn changed(&self, n: u32) -> Self {
        a_knowledge_graph_with(|g| {
            *g = self.clone().into_fields();
            g.version = n + 2;
        })
    }

    fn shapes() -> Vec<Self> {
        let empty = a_knowledge_graph_with(|g| {
            g.id = KnowledgeGraphId::new(uuid(1_001));
            g.model = Some(String::new());
            g.processing_time_ms = Some(0);
            g.entities = Vec::new();
            g.relations = Vec::new();
        });
        let of_channel = a_knowledge_graph_with(|g| {
            g.id = KnowledgeGraphId::new(uuid(1_002));
            g.owner = GraphOwner::Channel(a_channel().id.clone());
        });
        vec![a_full_knowledge_graph(), a_knowledge_graph(), empty, of_channel]
    }

    fn alike() -> Vec<Self> {
        [0, 1, 256, u32::MAX].iter().map(|n| Self::nth(*n)).collect()
    }

    async fn owners(to: &dyn Repositories) -> Outcome {
        to.channels().create(&a_channel()).await?;
        store_videos(to, &["a-video"]).await
    }
}

impl OfVideo for KnowledgeGraph {
    fn of(video: &str, n: u32) -> Self {
        a_knowledge_graph_with(|g| {
            g.id = KnowledgeGraphId::new(uuid(10_000_u32.wrapping_add(n)));
            g.owner = GraphOwner::Video(video_id(video));
        })
    }
}

impl Movable for KnowledgeGraph {
    fn moved(&self, video: &str) -> Self {
        a_knowledge_graph_with(|g| {
            *g = self.clone().into_fields();
            g.owner = GraphOwner::Video(video_id(video));
        })
    }
}

#[async_trait]
impl Subject for MediaFile {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.media_files()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let store = case.store();
        store_videos(store, &["b", "B", "gone"]).await?;
        let mut rows = Vec::new();
        for (n, video, path) in [
            (1, "b", "/media/Black Holes/part 1.mp4"),
            (2, "b", "/media/black-holes_part-2.MKV"),
            (3, "B", "/Media/Blackhole.webm"),
            (4, "gone", "/media/black holes/deleted.mp4"),
            (5, "gone", "a"),
            (6, "b", "/média/Grüße.mp4"),
            (7, "b", "/me\u{301}dia/Grüße.mp4"),
            (8, "B", "/media/東京タワー.mp4"),
            (9, "B", "Z"),
            (10, "b", "z"),
            (11, "b", "-- % _ '"),
        ] {
            let file = a_media_file_with(|m| {
                m.id = MediaFileId::new(uuid(100 - n));
                m.video_id = video_id(video);
                m.path = path.into();
            });
            let stored = store.media_files().create(&file).await?;
            rows.push(Row { stored, deleted: video == "gone" });
        }
        store.videos().delete(&video_id("gone"), None).await?;
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let letter = ["/a", "/media/c", "~", "A"][n as usize % 4];
        let file = a_media_file_with(|m| {
            *m = Self::of("b", n).into_fields();
            m.path = format!("{letter}-added-{n}");
        });
        Ok(case.store().media_files().create(&file).await?)
    }

    fn missing_id() -> Self::Id {
        MediaFileId::new(uuid(999_999))
    }

    fn orders() -> Vec<MediaFileOrder> {
        vec![MediaFileOrder::Path]
    }

    fn filters() -> Vec<MediaFileFilter> {
        let all = MediaFileFilter::default;
        let mut filters = vec![all()];
        for video in ["b", "B", "gone", "missing"] {
            filters.push(MediaFileFilter { video_id: Some(video_id(video)), ..all() });
        }
        for words in [
            "black",
            "holes BLACK",
            "black holes mp4",
            "hole",
            "grusse",
            "Grüße media",
            "東京",
            "京東",
            "京",
            "タワ 東",
            "",
            "-- % _ '",
            "*",
            "\"black holes\"",
            "black OR grusse",
            "black -holes",
            "bla*",
            "part part",
            "1",
        ] {
            let words = Some(words.to_owned());
            filters.push(MediaFileFilter { words: words.clone(), ..all() });
            filters.push(MediaFileFilter { video_id: Some(video_id("b")), words, ..all() });
        }
        filters
    }

    fn seeing(filter: &MediaFileFilter, visibility: Visibility) -> Option<MediaFileFilter> {
        Some(MediaFileFilter { visibility, ..filter.clone() })
    }

    fn takes_in(filter: &MediaFileFilter, stored: &Stored<Self>) -> bool {
        let MediaFileFilter { video_id, words, visibility: _ } = filter;
        let tokens =
            |text: &str| search::tokens(text).into_iter().map(|t| t.text.into_owned()).collect::<Vec<_>>();
        video_id.as_ref().is_none_or(|wanted| stored.video_id == *wanted)
            && words.as_ref().is_none_or(|words| {
                let (words, path) = (tokens(words), tokens(&stored.path));
                !words.is_empty() && words.iter().all(|word| path.contains(word))
            })
    }

    fn compare(order: MediaFileOrder, a: &MediaFilePosition, b: &MediaFilePosition) -> Ordering {
        match order {
            MediaFileOrder::Path => a.path.cmp(&b.path),
        }
    }
}

#[async_trait]
impl Written for MediaFile {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.media_files()
    }

    fn nth(n: u32) -> Self {
        Self::of("a-video", n)
    }

    fn changed(&self, n: u32) -> Self {
        a_media_file_with(|m| {
            *m = self.clone().into_fields();
            m.size_bytes = Some(n.into());
        })
    }

    fn shapes() -> Vec<Self> {
        let empty = a_media_file_with(|m| {
            m.id = MediaFileId::new(uuid(3_001));
            m.path = "empty".into();
            m.size_bytes = Some(0);
            m.frame_count = Some(0);
            m.width = Some(0);
            m.height = Some(0);
            m.video_codec = Some(String::new());
            m.audio_codec = Some(String::new());
            m.thumbnail_path = Some(String::new());
        });
        vec![a_full_media_file(), a_media_file(), empty]
    }

    fn alike() -> Vec<Self> {
        let paths = ["/a.mp4", "/A.mp4", "/é.mp4", "/e\u{301}.mp4", "/a.mp4 ", "//a.mp4", "a.mp4", "/a.mp4/"];
        let file = |(n, path): (u32, &&str)| {
            a_media_file_with(|m| {
                m.id = MediaFileId::new(uuid(n));
                m.path = (*path).to_owned();
            })
        };
        (0..).zip(&paths).map(file).collect()
    }

    async fn owners(to: &dyn Repositories) -> Outcome {
        store_videos(to, &["a-video"]).await
    }
}

impl OfVideo for MediaFile {
    fn of(video: &str, n: u32) -> Self {
        a_media_file_with(|m| {
            m.id = MediaFileId::new(uuid(20_000 + n));
            m.video_id = video_id(video);
            m.path = format!("/secret/{video}/{n}.mp4");
        })
    }
}

impl Movable for MediaFile {
    fn moved(&self, video: &str) -> Self {
        a_media_file_with(|m| {
            *m = self.clone().into_fields();
            m.video_id = video_id(video);
        })
    }
}

#[async_trait]
impl Subject for Playlist {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.playlists()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let store = case.store();
        for id in ["one", "ONE"] {
            store.channels().create(&a_channel_with(|c| c.id = channel_id(id))).await?;
        }
        let mut rows = Vec::new();
        for (id, title, channel, videos, deleted) in [
            ("m", "Same", Some("one"), &["v", "w", "v"][..], false),
            ("b", "Same", Some("ONE"), &["V"], false),
            ("B", "Same", None, &["w", "v"], false),
            ("é", "", Some("one"), &[], false),
            ("e", "", Some("one"), &["v"], true),
            ("10", "same", None, &["v", "%"], false),
            ("9", "Zebra", Some("one"), &["_"], true),
            ("z", "\u{E000}", None, &["日本"], false),
            ("a", "\u{1F600}", Some("one"), &["v", "日本"], false),
            ("😀", "A\u{308}pfel", Some("ONE"), &["v", "a b"], false),
            ("%", "a%", None, &["V", "v"], true),
        ] {
            let playlist = a_playlist_with(|p| {
                p.id = playlist_id(id);
                p.title = title.into();
                p.channel_id = channel.map(channel_id);
                p.videos = videos.iter().map(|video| video_id(video)).collect();
            });
            let stored = store.playlists().create(&playlist).await?;
            rows.push(if deleted { delete_softly(store, &playlist.id).await? } else { Row::live(stored) });
        }
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let letter = ["A", "Same", "n", "~"][n as usize % 4];
        let playlist = a_playlist_with(|p| {
            p.id = playlist_id(&format!("{letter}-added-{n}"));
            p.title = letter.into();
        });
        Ok(case.store().playlists().create(&playlist).await?)
    }

    fn missing_id() -> Self::Id {
        playlist_id("missing")
    }

    fn orders() -> Vec<PlaylistOrder> {
        vec![PlaylistOrder::Title, PlaylistOrder::Id]
    }

    fn filters() -> Vec<PlaylistFilter> {
        let all = PlaylistFilter::default;
        let mut filters = vec![all()];
        for channel in ["one", "ONE", "One", "missing"] {
            filters.push(PlaylistFilter { channel_id: Some(channel_id(channel)), ..all() });
        }
        for video in ["v", "V", "w", "日本", "%", "_", "a b", "a", "missing"] {
            let video_id = Some(video_id(video));
            filters.push(PlaylistFilter { video_id: video_id.clone(), ..all() });
            filters.push(PlaylistFilter { channel_id: Some(channel_id("one")), video_id, ..all() });
        }
        filters
    }

    fn seeing(filter: &PlaylistFilter, visibility: Visibility) -> Option<PlaylistFilter> {
        Some(PlaylistFilter { visibility, ..filter.clone() })
    }

    fn takes_in(filter: &PlaylistFilter, stored: &Stored<Self>) -> bool {
        let PlaylistFilter { channel_id, video_id, visibility: _ } = filter;
        channel_id.as_ref().is_none_or(|wanted| stored.channel_id.as_ref() == Some(wanted))
            && video_id.as_ref().is_none_or(|wanted| stored.videos.contains(wanted))
    }

    fn compare(order: PlaylistOrder, a: &PlaylistPosition, b: &PlaylistPosition) -> Ordering {
        match order {
            PlaylistOrder::Title => (&a.title, &a.id).cmp(&(&b.title, &b.id)),
            PlaylistOrder::Id => a.id.cmp(&b.id),
        }
    }
}

#[async_trait]
impl Written for Playlist {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.playlists()
    }

    fn nth(n: u32) -> Self {
        a_playlist_with(|p| p.id = playlist_id(&format!("PL-{n}")))
    }

    fn changed(&self, n: u32) -> Self {
        a_playlist_with(|p| {
            *p = self.clone().into_fields();
            p.videos = vec![video_id(&format!("changed-{n}")), video_id("another")];
        })
    }

    fn shapes() -> Vec<Self> {
        let empty = a_playlist_with(|p| {
            p.id = playlist_id("empty");
            p.title = String::new();
            p.description = Some(String::new());
            p.videos = Vec::new();
        });
        vec![a_full_playlist(), a_playlist(), empty]
    }

    fn alike() -> Vec<Self> {
        look_alikes().iter().map(|id| a_playlist_with(|p| p.id = playlist_id(id))).collect()
    }

    async fn owners(to: &dyn Repositories) -> Outcome {
        to.channels().create(&a_channel()).await?;
        Ok(())
    }

    async fn remove(from: &dyn Repositories, id: &Self::Id) -> Result<()> {
        from.playlists().purge(id, None).await
    }
}

#[async_trait]
impl Soft for Playlist {
    async fn restore(to: &dyn Repositories, id: &Self::Id) -> Result<Stored<Self>> {
        to.playlists().restore(id).await
    }

    async fn purge(to: &dyn Repositories, id: &Self::Id, expected: Option<Revision>) -> Result<()> {
        to.playlists().purge(id, expected).await
    }

    fn orphan(&self) -> Self {
        a_playlist_with(|p| {
            *p = self.clone().into_fields();
            p.channel_id = Some(channel_id("missing"));
        })
    }
}

#[async_trait]
impl Subject for SourceFile {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.source_files()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        use SourceVerdict::{Ignored, Imported, Refused};
        let mut rows = Vec::new();
        for (path, verdict) in [
            ("/a/b.json", Imported),
            ("/a/B.json", Refused),
            ("/a", Ignored),
            ("/a/", Imported),
            ("/A/b.json", Imported),
            ("/a0", Refused),
            ("/a/%_", Imported),
            ("/a/\u{D7FF}x", Ignored),
            ("/a/\u{E000}", Imported),
            ("/a/\u{10FFFF}", Refused),
            ("/a/\u{10FFFF}\u{10FFFF}z", Imported),
            ("/é/1", Imported),
            ("/e\u{301}/1", Imported),
            (" /a", Ignored),
        ] {
            let file = with_verdict(path, verdict);
            rows.push(Row::live(case.store().source_files().create(&file).await?));
        }
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        let folder = ["/a/added", "/", "/a/b.json", "~"][n as usize % 4];
        let file = with_verdict(&format!("{folder}-{n}"), SourceVerdict::Imported);
        Ok(case.store().source_files().create(&file).await?)
    }

    fn missing_id() -> Self::Id {
        source_path("missing")
    }

    fn orders() -> Vec<SourceFileOrder> {
        vec![SourceFileOrder::Path]
    }

    fn filters() -> Vec<SourceFileFilter> {
        let all = SourceFileFilter::default;
        let mut filters = vec![all()];
        for verdict in SourceVerdict::ALL {
            filters.push(SourceFileFilter { verdict: Some(verdict), ..all() });
        }
        let too_long = "/".repeat(MAX_PATH_BYTES + 1);
        for prefix in [
            "",
            "/",
            "/a",
            "/a/",
            "/A/",
            "/a/b.json",
            "/a/%",
            "/a_",
            "/a/_",
            "/a/\u{D7FF}",
            "/a/\u{10FFFF}",
            "/a/\u{10FFFF}\u{10FFFF}",
            "\u{10FFFF}",
            "/e",
            "/é",
            " ",
            "a",
            "/a\0",
            "\0",
            &too_long,
        ] {
            let prefix = Some(prefix.to_owned());
            filters.push(SourceFileFilter { prefix: prefix.clone(), ..all() });
            filters.push(SourceFileFilter { prefix, verdict: Some(SourceVerdict::Imported) });
        }
        filters
    }

    fn seeing(filter: &SourceFileFilter, visibility: Visibility) -> Option<SourceFileFilter> {
        (visibility == Visibility::Live).then(|| filter.clone())
    }

    fn takes_in(filter: &SourceFileFilter, stored: &Stored<Self>) -> bool {
        let SourceFileFilter { prefix, verdict } = filter;
        prefix.as_ref().is_none_or(|prefix| stored.path.as_str().starts_with(prefix))
            && verdict.is_none_or(|wanted| stored.outcome.verdict() == wanted)
    }

    fn compare(order: SourceFileOrder, a: &SourceFilePosition, b: &SourceFilePosition) -> Ordering {
        match order {
            SourceFileOrder::Path => a.path.cmp(&b.path),
        }
    }
}

/// The source file with this path and verdict.
pub(crate) fn with_verdict(path: &str, verdict: SourceVerdict) -> SourceFile {
    a_source_file_with(|s| {
        s.path = source_path(path);
        s.outcome = match verdict {
            SourceVerdict::Imported => SourceOutcome::Imported,
            SourceVerdict::Refused => SourceOutcome::Refused("a reason".into()),
            SourceVerdict::Ignored => SourceOutcome::Ignored("a reason".into()),
        };
    })
}

#[async_trait]
impl Written for SourceFile {
    fn writes(to: &dyn Repositories) -> &dyn WriteRepository<Self> {
        to.source_files()
    }

    fn nth(n: u32) -> Self {
        a_source_file_with(|s| s.path = source_path(&format!("/nth/{n}.json")))
    }

    fn changed(&self, n: u32) -> Self {
        a_source_file_with(|s| {
            *s = self.clone().into_fields();
            s.size = (10_000 + n).into();
        })
    }

    fn shapes() -> Vec<Self> {
        let one = |n: u32, change: &dyn Fn(&mut SourceFileFields)| {
            a_source_file_with(|s| {
                s.path = source_path(&format!("shape {n}"));
                change(s);
            })
        };
        let gives =
            |kind| move |s: &mut SourceFileFields| s.gives = Some(SourceYield { kind, key: " a\n".into() });
        vec![
            a_full_source_file(),
            a_source_file(),
            one(1, &|s| (s.size, s.reader_version, s.modified_at) = (0, 0, Timestamp::MAX)),
            one(2, &|s| s.outcome = SourceOutcome::Ignored("a leftover of a download".into())),
            one(3, &|s| s.hash = Some(ContentHash::new([0; 32]))),
            one(4, &gives(EntityKind::Video)),
            one(5, &gives(EntityKind::Transcript)),
            one(6, &gives(EntityKind::KnowledgeGraph)),
            one(7, &|s| s.memo = Some(String::new())),
        ]
    }

    fn alike() -> Vec<Self> {
        let paths =
            ["/a.json", "/A.json", "/é.json", "/e\u{301}.json", "/a.json ", "//a.json", "a.json", "/a.json/"];
        paths.iter().map(|path| a_source_file_with(|s| s.path = source_path(path))).collect()
    }

    async fn owners(_: &dyn Repositories) -> Outcome {
        Ok(())
    }
}

#[async_trait]
impl Subject for ProcessingTask {
    fn reads(from: &dyn Repositories) -> &dyn Repository<Self> {
        from.processing_tasks()
    }

    async fn catalogue(case: &Case) -> Result<Vec<Row<Self>>, Violation> {
        let tasks = case.store().processing_tasks();
        let mut rows = Vec::new();
        for (n, kind, target, then_ms) in [
            (7, "transcribe", Some("video/a"), 0),
            (3, "transcribe", Some("video/A"), 0),
            (5, "Transcribe", None, 1),
            (4, "import", Some(""), 0),
            (9, "import", Some("video/a"), -7),
            (1, "import", None, 0),
            (8, "transcribe", Some("video/%"), 3),
            (2, "transcribe", None, 0),
        ] {
            let task = a_task_with(|t| {
                t.id = ProcessingTaskId::new(uuid(n));
                t.kind = task_kind(kind);
                t.target = target.map(str::to_owned);
                t.available_at = at(0);
            });
            rows.push(Row::live(tasks.enqueue(&task).await?));
            case.clock.move_by_ms(then_ms);
        }
        // One more of each status: what is claimed here is the oldest, whichever that is.
        for step in 0..3 {
            let kinds = Some(vec![task_kind("transcribe")]);
            let request = ClaimRequest { worker: worker("w"), kinds, lease_ms: 60_000, only: None };
            let claimed = some("a task to claim", tasks.claim(&request).await?)?;
            let token = some("a lease", claimed.lease.clone())?.token;
            let id = claimed.entity.id;
            let stored = match step {
                0 => tasks.complete(id, token).await?,
                1 => tasks.cancel(id).await?,
                _ => tasks.report(id, token, Progress::NONE).await?,
            };
            for row in rows.iter_mut().filter(|row| row.stored.entity.id == id) {
                row.stored = stored.clone();
            }
        }
        Ok(rows)
    }

    async fn add(case: &Case, n: u32) -> Result<Stored<Self>, Violation> {
        case.clock.move_by_ms([10, -20, 5, 0][n as usize % 4]);
        let task = a_task_with(|t| t.id = ProcessingTaskId::new(uuid(10_000 + n)));
        Ok(case.store().processing_tasks().enqueue(&task).await?)
    }

    fn missing_id() -> Self::Id {
        ProcessingTaskId::new(uuid(999_999))
    }

    fn orders() -> Vec<ProcessingTaskOrder> {
        vec![ProcessingTaskOrder::Newest, ProcessingTaskOrder::Oldest]
    }

    fn filters() -> Vec<ProcessingTaskFilter> {
        let all = ProcessingTaskFilter::default;
        let mut filters = vec![all()];
        for status in TaskStatus::ALL {
            filters.push(ProcessingTaskFilter { status: Some(status), ..all() });
            let kind = Some(task_kind("transcribe"));
            filters.push(ProcessingTaskFilter { status: Some(status), kind, ..all() });
        }
        for kind in ["transcribe", "Transcribe", "import", "missing"] {
            filters.push(ProcessingTaskFilter { kind: Some(task_kind(kind)), ..all() });
        }
        for target in ["video/a", "video/A", "video/%", "video/", ""] {
            filters.push(ProcessingTaskFilter { target: Some(target.into()), ..all() });
            let kind = Some(task_kind("import"));
            filters.push(ProcessingTaskFilter { kind, target: Some(target.into()), ..all() });
        }
        filters
    }

    fn seeing(filter: &ProcessingTaskFilter, visibility: Visibility) -> Option<ProcessingTaskFilter> {
        (visibility == Visibility::Live).then(|| filter.clone())
    }

    fn takes_in(filter: &ProcessingTaskFilter, stored: &Stored<Self>) -> bool {
        let ProcessingTaskFilter { status, kind, target } = filter;
        status.is_none_or(|wanted| stored.status == wanted)
            && kind.as_ref().is_none_or(|wanted| stored.kind == *wanted)
            && target.as_ref().is_none_or(|wanted| stored.target.as_ref() == Some(wanted))
    }

    fn compare(
        order: ProcessingTaskOrder,
        a: &ProcessingTaskPosition,
        b: &ProcessingTaskPosition,
    ) -> Ordering {
        let newest = match order {
            ProcessingTaskOrder::Newest => true,
            ProcessingTaskOrder::Oldest => false,
        };
        by_time(newest, (Some(a.created_at), &a.id), (Some(b.created_at), &b.id))
    }
}
