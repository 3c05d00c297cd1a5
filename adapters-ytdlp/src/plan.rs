//! What belongs to what: after one look at every name and every document's head, the archive is a list of
//! jobs, each of which becomes an entry.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tubeatlas_domain::VideoId;
use tubeatlas_ports::archive::{Refusal, Remark};

use crate::file_name::{self, CaptionFormat, FileName, Kind};
use crate::info_json::{self, Head};
use crate::read;
use crate::walk::{Found, What};

/// What becomes an entry.
#[derive(Debug)]
pub(crate) enum Job {
    /// A video, whose files are to be read.
    Video(Box<VideoJob>),
    /// A file of no use.
    Ignored(Remark),
    /// A file that cannot be taken in.
    Refused(Refusal),
}

/// A video, and the files that belong to it; each list in byte order of the paths.
#[derive(Debug)]
pub(crate) struct VideoJob {
    pub(crate) id: VideoId,
    /// Its documents, the one to be taken first.
    pub(crate) documents: Vec<PathBuf>,
    pub(crate) captions: Vec<CaptionFile>,
    pub(crate) media: Vec<PathBuf>,
    /// Formats that were to be merged into one media file.
    pub(crate) unmerged: Vec<PathBuf>,
    pub(crate) pictures: Vec<PathBuf>,
    pub(crate) ignored: Vec<Remark>,
    pub(crate) refused: Vec<Refusal>,
}

/// A caption file of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CaptionFile {
    pub(crate) path: PathBuf,
    pub(crate) format: CaptionFormat,
    pub(crate) language: NamedLanguage,
}

/// What a caption file's name says of its language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NamedLanguage {
    /// This.
    Tag(String),
    /// Nothing.
    Nothing,
    /// Something that is no language.
    Unclear,
}

/// What is known of a document after a look at its head.
#[derive(Debug)]
enum State {
    Video(VideoId),
    /// A playlist's, say.
    Other,
    Refused,
    /// Of a video whose id is taken by another platform's.
    Foreign,
}

struct DocumentFile {
    path: PathBuf,
    state: State,
    epoch: Option<i64>,
    platform: Option<String>,
}

/// Sorts out what was found under `roots`. Reads every document once.
///
/// # Errors
/// If `cancelled` was set meanwhile.
pub(crate) fn plan(
    found: Vec<Found>,
    roots: &[PathBuf],
    cancelled: &AtomicBool,
) -> Result<Vec<Job>, Refusal> {
    let mut plan = Plan::default();
    let mut others = Vec::new();
    for Found { path, what } in found {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Refusal { path, reason: "the reading was given up".to_owned() });
        }
        let raw_name = path.file_name().unwrap_or(path.as_os_str()).to_owned();
        let name = raw_name.to_string_lossy();
        let kind = file_name::parse(&name).map(|name| name.kind);
        match (what, kind) {
            (What::Unreadable(reason), _) => plan.refuse(path, reason),
            (What::FolderLink, _) => {
                plan.ignore(
                    path,
                    "is a link to a folder and was not followed; name that folder to import it",
                );
            }
            (What::Folder, Some(Kind::Document | Kind::Captions(_) | Kind::OtherCaptions)) => {
                plan.refuse(path, "is a folder, though it is named like a file");
            }
            (What::Folder, _) => (),
            (_, None) => {
                if roots.contains(&path) {
                    plan.refuse(
                        path,
                        "is no file that yt-dlp leaves; name the folder in which the archive lies",
                    );
                }
            }
            (What::BrokenLink, Some(Kind::Document | Kind::Captions(_) | Kind::OtherCaptions)) => {
                plan.refuse(path, "is a link to a file that does not exist");
            }
            (What::BrokenLink, Some(_)) => plan.ignore(path, "is a link to a file that does not exist"),
            (What::Special, Some(_)) => plan.refuse(path, "is no regular file; only files are read"),
            (What::File, Some(_)) if raw_name.to_str().is_none() => {
                plan.refuse(path, "has a name that is not UTF-8; rename it");
            }
            (What::File, Some(Kind::Document)) => plan.document(path, &name),
            (What::File, Some(_)) => others.push(path),
        }
    }
    plan.group();
    for path in others {
        plan.attach(path);
    }
    Ok(plan.into_jobs())
}

