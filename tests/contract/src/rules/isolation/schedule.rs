//! Schedules: the calls of several sides, forced into one order.
//!
//! Each side is a future that makes its calls one after the other, and waits for its turn before each. The schedule
//! gives the turns; nothing else decides who goes on. A call that is not answered while the other sides stand still
//! *waits*: then the schedule goes on without that side, which makes up for its turns as soon as it is let in. Whether
//! a call waits is measured by what the adapter itself does meanwhile ([`Ruler`]), not by a watch. To take a slow
//! call for a waiting one makes a schedule weaker, never wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::future::{BoxFuture, Either, select};
use tubeatlas_domain::search::SearchQuery;
use tubeatlas_domain::{Video, VideoFields};
use tubeatlas_ports::{
    Conflict, Error, Mode, PageRequest, Repositories, Result, Revision, SearchRequest, Store, Stored,
    UnitOfWork, VideoFilter, VideoOrder, Visibility,
};

use super::serial::{
    Answer, CHANGED, Catalogue, HAS_VIDEOS, MISSING, NO_CHANNEL, Step, TAKEN, Transaction, unexplained,
};
use crate::fixtures::{a_channel, a_video_with, at, video_id};
use crate::harness::Limits;
use crate::{Case, Outcome, Violation};

/// A call waits if so many writes, one after the other, were answered meanwhile in a store that nobody else uses.
const PATIENCE: u32 = 10;

/// The calls of all sides in the order in which their turns come: `(1, Step::Begin)` is a call of T1.
pub(crate) type Turns = [(usize, Step)];

/// A video of this value.
fn row(key: &str, value: u64) -> Video {
    row_with(key, value, |_| {})
}

fn row_with(key: &str, value: u64, change: impl FnOnce(&mut VideoFields)) -> Video {
    a_video_with(|v| {
        v.id = video_id(key);
        v.title = title(value);
        v.published_at = Some(at(i64::try_from(value).unwrap_or(i64::MAX)));
        change(v);
    })
}

fn title(value: u64) -> String {
    format!("v{value}")
}

/// Runs a schedule on x = 10 and y = 20, and has its answers explained.
///
/// # Errors
/// If no order explains them: the anomaly has happened, or a relative of it.
pub(crate) async fn no_anomaly(case: &Case, anomaly: &str, turns: &Turns) -> Outcome {
    let store = case.store();
    let start = [("x", 10), ("y", 20)];
    store.channels().create(&a_channel()).await?;
    store.videos().create_many(&start.map(|(key, value)| row(key, value))).await?;

    let history = History::default();
    run(case, turns, &history).await?;
    // What is there afterwards is what one more reader finds.
    let end = [Step::List(0)];
    Side { number: 0, store, history: &history, turn: &Turn::free(), unit: None, read: BTreeMap::new() }
        .run(&end)
        .await?;

    case.note("prevented", history.prevented());
    let transactions = lock(&history.transactions);
    match unexplained(&Catalogue::new(start), &transactions) {
        None => Ok(()),
        Some(what) => Err(Violation::new(
            format!("no {anomaly}: a serial order of the transactions explains all answers"),
            format!("no order explains {what}: {}", lock(&history.lines).join("; ")),
        )),
    }
}

