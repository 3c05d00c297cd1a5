//! [`Counterexample`]: the small part of a history that cannot be explained.

use std::collections::BTreeSet;
use std::fmt;

use super::checker::{Model, ends, is_linearizable, is_linearizable_from};
use super::{Operation, sort};

/// In how many states a counterexample may begin: more would be harder to read than what led to them.
const MAX_BEGINNINGS: usize = 4;

/// A history that cannot be explained, and from which nothing can be left out.
pub(crate) struct Counterexample<M: Model> {
    /// With which states it may have begun.
    pub(crate) begins: Vec<M::State>,
    /// The calls.
    pub(crate) history: Vec<Operation<M::Call, M::Answer>>,
}

/// Makes a history that cannot be explained as small as it can be. Every step here would keep a history that
/// can be explained explainable; so what is left at the end proves that the whole is wrong, and a write
/// without which everything would look wrong stays.
pub(crate) fn minimal<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>]) -> Counterexample<M> {
    let mut history = first_wrong_prefix(model, history);
    for part in parts(model, &history) {
        let of = |operation: &Operation<_, _>| model.part(&operation.call, operation.answer());
        keep_if_wrong(model, &[model.initial()], &mut history, |operation| of(operation) != Some(part));
    }
    let mut found = Counterexample { begins: vec![model.initial()], history };
    found.leave_out_looks(model);
    if let Some(later) = begun_later(model, &found.history) {
        found = later;
        found.leave_out_looks(model);
    }
    found
}

/// The history up to the first answer that cannot be explained. What is not answered by then is open.
fn first_wrong_prefix<M: Model>(
    model: &M,
    history: &[Operation<M::Call, M::Answer>],
) -> Vec<Operation<M::Call, M::Answer>> {
    let mut answers: Vec<_> = history.iter().map(Operation::end).filter(|end| *end != u64::MAX).collect();
    answers.sort_unstable();
    let until = |end: u64| {
        let before = history.iter().filter(|operation| operation.made <= end).cloned();
        let mut prefix: Vec<_> = before
            .map(|operation| Operation {
                answered: operation.answered.filter(|(answered, _)| *answered <= end),
                ..operation
            })
            .filter(|operation| operation.answered.is_some() || !model.only_looks(&operation.call, None))
            .collect();
        sort(&mut prefix);
        prefix
    };
    answers
        .iter()
        .map(|end| until(*end))
        .find(|prefix| !is_linearizable(model, prefix))
        .unwrap_or(history.to_vec())
}

fn parts<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>]) -> BTreeSet<u32> {
    history.iter().filter_map(|operation| model.part(&operation.call, operation.answer())).collect()
}

impl<M: Model> Counterexample<M> {
    /// Leaves out what changes nothing, call by call, where the rest is still wrong.
    fn leave_out_looks(&mut self, model: &M) {
        let looks = self.history.iter().filter(|it| model.only_looks(&it.call, it.answer()));
        for made in looks.map(|operation| operation.made).collect::<Vec<_>>() {
            keep_if_wrong(model, &self.begins, &mut self.history, |operation| operation.made != made);
        }
    }
}

fn keep_if_wrong<M: Model>(
    model: &M,
    begins: &[M::State],
    history: &mut Vec<Operation<M::Call, M::Answer>>,
    keep: impl Fn(&Operation<M::Call, M::Answer>) -> bool,
) {
    let smaller: Vec<_> = history.iter().filter(|operation| keep(operation)).cloned().collect();
    if !is_linearizable_from(model, begins, &smaller) {
        *history = smaller;
    }
}

/// A shorter history that begins later: from where nothing but cancelled calls was under way, with the states in
/// which the calls before may have left the thing. The cancelled ones stay, as what may still happen.
fn begun_later<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>]) -> Option<Counterexample<M>> {
    (1..history.len()).rev().find_map(|from| {
        let (before, after) = history.split_at(from);
        let (open, answered): (Vec<_>, Vec<_>) = before.iter().partition(|it| it.answered.is_none());
        if answered.iter().any(|operation| operation.end() > history[from].made) {
            return None;
        }
        let begins = ends(model, before);
        let history: Vec<_> = open.into_iter().chain(after).cloned().collect();
        let is_smaller = begins.len() <= MAX_BEGINNINGS && !is_linearizable_from(model, &begins, &history);
        is_smaller.then_some(Counterexample { begins, history })
    })
}

/// A line a call, with its interval drawn in front: `├──┤`, or `├──…` if it is open.
impl<M: Model> fmt::Display for Counterexample<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (state, or) in
            self.begins.iter().zip(std::iter::once("begins with").chain(std::iter::repeat("or")))
        {
            writeln!(f, "    {or} {state:?}")?;
        }
        let moments: BTreeSet<u64> = self.history.iter().flat_map(|it| [it.made, it.end()]).collect();
        let column = |moment: u64| moments.range(..moment).count();
        for operation in &self.history {
            let (from, to) = (column(operation.made), column(operation.end()));
            let (line, after) = ("─".repeat(to - from - 1), " ".repeat(moments.len() - 1 - to));
            let (end, client) = (if operation.answered.is_some() { "┤" } else { "…" }, operation.client);
            write!(f, "    client {client} {:from$}├{line}{end}{after}  {} → ", "", operation.call)?;
            match operation.answer() {
                Some(answer) => writeln!(f, "{answer}")?,
                None => writeln!(f, "?")?,
            }
        }
        Ok(())
    }
}
