//! The import of an archive as yt-dlp leaves it: documents of 100 KB to 1 MB, rolling captions of 8 to 50 KB, media files
//! (empty ones), pictures, a playlist a channel.
//!
//! `cargo run --release -p tubeatlas-benches --bin archive_scale -- FOLDER [VIDEOS] [TUBEATLAS]` (default 10,000)
//!
//! Writes FOLDER, if it is not there yet. With TUBEATLAS, the program, it is imported into a new database: all of it, again
//! unchanged, and again after one video came and one caption file changed; time, speed and peak memory are told.

#![allow(clippy::print_stdout)] // its output is what it is for

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use tubeatlas_benches::speech::Speech;
use tubeatlas_benches::{Numbers, Result, channel_id, video_id};

/// Of so many videos, one channel has published each.
const VIDEOS_A_CHANNEL: u32 = 200;

/// The languages into which captions are offered, each in seven formats: most of a document is their addresses.
const LANGUAGES: u32 = 160;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("FOLDER is missing")?);
    let videos: u32 = args.next().map_or(Ok(10_000), |text| text.parse())?;
    if !folder.exists() {
        let start = Instant::now();
        let speech = Speech::default();
        for n in 0..videos {
            write_video(&folder, &speech, n)?;
        }
        println!("{videos} videos written in {:.0} s", start.elapsed().as_secs_f64());
    }
    let size = measure(&folder)?;
    println!("{size}");
    let Some(program) = args.next() else { return Ok(()) };
    let database = folder.with_extension("db");
    for suffix in ["", "-wal", "-shm"] {
        let mut path = database.clone().into_os_string();
        path.push(suffix);
        if Path::new(&path).exists() {
            fs::remove_file(path)?;
        }
    }
    let import = |what: &str| run(&program, &database, &folder, what, &size);
    import("a new database")?;
    import("unchanged")?;
    write_video(&folder, &Speech::default(), videos)?;
    fs::write(captions(&folder, 0)?, rolling(&Speech::default(), videos + 1)?)?;
    import("one more video, one changed caption file")?;
    fs::remove_dir_all(folder_of(&folder, videos)?)?;
    fs::write(captions(&folder, 0)?, rolling(&Speech::default(), 0)?)?;
    Ok(())
}

/// Imports, and tells how fast.
fn run(program: &str, database: &Path, folder: &Path, what: &str, size: &Size) -> Result<()> {
    let start = Instant::now();
    let mut child = Command::new(program)
        .arg("--database")
        .arg(format!("sqlite://{}", database.display()))
        .args(["--format", "json", "import"])
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()?;
    let mut peak_kib = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let text = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak_kib = kib.unwrap_or(0).max(peak_kib);
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{what}: {seconds:.1} s, {:.0} files/s, {:.0} MB of documents/s, peak {:.0} MB ({status})",
        size.files as f64 / seconds,
        size.document_bytes as f64 / seconds / 1e6,
        peak_kib as f64 / 1e3,
    );
    Ok(())
}

/// What an archive holds.
#[derive(Default)]
struct Size {
    files: u64,
    document_bytes: u64,
    caption_bytes: u64,
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (documents, captions) = (self.document_bytes as f64 / 1e6, self.caption_bytes as f64 / 1e6);
        write!(f, "{} files, {documents:.0} MB of documents, {captions:.0} MB of captions", self.files)
    }
}

fn measure(folder: &Path) -> Result<Size> {
    let mut size = Size::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            size.files += 1;
            let name = entry.file_name();
            let bytes = entry.metadata()?.len();
            match name.to_string_lossy() {
                name if name.ends_with(".json") => size.document_bytes += bytes,
                name if name.ends_with(".vtt") => size.caption_bytes += bytes,
                _ => (),
            }
        }
    }
    Ok(size)
}

fn base(n: u32) -> Result<String> {
    Ok(format!("Talk number {n} about topic {} [{}]", n % 97, video_id(n)?))
}

fn folder_of(root: &Path, n: u32) -> Result<PathBuf> {
    Ok(root.join(format!("Channel {}", n / VIDEOS_A_CHANNEL)).join(base(n)?))
}

fn captions(root: &Path, n: u32) -> Result<PathBuf> {
    Ok(folder_of(root, n)?.join(format!("{}.en.vtt", base(n)?)))
}

fn write_video(root: &Path, speech: &Speech, n: u32) -> Result<()> {
    let folder = folder_of(root, n)?;
    fs::create_dir_all(&folder)?;
    let base = base(n)?;
    fs::write(folder.join(format!("{base}.info.json")), document(n)?)?;
    fs::write(captions(root, n)?, rolling(speech, n)?)?;
    fs::write(folder.join(format!("{base}.mp4")), "")?;
    fs::write(folder.join(format!("{base}.webp")), "")?;
    if n.is_multiple_of(VIDEOS_A_CHANNEL) {
        let channel = n / VIDEOS_A_CHANNEL;
        let list = format!(
            r#"{{"_type": "playlist", "id": "PL{channel:016}", "title": "All of {channel}", "channel_id": "{}"}}"#,
            channel_id(channel)?
        );
        fs::write(
            root.join(format!("Channel {channel}/All of {channel} [PL{channel:016}].info.json")),
            list,
        )?;
    }
    Ok(())
}

