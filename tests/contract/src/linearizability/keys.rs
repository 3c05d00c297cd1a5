//! Channels as independent cells: created, updated under a revision, deleted and read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tubeatlas_domain::{Channel, ChannelId};
use tubeatlas_ports::{Conflict, Error, Revision, Store, Upserted, Visibility};

use super::{Client, Crowd, Model, Operation, verify};
use crate::fixtures::{a_channel_with, channel_id};
use crate::{Outcome, Violation};

/// How many cells the clients of a history share.
const KEYS: u64 = 3;

/// How many calls each client makes.
const CALLS: usize = 10;

/// A title that is written more than once; all others are new.
const SAME: &str = "the same";

/// What is asked of which cell.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    key: u64,
    ask: Ask,
}

#[derive(Debug, Clone)]
enum Ask {
    Create(String),
    Upsert(String),
    Update(String, Option<Revision>),
    Delete(Option<Revision>),
    Get,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Created(Revision),
    Updated(Revision),
    Unchanged(Revision),
    Deleted,
    Found(String, Revision),
    /// There is no such channel.
    Nothing,
    /// There is one already.
    Taken,
    /// It is at this revision.
    At(Revision),
}

/// One cell. Which revision is a number that the store chooses; the model says which ones it may.
#[derive(Debug, Clone)]
pub(crate) struct Cell;

/// What a cell holds.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Held {
    /// The title; none if there is no channel.
    title: Option<String>,
    /// The last revision that is known: that of the channel if `exact`, otherwise an earlier one.
    revision: Option<Revision>,
    exact: bool,
}

impl Held {
    /// If the channel may be at this revision: the cell, with what is known now.
    fn at(&self, revision: Revision) -> Option<Self> {
        let fits = match self.exact {
            true => self.revision == Some(revision),
            false => self.revision < Some(revision),
        };
        fits.then(|| Self { revision: Some(revision), exact: true, ..self.clone() })
    }

    /// If the channel may be at the revision that is demanded, if one is.
    fn meets(&self, expected: Option<Revision>) -> Option<Self> {
        expected.map_or(Some(self.clone()), |expected| self.at(expected))
    }

    /// If this can be the revision of the next change: the cell after it.
    fn written(&self, title: &str, revision: Revision) -> Option<Self> {
        let later = self.revision < Some(revision);
        later.then(|| Self { title: Some(title.into()), revision: Some(revision), exact: true })
    }

    /// After a change whose answer nobody knows.
    fn written_somehow(&self, title: &str) -> Self {
        Self { title: Some(title.into()), exact: false, ..self.clone() }
    }

    fn deleted(&self) -> Self {
        Self { title: None, exact: false, ..self.clone() }
    }
}

impl Model for Cell {
    type State = Held;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Held {
        Held::default()
    }

    fn step(&self, held: &Held, call: &Call, answer: Option<&Answer>) -> Vec<Held> {
        let there = held.title.as_deref();
        let next = match (&call.ask, answer) {
            (Ask::Get, Some(Answer::Found(title, revision))) if there == Some(title) => held.at(*revision),
            (Ask::Get, Some(Answer::Nothing)) if there.is_none() => Some(held.clone()),

            (Ask::Create(new) | Ask::Upsert(new), Some(Answer::Created(revision))) if there.is_none() => {
                held.written(new, *revision)
            }
            (Ask::Create(_), Some(Answer::Taken)) if there.is_some() => Some(held.clone()),
            (Ask::Create(new) | Ask::Upsert(new), None) if there.is_none() => Some(held.written_somehow(new)),

            (Ask::Upsert(new), Some(Answer::Updated(revision))) if there.is_some_and(|old| old != new) => {
                held.written(new, *revision)
            }
            (Ask::Upsert(new), Some(Answer::Unchanged(revision))) if there == Some(new) => held.at(*revision),
            (Ask::Upsert(new), None) if there != Some(new) => Some(held.written_somehow(new)),

            // An update does not say whether it changed anything; its revision does.
            (Ask::Update(new, expected), Some(Answer::Updated(revision))) if there == Some(new) => {
                held.meets(*expected).and_then(|held| held.at(*revision))
            }
            (Ask::Update(new, expected), Some(Answer::Updated(revision))) if there.is_some() => {
                held.meets(*expected).and_then(|held| held.written(new, *revision))
            }
            (Ask::Update(new, expected), None) if there.is_some_and(|old| old != new) => {
                held.meets(*expected).map(|held| held.written_somehow(new))
            }

            (Ask::Delete(expected), Some(Answer::Deleted) | None) if there.is_some() => {
                held.meets(*expected).map(|held| held.deleted())
            }

            (Ask::Update(..) | Ask::Delete(_), Some(Answer::Nothing)) if there.is_none() => {
                Some(held.clone())
            }
            (Ask::Update(_, Some(expected)) | Ask::Delete(Some(expected)), Some(Answer::At(actual)))
                if there.is_some() && expected != actual =>
            {
                held.at(*actual)
            }
            _ => None,
        };
        next.into_iter().collect()
    }

