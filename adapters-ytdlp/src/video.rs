//! Reading one video with all that belongs to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tubeatlas_domain::{
    Entity, EntityKind, LanguageTag, SourceFile, SourceOutcome, Transcript, TranscriptFields, TranscriptKind,
};
use tubeatlas_ports::archive::{
    ArchiveEntry, ArchiveItem, ArchivedTranscript, ArchivedVideo, Refusal, Remark,
};

use crate::captions;
use crate::file_name::{self, CaptionFormat, Kind};
use crate::info_json::{self, Document, Languages};
use crate::listed::for_reason;
use crate::media::{self, Picture};
use crate::plan::{CaptionFile, NamedLanguage, VideoJob};
use crate::read::{self, Failure};

/// Reads a video: one entry, or if all its documents are refused, one for each of its files. A video that is
/// known by the name of its captions alone is one only if some of them can be read.
pub(crate) fn read(mut job: VideoJob) -> Vec<ArchiveItem> {
    let known_by_name = job.documents.is_empty();
    let Some((path, document)) = document(&mut job) else {
        let id = job.id.clone();
        return without(job, &format!("belongs to the video {id}, whose document was refused"));
    };
    let Document { video, channel, languages, picture, ending, mut warnings } = document;
    // What all documents together tell of it, be it more or newer.
    let channel = channel.map(|channel| job.channels.get(&channel.id).cloned().unwrap_or(channel));
    if known_by_name {
        let reason = "has no *.info.json, so that of its video nothing but the name is known; write one (yt-dlp --write-info-json --skip-download)";
        warnings.push(Remark { path: path.clone(), reason: reason.to_owned() });
    }
    let mut ignored = std::mem::take(&mut job.ignored);
    ignored.extend(job.documents.iter().filter(|other| **other != path).map(|other| Remark {
        path: other.clone(),
        reason: format!("describes the video {} as well; {} is newer or as new", video.id, path.display()),
    }));
    let refused = std::mem::take(&mut job.refused);
    let captions = in_order_of_choice(std::mem::take(&mut job.captions), &path);
    let transcripts = BTreeMap::new();
    let mut reading =
        CaptionReading { job: &mut job, languages: &languages, transcripts, refused, ignored, warnings };
    for file in captions {
        reading.take(file);
    }
    let CaptionReading { transcripts, mut refused, mut ignored, warnings, .. } = reading;
    if known_by_name && transcripts.is_empty() {
        (job.refused, job.ignored) = (refused, ignored);
        return without(
            job,
            "belongs to no video here: it has no *.info.json, and its captions were refused",
        );
    }

    let mut paths = std::mem::take(&mut job.media);
    let unmerged = std::mem::take(&mut job.unmerged);
    if paths.is_empty() {
        paths = unmerged;
    } else {
        ignored.extend(unmerged.into_iter().map(|path| Remark {
            path,
            reason: "is one of the formats that were merged into a media file".to_owned(),
        }));
    }
    let described = described(&paths, &path, ending.as_deref());
    let thumbnail = if paths.is_empty() { None } else { choose_picture(&job.pictures, &path) };
    ignored.extend(job.pictures.iter().filter(|path| Some(path.as_path()) != thumbnail).map(|path| Remark {
        path: path.clone(),
        reason: match thumbnail {
            Some(other) => format!("is a picture of the video; {} was taken", other.display()),
            None => {
                "is a picture of the video, and there is no media file to which it could belong".to_owned()
            }
        },
    }));
    let mut media_files = Vec::with_capacity(paths.len());
    let mut imported: Vec<PathBuf> = thumbnail.map(PathBuf::from).into_iter().collect();
    for (i, media) in paths.into_iter().enumerate() {
        let picture =
            if described == Some(i) { Some(picture.clone()) } else { picture_of_format(&media, &path) };
        match media::media_file(&media, &video.id, picture, thumbnail) {
            Ok(file) => {
                media_files.push(file);
                imported.push(media);
            }
            Err(reason) => {
                // Its folder, or the permission to look at it, is at fault: things that pass.
                job.unread.push(media.clone());
                refused.push(Refusal { path: media, reason });
            }
        }
    }
    let transcripts: Vec<ArchivedTranscript> = transcripts.into_values().collect();
    let gives = |kind, key: String| Some((kind, key));
    let of_document = (!known_by_name).then(|| (&path, gives(EntityKind::Video, video.id.to_string())));
    let of_captions = transcripts
        .iter()
        .map(|it| (&it.path, gives(EntityKind::Transcript, it.transcript.id().to_string())));
    let taken_in = of_document.into_iter().chain(of_captions).chain(imported.iter().map(|path| (path, None)));
    let taken_in = taken_in.filter_map(|(path, gives)| job.note(path, SourceOutcome::Imported, gives));
    let ignored_ones = ignored.iter().filter_map(|it| note(&job, it, SourceOutcome::Ignored));
    let refused_ones = refused.iter().filter_map(|it| note(&job, it, SourceOutcome::Refused));
    let files = taken_in.chain(ignored_ones).chain(refused_ones).collect();
    let video = ArchivedVideo {
        path,
        channel,
        video,
        known_by_name,
        transcripts,
        media_files,
        refused,
        ignored,
        warnings,
    };
    vec![ArchiveItem { entry: Ok(ArchiveEntry::Video(Box::new(video))), files }]
}

