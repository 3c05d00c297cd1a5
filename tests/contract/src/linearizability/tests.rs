//! The checker against known histories, and against another one.

use std::collections::VecDeque;
use std::fmt;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::checker::{ends, is_linearizable};
use super::counterexample::minimal;
use super::{Model, Operation, sort, verify};
use crate::random::Random;

/// A register and a first-in-first-out queue, in one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Call {
    Write(u8),
    Read,
    /// Writes the second value if it holds the first.
    Swap(u8, u8),
    Enqueue(u8),
    Dequeue,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Done,
    Value(u8),
    Refused,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Thing {
    value: u8,
    queue: VecDeque<u8>,
}

impl SequentialSpec for Thing {
    type Op = Call;
    type Ret = Answer;

    fn invoke(&mut self, call: &Call) -> Answer {
        match *call {
            Call::Write(value) => self.value = value,
            Call::Read => return Answer::Value(self.value),
            Call::Swap(old, new) if self.value == old => self.value = new,
            Call::Swap(..) => return Answer::Refused,
            Call::Enqueue(value) => self.queue.push_back(value),
            Call::Dequeue => return self.queue.pop_front().map_or(Answer::Refused, Answer::Value),
        }
        Answer::Done
    }
}

struct Things;

impl Model for Things {
    type State = Thing;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Thing {
        Thing::default()
    }

    fn step(&self, thing: &Thing, call: &Call, answer: Option<&Answer>) -> Vec<Thing> {
        let mut thing = thing.clone();
        let right = thing.invoke(call);
        if answer.is_none_or(|answer| *answer == right) { vec![thing] } else { Vec::new() }
    }

    fn only_looks(&self, call: &Call, answer: Option<&Answer>) -> bool {
        *call == Call::Read || answer == Some(&Answer::Refused)
    }
}

type History = Vec<Operation<Call, Answer>>;

/// Calls with their intervals, as in the figures of books: `(client, call, from, to, answer)`.
fn history(calls: &[(usize, Call, u64, u64, Answer)]) -> History {
    let operation =
        |&(client, call, made, end, answer)| Operation { client, call, made, answered: Some((end, answer)) };
    calls.iter().map(operation).collect()
}

fn open(client: usize, call: Call, made: u64) -> Operation<Call, Answer> {
    Operation { client, call, made, answered: None }
}

#[test]
fn the_queues_of_herlihy_and_wing() {
    use Answer::*;
    use Call::*;
    // Figure 1 of "Linearizability: A Correctness Condition for Concurrent Objects" (1990), with x = 1, y = 2.
    let (a, b) = (0, 1);
    let h1 = [
        (a, Enqueue(1), 0, 3, Done),
        (b, Enqueue(2), 1, 2, Done),
        (b, Dequeue, 4, 6, Value(1)),
        (a, Dequeue, 5, 8, Value(2)),
        (a, Enqueue(3), 9, 10, Done),
    ];
    let h2 = [(a, Enqueue(1), 0, 1, Done), (b, Enqueue(2), 2, 5, Done), (a, Dequeue, 3, 4, Value(2))];
    let h3 = [
        (a, Enqueue(1), 0, 1, Done),
        (b, Dequeue, 2, 3, Value(1)),
        (a, Enqueue(2), 4, 6, Done),
        (b, Dequeue, 5, 7, Value(2)),
    ];
    let h4 = [
        (a, Enqueue(1), 0, 1, Done),
        (b, Enqueue(2), 2, 3, Done),
        (a, Dequeue, 4, 6, Value(2)),
        (b, Dequeue, 5, 7, Value(2)),
    ];
    let verdicts = [&h1[..], &h2, &h3, &h4].map(|calls| is_linearizable(&Things, &history(calls)));
    assert_eq!(verdicts, [true, false, true, false]);
}