#[derive(Default)]
struct Plan {
    documents: Vec<DocumentFile>,
    /// The document that lies in a folder under a base.
    by_base: HashMap<PathBuf, HashMap<String, usize>>,
    videos: BTreeMap<VideoId, VideoJob>,
    jobs: Vec<(PathBuf, Job)>,
}

/// The video to which a file belongs.
struct Owner {
    id: VideoId,
    language: NamedLanguage,
}

impl Plan {
    fn refuse(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.jobs.push((path.clone(), Job::Refused(Refusal { path, reason: reason.into() })));
    }

    fn ignore(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.jobs.push((path.clone(), Job::Ignored(Remark { path, reason: reason.into() })));
    }

    /// Looks at a document's head.
    fn document(&mut self, path: PathBuf, name: &str) {
        let head = read::whole(&path).and_then(|bytes| info_json::head(&bytes));
        let (state, epoch, platform) = match head {
            Ok(Head::Video { id, epoch, platform }) => (State::Video(id), epoch, platform),
            Ok(Head::Other(what)) => {
                self.ignore(path.clone(), what);
                (State::Other, None, None)
            }
            Err(reason) => {
                self.refuse(path.clone(), reason);
                (State::Refused, None, None)
            }
        };
        if let Some(base) = file_name::parse(name).and_then(|name| Some(name.bases.first()?.base.to_owned()))
        {
            self.by_base.entry(folder(&path)).or_default().insert(base, self.documents.len());
        }
        self.documents.push(DocumentFile { path, state, epoch, platform });
    }

    /// Groups the documents by id.
    fn group(&mut self) {
        let mut by_id: BTreeMap<VideoId, Vec<usize>> = BTreeMap::new();
        for (i, document) in self.documents.iter().enumerate() {
            if let State::Video(id) = &document.state {
                by_id.entry(id.clone()).or_default().push(i);
            }
        }
        for (id, mut group) in by_id {
            // The documents are in byte order of their paths, so the first to state a platform decides.
            let stated = group.iter().find(|&&i| self.documents[i].platform.is_some()).copied();
            if let Some(first) = stated {
                let (own, foreign) = group.into_iter().partition(|&i| {
                    let platform = &self.documents[i].platform;
                    platform.is_none() || *platform == self.documents[first].platform
                });
                group = own;
                let foreign: Vec<usize> = foreign;
                for i in foreign {
                    let reason = format!(
                        "has the id {id} of {}, but comes from another platform ({}, not {}); import it into another catalogue",
                        self.documents[first].path.display(),
                        self.documents[i].platform.as_deref().unwrap_or_default(),
                        self.documents[first].platform.as_deref().unwrap_or_default(),
                    );
                    self.documents[i].state = State::Foreign;
                    self.refuse(self.documents[i].path.clone(), reason);
                }
            }
            group.sort_by_key(|&i| std::cmp::Reverse((self.documents[i].epoch, i)));
            let documents = group.iter().map(|&i| self.documents[i].path.clone()).collect();
            let job = VideoJob {
                id: id.clone(),
                documents,
                captions: Vec::new(),
                media: Vec::new(),
                unmerged: Vec::new(),
                pictures: Vec::new(),
                ignored: Vec::new(),
                refused: Vec::new(),
            };
            self.videos.insert(id, job);
        }
    }

