//! What many see at the same time can be explained by one call after the other.

use super::units_of_work::PATIENT;
use crate::linearizability::{Crowd, Operation, accounts, keys, queue, verify};
use crate::{Case, Effort, Outcome};

/// How many histories are made of each kind.
fn histories(case: &Case) -> u32 {
    match case.effort() {
        Effort::Quick => 20,
        Effort::Full => 200,
    }
}

/// The clients of a history, and how to get it again.
fn crowd(case: &Case, n: u32, cancels: bool) -> (Crowd, String) {
    let seed = case.seed();
    // Histories of neighbouring seeds have nothing in common.
    let of_history = seed.wrapping_mul(1_000_003).wrapping_add(u64::from(n));
    (Crowd::new(of_history, cancels), format!("in history {n} of seed {seed}"))
}

/// How much was tried.
#[derive(Default)]
struct Tried {
    histories: u32,
    calls: usize,
    overlapping: usize,
    cancelled: usize,
}

impl Tried {
    fn add<C, A>(&mut self, history: &[Operation<C, A>]) {
        let overlaps = |one: &&Operation<C, A>| {
            history.iter().any(|other| other.client != one.client && other.overlaps(one))
        };
        self.histories += 1;
        self.calls += history.len();
        self.overlapping += history.iter().filter(|one| one.answered.is_some()).filter(overlaps).count();
        self.cancelled += history.iter().filter(|one| one.answered.is_none()).count();
    }

    fn note(&self, case: &Case) {
        case.note("histories", self.histories);
        case.note("calls", self.calls);
        case.note("calls that overlapped others", self.overlapping);
        case.note("cancelled calls", self.cancelled);
    }
}

async fn keys_are_linearizable(case: &Case, cancels: bool) -> Outcome {
    let (store, mut tried) = (case.shared(), Tried::default());
    for n in 0..histories(case) {
        let (crowd, what) = crowd(case, n, cancels);
        let history = keys::history(&store, &format!("history-{n}"), crowd).await?;
        tried.add(&history);
        keys::explained(history, &what)?;
    }
    tried.note(case);
    Ok(())
}

async fn the_queue_is_linearizable(case: &Case, cancels: bool) -> Outcome {
    let (store, mut tried) = (case.shared(), Tried::default());
    for n in 0..histories(case) {
        let (crowd, what) = crowd(case, n, cancels);
        let history = queue::history(&store, &case.clock, n, crowd).await?;
        tried.add(&history);
        verify(&queue::Queue, &history, &what)?;
    }
    tried.note(case);
    Ok(())
}

async fn units_are_linearizable(case: &Case, cancels: bool) -> Outcome {
    let (store, mut tried) = (case.shared(), Tried::default());
    for n in 0..histories(case) {
        let (crowd, what) = crowd(case, n, cancels);
        let history = accounts::history(&store, &format!("history-{n}"), PATIENT, crowd).await?;
        tried.add(&history);
        verify(&accounts::Accounts, &history, &what)?;
    }
    tried.note(case);
    Ok(())
}

pub(crate) async fn stochastic_lin_c_001_cancelled_calls_of_keys_happen_at_one_moment_or_never(
    case: &Case,
) -> Outcome {
    keys_are_linearizable(case, true).await
}

pub(crate) async fn stochastic_lin_c_002_cancelled_calls_of_the_queue_happen_at_one_moment_or_never(
    case: &Case,
) -> Outcome {
    the_queue_is_linearizable(case, true).await
}

pub(crate) async fn stochastic_lin_c_003_cancelled_units_of_work_happen_at_one_moment_or_never(
    case: &Case,
) -> Outcome {
    units_are_linearizable(case, true).await
}

pub(crate) async fn stochastic_lin_k_001_calls_of_keys_happen_at_one_moment_each(case: &Case) -> Outcome {
    keys_are_linearizable(case, false).await
}

pub(crate) async fn stochastic_lin_k_002_revisions_follow_the_order_of_changes(case: &Case) -> Outcome {
    let (store, mut tried) = (case.shared(), Tried::default());
    for n in 0..histories(case) {
        let (crowd, what) = crowd(case, n, false);
        let history = keys::history(&store, &format!("history-{n}"), crowd).await?;
        tried.add(&history);
        keys::revisions_follow_time(&history, &what)?;
    }
    tried.note(case);
    Ok(())
}

pub(crate) async fn stochastic_lin_q_001_calls_of_the_queue_happen_at_one_moment_each(
    case: &Case,
) -> Outcome {
    the_queue_is_linearizable(case, false).await
}

pub(crate) async fn stochastic_lin_u_001_units_of_work_happen_at_one_moment_each(case: &Case) -> Outcome {
    units_are_linearizable(case, false).await
}
