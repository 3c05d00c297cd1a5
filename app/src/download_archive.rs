//! The file of yt-dlp's `--download-archive`: what was downloaded, and is not to be again.
//!
//! A line each: the platform in lower case, a space, the id (`youtube dQw4w9WgXcQ`), as `YoutubeDL.record_download_archive`
//! writes it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use tubeatlas_domain::{Video, VideoId};
use tubeatlas_ports::{
    MAX_BATCH, MAX_PAGE_LIMIT, PageRequest, Repositories, Result, VideoFilter, VideoOrder, Visibility,
};

/// One that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Downloaded {
    /// The platform, as yt-dlp names it in lower case: `youtube`.
    pub platform: String,
    /// The video.
    pub id: VideoId,
}

impl fmt::Display for Downloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.platform, self.id)
    }
}

/// What such a file holds: each video once, and the numbers, from 1, of the lines that are none.
pub fn parse(text: &str) -> (BTreeSet<Downloaded>, Vec<usize>) {
    let (mut downloaded, mut malformed) = (BTreeSet::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() {
            continue;
        }
        let parsed = line.split_once(' ').filter(|(platform, _)| !platform.is_empty());
        match parsed.map(|(platform, id)| (platform, VideoId::parse(id.trim()))) {
            Some((platform, Ok(id))) => {
                downloaded.insert(Downloaded { platform: platform.to_ascii_lowercase(), id });
            }
            _ => malformed.push(n + 1),
        }
    }
    (downloaded, malformed)
}

/// The platform of a video as the file names it: what its document said, or else YouTube if its address is there. `None` if
/// nothing tells.
fn platform(video: &Video) -> Option<String> {
    let name = |field| video.extra.get(field).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let at_youtube = || {
        let host = video.url.as_deref()?.split('/').nth(2)?;
        let host = host.strip_prefix("www.").unwrap_or(host);
        matches!(host, "youtube.com" | "youtu.be" | "m.youtube.com").then(|| "youtube".to_owned())
    };
    name("extractor_key").or_else(at_youtube)
}

/// Those of these that are not in the catalogue, also not as deleted ones; in order. Another platform's video of the same
/// id is another video.
///
/// # Errors
/// What the store says.
pub async fn missing(store: &dyn Repositories, downloaded: &BTreeSet<Downloaded>) -> Result<Vec<Downloaded>> {
    let mut missing = Vec::new();
    let all: Vec<&Downloaded> = downloaded.iter().collect();
    for chunk in all.chunks(MAX_BATCH) {
        let ids: Vec<VideoId> = chunk.iter().map(|it| it.id.clone()).collect();
        let found = store.videos().get_many(&ids, Visibility::WithDeleted).await?;
        for (it, video) in chunk.iter().zip(found) {
            let is_it = |video: &Video| platform(video).is_none_or(|platform| platform == it.platform);
            if !video.is_some_and(|video| is_it(&video)) {
                missing.push((*it).clone());
            }
        }
    }
    Ok(missing)
}

/// All videos of the catalogue whose platform is known, deleted ones included (they are not to be downloaded again); and how
/// many there are of which it is not.
///
/// # Errors
/// What the store says.
pub async fn catalogued(store: &dyn Repositories) -> Result<(BTreeSet<Downloaded>, u64)> {
    let filter = VideoFilter { visibility: Visibility::WithDeleted, ..VideoFilter::default() };
    let mut page = PageRequest { order: VideoOrder::Id, limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
    let (mut catalogued, mut unknown) = (BTreeSet::new(), 0);
    loop {
        let list = store.videos().list(&filter, &page).await?;
        for ids in list.items.chunks(MAX_BATCH) {
            let ids: Vec<VideoId> = ids.iter().map(|video| video.entity.id.clone()).collect();
            for video in store.videos().get_many(&ids, Visibility::WithDeleted).await?.into_iter().flatten() {
                match platform(&video) {
                    Some(platform) => drop(catalogued.insert(Downloaded { platform, id: video.id.clone() })),
                    None => unknown += 1,
                }
            }
        }
        match list.next {
            Some(next) => page.after = Some(next),
            None => return Ok((catalogued, unknown)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
    use tubeatlas_domain::{JsonObject, VideoFields};
    use tubeatlas_ports::{SystemClock, UuidV7Generator};

    use super::*;

    fn downloaded(platform: &str, id: &str) -> Downloaded {
        Downloaded { platform: platform.into(), id: VideoId::parse(id).unwrap() }
    }

    #[test]
    fn a_file_is_read_whatever_wrote_it() {
        let (all, malformed) =
            parse("\u{feff}youtube aaa\r\n\nVimeo  7 \nyoutube aaa\nnothing\n bbb\ntwitch:vod v1");
        let expected =
            [downloaded("twitch:vod", "v1"), downloaded("vimeo", "7"), downloaded("youtube", "aaa")];
        assert_eq!(all.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(malformed, [5, 6]);
    }

    #[tokio::test]
    async fn what_is_missing_is_told_by_platform_and_what_is_deleted_is_not() {
        let store =
            MemoryStore::new(MemoryConfig::default(), Arc::new(SystemClock), Arc::new(UuidV7Generator));
        for (id, key, url) in [
            ("aaa", Some("Youtube"), None),
            ("bbb", None, Some("https://www.youtube.com/watch?v=bbb")),
            ("ccc", None, None),
            ("7", Some("Vimeo"), None),
        ] {
            let mut fields = VideoFields::new(VideoId::parse(id).unwrap(), id);
            fields.url = url.map(str::to_owned);
            let extra = key.map(|key| ("extractor_key".to_owned(), json!(key)));
            fields.extra = JsonObject::new(extra.into_iter().collect()).unwrap();
            store.videos().create(&Video::new(fields).unwrap()).await.unwrap();
        }
        store.videos().delete(&VideoId::parse("aaa").unwrap(), None).await.unwrap();
        let (all, unknown) = catalogued(&store).await.unwrap();
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!((names, unknown), (vec!["vimeo 7".into(), "youtube aaa".into(), "youtube bbb".into()], 1));

        let (listed, _) = parse("youtube aaa\nyoutube bbb\nyoutube ccc\nyoutube 7\nyoutube new\n");
        let missing = missing(&store, &listed).await.unwrap();
        assert_eq!(missing, [downloaded("youtube", "7"), downloaded("youtube", "new")]);
    }
}
