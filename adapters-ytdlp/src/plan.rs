//! What belongs to what: after one look at every name and every document's head, the archive is a list of
//! jobs, each of which becomes an entry.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tubeatlas_domain::{Channel, ChannelId, EntityKind, SourceFile, SourceOutcome, SourcePath, VideoId};
use tubeatlas_ports::archive::{KnownFiles, Refusal, Remark, UnchangedFiles};

use crate::file_name::{self, CaptionFormat, FileName, Kind};
use crate::gathered::{self, Gathered, Seen};
use crate::head::{Head, ListHead, Origin, VideoHead};
use crate::listed::{self, Files, Listed};
use crate::read::Failure;
use crate::walk::{Found, What};

/// What becomes an entry.
#[derive(Debug)]
pub(crate) enum Job {
    /// A video, whose files are to be read.
    Video(Box<VideoJob>),
    /// A playlist, of which nothing more is to be read.
    Playlist(Box<Gathered>, Vec<SourceFile>),
    /// A file of no use.
    Ignored(Remark, Vec<SourceFile>),
    /// A file that cannot be taken in.
    Refused(Refusal, Vec<SourceFile>),
    /// Files that have not changed.
    Unchanged(UnchangedFiles, Vec<SourceFile>),
    /// A file that is not there any more.
    Vanished(SourcePath),
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
    /// Those of `refused` that could not be read, for a reason that may pass.
    pub(crate) unread: Vec<PathBuf>,
    /// All of these files, as they were listed.
    pub(crate) listed: HashMap<PathBuf, Box<Listed>>,
    /// The channels, as all documents together tell of them.
    pub(crate) channels: Arc<HashMap<ChannelId, Channel>>,
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

/// Sorts out what was found under `roots`. Reads every document once that is not known, or has changed.
///
/// # Errors
/// If `cancelled` was set meanwhile.
pub(crate) fn plan(
    found: Vec<Found>,
    roots: &[PathBuf],
    mut known: KnownFiles,
    cancelled: &AtomicBool,
) -> Result<Vec<Job>, Refusal> {
    let mut plan = Plan { files: Files::look(&found, &mut known, cancelled), ..Plan::default() };
    let mut others = Vec::new();
    for Found { path, what, .. } in found {
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
    Ok(plan.into_jobs(known))
}

#[derive(Default)]
struct Plan {
    files: Files,
    /// The documents of playlists.
    lists: Vec<(PathBuf, ListHead)>,
    documents: Vec<DocumentFile>,
    /// The document that lies in a folder under a base (see [`file_name::key`]).
    by_base: HashMap<PathBuf, HashMap<String, usize>>,
    /// The documents of videos whose base holds the video's title, wherever they lie.
    by_title: HashMap<String, Vec<usize>>,
    videos: BTreeMap<VideoId, VideoJob>,
    /// The files that belong to no video.
    ignored: Vec<Remark>,
    refused: Vec<Refusal>,
    /// Those of `refused` that could not be read, for a reason that may pass.
    unread: Vec<PathBuf>,
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
        self.refused.push(Refusal { path, reason: reason.into() });
    }

    fn ignore(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.ignored.push(Remark { path, reason: reason.into() });
    }

    /// Looks at a document's head.
    fn document(&mut self, path: PathBuf, name: &str) {
        let base = file_name::parse(name).and_then(|name| Some(name.bases.first()?.base)).unwrap_or_default();
        let (state, head) = match self.head(&path) {
            Ok(Head::Video(head)) => {
                if head.titled {
                    self.by_title.entry(file_name::key(base)).or_default().push(self.documents.len());
                }
                (State::Video(head.id.clone()), Some(head))
            }
            Ok(Head::List(list)) => {
                self.lists.push((path.clone(), list));
                (State::Other, None)
            }
            Ok(Head::Other(what)) => {
                self.ignore(path.clone(), what);
                (State::Other, None)
            }
            Err(Failure { reason, passing }) => {
                self.unread.extend(passing.then(|| path.clone()));
                self.refuse(path.clone(), reason);
                (State::Refused, None)
            }
        };
        self.by_base.entry(folder(&path)).or_default().insert(file_name::key(base), self.documents.len());
        self.documents.push(DocumentFile { path, state, head });
    }

    /// The head of a document: as it was just read, or as it is noted.
    fn head(&self, path: &Path) -> Result<Head, Failure> {
        let listed = self.files.get(path);
        if let Some(head) = listed.and_then(|listed| listed.head.clone()) {
            return *head;
        }
        match listed.filter(|listed| listed.is_unchanged(None)).and_then(Listed::outcome) {
            Some(SourceOutcome::Refused(reason)) => Err(reason.clone().into()),
            // A path of which nothing can be noted.
            _ => listed::head_of(path),
        }
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

    /// The playlists, in the order of their ids, then what each file or video becomes, in byte order of the paths, then
    /// what has vanished.
    fn into_jobs(mut self, known: KnownFiles) -> Vec<Job> {
        let vanished = listed::video_heads(&known);
        let is_new = |files: &Files, path: &Path| !files.get(path).is_some_and(Listed::is_known);
        let documents = self.documents.iter().filter(|document| matches!(document.state, State::Video(_)));
        let here = documents.filter_map(|document| Some((document.path.as_path(), document.head.as_ref()?)));
        let gone = vanished.iter().map(|(path, head)| (path.as_path(), head));
        let is_here = |path| is_new(&self.files, path);
        let videos: Vec<_> = here
            .map(|(path, head)| Seen { path, head, is_new: is_here(path) })
            .chain(gone.map(|(path, head)| Seen { path, head, is_new: false }))
            .collect();
        let lists: Vec<_> =
            self.lists.iter().map(|(path, head)| Seen { path, head, is_new: is_here(path) }).collect();
        let channels = gathered::channels(&videos, &lists);
        let playlists = gathered::playlists(&videos, &lists, &channels);
        drop((videos, lists));
        // What tells to which video a file belongs is not needed on; the jobs may take its memory.
        (self.documents, self.by_base, self.by_title) = Default::default();

        let mut jobs: Vec<(PathBuf, Job)> = Vec::new();
        let playlists: Vec<Job> =
            playlists.into_iter().filter_map(|playlist| self.playlist_job(playlist)).collect();
        for remark in std::mem::take(&mut self.ignored) {
            let note = self.note(&remark.path, SourceOutcome::Ignored, &remark.reason);
            jobs.push((remark.path.clone(), Job::Ignored(remark, note)));
        }
        for refusal in std::mem::take(&mut self.refused) {
            let note = match self.unread.contains(&refusal.path) {
                true => Vec::new(),
                false => self.note(&refusal.path, SourceOutcome::Refused, &refusal.reason),
            };
            jobs.push((refusal.path.clone(), Job::Refused(refusal, note)));
        }
        let channels = Arc::new(channels);
        for mut video in std::mem::take(&mut self.videos).into_values() {
            let Some(path) = video.path().map(PathBuf::from) else { continue };
            let paths: Vec<PathBuf> = video.paths().map(PathBuf::from).collect();
            video.listed =
                paths.iter().filter_map(|path| Some((path.clone(), self.files.take(path)?))).collect();
            let job = match video.unchanged(&paths) {
                Some((unchanged, touched)) => Job::Unchanged(unchanged, touched),
                None => Job::Video(Box::new(VideoJob { channels: Arc::clone(&channels), ..video })),
            };
            jobs.push((path, job));
        }
        jobs.sort_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        let mut vanished: Vec<SourcePath> = known.into_keys().collect();
        vanished.sort();
        let vanished = vanished.into_iter().map(Job::Vanished);
        playlists.into_iter().chain(jobs.into_iter().map(|(_, job)| job)).chain(vanished).collect()
    }

    /// What becomes of a playlist; of its older documents, which are ignored, as well.
    fn playlist_job(&mut self, gathered: Gathered) -> Option<Job> {
        let id = gathered.playlist.id.clone();
        for other in gathered.documents.iter().skip(1) {
            let first = gathered.path.display();
            self.ignore(
                other.clone(),
                format!("describes the playlist {id} as well; {first} is newer or as new"),
            );
        }
        let listed = gathered.documents.first().and_then(|path| self.files.get(path));
        if gathered.is_new {
            let gives = Some((EntityKind::Playlist, id.to_string()));
            let note = listed.and_then(|listed| listed.note(SourceOutcome::Imported, None, gives));
            return Some(Job::Playlist(Box::new(gathered), note.into_iter().collect()));
        }
        let unchanged = UnchangedFiles { files: 1, ..UnchangedFiles::default() };
        listed.map(|listed| Job::Unchanged(unchanged, listed.retouched().into_iter().collect()))
    }

    /// What is to be noted of a file that belongs to no video.
    fn note(&self, path: &Path, verdict: fn(String) -> SourceOutcome, reason: &str) -> Vec<SourceFile> {
        let note = |listed: &Listed| listed.note(listed::for_reason(verdict, reason), None, None);
        self.files.get(path).and_then(note).into_iter().collect()
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
            unread: Vec::new(),
            listed: HashMap::new(),
            channels: Arc::default(),
        }
    }

    /// All its files.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let captions = self.captions.iter().map(|file| &file.path);
        let others = [&self.documents, &self.media, &self.unmerged, &self.pictures].into_iter().flatten();
        let remarks = self.ignored.iter().chain(&self.refused).map(|remark| &remark.path);
        others.chain(captions).chain(remarks).map(PathBuf::as_path)
    }

    /// What there is to tell if none of its files has changed, and what is to be noted.
    fn unchanged(&self, paths: &[PathBuf]) -> Option<(UnchangedFiles, Vec<SourceFile>)> {
        let mut unchanged = UnchangedFiles::default();
        let mut touched = Vec::new();
        for path in paths {
            let listed = self.listed.get(path).filter(|listed| listed.is_unchanged(Some(&self.id)))?;
            let remark = |reason: &String| Remark { path: path.clone(), reason: reason.clone() };
            match listed.outcome()? {
                SourceOutcome::Imported => (),
                SourceOutcome::Refused(reason) => unchanged.refused.push(remark(reason)),
                SourceOutcome::Ignored(reason) => unchanged.ignored.push(remark(reason)),
            }
            unchanged.files += 1;
            touched.extend(listed.retouched());
        }
        Some((unchanged, touched))
    }

    /// What is to be noted of one of its files.
    pub(crate) fn note(
        &self,
        path: &Path,
        outcome: SourceOutcome,
        gives: Option<(EntityKind, String)>,
    ) -> Option<SourceFile> {
        self.listed.get(path)?.note(outcome, Some(&self.id), gives)
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