#[test]
fn a_register_is_read_as_it_was_written() {
    use Answer::*;
    use Call::*;
    let right = |calls: &[_]| is_linearizable(&Things, &history(calls));
    assert!(right(&[]));
    // While it is written, each reader may see the old value or the new one …
    let write = (0, Write(1), 0, 9, Done);
    assert!(right(&[write, (1, Read, 1, 2, Value(0)), (2, Read, 3, 4, Value(1))]));
    // … but nobody the old one after somebody saw the new one.
    assert!(!right(&[write, (1, Read, 1, 2, Value(1)), (2, Read, 3, 4, Value(0))]));
    assert!(right(&[write, (1, Read, 1, 4, Value(1)), (2, Read, 3, 5, Value(0))]));
    // An update that is lost: both swap from 0.
    assert!(!right(&[(0, Swap(0, 1), 0, 2, Done), (1, Swap(0, 2), 1, 3, Done)]));
    assert!(right(&[(0, Swap(0, 1), 0, 2, Done), (1, Swap(0, 2), 1, 3, Refused)]));
}

#[test]
fn a_cancelled_call_may_happen_later_or_never_but_not_earlier_nor_twice() {
    use Answer::*;
    use Call::*;
    let right = |calls: &[_], cancelled| {
        let mut history = history(calls);
        history.push(cancelled);
        sort(&mut history);
        is_linearizable(&Things, &history)
    };
    assert!(right(&[(0, Read, 2, 3, Value(0)), (0, Read, 4, 5, Value(0))], open(1, Write(1), 0)));
    assert!(right(&[(0, Read, 2, 3, Value(0)), (0, Read, 4, 5, Value(1))], open(1, Write(1), 0)));
    assert!(!right(&[(0, Read, 2, 3, Value(1)), (0, Read, 4, 5, Value(0))], open(1, Write(1), 0)));
    assert!(!right(&[(0, Read, 0, 1, Value(1))], open(1, Write(1), 2)));
    let twice = [(0, Dequeue, 2, 3, Value(1)), (0, Dequeue, 4, 5, Value(1))];
    assert!(right(&twice[..1], open(1, Enqueue(1), 0)));
    assert!(!right(&twice, open(1, Enqueue(1), 0)));
}

#[test]
fn all_ends_of_a_history_are_found() {
    use Answer::*;
    use Call::*;
    let mut values: Vec<_> = ends(&Things, &history(&[(0, Write(1), 0, 3, Done), (1, Write(2), 1, 2, Done)]))
        .into_iter()
        .map(|thing| thing.value)
        .collect();
    values.sort_unstable();
    assert_eq!(values, [1, 2]);
}

fn value(random: &mut Random) -> u8 {
    [0, 1, 2][random.index(3)]
}

/// A random history of a thing that works: each call takes effect between its beginning and its end. Some are
/// cancelled, before or after they took effect.
fn random_history(random: &mut Random, calls: usize, spoiled: bool) -> History {
    let mut thing = Thing::default();
    let (mut history, mut under_way) = (History::new(), Vec::<(usize, Option<Answer>)>::new());
    let mut moment = 0;
    while history.len() < calls || !under_way.is_empty() {
        moment += 1;
        let next = random.index(under_way.len());
        match random.below(3) {
            0 if history.len() < calls && under_way.len() < 4 => {
                let (one, other) = (value(random), value(random));
                let call = match random.below(6) {
                    0 => Call::Write(other),
                    1 => Call::Read,
                    2 => Call::Swap(one, other),
                    3 | 4 => Call::Enqueue(other),
                    _ => Call::Dequeue,
                };
                under_way.push((history.len(), None));
                history.push(open(history.len(), call, moment));
            }
            1 => {
                if let Some((n, effect @ None)) = under_way.get_mut(next) {
                    *effect = Some(thing.invoke(&history[*n].call));
                }
            }
            _ => match under_way.get(next).copied() {
                Some((_, _)) if random.below(8) == 0 => drop(under_way.swap_remove(next)),
                Some((n, Some(answer))) => {
                    history[n].answered = Some((moment, answer));
                    under_way.swap_remove(next);
                }
                _ => {}
            },
        }
    }
    if spoiled {
        for _ in 0..=random.below(2) {
            let n = random.index(calls);
            if let Some((_, answer)) = &mut history[n].answered {
                *answer = [Answer::Done, Answer::Refused, Answer::Value(value(random))][random.index(3)];
            }
        }
    }
    history
}

