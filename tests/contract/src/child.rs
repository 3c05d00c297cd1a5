//! The process that rules about crashes start and kill: what it does, and how the two talk.
//!
//! The parent says by the environment at which place the child opens the store, what it does there, and from
//! which number on. The child answers with a line on its standard output for each write that was acknowledged.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;

use tubeatlas_domain::Video;
use tubeatlas_ports::{Error, Mode, Result, Store, Visibility};

use crate::fixtures::*;
use crate::harness::{Harness, Limits, Setup};
use crate::options::MakeChild;
use crate::{SequentialIds, TestClock, Violation};

const PLACE: &str = "TUBEATLAS_CONTRACT_CHILD_PLACE";
const WORK: &str = "TUBEATLAS_CONTRACT_CHILD_WORK";
const FIRST: &str = "TUBEATLAS_CONTRACT_CHILD_FIRST";

/// How many writers a child has.
pub(crate) const WRITERS: u32 = 4;

/// What a child does: each writer the same, with the numbers from the first one on, until it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Single calls: [`video_of`] is created.
    Calls,
    /// Units of work: [`write_unit`].
    Units,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Units => "units",
        }
    }
}

/// The video of this number of a writer.
pub(crate) fn video_of(writer: u32, number: u64) -> Video {
    a_video_with(|v| {
        v.id = video_id(&format!("w{writer}-{number}"));
        v.view_count = Some(number);
    })
}

/// The video in which a writer counts its units of work.
pub(crate) fn counter_of(writer: u32, count: u64) -> Video {
    a_video_with(|v| {
        v.id = video_id(&format!("counter-{writer}"));
        v.view_count = Some(count);
    })
}

/// One unit of work: a video with a transcript, and the writer's counter set to its number.
async fn write_unit(store: &dyn Store, writer: u32, number: u64) -> Result<()> {
    let unit = store.begin(Mode::ReadWrite).await?;
    let video = video_of(writer, number);
    unit.videos().create(&video).await?;
    let transcript = a_transcript_with(|t| {
        t.video_id = video.id.clone();
        t.cues = cues(&["acknowledged words"]);
    });
    unit.transcripts().create(&transcript).await?;
    unit.videos().upsert(&counter_of(writer, number)).await?;
    unit.commit().await
}

async fn write(store: &dyn Store, work: Work, writer: u32, number: u64) -> Result<()> {
    match work {
        Work::Calls => store.videos().create(&video_of(writer, number)).await.map(drop),
        Work::Units => write_unit(store, writer, number).await,
    }
}

/// Does what the process that started this one asks for by its environment, until it is killed. A program that gives
/// [`Options::child`](crate::Options::child) calls it, with the same harness, in the process that it starts so. If
/// nobody asks for anything, it does nothing.
///
/// # Errors
/// If the store cannot be opened, or a write fails.
pub fn run_child(harness: impl Harness + 'static) -> std::result::Result<(), String> {
    if std::env::var_os(PLACE).is_none() {
        return Ok(());
    }
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is missing"));
    let (place, work, first) = (variable(PLACE)?, variable(WORK)?, variable(FIRST)?);
    let work = match work.as_str() {
        "calls" => Work::Calls,
        "units" => Work::Units,
        other => return Err(format!("{WORK} is {other:?}")),
    };
    let first: u64 = first.parse().map_err(|_| format!("{FIRST} is {first:?}"))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (clock, ids) = (Arc::new(TestClock::new()), Arc::new(SequentialIds::new()));
        let store = harness.reopen(&place, Setup { clock, ids, limits: Limits::default() }).await?;
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in first.. {
                    loop {
                        match write(&*store, work, writer, number).await {
                            Err(Error::Conflict(_)) => {}
                            result => break result.map_err(|error| error.chain())?,
                        }
                    }
                    // One call, so that lines do not mix; the parent may be gone.
                    let line = format!("\nack {writer} {number}\n");
                    std::io::stdout().write_all(line.as_bytes()).map_err(|error| error.to_string())?;
                    std::io::stdout().flush().map_err(|error| error.to_string())?;
                }
                Ok::<(), String>(())
            })
        });
        for writer in futures::future::join_all(writers).await {
            writer.map_err(|error| error.to_string())??;
        }
        Ok(())
    })
}

/// A child at work. Dropping it kills it.
pub(crate) struct Working {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Working {
    pub(crate) fn start(make: &MakeChild, place: &str, work: Work, first: u64) -> Result<Self, Violation> {
        let mut command = make();
        command.env(PLACE, place).env(WORK, work.name()).env(FIRST, first.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let no_child = |error: String| Violation::error("a child process is started", error);
        let mut child = command.spawn().map_err(|error| no_child(error.to_string()))?;
        let lines = child.stdout.take().map(BufReader::new);
        Ok(Self { child, lines })
    }

    /// Waits for so many acknowledgements, kills the child in the midst of its work, and answers the last number that
    /// was acknowledged to each writer.
    pub(crate) async fn killed_after(
        mut self,
        acknowledgements: u32,
    ) -> Result<[Option<u64>; WRITERS as usize], Violation> {
        let (enough, wait) = tokio::sync::oneshot::channel();
        let lines = self.lines.take();
        // Elsewhere, because it blocks; dropping `self` ends it.
        let reader = tokio::task::spawn_blocking(move || {
            let mut enough = Some(enough);
            let mut acknowledged = [None; WRITERS as usize];
            let mut count = 0;
            for line in lines.into_iter().flat_map(BufRead::lines).map_while(std::result::Result::ok) {
                // Its end may be missing if the child was killed meanwhile: then its number is not whole either.
                let mut words = line.split(' ');
                let (Some("ack"), Some(writer), Some(number)) = (words.next(), words.next(), words.next())
                else {
                    continue;
                };
                let (Ok(writer), Ok(number)) = (writer.parse::<usize>(), number.parse()) else { continue };
                if let Some(last) = acknowledged.get_mut(writer) {
                    *last = Some(number);
                    count += 1;
                }
                if count >= acknowledgements
                    && let Some(enough) = enough.take()
                {
                    let _ = enough.send(());
                }
            }
            (acknowledged, count)
        });
        if acknowledgements > 0 {
            // It answers too when the child ends by itself, which the count below tells.
            let _ = wait.await;
        }
        self.kill();
        let read = reader.await.map_err(|error| Violation::error("the child is read", error.to_string()))?;
        let (acknowledged, count) = read;
        if count < acknowledgements {
            let expected = format!("the child goes on until it is killed after {acknowledgements} writes");
            return Err(Violation::new(expected, format!("it ended after {count}; see its standard error")));
        }
        Ok(acknowledged)
    }

    fn kill(&mut self) {
        // It may have ended; whether it did so too early is for others to judge.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What of a number of a writer is there: its video, and its transcript.
pub(crate) async fn found(store: &dyn Store, writer: u32, number: u64) -> Result<(bool, bool)> {
    let video = video_of(writer, number);
    let read = store.videos().get(&video.id, Visibility::Live).await?;
    let transcripts =
        tubeatlas_ports::TranscriptFilter { video_id: Some(video.id.clone()), ..Default::default() };
    let spoken = store.transcripts().count(&transcripts).await?;
    Ok((read.is_some_and(|stored| stored.entity == video), spoken == 1))
}
