//! What belongs to what: after one look at every name and every document's head, the archive is a list of
//! jobs, each of which becomes an entry.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tubeatlas_domain::VideoId;
use tubeatlas_ports::archive::{Refusal, Remark};

use crate::file_name::{self, CaptionFormat, FileName, Kind};
use crate::info_json::{self, Head, Origin, VideoHead};
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
    /// Its documents, the one to be taken first. If there is none, `name` is all that is known of the video.
    pub(crate) documents: Vec<PathBuf>,
    /// The title that the name of its first caption file tells.
    pub(crate) name: String,
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
    head: Option<VideoHead>,
}

impl DocumentFile {
    fn origin(&self) -> Option<&Origin> {
        self.head.as_ref()?.origin.as_ref()
    }
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
    for path in &others {
        plan.know_by_name(path);
    }
    for path in others {
        plan.attach(path);
    }
    Ok(plan.into_jobs())
}

#[derive(Default)]
struct Plan {
    documents: Vec<DocumentFile>,
    /// The document that lies in a folder under a base (see [`file_name::key`]).
    by_base: HashMap<PathBuf, HashMap<String, usize>>,
    /// The documents of videos whose base holds the video's title, wherever they lie.
    by_title: HashMap<String, Vec<usize>>,
    videos: BTreeMap<VideoId, VideoJob>,
    jobs: Vec<(PathBuf, Job)>,
}

/// The video to which a file belongs.
struct Owner {
    id: VideoId,
    language: NamedLanguage,
}