/// Gives the turns.
async fn run(case: &Case, turns: &Turns, history: &History) -> Outcome {
    let numbers: BTreeSet<_> = turns.iter().map(|(side, _)| *side).collect();
    let steps = |number| turns.iter().filter(move |(side, _)| *side == number).map(|(_, step)| *step);
    let turn: BTreeMap<_, _> = numbers.iter().map(|number| (*number, Turn::default())).collect();
    let mut ruler = Ruler { case, other: None };
    let mut sides = Vec::new();
    for (number, turn) in &turn {
        let steps: Vec<_> = steps(*number).collect();
        let store = case.store();
        let side = Side { number: *number, store, history, turn, unit: None, read: BTreeMap::new() };
        sides.push(Running {
            number: *number,
            turn,
            waits_since: None,
            future: Some(Box::pin(async move { side.run(&steps).await })),
        });
    }
    for (number, _) in turns {
        turn.get(number).into_iter().for_each(Turn::give);
        let ended = history.ended.load(Ordering::SeqCst);
        // Who waited before, and since when nobody has ended, waits still.
        let waits = |side: &Running<'_>| side.number == *number && side.waits_since == Some(ended);
        if sides.iter().any(waits) {
            continue;
        }
        let finished = match select(advance(&mut sides, Some(*number)), Box::pin(ruler.measure())).await {
            Either::Left((outcome, _)) => {
                outcome?;
                true
            }
            Either::Right((outcome, _)) => {
                outcome?;
                false
            }
        };
        for side in sides.iter_mut().filter(|side| side.number == *number) {
            side.waits_since = (!finished).then_some(ended);
        }
        if !finished {
            history.note(WAITS, format!("T{number} waits"));
        }
    }
    // All have had their turns; who waited is let in by the end of the others.
    advance(&mut sides, None).await
}

/// A side on its way.
struct Running<'a> {
    number: usize,
    turn: &'a Turn,
    /// It waits since so many transactions had ended.
    waits_since: Option<usize>,
    future: Option<BoxFuture<'a, Outcome>>,
}

/// Lets all sides go on until this one has done all that its turns allow, or is through; all of them if none is
/// named. Those that wait are let go on too: what they wait for may have ended.
fn advance<'s>(sides: &'s mut [Running<'_>], number: Option<usize>) -> BoxFuture<'s, Outcome> {
    Box::pin(poll_fn(move |cx| {
        let mut done = true;
        for side in sides.iter_mut() {
            let Some(future) = &mut side.future else { continue };
            match future.as_mut().poll(cx) {
                Poll::Ready(outcome) => {
                    side.future = None;
                    outcome?;
                }
                Poll::Pending if number.is_none() => done = false,
                Poll::Pending if number == Some(side.number) && !side.turn.is_awaited() => done = false,
                Poll::Pending => {}
            }
        }
        if done { Poll::Ready(Ok(())) } else { Poll::Pending }
    }))
}

/// By what is measured whether a call waits.
struct Ruler<'a> {
    case: &'a Case,
    /// A store that nobody else uses.
    other: Option<Arc<dyn Store>>,
}

impl Ruler<'_> {
    /// Takes as long as the adapter needs for some writes that nothing hinders.
    async fn measure(&mut self) -> Outcome {
        let other = match &self.other {
            Some(other) => other,
            None => {
                let other = self.case.another(Limits::default()).await?;
                other.videos().create(&row("x", 0)).await?;
                self.other.insert(other)
            }
        };
        for n in 0..PATIENCE {
            other.videos().update(&row("x", u64::from(n % 2) + 1), None).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// The turns of one side.
#[derive(Default)]
struct Turn {
    given: AtomicUsize,
    /// Whether the side has done all that it was given.
    awaited: AtomicBool,
}

impl Turn {
    /// For a side that is alone.
    fn free() -> Self {
        Self { given: AtomicUsize::new(usize::MAX), awaited: AtomicBool::default() }
    }

    fn give(&self) {
        self.given.fetch_add(1, Ordering::SeqCst);
    }

    fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::SeqCst)
    }

    /// Waits for the next turn. Nobody is woken by it: whoever gives a turn polls the side.
    async fn comes(&self) {
        poll_fn(|_| {
            let given = self.given.load(Ordering::SeqCst);
            self.awaited.store(given == 0, Ordering::SeqCst);
            if given == 0 {
                return Poll::Pending;
            }
            self.given.store(given - 1, Ordering::SeqCst);
            Poll::Ready(())
        })
        .await;
    }
}

const WAITS: &str = "waits";
const CONFLICT: &str = "conflict";
const ABORT: &str = "abort at commit";

/// What has happened.
#[derive(Default)]
struct History {
    /// Calls begun and answered.
    events: AtomicUsize,
    /// Transactions that have ended, one way or the other.
    ended: AtomicUsize,
    transactions: Mutex<Vec<Transaction>>,
    lines: Mutex<Vec<String>>,
    /// In which ways a side was held back.
    held_back: Mutex<BTreeSet<&'static str>>,
}

