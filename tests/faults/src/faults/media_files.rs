//! Faults of media files.

use async_trait::async_trait;
use tubeatlas_domain::{Entity, MediaFile, MediaFileFields, MediaFileId, Video};
use tubeatlas_ports::{
    Error, MAX_PAGE_LIMIT, MediaFileFilter, PageRequest, Result, Revision, Stored, Upserted, Visibility,
    check_batch,
};

use super::lists::Notes;
use super::{core, owned};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, MediaFileHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = owned::faults::<MediaFile>();
    super::also(
        &mut faults,
        "MED-C-002",
        "MED-P-005",
        "it creates the very same file again, whose id and path are taken",
        &["AlreadyExists", "field: \"id\"", "observed: Ok(Stored"],
    );
    faults.extend(owned::moved::<MediaFile>());
    faults.extend([
        core::lost_by_create::<MediaFile>("create stores an empty video codec as none", |file| {
            let codec = file.video_codec.clone().filter(|codec| !codec.is_empty());
            rebuilt(file, |fields| fields.video_codec = codec)
        }),
        core::kept_by_update::<MediaFile>("update takes a size of 0 for an unknown one", |old, new| {
            rebuilt(new, |fields| {
                if fields.size_bytes == Some(0) {
                    fields.size_bytes = old.size_bytes;
                }
            })
        }),
        Fault::new(
            "MED-R-003",
            "a slash at the end of a new path does not count",
            &["the call succeeds", "media file with path \"/a.mp4/\""],
            || Hooks::new().writes::<MediaFile>(SlashAtTheEndDoesNotCount),
        ),
        Fault::new(
            "MED-P-001",
            "a path is found whatever the case of its letters",
            &["get_by_path of \"/MEDIA/", "None", "observed: Some(Stored"],
            || Hooks::new().media_files(PathIsFoundInAnyCase),
        ),
        Fault::new(
            "MED-P-002",
            "the path that is looked for ends at a NUL",
            &["get_by_path: None", "observed: Some(Stored"],
            || Hooks::new().media_files(PathEndsAtNul),
        ),
        Fault::new(
            "MED-P-003",
            "upsert replaces the file that has the path",
            &["AlreadyExists", "field: \"path\"", "observed: Ok(Created("],
            || Hooks::new().writes::<MediaFile>(UpsertReplacesThePath),
        ),
        Fault::new(
            "MED-P-004",
            "create replaces a hidden file that has the path",
            &["AlreadyExists", "field: \"path\"", "observed: Ok(Stored"],
            || Hooks::new().writes::<MediaFile>(CreateReplacesAHiddenPath),
        ),
        Fault::new(
            "MED-P-005",
            "create looks for the path before it looks for the id",
            &["AlreadyExists", "field: \"id\"", "observed: Err(AlreadyExists", "field: \"path\""],
            || Hooks::new().writes::<MediaFile>(PathIsToldFirst),
        ),
        Fault::new(
            "MED-P-006",
            "update_many compares all paths with what is stored before it writes",
            &["the call succeeds", "media file with path \"/a\""],
            || Hooks::new().writes::<MediaFile>(UpdateManyLooksOnce),
        ),
        Fault::new(
            "MED-P-007",
            "the path that update takes from a file stays taken",
            &["the call succeeds", "media file with path \"/a\""],
            || Hooks::new().writes::<MediaFile>(LeftPathStaysTaken::default()),
        ),
    ]);
    faults
}

/// The file with other fields; as it is, if the domain refuses them.
fn rebuilt(file: &MediaFile, change: impl FnOnce(&mut MediaFileFields)) -> MediaFile {
    let mut fields = file.clone().into_fields();
    change(&mut fields);
    MediaFile::new(fields).unwrap_or_else(|_| file.clone())
}

fn path_is_taken(path: &str) -> Error {
    Error::AlreadyExists { entity: MediaFile::KIND, field: "path", value: path.to_owned() }
}

/// Whether another file than this one has its path, hidden or not.
async fn another_has_its_path(at: &At<'_>, file: &MediaFile) -> Result<bool> {
    let holder = at.inner.media_files().get_by_path(&file.path, Visibility::WithDeleted).await?;
    Ok(holder.is_some_and(|holder| holder.entity.id != file.id))
}

struct SlashAtTheEndDoesNotCount;

#[async_trait]
impl WriteHook<MediaFile> for SlashAtTheEndDoesNotCount {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        if let Some(path) = file.path.strip_suffix('/')
            && at.inner.media_files().get_by_path(path, Visibility::WithDeleted).await?.is_some()
        {
            return Err(path_is_taken(&file.path));
        }
        at.writes::<MediaFile>().create(file).await
    }
}