/// Why a file belongs to no video.
enum Lost {
    /// Nothing tells to which.
    Unknown,
    /// The document beside it describes none.
    Beside(usize),
    /// These two documents, and maybe more, have its name and describe different videos.
    Several(usize, usize),
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
        let base = file_name::parse(name).and_then(|name| Some(name.bases.first()?.base)).unwrap_or_default();
        let head = read::whole(&path).and_then(|bytes| info_json::head(&bytes));
        let (state, head) = match head {
            Ok(Head::Video(head)) => {
                if file_name::holds_title(base, &head.title) {
                    self.by_title.entry(file_name::key(base)).or_default().push(self.documents.len());
                }
                (State::Video(head.id.clone()), Some(VideoHead { title: String::new(), ..head }))
            }
            Ok(Head::Other(what)) => {
                self.ignore(path.clone(), what);
                (State::Other, None)
            }
            Err(reason) => {
                self.refuse(path.clone(), reason);
                (State::Refused, None)
            }
        };
        self.by_base.entry(folder(&path)).or_default().insert(file_name::key(base), self.documents.len());
        self.documents.push(DocumentFile { path, state, head });
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
            // The documents are in byte order of their paths, so the first to state an origin decides.
            let stated = group.iter().find_map(|&i| Some((i, self.documents[i].origin()?.clone())));
            if let Some((first, stated)) = stated {
                let own = |i: &usize| self.documents[*i].origin().is_none_or(|origin| *origin == stated);
                let (own, foreign): (_, Vec<usize>) = group.into_iter().partition(own);
                group = own;
                for i in foreign {
                    let other =
                        self.documents[i].origin().map(|origin| origin.platform.clone()).unwrap_or_default();
                    let what = if other == stated.platform {
                        format!("another page of the platform {other}")
                    } else {
                        format!("another platform ({other}, not {})", stated.platform)
                    };
                    let reason = format!(
                        "has the id {id} of {}, but comes from {what}; import it into another catalogue",
                        self.documents[first].path.display(),
                    );
                    self.documents[i].state = State::Foreign;
                    self.refuse(self.documents[i].path.clone(), reason);
                }
            }
            let age = |i: usize| self.documents[i].head.as_ref().map(|head| (head.epoch, head.views));
            group.sort_by_key(|&i| std::cmp::Reverse((age(i), i)));
            let documents = group.iter().map(|&i| self.documents[i].path.clone()).collect();
            self.videos.insert(id.clone(), VideoJob::new(id, documents, String::new()));
        }
    }

    /// Makes a video of captions that belong to none, if their name surely holds an id.
    fn know_by_name(&mut self, path: &Path) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse) else {
            return;
        };
        if !matches!(name.kind, Kind::Captions(_))
            || !matches!(self.owner(&folder(path), &name), Err(Lost::Unknown))
        {
            return;
        }
        let known = name.bases.iter().find_map(|base| file_name::sure_id(base.base));
        if let Some((id, title)) = known
            && let Ok(id) = VideoId::parse(id)
        {
            let title = file_name::title(title);
            let title = if title.is_empty() { id.to_string() } else { title };
            self.videos.insert(id.clone(), VideoJob::new(id, Vec::new(), title));
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
            Err(lost) => self.orphan(path, kind, lost),
        }
    }

    /// The video to which a file in `folder` belongs: that of the document of the same base beside it; or else
    /// that whose id is in the name; or else that of the document of the same base elsewhere, if the base is
    /// the video's title.
    fn owner(&self, folder: &Path, name: &FileName<'_>) -> Result<Owner, Lost> {
        let tag = |language: Option<&str>| match language {
            Some(language) => NamedLanguage::Tag(language.to_owned()),
            None => NamedLanguage::Nothing,
        };
        let mut lost = Lost::Unknown;
        if let Some(bases) = self.by_base.get(folder) {
            for base in name.bases.iter().filter(|base| base.language.is_none_or(file_name::may_be_language))
            {
                if let Some(&i) = bases.get(&file_name::key(base.base)) {
                    match &self.documents[i].state {
                        State::Video(id) => {
                            return Ok(Owner { id: id.clone(), language: tag(base.language) });
                        }
                        State::Foreign => return Err(Lost::Beside(i)),
                        State::Other | State::Refused if matches!(lost, Lost::Unknown) => {
                            lost = Lost::Beside(i)
                        }
                        State::Other | State::Refused => (),
                    }
                }
            }
        }
        for base in &name.bases {
            for id in file_name::ids(base.base) {
                if let Ok(known) = VideoId::parse(id)
                    && self.videos.contains_key(&known)
                {
                    let at_the_end = base.base.strip_suffix(']').unwrap_or(base.base).ends_with(id);
                    let language = match base.language {
                        Some(language) if file_name::is_language(language) => tag(base.language),
                        // Some platforms name languages by words; a title does not go on behind its id.
                        Some(language) if at_the_end && file_name::may_be_language(language) => {
                            tag(base.language)
                        }
                        Some(_) => continue,
                        None if at_the_end => NamedLanguage::Nothing,
                        None => NamedLanguage::Unclear,
                    };
                    return Ok(Owner { id: known, language });
                }
            }
        }
        for base in name.bases.iter().filter(|base| base.language.is_none_or(file_name::is_language)) {
            match self.of_title(folder, base.base) {
                Ok(id) => return Ok(Owner { id, language: tag(base.language) }),
                Err(several @ Lost::Several(..)) => lost = several,
                Err(_) => (),
            }
        }
        Err(lost)
    }

    /// The video of the document that has this base in another folder. If several videos have that title, the
    /// one in whose path the most folders are named as in the file's: `info/Ann/Intro` is not `subs/Bob/Intro`.
    fn of_title(&self, of: &Path, base: &str) -> Result<VideoId, Lost> {
        let in_common = |i: usize| {
            let documents = folder(&self.documents[i].path);
            documents.components().rev().zip(of.components().rev()).take_while(|(a, b)| a == b).count()
        };
        let mut best: Option<(usize, usize)> = None;
        let mut rival = None;
        for &i in self.by_title.get(&file_name::key(base)).into_iter().flatten() {
            let State::Video(id) = &self.documents[i].state else { continue };
            let common = in_common(i);
            match best {
                Some((most, _)) if common < most => (),
                Some((most, taken)) if common == most => {
                    if !matches!(&self.documents[taken].state, State::Video(other) if other == id) {
                        rival = Some(i);
                    }
                }
                _ => (best, rival) = (Some((common, i)), None),
            }
        }
        match (best.map(|(_, i)| (i, &self.documents[i].state)), rival) {
            (Some((i, _)), Some(rival)) => Err(Lost::Several(i, rival)),
            (Some((_, State::Video(id))), None) => Ok(id.clone()),
            _ => Err(Lost::Unknown),
        }
    }

    /// Accounts for a file that belongs to no video. Pictures and the like are only known as yt-dlp's by the
    /// document beside them.
    fn orphan(&mut self, path: PathBuf, kind: Kind, lost: Lost) {
        let beside = match lost {
            Lost::Unknown => None,
            Lost::Beside(i) => {
                let document = &self.documents[i];
                let what = match document.state {
                    State::Other => "describes no video",
                    _ => "was refused",
                };
                Some(format!("belongs to {}, which {what}", document.path.display()))
            }
            Lost::Several(i, other) => Some(format!(
                "may belong to {} or to {}, which have its name; put it beside its own",
                self.documents[i].path.display(),
                self.documents[other].path.display(),
            )),
        };
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
            if let Some(path) = video.path() {
                jobs.push((path.to_owned(), Job::Video(Box::new(video))));
            }
        }
        jobs.sort_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        jobs.into_iter().map(|(_, job)| job).collect()
    }
}

const LEFTOVER: &str = "is what an unfinished download left; download it again or delete it";
const LIVE_CHAT: &str = "is a live chat and no captions; chats are not read";

impl VideoJob {
    fn new(id: VideoId, documents: Vec<PathBuf>, name: String) -> Self {
        Self {
            id,
            documents,
            name,
            captions: Vec::new(),
            media: Vec::new(),
            unmerged: Vec::new(),
            pictures: Vec::new(),
            ignored: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The file that stands for the video: its document, or else its first caption file.
    pub(crate) fn path(&self) -> Option<&Path> {
        let captions = || self.captions.first().map(|file| &file.path);
        self.documents.first().or_else(captions).map(PathBuf::as_path)
    }

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
