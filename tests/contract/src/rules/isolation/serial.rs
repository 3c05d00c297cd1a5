//! Whether an order of transactions, one after the other, explains what all of them were answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One call of a schedule. Keys name videos; the value of a video is its date of publication, in seconds, and
/// stands in its title too, so that filters and searches are predicates on values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Begin,
    BeginReadOnly,
    Commit,
    RollBack,
    Get(&'static str),
    /// `get_many` of x and y.
    GetBoth,
    /// All whose value is at least this.
    List(u64),
    /// How many have a value of at least this.
    Count(u64),
    /// All whose value is exactly this.
    Search(u64),
    Create(&'static str, u64),
    /// As `Create`, naming the channel.
    CreateInChannel(&'static str, u64),
    Update(&'static str, u64),
    /// `update_many` of x and y.
    UpdateBoth(u64, u64),
    /// Only if it is at the revision that this side has read.
    UpdateIfUnchanged(&'static str, u64),
    DeleteChannel,
}

/// What a call answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    /// Why not.
    Refused(&'static str),
    /// The value of each that was found.
    Rows(BTreeMap<String, u64>),
    Number(u64),
}

pub(crate) const TAKEN: &str = "its id is taken";
pub(crate) const MISSING: &str = "it is not there";
pub(crate) const CHANGED: &str = "it was changed meanwhile";
pub(crate) const NO_CHANNEL: &str = "there is no such channel";
pub(crate) const HAS_VIDEOS: &str = "it has videos";

/// A unit of work, or a single call.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    /// Whose it is.
    pub(crate) side: usize,
    /// The calls that were answered.
    pub(crate) calls: Vec<(Step, Answer)>,
    /// When its first call was made.
    pub(crate) began: usize,
    /// When it was told that it is committed; `None` if it is not.
    pub(crate) committed: Option<usize>,
}

impl Transaction {
    fn precedes(&self, other: &Self) -> bool {
        self.committed.is_some_and(|committed| committed < other.began)
    }
}

/// The catalogue as the schedules know it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    /// The value of each video, and when it was written.
    rows: BTreeMap<&'static str, (u64, u64)>,
    channel: bool,
    /// Those that name the channel.
    in_channel: BTreeSet<&'static str>,
    writes: u64,
    /// When what each side read last of a video was written.
    read: BTreeMap<(usize, &'static str), u64>,
}

impl Catalogue {
    /// The channel, and these videos.
    pub(crate) fn new(rows: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        let rows = rows.into_iter().map(|(key, value)| (key, (value, 0))).collect();
        Self { rows, channel: true, ..Self::default() }
    }

    fn put(&mut self, key: &'static str, value: u64) -> Answer {
        self.writes += 1;
        self.rows.insert(key, (value, self.writes));
        Answer::Done
    }

    fn found(&self, wanted: impl Fn(&str, u64) -> bool) -> BTreeMap<String, u64> {
        let found = self.rows.iter().filter(|(key, (value, _))| wanted(key, *value));
        found.map(|(key, (value, _))| ((*key).to_owned(), *value)).collect()
    }

    /// What a store answers that nobody else uses.
    fn answer(&mut self, side: usize, step: Step) -> Answer {
        match step {
            Step::Begin | Step::BeginReadOnly | Step::Commit | Step::RollBack => Answer::Done,
            Step::Get(wanted) => {
                self.read.insert((side, wanted), self.rows.get(wanted).map_or(0, |(_, written)| *written));
                Answer::Rows(self.found(|key, _| key == wanted))
            }
            Step::GetBoth => Answer::Rows(self.found(|key, _| ["x", "y"].contains(&key))),
            Step::List(from) => Answer::Rows(self.found(|_, value| value >= from)),
            Step::Count(from) => Answer::Number(self.found(|_, value| value >= from).len() as u64),
            Step::Search(wanted) => Answer::Rows(self.found(|_, value| value == wanted)),
            Step::Create(key, _) | Step::CreateInChannel(key, _) if self.rows.contains_key(key) => {
                Answer::Refused(TAKEN)
            }
            Step::Create(key, value) => self.put(key, value),
            Step::CreateInChannel(..) if !self.channel => Answer::Refused(NO_CHANNEL),
            Step::CreateInChannel(key, value) => {
                self.in_channel.insert(key);
                self.put(key, value)
            }
            Step::Update(key, value) if self.rows.contains_key(key) => self.put(key, value),
            Step::UpdateIfUnchanged(key, value) => match self.rows.get(key) {
                Some((_, written)) if self.read.get(&(side, key)) == Some(written) => self.put(key, value),
                Some(_) => Answer::Refused(CHANGED),
                None => Answer::Refused(MISSING),
            },
            Step::UpdateBoth(x, y) if ["x", "y"].iter().all(|key| self.rows.contains_key(key)) => {
                self.put("x", x);
                self.put("y", y)
            }
            Step::Update(..) | Step::UpdateBoth(..) => Answer::Refused(MISSING),
            Step::DeleteChannel if !self.in_channel.is_empty() => Answer::Refused(HAS_VIDEOS),
            Step::DeleteChannel if !self.channel => Answer::Refused(MISSING),
            Step::DeleteChannel => {
                self.channel = false;
                Answer::Done
            }
        }
    }

    /// The catalogue after this transaction, if it would have been answered the same here.
    fn after(&self, transaction: &Transaction) -> Option<Self> {
        let mut catalogue = self.clone();
        let mut calls = transaction.calls.iter();
        calls.all(|(step, answer)| catalogue.answer(transaction.side, *step) == *answer).then_some(catalogue)
    }

    /// The catalogue after what this transaction was told that it has written.
    fn written(&self, transaction: &Transaction) -> Self {
        let mut catalogue = self.clone();
        let done = transaction.calls.iter().filter(|(_, answer)| *answer == Answer::Done);
        for (step, _) in done {
            // Whether it was possible here is the question of another check.
            let _ = match *step {
                Step::UpdateIfUnchanged(key, value) => catalogue.put(key, value),
                step => catalogue.answer(transaction.side, step),
            };
        }
        catalogue
    }
}

/// What cannot be explained, if something cannot: that all which were committed happened one after the other,
/// in an order in which what was committed before another one began comes first; and that each of the others
/// read what some of the committed ones had left.
pub(crate) fn unexplained(start: &Catalogue, transactions: &[Transaction]) -> Option<&'static str> {
    let (committed, others): (Vec<_>, Vec<_>) =
        transactions.iter().partition(|transaction| transaction.committed.is_some());
    if !in_some_order(start, &committed) {
        return Some("what was committed");
    }
    let explained = |other: &&Transaction| reads_one_moment(start, &committed, other);
    (!others.iter().all(explained)).then_some("what one read that was not committed")
}

/// Those that may come next, each with the rest.
fn heads<'a>(left: &[&'a Transaction]) -> impl Iterator<Item = (&'a Transaction, Vec<&'a Transaction>)> {
    (0..left.len()).filter_map(|at| {
        let mut rest = left.to_vec();
        let next = rest.remove(at);
        (!rest.iter().any(|other| other.precedes(next))).then_some((next, rest))
    })
}