/// What is to be noted of a file that was not taken in; nothing if it could not be read for a reason that may pass.
fn note(job: &VideoJob, remark: &Remark, verdict: fn(String) -> SourceOutcome) -> Option<SourceFile> {
    if job.unread.contains(&remark.path) {
        return None;
    }
    job.note(&remark.path, for_reason(verdict, &remark.reason), None)
}

/// The first document that can be read, or what is known without one; refuses those before it.
fn document(job: &mut VideoJob) -> Option<(PathBuf, Document)> {
    if job.documents.is_empty() {
        let path = job.path()?.to_owned();
        return match info_json::known_by_name(job.id.clone(), &job.name) {
            Ok(document) => Some((path, document)),
            Err(reason) => {
                job.refused.push(Refusal { path, reason });
                None
            }
        };
    }
    while !job.documents.is_empty() {
        let path = &job.documents[0];
        let document = read::whole(path).and_then(|bytes| Ok(info_json::read(path, &bytes)?));
        let document = document.and_then(|document| match document.video.id == job.id {
            true => Ok(document),
            false => {
                let reason = "has changed while it was read; import again".to_owned();
                Err(Failure { reason, passing: true })
            }
        });
        match document {
            Ok(document) => return Some((path.clone(), document)),
            Err(Failure { reason, passing }) => {
                let path = job.documents.remove(0);
                job.unread.extend(passing.then(|| path.clone()));
                job.refused.push(Refusal { path, reason });
            }
        }
    }
    None
}

/// Accounts for the files of what turns out to be no video.
fn without(mut job: VideoJob, reason: &str) -> Vec<ArchiveItem> {
    let lost = |path| Remark { path, reason: reason.to_owned() };
    let captions = std::mem::take(&mut job.captions).into_iter().map(|file| lost(file.path));
    let refused: Vec<Refusal> = std::mem::take(&mut job.refused).into_iter().chain(captions).collect();
    let files = [&job.media, &job.unmerged, &job.pictures].into_iter().flatten().cloned().map(lost);
    let ignored: Vec<Remark> = job.ignored.iter().cloned().chain(files).collect();
    let refused = refused.into_iter().map(|refusal| {
        let files = note(&job, &refusal, SourceOutcome::Refused).into_iter().collect();
        ArchiveItem { entry: Err(refusal), files }
    });
    let ignored = ignored.into_iter().map(|remark| {
        let files = note(&job, &remark, SourceOutcome::Ignored).into_iter().collect();
        ArchiveItem { entry: Ok(ArchiveEntry::Ignored(remark)), files }
    });
    refused.chain(ignored).collect()
}

/// Which of the media files it is whose picture and sound the document describes: the only one; or that which is
/// named like the document, and of several that which has its ending. Chapters that were split off, and formats
/// that were not merged, are others.
fn described(media: &[PathBuf], document: &Path, ending: Option<&str>) -> Option<usize> {
    let base = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(file_name::parse)?;
        if name.kind == Kind::UnmergedMedia { None } else { Some(file_name::key(name.bases.first()?.base)) }
    };
    let document = base(document);
    let named = |i: &usize| media.len() == 1 || (document.is_some() && base(&media[*i]) == document);
    let named: Vec<usize> = (0..media.len()).filter(named).collect();
    match named[..] {
        [only] => Some(only),
        _ => named.into_iter().find(|&i| media[i].extension().and_then(|it| it.to_str()) == ending),
    }
}

/// What the document tells of a format that was not merged.
fn picture_of_format(media: &Path, document: &Path) -> Option<Picture> {
    let format = file_name::format_id(media.file_name()?.to_str()?)?;
    let bytes = read::whole(document).ok()?;
    info_json::format(document, &bytes, format).ok().flatten()
}

