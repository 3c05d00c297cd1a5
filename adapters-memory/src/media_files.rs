//! The media files.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use imbl::{OrdMap, OrdSet};
use tubeatlas_domain::search::tokens;
use tubeatlas_domain::{MediaFile, MediaFileId, Timestamp, VideoId};
use tubeatlas_ports::{
    Error, MediaFileFilter, MediaFileOrder, MediaFilePosition, MediaFileRepository, Result, Stored,
    Visibility,
};

use crate::repository::{Kept, Rows, Written};
use crate::session::Session;
use crate::state::{Groups, State, Table, behind, between};
use crate::videos::check_video;

#[derive(Clone, Default, PartialEq)]
pub(crate) struct MediaFiles {
    pub(crate) by_id: Table<MediaFile>,
    by_path: OrdMap<Arc<str>, Arc<MediaFileId>>,
    pub(crate) by_video: Groups<Arc<VideoId>, Arc<str>>,
    by_word: Groups<Arc<str>, Arc<str>>,
}

impl MediaFiles {
    /// The file with this path.
    pub(crate) fn at(&self, path: &str) -> Option<&Arc<Stored<MediaFile>>> {
        self.by_id.get(self.by_path.get(path)?)
    }
}

/// The words of a path, each once.
fn words(path: &str) -> BTreeSet<String> {
    tokens(path).into_iter().map(|token| token.text.into_owned()).collect()
}

impl Kept for MediaFile {
    fn table(state: &State) -> &Table<Self> {
        &state.media_files.by_id
    }

    fn table_mut(state: &mut State) -> &mut Table<Self> {
        &mut state.media_files.by_id
    }

    fn reindex(
        state: &mut State,
        id: &Arc<MediaFileId>,
        old: Option<&Stored<Self>>,
        new: Option<&Stored<Self>>,
    ) {
        let files = &mut state.media_files;
        let key = |file: &Stored<Self>| -> (Arc<VideoId>, Arc<str>) {
            (Arc::new(file.video_id.clone()), file.path.as_str().into())
        };
        let (old, new) = (old.map(key), new.map(key));
        if old.as_ref().map(|(_, path)| path) != new.as_ref().map(|(_, path)| path) {
            if let Some((_, path)) = &old {
                files.by_path.remove(path);
                words(path).iter().for_each(|word| files.by_word.remove(word.as_str(), path));
            }
            if let Some((_, path)) = &new {
                files.by_path.insert(path.clone(), id.clone());
                words(path).iter().for_each(|word| files.by_word.insert_at(word, path.clone()));
            }
        }
        files.by_video.rekey(old, new);
    }

    fn deleted_at(state: &State, stored: &Stored<Self>) -> Option<Timestamp> {
        state.videos.deleted_at(&stored.video_id)
    }

    fn rows<'a>(
        state: &'a State,
        filter: &'a MediaFileFilter,
        order: MediaFileOrder,
        after: Option<MediaFilePosition>,
    ) -> Rows<'a, Self> {
        let MediaFileFilter { video_id, words: wanted, visibility } = filter;
        let MediaFileOrder::Path = order;
        let files = &state.media_files;
        let after = after.as_ref().map(|after| after.path.as_str());

        // The sets of paths that a path must be in; a set that is not there holds none.
        let wanted = wanted.as_deref().map(words);
        if wanted.as_ref().is_some_and(BTreeSet::is_empty) {
            return Box::new(std::iter::empty());
        }
        let of_video = video_id.iter().map(|video| files.by_video.of(video));
        let of_words = wanted.iter().flatten().map(|word| files.by_word.of(word.as_str()));
        let Some(mut sets) = of_video.chain(of_words).collect::<Option<Vec<&OrdSet<_>>>>() else {
            return Box::new(std::iter::empty());
        };
        sets.sort_by_key(|paths| std::cmp::Reverse(paths.len()));
        let narrowest = sets.pop();
        let paths: Box<dyn Iterator<Item = &'a Arc<str>> + 'a> = match narrowest {
            Some(paths) => Box::new(between(Some(paths), after, None)),
            None => {
                let paths = files.by_path.range::<_, str>(behind(after));
                Box::new(paths.map(|(path, _)| path))
            }
        };
        let paths = paths.filter(move |path| sets.iter().all(|set| set.contains(*path)));
        let rows = paths.filter_map(|path| files.at(path));
        Box::new(rows.filter(move |row| visibility.shows(Self::deleted_at(state, row))))
    }
}

impl Written for MediaFile {
    fn hangs_on(&self) -> Option<&VideoId> {
        Some(&self.video_id)
    }

    fn check_unique(&self, state: &State) -> Result<()> {
        match state.media_files.at(&self.path) {
            Some(other) if other.entity.id != self.id => {
                Err(Error::already_exists::<Self>("path", &self.path))
            }
            _ => Ok(()),
        }
    }

    fn check_references(&self, state: &State) -> Result<()> {
        check_video(state, self, &self.video_id)
    }
}

#[async_trait]
impl MediaFileRepository for Session {
    async fn get_by_path(&self, path: &str, visibility: Visibility) -> Result<Option<Stored<MediaFile>>> {
        self.read(|state| {
            let file = state.media_files.at(path);
            let shown = file.filter(|file| visibility.shows(MediaFile::deleted_at(state, file)));
            Ok(shown.map(|file| Stored::clone(file)))
        })
    }
}