fn in_some_order(state: &Catalogue, left: &[&Transaction]) -> bool {
    left.is_empty()
        || heads(left).any(|(next, rest)| state.after(next).is_some_and(|state| in_some_order(&state, &rest)))
}

fn reads_one_moment(state: &Catalogue, left: &[&Transaction], reader: &Transaction) -> bool {
    let now = !left.iter().any(|other| other.precedes(reader)) && state.after(reader).is_some();
    now || heads(left).any(|(next, rest)| reads_one_moment(&state.written(next), &rest, reader))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => write!(f, "begin"),
            Self::BeginReadOnly => write!(f, "begin read-only"),
            Self::Commit => write!(f, "commit"),
            Self::RollBack => write!(f, "roll back"),
            Self::Get(key) => write!(f, "get {key}"),
            Self::GetBoth => write!(f, "get x and y"),
            Self::List(from) => write!(f, "list >= {from}"),
            Self::Count(from) => write!(f, "count >= {from}"),
            Self::Search(value) => write!(f, "search {value}"),
            Self::Create(key, value) => write!(f, "create {key} = {value}"),
            Self::CreateInChannel(key, value) => write!(f, "create {key} = {value} in the channel"),
            Self::Update(key, value) => write!(f, "update {key} = {value}"),
            Self::UpdateBoth(x, y) => write!(f, "update x = {x} and y = {y}"),
            Self::UpdateIfUnchanged(key, value) => write!(f, "update {key} = {value} if unchanged"),
            Self::DeleteChannel => write!(f, "delete the channel"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Rows(rows) if rows.is_empty() => write!(f, "nothing"),
            Self::Rows(rows) => {
                let rows: Vec<_> = rows.iter().map(|(key, value)| format!("{key} = {value}")).collect();
                write!(f, "{}", rows.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, value: u64) -> Answer {
        Answer::Rows([(key.to_owned(), value)].into())
    }

    fn transaction(
        side: usize,
        began: usize,
        committed: impl Into<Option<usize>>,
        calls: &[(Step, Answer)],
    ) -> Transaction {
        Transaction { side, calls: calls.to_vec(), began, committed: committed.into() }
    }

    fn start() -> Catalogue {
        Catalogue::new([("x", 10), ("y", 20)])
    }

    #[test]
    fn a_lost_update_is_not_explained_and_one_after_the_other_is() {
        let update = |side, began, read, value| {
            let calls = [(Step::Get("x"), row("x", read)), (Step::Update("x", value), Answer::Done)];
            transaction(side, began, began + 5, &calls)
        };
        assert_eq!(unexplained(&start(), &[update(1, 0, 10, 11), update(2, 1, 11, 12)]), None);
        assert_eq!(unexplained(&start(), &[update(1, 0, 12, 11), update(2, 1, 10, 12)]), None);
        let lost = unexplained(&start(), &[update(1, 0, 10, 11), update(2, 1, 10, 12)]);
        assert_eq!(lost, Some("what was committed"));
    }

    #[test]
    fn what_was_committed_before_comes_first() {
        let write = transaction(1, 0, 1, &[(Step::Update("x", 11), Answer::Done)]);
        let late = |began| transaction(2, began, began + 1, &[(Step::Get("x"), row("x", 10))]);
        assert!(unexplained(&start(), &[write.clone(), late(2)]).is_some());
        assert_eq!(unexplained(&start(), &[write, late(0)]), None);
    }

    #[test]
    fn also_what_is_not_committed_reads_one_moment() {
        let write = transaction(1, 0, 9, &[(Step::UpdateBoth(11, 21), Answer::Done)]);
        let torn = |x, y| {
            let calls = [(Step::Get("x"), row("x", x)), (Step::Get("y"), row("y", y))];
            transaction(2, 1, None, &calls)
        };
        for (x, y) in [(10, 20), (11, 21)] {
            assert_eq!(unexplained(&start(), &[write.clone(), torn(x, y)]), None);
        }
        for (x, y) in [(10, 21), (11, 20), (10, 5)] {
            assert!(unexplained(&start(), &[write.clone(), torn(x, y)]).is_some());
        }
    }

    #[test]
    fn what_was_refused_is_explained_too() {
        let create = |side, answer| transaction(side, 0, 9, &[(Step::Create("z", 30), answer)]);
        let refused = || create(2, Answer::Refused(TAKEN));
        assert_eq!(unexplained(&start(), &[create(1, Answer::Done), refused()]), None);
        assert!(unexplained(&start(), &[create(1, Answer::Done), create(2, Answer::Done)]).is_some());
        assert!(unexplained(&start(), &[refused()]).is_some());
        let (delete, attach) = (Step::DeleteChannel, Step::CreateInChannel("z", 30));
        let both = |deleted, attached| {
            [transaction(1, 0, 9, &[(delete, deleted)]), transaction(2, 0, 9, &[(attach, attached)])]
        };
        assert!(unexplained(&start(), &both(Answer::Done, Answer::Done)).is_some());
        assert_eq!(unexplained(&start(), &both(Answer::Done, Answer::Refused(NO_CHANNEL))), None);
        assert_eq!(unexplained(&start(), &both(Answer::Refused(HAS_VIDEOS), Answer::Done)), None);
    }

    #[test]
    fn a_revision_that_was_read_is_remembered_across_single_calls() {
        let get = |side, at| transaction(side, at, at, &[(Step::Get("x"), row("x", 10))]);
        let update = |side, at, value, answer| {
            transaction(side, at, at, &[(Step::UpdateIfUnchanged("x", value), answer)])
        };
        let history =
            |second| [get(1, 0), get(2, 1), update(1, 2, 11, Answer::Done), update(2, 3, 12, second)];
        assert_eq!(unexplained(&start(), &history(Answer::Refused(CHANGED))), None);
        assert!(unexplained(&start(), &history(Answer::Done)).is_some());
    }
}
