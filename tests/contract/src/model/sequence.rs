//! Sequences of steps out of a seed.

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::call::Step;
use super::draws::{Focus, opening, steps};
use crate::Capability;
use crate::random::Random;

/// A step as it was drawn, and how it was made simpler since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draw {
    /// Which step of the opening it is; none of them if `None`.
    opening: Option<usize>,
    seed: u64,
    pub(super) moves: Vec<Move>,
}

/// How proptest makes a value simpler, and takes that back in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Simplify,
    Complicate,
}

/// A sequence: what its steps are about, which capabilities they do without, and how each was drawn.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    focus: Focus,
    pub(super) absent: Vec<Capability>,
    pub(super) draws: Vec<Draw>,
}

impl Plan {
    /// The sequence of `length` steps that this seed gives.
    pub(super) fn new(focus: Focus, absent: Vec<Capability>, seed: u64, length: usize) -> Self {
        let mut seeds = Random::new(seed);
        let opening = opening(focus).len();
        let draw = |n| Draw { opening: (n < opening).then_some(n), seed: seeds.next(), moves: Vec::new() };
        Self { focus, absent, draws: (0..length).map(draw).collect() }
    }

    /// The steps.
    pub(super) fn steps(&self) -> Vec<Step> {
        let strategies = Strategies::of(self.focus);
        let steps = self.draws.iter().filter_map(|draw| strategies.step(draw));
        steps.filter(|step| step.does_without(&self.absent)).collect()
    }

    /// The sequence with one more move at a step, unless that step cannot be moved so.
    pub(super) fn moved(&self, at: usize, by: Move) -> Option<Self> {
        let mut plan = self.clone();
        let draw = plan.draws.get_mut(at)?;
        draw.moves.push(by);
        Strategies::of(self.focus).step(draw)?;
        Some(plan)
    }
}

/// What steps are drawn from.
struct Strategies {
    opening: Vec<BoxedStrategy<Step>>,
    others: BoxedStrategy<Step>,
}

impl Strategies {
    fn of(focus: Focus) -> Self {
        Self { opening: opening(focus), others: steps(focus) }
    }

    /// The step after all moves; `None` if one of them was not possible.
    fn step(&self, draw: &Draw) -> Option<Step> {
        let strategy = draw.opening.map_or(Some(&self.others), |n| self.opening.get(n))?;
        let mut seeds = Random::new(draw.seed);
        let bytes: Vec<u8> = (0..4).flat_map(|_| seeds.next().to_le_bytes()).collect();
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let mut tree = strategy.new_tree(&mut runner).ok()?;
        for step in &draw.moves {
            let moved = match step {
                Move::Simplify => tree.simplify(),
                Move::Complicate => tree.complicate(),
            };
            moved.then_some(())?;
        }
        Some(tree.current())
    }
}
