//! Trying sequences, and making one that diverges as short and as simple as it can be.

use std::fmt::Write;

use super::call::Step;
use super::draws::Focus;
use super::lockstep::{Divergence, Lockstep};
use super::regressions::regressions;
use super::sequence::{Move, Plan};
use crate::check::cut;
use crate::harness::Limits;
use crate::random::Random;
use crate::{Capability, Case, Effort, Outcome, Violation};

/// How often a sequence that diverges is tried in other forms.
const ATTEMPTS: usize = 500;

/// How many sequences are tried, and how many steps each has.
fn size(effort: Effort) -> (usize, usize) {
    match effort {
        Effort::Quick => (16, 40),
        Effort::Full => (300, 40),
    }
}

/// Tries sequences, each on a fresh store, until one diverges: those that are kept, then those that are drawn.
pub(crate) async fn explore(case: &Case, focus: Focus) -> Outcome {
    let absent: Vec<_> = Capability::ALL.into_iter().filter(|capability| case.lacks(*capability)).collect();
    let mut made = 0;
    for (told, steps) in regressions(focus) {
        let steps: Vec<_> = steps.into_iter().filter(|step| step.does_without(&absent)).collect();
        made += steps.len();
        if let Some(divergence) = run(case, &steps, &absent).await? {
            return Err(violation(case, &steps, &divergence, &format!("kept: {told}")));
        }
    }
    let (sequences, length) = size(case.effort());
    // Other sequences on each flavour of runtime, and with each focus.
    let mut seeds = Random::new(case.seed() ^ ((focus as u64) << 32) ^ ((case.flavour() as u64) << 40));
    for _ in 0..sequences {
        let seed = seeds.next();
        let plan = Plan::new(focus, absent.clone(), seed, length);
        let steps = plan.steps();
        made += steps.len();
        if let Some(divergence) = run(case, &steps, &absent).await? {
            let (plan, divergence) = shrunk(case, plan, divergence).await?;
            return Err(violation(case, &plan.steps(), &divergence, &format!("drawn from {seed:#x}")));
        }
    }
    case.note("steps", made);
    Ok(())
}

/// Where a sequence diverges, if it does.
async fn run(case: &Case, steps: &[Step], absent: &[Capability]) -> Result<Option<Divergence>, Violation> {
    let store = case.another(Limits::default()).await?;
    Ok(Lockstep::new(store, case.clock.clone()).run(steps, absent).await.err())
}

/// The search for a simpler sequence: what diverges so far, and how many attempts are left.
struct Search<'a> {
    case: &'a Case,
    plan: Plan,
    divergence: Divergence,
    attempts: usize,
}

impl Search<'_> {
    /// Takes this sequence instead, if it diverges as well.
    async fn take(&mut self, plan: Plan) -> Result<bool, Violation> {
        if self.attempts == 0 {
            return Ok(false);
        }
        self.attempts -= 1;
        let Some(divergence) = run(self.case, &plan.steps(), &plan.absent).await? else { return Ok(false) };
        self.plan = plan;
        // Nothing after the step that diverges is needed.
        self.plan.draws.truncate(divergence.steps);
        self.divergence = divergence;
        Ok(true)
    }

    /// Leaves out runs of steps, long ones first, until each that is left is needed.
    async fn shorten(&mut self) -> Outcome {
        let mut run = self.plan.draws.len().div_ceil(2);
        while run > 0 {
            let (mut from, mut shorter) = (0, false);
            while from < self.plan.draws.len() {
                let mut plan = self.plan.clone();
                plan.draws.drain(from..plan.draws.len().min(from + run));
                match self.take(plan).await? {
                    true => shorter = true,
                    false => from += run,
                }
            }
            if !(shorter && run == 1) {
                run /= 2;
            }
        }
        Ok(())
    }

    /// Makes each step simpler, as proptest does: on as long as it diverges, back when it does not.
    async fn simplify(&mut self) -> Outcome {
        for at in 0..self.plan.draws.len() {
            let mut tried = self.plan.clone();
            let mut by = Move::Simplify;
            while let Some(plan) = tried.moved(at, by).filter(|_| self.attempts > 0) {
                tried = plan.clone();
                by = match self.take(plan).await? {
                    true => Move::Simplify,
                    false => Move::Complicate,
                };
            }
        }
        Ok(())
    }
}

async fn shrunk(case: &Case, plan: Plan, divergence: Divergence) -> Result<(Plan, Divergence), Violation> {
    let mut search = Search { case, plan, divergence, attempts: ATTEMPTS };
    search.plan.draws.truncate(search.divergence.steps);
    search.shorten().await?;
    search.simplify().await?;
    // A simpler step may make another one needless.
    search.shorten().await?;
    Ok((search.plan, search.divergence))
}

fn violation(case: &Case, steps: &[Step], divergence: &Divergence, origin: &str) -> Violation {
    case.note("steps of the sequence that diverges", steps.len());
    let Divergence { steps: _, step, expected, observed } = divergence;
    // Of two long answers only the surroundings of the first difference tell something.
    let differs = observed.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    let from = differs.saturating_sub(100);
    let mut text = format!("{}\n  after these {} steps ({origin}):", cut(observed, from), steps.len());
    for (n, step) in steps.iter().enumerate() {
        // Writing to a text does not fail.
        let _ = write!(text, "\n    {}. {step}", n + 1);
    }
    Violation::new(format!("{step} answers as the model: {}", cut(expected, from)), text)
}