/// The picture beside the document, else the first.
fn choose_picture<'a>(pictures: &'a [PathBuf], document: &Path) -> Option<&'a Path> {
    let base = |path: &Path| path.with_extension("");
    let document = base(&base(document)); // without `.json` and `.info`
    let beside = pictures.iter().find(|path| base(path) == document);
    beside.or(pictures.first()).map(PathBuf::as_path)
}

/// How yt-dlp marks the captions of speech recognition in the language that is spoken (`en-orig`). It offers the
/// same captions without the mark (`en`) as well.
pub(crate) const ORIGINAL: &str = "-orig";

/// The caption files, of each language the one to be preferred first: one whose name tells the language; the
/// format that comes first; one that lies beside the document. What may be a double of another language's, last.
fn in_order_of_choice(mut files: Vec<CaptionFile>, document: &Path) -> Vec<CaptionFile> {
    let rank = |file: &CaptionFile| {
        let (named, original) = match &file.language {
            NamedLanguage::Tag(tag) => (true, tag.ends_with(ORIGINAL)),
            NamedLanguage::Nothing | NamedLanguage::Unclear => (false, false),
        };
        (!named, original, file.format, file.path.parent() != document.parent())
    };
    files.sort_by_key(rank); // stable: equal ones stay in byte order of their paths
    files
}

/// The captions of one video, as far as they were read.
struct CaptionReading<'a> {
    job: &'a mut VideoJob,
    languages: &'a Languages,
    transcripts: BTreeMap<LanguageTag, ArchivedTranscript>,
    refused: Vec<Refusal>,
    ignored: Vec<Remark>,
    warnings: Vec<Remark>,
}

impl CaptionReading<'_> {
    fn take(&mut self, file: CaptionFile) {
        let CaptionFile { path, format, language } = file;
        // If the name tells the language and that was read, the file need not be opened.
        let named = match &language {
            NamedLanguage::Tag(tag) => LanguageTag::parse(tag.as_str()).ok(),
            NamedLanguage::Nothing | NamedLanguage::Unclear => None,
        };
        if let Some(named) = &named
            && self.is_double(&path, named)
        {
            return;
        }
        let captions = read::whole(&path).and_then(|bytes| {
            if let Some(listed) = self.job.listed.get_mut(&path) {
                listed.was_read(&bytes);
            }
            Ok(captions::parse(&bytes, format == CaptionFormat::Vtt)?)
        });
        let captions = match captions {
            Ok(captions) => captions,
            Err(Failure { reason, passing }) => {
                self.job.unread.extend(passing.then(|| path.clone()));
                return self.refused.push(Refusal { path, reason });
            }
        };
        let in_header = || LanguageTag::parse(captions.language.as_deref()?).ok();
        let spoken =
            || (language == NamedLanguage::Nothing).then(|| self.languages.spoken().cloned()).flatten();
        let Some(tag) = named.or_else(in_header).or_else(spoken) else {
            let reason = "tells its language neither in its name nor inside; name it like Title [id].en.vtt"
                .to_owned();
            return self.refused.push(Refusal { path, reason });
        };
        if self.is_double(&path, &tag) {
            return;
        }
        let kind = captions.kind.unwrap_or_else(|| self.languages.kind(&tag, captions.automatic));
        let fields = TranscriptFields {
            video_id: self.job.id.clone(),
            language: tag.clone(),
            kind,
            cues: captions.cues,
        };
        match Transcript::new(fields) {
            Ok(transcript) => {
                let remarks =
                    captions.warnings.into_iter().map(|reason| Remark { path: path.clone(), reason });
                self.warnings.extend(remarks);
                self.transcripts.insert(tag, ArchivedTranscript { path, transcript });
            }
            Err(error) => self.refused.push(Refusal { path, reason: error.to_string() }),
        }
    }

    /// Whether captions in this language were read, or what speech recognition heard, under its other name;
    /// then the file is ignored.
    fn is_double(&mut self, path: &Path, tag: &LanguageTag) -> bool {
        let other_name = || {
            let plain = LanguageTag::parse(tag.as_str().strip_suffix(ORIGINAL)?).ok()?;
            self.transcripts.get(&plain).filter(|it| it.transcript.kind == TranscriptKind::Automatic)
        };
        let (same, taken) = match (self.transcripts.get(tag), other_name()) {
            (Some(taken), _) => (format!("the captions in {tag}"), taken),
            (None, Some(taken)) => ("what speech recognition heard".to_owned(), taken),
            (None, None) => return false,
        };
        let reason = format!("holds {same} as well; {} was taken", taken.path.display());
        self.ignored.push(Remark { path: path.to_owned(), reason });
        true
    }
}