struct PathIsFoundInAnyCase;

#[async_trait]
impl MediaFileHook for PathIsFoundInAnyCase {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let filter = MediaFileFilter { visibility, ..MediaFileFilter::default() };
        let page = PageRequest { limit: MAX_PAGE_LIMIT, ..PageRequest::default() };
        let files = at.reads::<MediaFile>().list(&filter, &page).await?.items;
        // An equal one goes before one that only looks like it.
        match at.inner.media_files().get_by_path(path, visibility).await? {
            None => Ok(files.into_iter().find(|file| file.path.eq_ignore_ascii_case(path))),
            found => Ok(found),
        }
    }
}

struct PathEndsAtNul;

#[async_trait]
impl MediaFileHook for PathEndsAtNul {
    async fn get_by_path(
        &self,
        at: &At<'_>,
        path: &str,
        visibility: Visibility,
    ) -> Result<Option<Stored<MediaFile>>> {
        let path = path.split('\0').next().unwrap_or(path);
        at.inner.media_files().get_by_path(path, visibility).await
    }
}

struct UpsertReplacesThePath;

#[async_trait]
impl WriteHook<MediaFile> for UpsertReplacesThePath {
    async fn upsert(&self, at: &At<'_>, file: &MediaFile) -> Result<Upserted<MediaFile>> {
        let answer = at.writes::<MediaFile>().upsert(file).await;
        if matches!(answer, Err(Error::AlreadyExists { field: "path", .. }))
            && let Some(holder) = at.inner.media_files().get_by_path(&file.path, Visibility::Live).await?
        {
            at.writes::<MediaFile>().delete(&holder.entity.id, None).await?;
            return at.writes::<MediaFile>().upsert(file).await;
        }
        answer
    }
}

struct CreateReplacesAHiddenPath;

#[async_trait]
impl WriteHook<MediaFile> for CreateReplacesAHiddenPath {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        let answer = at.writes::<MediaFile>().create(file).await;
        if matches!(answer, Err(Error::AlreadyExists { field: "path", .. }))
            && let Some(hidden) =
                at.inner.media_files().get_by_path(&file.path, Visibility::OnlyDeleted).await?
        {
            at.inner.videos().restore(&hidden.video_id).await?;
            at.writes::<MediaFile>().delete(&hidden.entity.id, None).await?;
            at.writes::<Video>().delete(&hidden.video_id, None).await?;
            return at.writes::<MediaFile>().create(file).await;
        }
        answer
    }
}

struct PathIsToldFirst;

#[async_trait]
impl WriteHook<MediaFile> for PathIsToldFirst {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        let answer = at.writes::<MediaFile>().create(file).await;
        if matches!(answer, Err(Error::AlreadyExists { field: "id", .. }))
            && another_has_its_path(at, file).await?
        {
            return Err(path_is_taken(&file.path));
        }
        answer
    }
}

struct UpdateManyLooksOnce;

#[async_trait]
impl WriteHook<MediaFile> for UpdateManyLooksOnce {
    async fn update_many(&self, at: &At<'_>, files: &[MediaFile]) -> Result<Vec<Stored<MediaFile>>> {
        check_batch(files)?;
        for file in files {
            if another_has_its_path(at, file).await? {
                return Err(path_is_taken(&file.path));
            }
        }
        at.writes::<MediaFile>().update_many(files).await
    }
}

/// The paths that files had before an update, and which file it was.
#[derive(Default)]
struct LeftPathStaysTaken(Notes<String, MediaFileId>);

#[async_trait]
impl WriteHook<MediaFile> for LeftPathStaysTaken {
    async fn create(&self, at: &At<'_>, file: &MediaFile) -> Result<Stored<MediaFile>> {
        match self.0.of(&file.path) {
            Some(id) if id != file.id => Err(path_is_taken(&file.path)),
            _ => at.writes::<MediaFile>().create(file).await,
        }
    }

    async fn update(
        &self,
        at: &At<'_>,
        file: &MediaFile,
        expected: Option<Revision>,
    ) -> Result<Stored<MediaFile>> {
        let before = at.reads::<MediaFile>().get(&file.id, Visibility::Live).await?;
        let updated = at.writes::<MediaFile>().update(file, expected).await?;
        if let Some(before) = before
            && before.path != file.path
        {
            self.0.note(before.path.clone(), file.id);
        }
        Ok(updated)
    }
}
