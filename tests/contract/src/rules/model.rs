//! Sequences of calls, which a store answers as the model does.

use crate::model::{Focus, explore};
use crate::{Case, Outcome};

pub(crate) async fn stochastic_mod_s_001_sequences_of_calls_answer_as_the_model(case: &Case) -> Outcome {
    explore(case, Focus::Catalogue).await
}

pub(crate) async fn stochastic_mod_s_002_sequences_with_units_of_work_answer_as_the_model(
    case: &Case,
) -> Outcome {
    explore(case, Focus::Units).await
}

pub(crate) async fn stochastic_mod_s_003_sequences_of_tasks_under_a_jumping_clock_answer_as_the_model(
    case: &Case,
) -> Outcome {
    explore(case, Focus::Tasks).await
}

pub(crate) async fn stochastic_mod_s_004_sequences_of_pages_between_writes_answer_as_the_model(
    case: &Case,
) -> Outcome {
    explore(case, Focus::Pages).await
}

pub(crate) async fn stochastic_mod_s_005_sequences_of_searches_between_writes_answer_as_the_model(
    case: &Case,
) -> Outcome {
    explore(case, Focus::Searches).await
}
