//! Reading one video with all that belongs to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tubeatlas_domain::{LanguageTag, Transcript, TranscriptFields, TranscriptKind};
use tubeatlas_ports::archive::{ArchiveEntry, ArchivedTranscript, ArchivedVideo, Refusal, Remark};

use crate::captions;
use crate::file_name::CaptionFormat;
use crate::info_json::{self, Document, Languages};
use crate::media;
use crate::plan::{CaptionFile, NamedLanguage, VideoJob};
use crate::read;

/// Reads a video: one entry, or if all its documents are refused, one for each of its files.
pub(crate) fn read(job: VideoJob) -> Vec<Result<ArchiveEntry, Refusal>> {
    let mut refused = job.refused;
    let mut documents = job.documents.into_iter();
    let taken = documents.by_ref().find_map(|path| {
        let document =
            read::whole(&path).and_then(|bytes| info_json::read(&path, &bytes)).and_then(|document| {
                match document.video.id == job.id {
                    true => Ok(document),
                    false => Err("has changed while it was read; import again".to_owned()),
                }
            });
        document
            .map_err(|reason| refused.push(Refusal { path: path.clone(), reason }))
            .ok()
            .map(|it| (path, it))
    });
    let Some((path, document)) = taken else {
        let lost = |path| Remark {
            path,
            reason: format!("belongs to the video {}, whose document was refused", job.id),
        };
        refused.extend(job.captions.into_iter().map(|file| lost(file.path)));
        let files = [job.media, job.unmerged, job.pictures].concat().into_iter().map(lost);
        let ignored = job.ignored.into_iter().chain(files).map(|remark| Ok(ArchiveEntry::Ignored(remark)));
        return refused.into_iter().map(Err).chain(ignored).collect();
    };
    let Document { video, channel, languages, picture, mut warnings } = document;
    let mut ignored = job.ignored;
    ignored.extend(documents.map(|other| Remark {
        path: other,
        reason: format!("describes the video {} as well; {} is newer or as new", video.id, path.display()),
    }));

    let mut reading =
        CaptionReading { languages: &languages, transcripts: BTreeMap::new(), refused, ignored, warnings };
    for file in in_order_of_choice(job.captions, &path) {
        reading.take(file, &video.id);
    }
    let CaptionReading { transcripts, mut refused, mut ignored, .. } = reading;
    warnings = reading.warnings;

    let mut paths = job.media;
    let alone = paths.len() == 1;
    if paths.is_empty() {
        paths = job.unmerged;
    } else {
        ignored.extend(job.unmerged.into_iter().map(|path| Remark {
            path,
            reason: "is one of the formats that were merged into a media file".to_owned(),
        }));
    }
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
    for path in paths {
        match media::media_file(&path, &video.id, alone.then_some(&picture), thumbnail) {
            Ok(file) => media_files.push(file),
            Err(reason) => refused.push(Refusal { path, reason }),
        }
    }
    let transcripts = transcripts.into_values().collect();
    let video = ArchivedVideo { path, channel, video, transcripts, media_files, refused, ignored, warnings };
    vec![Ok(ArchiveEntry::Video(Box::new(video)))]
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
    languages: &'a Languages,
    transcripts: BTreeMap<LanguageTag, ArchivedTranscript>,
    refused: Vec<Refusal>,
    ignored: Vec<Remark>,
    warnings: Vec<Remark>,
}

impl CaptionReading<'_> {
    fn take(&mut self, file: CaptionFile, video_id: &tubeatlas_domain::VideoId) {
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
        let captions =
            read::whole(&path).and_then(|bytes| captions::parse(&bytes, format == CaptionFormat::Vtt));
        let captions = match captions {
            Ok(captions) => captions,
            Err(reason) => return self.refused.push(Refusal { path, reason }),
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
        let kind = self.languages.kind(&tag, captions.automatic);
        let fields =
            TranscriptFields { video_id: video_id.clone(), language: tag.clone(), kind, cues: captions.cues };
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