/// The verdict of the other checker.
fn second_opinion(history: &History) -> bool {
    let mut events: Vec<_> = history.iter().enumerate().map(|(n, it)| (it.made, n, None)).collect();
    events.extend(
        history.iter().enumerate().filter_map(|(n, it)| it.answered.map(|(end, a)| (end, n, Some(a)))),
    );
    events.sort_by_key(|(moment, ..)| *moment);
    let mut tester = LinearizabilityTester::new(Thing::default());
    for (_, n, answer) in events {
        match answer {
            None => tester.on_invoke(n, history[n].call).map(drop),
            Some(answer) => tester.on_return(n, answer).map(drop),
        }
        .unwrap();
    }
    tester.is_consistent()
}

#[test]
fn another_checker_comes_to_the_same_verdicts() {
    let mut verdicts = [[0; 2]; 2];
    for seed in 0..6_000 {
        let mut random = Random::new(seed);
        let spoiled = seed % 2 == 1;
        let calls = 2 + random.index(5);
        let history = random_history(&mut random, calls, spoiled);
        let verdict = is_linearizable(&Things, &history);
        assert_eq!(verdict, second_opinion(&history), "seed {seed}: {history:#?}");
        verdicts[usize::from(spoiled)][usize::from(verdict)] += 1;
    }
    let [[valid_refused, valid], [refused, harmless]] = verdicts;
    assert_eq!((valid_refused, valid), (0, 3_000));
    assert!(refused > 600 && harmless > 600, "{refused} were refused, {harmless} were spoiled to no harm");
}

#[test]
fn a_counterexample_is_wrong_itself_and_nothing_can_be_left_out() {
    let mut sizes = Vec::new();
    for seed in 0..300 {
        let history = random_history(&mut Random::new(seed), 14, true);
        if is_linearizable(&Things, &history) {
            continue;
        }
        let found = minimal(&Things, &history);
        let wrong = |history: &[_]| !super::checker::is_linearizable_from(&Things, &found.begins, history);
        assert!(wrong(&found.history), "seed {seed}");
        for (n, one) in found.history.iter().enumerate() {
            if Things.only_looks(&one.call, one.answer()) {
                let mut smaller = found.history.clone();
                smaller.remove(n);
                assert!(!wrong(&smaller), "seed {seed}: {one:?} can be left out");
            }
        }
        sizes.push(found.history.len());
    }
    sizes.sort_unstable();
    // Of 14 calls each, of which many overlap.
    assert!(sizes.len() > 100 && sizes[sizes.len() / 2] <= 8, "{sizes:?}");
}

#[test]
fn a_counterexample_is_drawn() {
    use Answer::*;
    use Call::*;
    let history = history(&[
        (0, Write(1), 0, 1, Done),
        (1, Read, 2, 3, Value(1)),
        (0, Write(2), 4, 7, Done),
        (1, Read, 5, 6, Value(2)),
        (2, Read, 8, 11, Value(1)),
        (1, Read, 9, 10, Value(2)),
        (0, Write(3), 12, 13, Done),
    ]);
    let violation = verify(&Things, &history, "in a history").unwrap_err();
    let drawn = "\
no such moments explain these answers
    begins with Thing { value: 2, queue: [] }
    client 2 ├┤  Read → Value(1)
";
    assert_eq!(violation.observed, drawn);
    assert!(violation.place.contains("tests.rs") && violation.expected.starts_with("in a history:"));
}