/// A document with what the import reads, and what it does not: formats, and addresses of captions.
fn document(n: u32) -> Result<String> {
    let mut numbers = Numbers::new(u64::from(n));
    let (channel, id) = (n / VIDEOS_A_CHANNEL, video_id(n)?);
    // From 100 KB to 1 MB, more often small than large.
    let part = u64::from(numbers.below(1_000));
    let size = 100_000 + usize::try_from(900_000 * part * part / 1_000_000)?;
    let mut text = format!(
        r#"{{"id": "{id}", "title": "Talk number {n} about topic {}", "_type": "video", "extractor": "youtube",
        "extractor_key": "Youtube", "channel_id": "{}", "channel": "Channel {channel}", "uploader_id": "@channel{channel}",
        "channel_url": "https://www.youtube.com/channel/{}", "webpage_url": "https://www.youtube.com/watch?v={id}",
        "description": "{}", "timestamp": {}, "duration": {}, "view_count": {}, "like_count": {},
        "tags": ["one", "two", "three"], "categories": ["Education"], "language": "en", "ext": "mp4", "width": 1920,
        "height": 1080, "fps": 30, "vcodec": "avc1.640028", "acodec": "mp4a.40.2", "epoch": {},
        "playlist_id": "PL{channel:016}", "playlist_title": "All of {channel}", "playlist_index": {},
        "subtitles": {{}}, "automatic_captions": {{"#,
        n % 97,
        channel_id(channel)?,
        channel_id(channel)?,
        "What was said on that day. ".repeat(20),
        1_500_000_000 + i64::from(n) * 1_000,
        60 + numbers.below(7_000),
        numbers.below(1_000_000),
        numbers.below(10_000),
        1_700_000_000 + i64::from(n),
        n % VIDEOS_A_CHANNEL + 1,
    );
    let address = |text: &mut String, kind: &str| {
        write!(
            text,
            r#"{{"ext": "{kind}", "url": "https://example.org/api/timedtext?v={id}&ei={}&caps=asr&sparams={}&fmt={kind}"}}"#,
            "x".repeat(30),
            "ip%2Cipbits%2Cexpire%2Cv%2Cei%2Ccaps".repeat(4)
        )
    };
    for language in 0..LANGUAGES {
        let name = if language == 0 { "en".to_owned() } else { format!("l{language}") };
        write!(text, r#"{}"{name}": ["#, if language == 0 { "" } else { ", " })?;
        for (i, kind) in ["json3", "srv1", "srv2", "srv3", "ttml", "vtt"].into_iter().enumerate() {
            text.push_str(if i == 0 { "" } else { ", " });
            address(&mut text, kind)?;
        }
        text.push(']');
        if text.len() > size / 2 {
            break;
        }
    }
    text.push_str("}, \"formats\": [");
    while text.len() < size {
        write!(
            text,
            r#"{{"format_id": "{}", "ext": "mp4", "fps": 30, "url": "https://example.org/videoplayback?{}", "http_headers": {{"Accept": "*/*"}}}}, "#,
            text.len(),
            "expire=1700000000&ei=abcdefghijklmnop&".repeat(20)
        )?;
    }
    text.push_str("{}]}");
    Ok(text)
}

/// Captions as speech recognition makes them: each line comes word by word, stands, and rolls up.
fn rolling(speech: &Speech, n: u32) -> Result<String> {
    let mut numbers = Numbers::new(u64::from(n) ^ 0xca97);
    let size = 8_000 + usize::try_from(numbers.below(42_000))?;
    let mut text = "WEBVTT\nKind: captions\nLanguage: en\n".to_owned();
    let transcript = speech.transcript(n)?;
    let time = |ms: u64| {
        format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000)
    };
    let mut before = " ";
    for cue in &transcript.cues {
        let (start, end) = (cue.start_ms, cue.start_ms + 2_990);
        write!(text, "\n{} --> {} align:start position:0%\n{before}\n", time(start), time(end))?;
        for (i, word) in cue.text.split(' ').enumerate() {
            match i {
                0 => text.push_str(word),
                _ => write!(text, "<{}><c> {word}</c>", time(start + 300 * u64::try_from(i)?))?,
            }
        }
        let line = &cue.text;
        write!(text, "\n\n{} --> {} align:start position:0%\n{line}\n \n", time(end), time(end + 10))?;
        before = line;
        if text.len() > size {
            break;
        }
    }
    Ok(text)
}