impl History {
    fn event(&self) -> usize {
        self.events.fetch_add(1, Ordering::SeqCst)
    }

    fn line(&self, line: String) {
        lock(&self.lines).push(line);
    }

    fn note(&self, held_back: &'static str, line: String) {
        lock(&self.held_back).insert(held_back);
        self.line(line);
    }

    fn end(&self, transaction: Transaction) {
        lock(&self.transactions).push(transaction);
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    /// How it was prevented. Where nobody was held back, everybody has read an old state.
    fn prevented(&self) -> String {
        let held_back = lock(&self.held_back);
        if held_back.is_empty() {
            return "snapshot".to_owned();
        }
        held_back.iter().copied().collect::<Vec<_>>().join(", ")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One side: T1, say.
struct Side<'a> {
    number: usize,
    store: &'a dyn Store,
    history: &'a History,
    turn: &'a Turn,
    /// What is open; without it a call is a transaction of its own.
    unit: Option<(Box<dyn UnitOfWork>, Transaction)>,
    /// The revisions that it has read.
    read: BTreeMap<&'static str, Revision>,
}

impl Side<'_> {
    /// Makes its calls. Ends early if it has to give way.
    async fn run(mut self, steps: &[Step]) -> Outcome {
        for step in steps {
            self.turn.comes().await;
            let began = self.history.event();
            match self.step(*step, began).await {
                Ok(()) => {}
                Err(Error::Conflict(Conflict::Serialization)) => {
                    let how = if *step == Step::Commit { ABORT } else { CONFLICT };
                    self.gives_way(how, *step);
                    return Ok(());
                }
                // A unit of work whose call demanded an old revision has ended.
                Err(Error::Conflict(Conflict::Revision { .. })) if self.unit.is_some() => {
                    self.gives_way(CONFLICT, *step);
                    return Ok(());
                }
                Err(error) => {
                    let call = format!("{} of T{} is answered", step, self.number);
                    return Err(Violation::new(call, format!("{} ({error:?})", error.chain())));
                }
            }
        }
        match self.unit {
            None => Ok(()),
            Some(_) => {
                Err(Violation::error("the schedule ends what it begins", format!("T{} goes on", self.number)))
            }
        }
    }

    fn gives_way(&mut self, how: &'static str, step: Step) {
        self.history.note(how, format!("T{} {step}: {how}", self.number));
        if let Some((_, transaction)) = self.unit.take() {
            self.history.end(transaction);
        }
    }

    fn transaction(&self, began: usize) -> Transaction {
        Transaction { side: self.number, calls: Vec::new(), began, committed: None }
    }

    async fn step(&mut self, step: Step, began: usize) -> Result<()> {
        let answer = match step {
            Step::Begin | Step::BeginReadOnly => {
                let mode = if step == Step::Begin { Mode::ReadWrite } else { Mode::ReadOnly };
                let unit = self.store.begin(mode).await?;
                self.unit = Some((unit, self.transaction(began)));
                Answer::Done
            }
            Step::Commit | Step::RollBack => {
                if let Some((unit, transaction)) = self.unit.take() {
                    let answer =
                        if step == Step::Commit { unit.commit().await } else { unit.rollback().await };
                    let committed = (step == Step::Commit && answer.is_ok()).then(|| self.history.event());
                    self.history.end(Transaction { committed, ..transaction });
                    answer?;
                }
                Answer::Done
            }
            _ => {
                let repositories: &dyn Repositories = match &self.unit {
                    Some((unit, _)) => &**unit,
                    None => self.store,
                };
                let answer = call(repositories, step, &mut self.read).await;
                // Alone it is refused; in a unit of work it is the end.
                let changed = matches!(answer, Err(Error::Conflict(Conflict::Revision { .. })));
                let answer = if changed && self.unit.is_none() { Answer::Refused(CHANGED) } else { answer? };
                if let Some((_, transaction)) = &mut self.unit {
                    transaction.calls.push((step, answer.clone()));
                } else {
                    let (calls, committed) = (vec![(step, answer.clone())], Some(self.history.event()));
                    self.history.end(Transaction { calls, committed, ..self.transaction(began) });
                }
                answer
            }
        };
        let who = if self.number == 0 { "at last".to_owned() } else { format!("T{}", self.number) };
        self.history.line(match answer {
            Answer::Done => format!("{who} {step}"),
            answer => format!("{who} {step}: {answer}"),
        });
        Ok(())
    }
}

/// Makes a call.
async fn call(
    repositories: &dyn Repositories,
    step: Step,
    read: &mut BTreeMap<&'static str, Revision>,
) -> Result<Answer> {
    let (videos, live) = (repositories.videos(), Visibility::Live);
    let from = |value: u64| VideoFilter {
        published_from: Some(at(i64::try_from(value).unwrap_or(i64::MAX))),
        ..VideoFilter::default()
    };
    match step {
        Step::Begin | Step::BeginReadOnly | Step::Commit | Step::RollBack => Ok(Answer::Done),
        Step::Get(key) => {
            let found = videos.get(&video_id(key), live).await?;
            if let Some(found) = &found {
                read.insert(key, found.revision);
            }
            Ok(rows(found))
        }
        Step::GetBoth => {
            Ok(rows(videos.get_many(&["x", "y"].map(video_id), live).await?.into_iter().flatten()))
        }
        Step::List(value) => {
            let page = PageRequest { order: VideoOrder::Id, ..PageRequest::default() };
            Ok(rows(videos.list(&from(value), &page).await?.items))
        }
        Step::Count(value) => Ok(Answer::Number(videos.count(&from(value)).await?)),
        Step::Search(value) => {
            let query = SearchQuery::parse(&title(value)).map_err(|error| Error::Backend {
                message: "a schedule searches for what is no query".to_owned(),
                source: Some(Box::new(error)),
            })?;
            let hits = repositories.transcripts().search(&SearchRequest::new(query)).await?.items;
            let hits = hits.into_iter().map(|hit| (hit.video_id.to_string(), value_of(&hit.title)));
            Ok(Answer::Rows(hits.collect()))
        }
        Step::Create(key, value) => done(videos.create(&row(key, value)).await),
        Step::CreateInChannel(key, value) => {
            let video = row_with(key, value, |v| v.channel_id = Some(a_channel().id.clone()));
            done(videos.create(&video).await)
        }
        Step::Update(key, value) => done(videos.update(&row(key, value), None).await),
        Step::UpdateBoth(x, y) => done(videos.update_many(&[row("x", x), row("y", y)]).await),
        Step::UpdateIfUnchanged(key, value) => {
            done(videos.update(&row(key, value), read.get(key).copied()).await)
        }
        Step::DeleteChannel => done(repositories.channels().delete(&a_channel().id, None).await),
    }
}

/// What was found, by the titles, which hold the values.
fn rows(found: impl IntoIterator<Item = Stored<Video>>) -> Answer {
    let found = found.into_iter();
    Answer::Rows(found.map(|video| (video.entity.id.to_string(), value_of(&video.title))).collect())
}

/// A title that no schedule has written is a value that none has.
fn value_of(title: &str) -> u64 {
    title.strip_prefix('v').and_then(|value| value.parse().ok()).unwrap_or(u64::MAX)
}

fn done<T>(result: Result<T>) -> Result<Answer> {
    match result {
        Ok(_) => Ok(Answer::Done),
        Err(Error::AlreadyExists { .. }) => Ok(Answer::Refused(TAKEN)),
        Err(Error::NotFound { .. }) => Ok(Answer::Refused(MISSING)),
        Err(Error::MissingReference { .. }) => Ok(Answer::Refused(NO_CHANNEL)),
        Err(Error::StillReferenced { .. }) => Ok(Answer::Refused(HAS_VIDEOS)),
        Err(error) => Err(error),
    }
}
