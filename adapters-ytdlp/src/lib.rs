//! Reads what yt-dlp (or youtube-dl) left in a folder, as an archive to import into Tubeatlas. Nothing is
//! downloaded, nothing is written, and no layout is asked for: any tree of folders will do.
//!
//! ```
//! use tubeatlas_adapters_ytdlp::YtDlpArchive;
//! use tubeatlas_ports::archive::{ArchiveEntry, ArchiveSource, KnownFiles};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! std::fs::write(folder.join("A talk [abc].info.json"), r#"{"id": "abc", "title": "A talk"}"#)?;
//! std::fs::write(folder.join("A talk [abc].en.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello\n")?;
//!
//! let archive = YtDlpArchive::new(vec![folder.to_owned()]);
//! let mut reader = archive.open(KnownFiles::new()).await?;
//! while let Some(item) = reader.next().await {
//!     match item.entry {
//!         Ok(ArchiveEntry::Video(it)) => {
//!             assert_eq!(it.video.title, "A talk");
//!             assert_eq!(it.transcripts[0].transcript.cues[0].text, "Hello");
//!         }
//!         Ok(entry) => println!("{entry:?}"),
//!         Err(refusal) => eprintln!("refused {refusal}"),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is read
//!
//! Opening an archive lists its files and looks at the head of every document, on all cores; after that each video is
//! read when its turn comes, as many at a time as there are cores, so that memory holds these and the list of names.
//! Playlists come first, then the rest in byte order of the paths of their documents. Reading is done on tokio's blocking
//! threads; it needs a tokio runtime, of either flavour.
//!
//! A file that an earlier import has noted, and that has the size and time it had then, is not opened; if only its time
//! differs, its contents are compared by their hash (not those of media files and pictures, which are never read). A video
//! is read again if one of its files is new or has changed, or belonged to another one; a file that is gone is told, and
//! is no reason to read anything. What is noted of a document is enough to know where it belongs, and what it tells of
//! its channel and playlist.
//!
//! | file | becomes |
//! |---|---|
//! | `*.info.json` of a video | the video and its channel |
//! | `*.info.json` of a playlist | the playlist |
//! | `*.info.json` of a channel | ignored: its videos tell the same |
//! | `*.LANG.json3`, `.srv3`, `.vtt`, `.ttml`, `.srv1`, `.srt`, `.sbv` | a transcript of the video |
//! | captions in other formats (`.ass`, `.lrc`, `.srv2`, …) | refused: not read yet |
//! | `.mp4`, `.webm`, `.m4a`, … | a media file of the video |
//! | `.f137.mp4` and other formats to be merged | media files if there is no merged one, else ignored |
//! | `.jpg`, `.webp`, … of a video | the thumbnail of its media files if there are any, else ignored |
//! | `.part`, `.ytdl`, `.temp`, `.aria2`, `.temp.*`, `._*` | ignored: what an unfinished download, or macOS, left |
//! | `.live_chat.json`, `.description`, `.url`, `archive.txt` | ignored |
//!
//! Each of these files is in exactly one entry: by itself or as part of its video. Not mentioned at all are
//! files of other kinds, pictures and texts that lie beside no document, and what is in `.git`, `.hg`,
//! `@eaDir` and the folders of deleted files (`#recycle`, `.Trash*`). Links to files are read; links to folders are ignored, so that no loop can be.
//!
//! # What belongs together
//!
//! The `id` in a document decides which video it describes, not its name. Other files belong to the document
//! that lies beside them under the same base name; or else to the video whose id is in their name, as `[id]` or
//! behind a hyphen, wherever they lie; or else to the document that has their base name in another folder, if
//! that name is the video's title. (If several have it, to that whose folders are named as theirs.) Names are
//! compared in Unicode's composed form, with the characters that yt-dlp replaced by look-alikes put back.
//!
//! Captions that belong to no document become a video of their own if their name surely holds an id: one of
//! YouTube's shape in brackets at the end, behind a hyphen there, or alone; or a long number in brackets. Of such
//! a video nothing but id and title are known, its `extra` says `known_by_name`, and an import never lets it
//! replace one that is known better.
//!
//! Of several documents of one video the one with the newest `epoch` is taken. Those without one count as older,
//! for older programs write none; of them that with more views is the newer, because views only grow; and if that
//! tells nothing either, the last in byte order. Times of files are not looked at: a copy of an archive would
//! give other videos. The other documents are ignored, and named. What media files are is taken from the
//! document that has their name; formats that were not merged are looked up in its list of formats.
//!
//! If an id is used by two platforms, or by two pages that belong to no platform, the documents of the second are
//! refused: the catalogue knows videos by their id alone.
//!
//! Of several caption files in one language that in the format that stands first in the table is taken, then the
//! one beside the document; if it is refused, the next. The language is what stands between base name and
//! ending; else what a WebVTT or TTML header says; else the language that the document says is spoken. What
//! speech recognition heard has two names in yt-dlp (`en` and `en-orig`) and is taken once. Captions in related
//! languages (`zh-Hans`, `zh-Hant`) are captions of their own.
//!
//! A caption file is read as what its content shows it to be, whatever its name: in UTF-8, UTF-16, or else the
//! older encoding that it looks most like. An HTML page that was saved as captions is refused.
//!
//! A channel is what all documents together tell of it, and of each field the newest that has it. The videos of a playlist
//! are those that its document lists; those that yt-dlp writes list none, and then they are the videos whose documents say
//! with which number they were downloaded with it. A playlist without a document of its own is known by these alone. What a
//! channel has published is no playlist, though yt-dlp numbers it as one: there the newest is always the first.
//!
//! # What is kept
//!
//! A field that is malformed is left out with a warning; a document is refused only if it is no JSON, has no
//! id or no title, or has more than 64 MiB. Of what has no field of its own a short list of checked values
//! is kept in `extra`. Addresses of the client, addresses that expire, formats, headers, cookies and the like
//! are never kept; the author's own words (title, description, tags, names) are kept as they are.
//!
//! If a document has no id of its channel, as older ones, its id is what follows `/channel/` in the channel's or
//! uploader's address; else the uploader's id; else the last part of these addresses; else the name behind
//! `uploader:`. A document that Python wrote and that is not quite JSON (`NaN`, half a character) is read with a
//! warning.
//!
//! YouTube's automatic captions roll up the screen: each spoken line stands in the file three times. They are
//! un-rolled, so that each is kept once. In files that do not roll nothing is left out, however often it
//! repeats itself. Captions are automatic if their content shows it (they roll, or words have times), and else
//! what the document says of their language: written by people, automatic, or translated by a machine. A file that
//! Tubeatlas itself has written says so (`Tubeatlas-Kind:` in a WebVTT header, `tubeatlasKind` in json3): it is taken at
//! its word, and never un-rolled.

mod address;
mod archive;
mod captions;
mod channel;
mod fields;
mod file_name;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod gathered;
mod head;
mod info_json;
mod json;
mod listed;
mod media;
mod plan;
mod read;
mod video;
mod walk;

pub use archive::YtDlpArchive;