    fn only_looks(&self, call: &Call, answer: Option<&Answer>) -> bool {
        match answer {
            None => matches!(call.ask, Ask::Get),
            Some(Answer::Created(_) | Answer::Updated(_) | Answer::Deleted) => false,
            Some(_) => true,
        }
    }
}

/// One history of clients that call a few channels; `name` is part of their ids, and new for each history.
pub(crate) async fn history(
    store: &Arc<dyn Store>,
    name: &str,
    mut crowd: Crowd,
) -> Result<Vec<Operation<Call, Answer>>, Violation> {
    let work = |client| clients_work(store.clone(), name.to_owned(), client);
    let mut history = crowd.at_once(store, work).await?;
    let mut last = crowd.alone();
    for key in 0..KEYS {
        perform(&**store, name, &mut last, Call { key, ask: Ask::Get }).await?;
    }
    history.extend(last.into_log());
    Ok(history)
}

/// That the history can be explained, cell by cell: all can be explained exactly if each can.
pub(crate) fn explained(history: Vec<Operation<Call, Answer>>, what: &str) -> Outcome {
    let mut cells = BTreeMap::<u64, Vec<_>>::new();
    for operation in history {
        cells.entry(operation.call.key).or_default().push(operation);
    }
    cells.values().try_for_each(|history| verify(&Cell, history, what))
}

/// That of two changes, one of which was answered before the other was asked for, the later has the larger
/// revision, whatever cells they are of; and that no two have the same.
pub(crate) fn revisions_follow_time(history: &[Operation<Call, Answer>], what: &str) -> Outcome {
    let changes: Vec<_> =
        history.iter().filter_map(|it| Some((it, it.call.changed_to(it.answer()?)?))).collect();
    for (earlier, one) in &changes {
        for (later, other) in &changes {
            if earlier.end() < later.made && one >= other || earlier.made < later.made && one == other {
                let told = |it: &Operation<Call, Answer>| match it.answer() {
                    Some(answer) => format!("{} → {answer}", it.call),
                    None => it.call.to_string(),
                };
                return Err(Violation::new(
                    format!("{what}: each change has a revision of its own, larger than those before"),
                    format!("{}, and then {}", told(earlier), told(later)),
                ));
            }
        }
    }
    Ok(())
}

impl Call {
    /// The revision of a change, if it surely was one.
    fn changed_to(&self, answer: &Answer) -> Option<Revision> {
        match (&self.ask, answer) {
            (_, Answer::Created(revision)) => Some(*revision),
            (Ask::Upsert(_), Answer::Updated(revision)) => Some(*revision),
            (Ask::Update(title, _), Answer::Updated(revision)) if title != SAME => Some(*revision),
            _ => None,
        }
    }
}

