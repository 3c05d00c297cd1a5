//! The checker: the algorithm of Wing and Gong (1993) with the memory of Lowe (2017).

use std::collections::HashMap;
use std::fmt::{Debug, Display};

use super::Operation;

/// What a thing does when it is called by one client after the other.
pub(crate) trait Model {
    /// What it knows.
    type State: Clone + PartialEq + Debug;
    /// What can be asked of it.
    type Call: Clone + Display;
    /// What it answers.
    type Answer: Clone + Display;

    /// How a history begins.
    fn initial(&self) -> Self::State;

    /// The states in which the call leaves the thing if it gives this answer; none if it cannot. Without an
    /// answer, the states that differ in something, and in which it may leave it with whatever answer.
    fn step(&self, state: &Self::State, call: &Self::Call, answer: Option<&Self::Answer>)
    -> Vec<Self::State>;

    /// Whether the call, with this answer, leaves every state as it is. Without an answer: with every answer.
    fn only_looks(&self, call: &Self::Call, answer: Option<&Self::Answer>) -> bool;

    /// The one part of the thing that the call was about, if it is known. A model that names parts promises
    /// that a linearizable history stays so if all calls about one part are left out.
    fn part(&self, _call: &Self::Call, _answer: Option<&Self::Answer>) -> Option<u32> {
        None
    }
}

/// Whether the history can be explained.
pub(crate) fn is_linearizable<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>]) -> bool {
    is_linearizable_from(model, &[model.initial()], history)
}

/// Whether the history can be explained if it began with one of these states.
pub(crate) fn is_linearizable_from<M: Model>(
    model: &M,
    states: &[M::State],
    history: &[Operation<M::Call, M::Answer>],
) -> bool {
    let mut search = Search { model, history, seen: HashMap::new(), ends: None };
    states.iter().any(|state| search.explains(&mut vec![false; history.len()], state.clone()))
}

/// All states in which the history may have left the thing.
pub(crate) fn ends<M: Model>(model: &M, history: &[Operation<M::Call, M::Answer>]) -> Vec<M::State> {
    let mut search = Search { model, history, seen: HashMap::new(), ends: Some(Vec::new()) };
    search.explains(&mut vec![false; history.len()], model.initial());
    search.ends.unwrap_or_default()
}

struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Operation<M::Call, M::Answer>],
    /// From where the search has been, by the calls that had their moment: what follows depends on nothing else.
    seen: HashMap<Vec<bool>, Vec<M::State>>,
    /// Where all explanations end, if all are looked for.
    ends: Option<Vec<M::State>>,
}

impl<M: Model> Search<'_, M> {
    /// Whether the calls that have not had their moment can have it, one after the other, from this state on.
    fn explains(&mut self, done: &mut Vec<bool>, state: M::State) -> bool {
        let seen = self.seen.entry(done.clone()).or_default();
        if seen.contains(&state) {
            return false;
        }
        seen.push(state.clone());
        let history = self.history;
        // The next one is made before any of the others was answered.
        let next_end = (0..history.len()).filter(|n| !done[*n]).map(|n| history[n].end()).min();
        let Some(next_end) = next_end.filter(|end| *end != u64::MAX) else {
            // What is left was cancelled, and need not have happened.
            return match &mut self.ends {
                None => true,
                Some(ends) => {
                    if !ends.contains(&state) {
                        ends.push(state.clone());
                    }
                    self.goes_on(done, &state, u64::MAX)
                }
            };
        };
        self.goes_on(done, &state, next_end)
    }

    /// Gives the next moment to each call in turn that was made before `next_end`.
    fn goes_on(&mut self, done: &mut Vec<bool>, state: &M::State, next_end: u64) -> bool {
        let history = self.history;
        let (answered, cancelled): (Vec<_>, Vec<_>) = (0..history.len())
            .filter(|n| !done[*n] && history[*n].made <= next_end)
            .partition(|n| history[*n].answered.is_some());
        // What was cancelled can wait: as long as it need not have happened, it multiplies the ways by two.
        for n in answered.into_iter().chain(cancelled) {
            let operation = &history[n];
            done[n] = true;
            for next in self.model.step(state, &operation.call, operation.answer()) {
                if self.explains(done, next) {
                    return true;
                }
            }
            done[n] = false;
        }
        false
    }
}
