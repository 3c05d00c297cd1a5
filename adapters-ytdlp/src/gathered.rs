//! What many documents tell together: of channels, which each of their videos names, and of playlists, whose order is
//! in the documents of their videos.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use tubeatlas_domain::{Channel, ChannelFields, ChannelId, Playlist, PlaylistFields, PlaylistId, VideoId};

use crate::head::{ListHead, Place, VideoHead};

/// A document that was looked at.
pub(crate) struct Seen<'a, H> {
    pub(crate) path: &'a Path,
    pub(crate) head: &'a H,
    /// Whether it is new or has changed.
    pub(crate) is_new: bool,
}

/// The newest document first: that with the latest `epoch`, those without one last, and then in byte order.
fn newest_first<T>(items: &mut [T], key: impl Fn(&T) -> (Option<i64>, &Path)) {
    items.sort_by(|a, b| {
        let ((epoch_a, path_a), (epoch_b, path_b)) = (key(a), key(b));
        let bytes = |path: &Path| path.as_os_str().as_encoded_bytes().to_vec();
        Reverse(epoch_a).cmp(&Reverse(epoch_b)).then_with(|| bytes(path_a).cmp(&bytes(path_b)))
    });
}

/// The channels that documents name: of each field what the newest document tells that has it.
pub(crate) fn channels(
    videos: &[Seen<'_, VideoHead>],
    lists: &[Seen<'_, ListHead>],
) -> HashMap<ChannelId, Channel> {
    let of_videos = videos.iter().map(|it| (it.head.epoch, it.path, it.head.channel.as_ref()));
    let of_lists = lists.iter().map(|it| (it.head.epoch, it.path, it.head.channel.as_ref()));
    let mut told: Vec<(Option<i64>, &Path, &ChannelFields)> = of_videos
        .chain(of_lists)
        .filter_map(|(epoch, path, channel)| Some((epoch, path, channel?)))
        .collect();
    newest_first(&mut told, |(epoch, path, _)| (*epoch, path));
    let mut channels: HashMap<ChannelId, ChannelFields> = HashMap::new();
    for (_, _, channel) in told {
        let fields = channels.entry(channel.id.clone()).or_insert_with(|| channel.clone());
        if fields.title.is_empty() {
            fields.title.clone_from(&channel.title);
        }
        fields.handle = fields.handle.take().or_else(|| channel.handle.clone());
        fields.url = fields.url.take().or_else(|| channel.url.clone());
    }
    // Each field was checked with its document.
    channels.into_iter().filter_map(|(id, fields)| Some((id, Channel::new(fields).ok()?))).collect()
}

/// A playlist, made of all documents that tell of it.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// Its own documents, the one that was taken first.
    pub(crate) documents: Vec<PathBuf>,
    /// The document that stands for it: its own, or else one of a video.
    pub(crate) path: PathBuf,
    pub(crate) playlist: Playlist,
    pub(crate) channel: Option<Channel>,
    /// Whether one of the documents is new or has changed.
    pub(crate) is_new: bool,
}

/// The playlists, in the order of their ids. The videos of one are those that its newest document lists. If it lists
/// none, as those that yt-dlp writes, they are those whose documents say that they were downloaded with it, by their
/// numbers.
pub(crate) fn playlists(
    videos: &[Seen<'_, VideoHead>],
    lists: &[Seen<'_, ListHead>],
    channels: &HashMap<ChannelId, Channel>,
) -> Vec<Gathered> {
    #[derive(Default)]
    struct Told<'a> {
        lists: Vec<&'a Seen<'a, ListHead>>,
        places: Vec<(&'a Seen<'a, VideoHead>, &'a Place)>,
    }
    let mut told: BTreeMap<&PlaylistId, Told<'_>> = BTreeMap::new();
    for list in lists {
        told.entry(&list.head.playlist.id).or_default().lists.push(list);
    }
    for video in videos {
        if let Some(place) = &video.head.place {
            told.entry(&place.playlist).or_default().places.push((video, place));
        }
    }
    let gather = |(id, Told { mut lists, mut places }): (&PlaylistId, Told<'_>)| {
        newest_first(&mut lists, |list| (list.head.epoch, list.path));
        newest_first(&mut places, |(video, _)| (video.head.epoch, video.path));
        let path = lists.first().map(|list| list.path).or(places.first().map(|(video, _)| video.path))?;
        let is_new = lists.iter().any(|list| list.is_new) || places.iter().any(|(video, _)| video.is_new);
        let mut fields = lists
            .first()
            .map_or_else(|| PlaylistFields::new(id.clone(), ""), |list| list.head.playlist.clone());
        if fields.title.is_empty() {
            fields.title = places.iter().find_map(|(_, place)| place.title.clone()).unwrap_or_default();
        }
        if fields.videos.is_empty() {
            fields.videos = in_order(&places);
        }
        let channel = fields.channel_id.as_ref().and_then(|id| channels.get(id)).cloned();
        if channel.is_none() {
            fields.channel_id = None;
        }
        let documents = lists.iter().map(|list| list.path.to_owned()).collect();
        let playlist = Playlist::new(fields).ok()?; // its fields were checked with its documents
        Some(Gathered { documents, path: path.to_owned(), playlist, channel, is_new })
    };
    told.into_iter().filter_map(gather).collect()
}

/// The videos by their numbers, each once: where its newest document has it.
fn in_order(places: &[(&Seen<'_, VideoHead>, &Place)]) -> Vec<VideoId> {
    let mut seen = std::collections::HashSet::new();
    let mut videos: Vec<(u64, &Path, &VideoId)> = places
        .iter()
        .filter(|(video, _)| seen.insert(&video.head.id))
        .map(|(video, place)| (place.index.unwrap_or(u64::MAX), video.path, &video.head.id))
        .collect();
    videos.sort();
    videos.into_iter().take(tubeatlas_domain::MAX_PLAYLIST_VIDEOS).map(|(_, _, id)| id.clone()).collect()
}