async fn clients_work(
    store: Arc<dyn Store>,
    name: String,
    mut client: Client<Call, Answer>,
) -> Result<Client<Call, Answer>, Violation> {
    // What it has last seen of each.
    let mut seen = BTreeMap::new();
    for n in 0..CALLS {
        let key = client.random.below(KEYS);
        let title = match client.random.below(8) {
            0 => SAME.to_owned(),
            _ => format!("{}.{n}", client.number),
        };
        let known = seen.get(&key).copied();
        let ask = match client.random.below(10) {
            0 | 1 => Ask::Create(title),
            2 => Ask::Upsert(title),
            3 => Ask::Update(title, None),
            4 | 5 if known.is_some() => Ask::Update(title, known),
            6 => Ask::Delete(known),
            _ => Ask::Get,
        };
        let answer = perform(&*store, &name, &mut client, Call { key, ask }).await?;
        if let Some(
            Answer::Created(revision)
            | Answer::Updated(revision)
            | Answer::Unchanged(revision)
            | Answer::Found(_, revision)
            | Answer::At(revision),
        ) = answer
        {
            seen.insert(key, revision);
        }
    }
    Ok(client)
}

async fn perform(
    store: &dyn Store,
    name: &str,
    client: &mut Client<Call, Answer>,
    call: Call,
) -> Result<Option<Answer>, Violation> {
    let id = channel_id(&format!("{name}-{}", call.key));
    let ask = call.ask.clone();
    client.call(call, async move { answer(store, id, ask).await }).await
}

async fn answer(store: &dyn Store, id: ChannelId, ask: Ask) -> Result<Answer, Violation> {
    let channels = store.channels();
    let titled = |title: String| -> Channel {
        a_channel_with(|channel| {
            channel.id = id.clone();
            channel.title = title;
        })
    };
    let answer = match ask {
        Ask::Create(title) => {
            channels.create(&titled(title)).await.map(|stored| Answer::Created(stored.revision))
        }
        Ask::Upsert(title) => channels.upsert(&titled(title)).await.map(|upserted| match upserted {
            Upserted::Created(stored) => Answer::Created(stored.revision),
            Upserted::Updated(stored) => Answer::Updated(stored.revision),
            Upserted::Unchanged(stored) => Answer::Unchanged(stored.revision),
            Upserted::LeftDeleted => Answer::Deleted,
        }),
        Ask::Update(title, expected) => {
            channels.update(&titled(title), expected).await.map(|stored| Answer::Updated(stored.revision))
        }
        Ask::Delete(expected) => channels.delete(&id, expected).await.map(|()| Answer::Deleted),
        Ask::Get => channels.get(&id, Visibility::Live).await.map(|found| match found {
            Some(stored) => Answer::Found(stored.title.clone(), stored.revision),
            None => Answer::Nothing,
        }),
    };
    match answer {
        Err(Error::NotFound { .. }) => Ok(Answer::Nothing),
        Err(Error::AlreadyExists { .. }) => Ok(Answer::Taken),
        Err(Error::Conflict(Conflict::Revision { actual, .. })) => Ok(Answer::At(actual)),
        answer => Ok(answer?),
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key;
        match &self.ask {
            Ask::Create(title) => write!(f, "create {key} {title:?}"),
            Ask::Upsert(title) => write!(f, "upsert {key} {title:?}"),
            Ask::Update(title, None) => write!(f, "update {key} {title:?}"),
            Ask::Update(title, Some(revision)) => write!(f, "update {key} {title:?} if at {revision}"),
            Ask::Delete(None) => write!(f, "delete {key}"),
            Ask::Delete(Some(revision)) => write!(f, "delete {key} if at {revision}"),
            Ask::Get => write!(f, "get {key}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(revision) => write!(f, "created at {revision}"),
            Self::Updated(revision) => write!(f, "updated, at {revision}"),
            Self::Unchanged(revision) => write!(f, "unchanged, at {revision}"),
            Self::Deleted => f.write_str("deleted"),
            Self::Found(title, revision) => write!(f, "{title:?} at {revision}"),
            Self::Nothing => f.write_str("not there"),
            Self::Taken => f.write_str("taken"),
            Self::At(revision) => write!(f, "refused, at {revision}"),
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.title, self.revision) {
            (None, None) => f.write_str("nothing"),
            (None, Some(revision)) => write!(f, "nothing, and {revision} was before"),
            (Some(title), Some(revision)) if self.exact => write!(f, "{title:?} at {revision}"),
            (Some(title), _) => write!(f, "{title:?}"),
        }
    }
}