    /// Gives a file to the video to which it belongs.
    fn attach(&mut self, path: PathBuf) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse) else {
            return;
        };
        let kind = name.kind;
        if kind == Kind::DownloadList {
            return self.ignore(path, "is the list of what was downloaded; the documents tell more");
        }
        match self.owner(&folder(&path), &name) {
            Ok(Owner { id, language }) => {
                if let Some(video) = self.videos.get_mut(&id) {
                    video.take(path, kind, language);
                }
            }
            Err(document) => self.orphan(path, kind, document),
        }
    }

    /// The video to which a file in `folder` belongs: that of the document of the same base beside it, or
    /// else that whose id is in the name. If there is none, the document beside it, if there is one.
    fn owner(&self, folder: &Path, name: &FileName<'_>) -> Result<Owner, Option<usize>> {
        let tag = |language: Option<&str>| match language {
            Some(language) => NamedLanguage::Tag(language.to_owned()),
            None => NamedLanguage::Nothing,
        };
        let mut beside = None;
        if let Some(bases) = self.by_base.get(folder) {
            for base in name.bases.iter().filter(|base| base.language.is_none_or(file_name::may_be_language))
            {
                if let Some(&i) = bases.get(base.base) {
                    match &self.documents[i].state {
                        State::Video(id) => {
                            return Ok(Owner { id: id.clone(), language: tag(base.language) });
                        }
                        State::Foreign => return Err(Some(i)),
                        State::Other | State::Refused => beside = beside.or(Some(i)),
                    }
                }
            }
        }
        for base in name.bases.iter().filter(|base| base.language.is_none_or(file_name::is_language)) {
            for id in file_name::ids(base.base) {
                if let Ok(known) = VideoId::parse(id)
                    && self.videos.contains_key(&known)
                {
                    let behind = base.base.strip_suffix(']').unwrap_or(base.base);
                    let language = match base.language {
                        None if !behind.ends_with(id) => NamedLanguage::Unclear,
                        language => tag(language),
                    };
                    return Ok(Owner { id: known, language });
                }
            }
        }
        Err(beside)
    }

    /// Accounts for a file that belongs to no video. Pictures and the like are only known as yt-dlp's by the
    /// document beside them.
    fn orphan(&mut self, path: PathBuf, kind: Kind, document: Option<usize>) {
        let beside = document.map(|i| {
            let document = &self.documents[i];
            let what = match document.state {
                State::Other => "describes no video",
                _ => "was refused",
            };
            format!("belongs to {}, which {what}", document.path.display())
        });
        let lost = "belongs to no video here: no *.info.json has its name or the id in its name";
        match (kind, beside) {
            (Kind::Captions(_) | Kind::OtherCaptions, Some(reason)) => self.refuse(path, reason),
            (Kind::Captions(_) | Kind::OtherCaptions, None) => {
                self.refuse(path, format!("{lost}; write one (yt-dlp --write-info-json --skip-download)"));
            }
            (Kind::Leftover, _) => self.ignore(path, LEFTOVER),
            (Kind::LiveChat, _) => self.ignore(path, LIVE_CHAT),
            (_, Some(reason)) => self.ignore(path, reason),
            (Kind::Media | Kind::UnmergedMedia, None) => self.ignore(path, lost),
            (Kind::Picture | Kind::Side | Kind::Document | Kind::DownloadList, None) => (),
        }
    }

    fn into_jobs(self) -> Vec<Job> {
        let mut jobs = self.jobs;
        for video in self.videos.into_values() {
            if let Some(document) = video.documents.first() {
                jobs.push((document.clone(), Job::Video(Box::new(video))));
            }
        }
        jobs.sort_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        jobs.into_iter().map(|(_, job)| job).collect()
    }
}

const LEFTOVER: &str = "is what an unfinished download left; download it again or delete it";
const LIVE_CHAT: &str = "is a live chat and no captions; chats are not read";

impl VideoJob {
    fn take(&mut self, path: PathBuf, kind: Kind, language: NamedLanguage) {
        let mut ignore = |path, reason: &str| self.ignored.push(Remark { path, reason: reason.to_owned() });
        match kind {
            Kind::Captions(format) => self.captions.push(CaptionFile { path, format, language }),
            Kind::OtherCaptions => {
                let format =
                    path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
                let reason = format!(
                    "is of the format {format}, which is not read yet; convert it (yt-dlp --convert-subs vtt, or ffmpeg)"
                );
                self.refused.push(Refusal { path, reason });
            }
            Kind::Media => self.media.push(path),
            Kind::UnmergedMedia => self.unmerged.push(path),
            Kind::Picture => self.pictures.push(path),
            Kind::LiveChat => ignore(path, LIVE_CHAT),
            Kind::Leftover => ignore(path, LEFTOVER),
            Kind::Side => ignore(path, "holds nothing that the document does not"),
            Kind::Document | Kind::DownloadList => (), // never attached
        }
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
