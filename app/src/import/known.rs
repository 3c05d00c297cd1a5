//! What earlier imports have noted of an archive's files.

use std::collections::HashSet;

use tubeatlas_domain::{EntityKind, SourceFile, VideoId};
use tubeatlas_ports::archive::KnownFiles;
use tubeatlas_ports::{
    Error, MAX_BATCH, MAX_PAGE_LIMIT, PageRequest, Result, SourceFileFilter, SourceFileOrder, Store,
    Visibility,
};

/// The files that are noted under these prefixes, but those whose videos are not in the catalogue (any more) or deleted:
/// they are to be read again. `None` if the store keeps no such notes.
pub(super) async fn known_files(store: &dyn Store, prefixes: &[String]) -> Result<Option<KnownFiles>> {
    let mut known = KnownFiles::new();
    for prefix in prefixes {
        let filter = SourceFileFilter { prefix: Some(prefix.clone()), ..SourceFileFilter::default() };
        let mut page =
            PageRequest { order: SourceFileOrder::Path, limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
        loop {
            let files = match store.source_files().list(&filter, &page).await {
                Err(Error::Unsupported { .. }) => return Ok(None),
                files => files?,
            };
            known.extend(files.items.into_iter().map(|file| (file.path.clone(), file.entity)));
            match files.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
    }
    let given: HashSet<VideoId> = known.values().filter_map(video).collect();
    let given: Vec<VideoId> = given.into_iter().collect();
    let mut missing = HashSet::new();
    for ids in given.chunks(MAX_BATCH) {
        let found = store.videos().get_many(ids, Visibility::Live).await?;
        missing.extend(ids.iter().zip(found).filter(|(_, video)| video.is_none()).map(|(id, _)| id.clone()));
    }
    known.retain(|_, file| video(file).is_none_or(|id| !missing.contains(&id)));
    Ok(Some(known))
}

/// The video that a document gave.
fn video(file: &SourceFile) -> Option<VideoId> {
    let gives = file.gives.as_ref().filter(|gives| gives.kind == EntityKind::Video)?;
    VideoId::parse(gives.key.as_str()).ok()
}
