//! Isolation: the anomalies of Hermitage (Adya's phenomena, and lost update), each as schedules that are forced
//! through units of work.
//!
//! The number of a rule is that of its anomaly: 1 G0, 2 G1a, 3 G1b, 4 G1c, 5 OTV, 6 PMP, 7 P4, 8 G-single,
//! 9 G2-item, 10 to 12 G2 by each kind of predicate, 13 the read-only anomaly (Fekete, O'Neil and O'Neil, 2004),
//! 14 and 15 write skew through what the store itself checks. The letter says who meets whom: `g` units of work
//! that write, `r` one that only reads and others, `s` single calls and a unit of work, `t` single calls and a unit
//! of work that only reads. A combination that has no number cannot be expressed: single calls are transactions of
//! their own, so they read nothing twice, and what only reads writes nothing.
//!
//! A rule fails only if an anomaly was observed, so every way to prevent it passes; each run notes as `prevented`
//! which way it was:
//! - `waits`: a side was not answered before the other one had ended, `begin` included;
//! - `conflict`: a call was answered [`Conflict::Serialization`](tubeatlas_ports::Conflict::Serialization);
//! - `abort at commit`: the commit was;
//! - `snapshot`: nobody was held back, and everybody read one moment.

mod schedule;
mod serial;

use schedule::no_anomaly;
use serial::Step::{
    Begin, BeginReadOnly, Commit, Count, Create, CreateInChannel, DeleteChannel, Get, GetBoth, List,
    RollBack, Search, Update, UpdateBoth, UpdateIfUnchanged,
};

use crate::{Case, Outcome};

// Units of work that write

pub(crate) async fn must_iso_g_001_writes_of_two_units_of_work_do_not_mix(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Update("x", 11)),
        (2, Update("x", 12)),
        (2, Update("y", 22)),
        (1, Update("y", 21)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "write cycle (G0)", &turns).await
}

pub(crate) async fn must_iso_g_002_nothing_is_read_that_is_rolled_back(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Update("x", 101)),
        (2, Get("x")),
        (1, RollBack),
        (2, Get("x")),
        (2, Commit),
    ];
    no_anomaly(case, "aborted read (G1a)", &turns).await
}

pub(crate) async fn must_iso_g_003_nothing_is_read_that_is_overwritten_before_its_commit(
    case: &Case,
) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Update("x", 101)),
        (2, Get("x")),
        (1, Update("x", 11)),
        (1, Commit),
        (2, Get("x")),
        (2, Commit),
    ];
    no_anomaly(case, "intermediate read (G1b)", &turns).await
}

pub(crate) async fn must_iso_g_004_two_units_of_work_do_not_read_from_each_other(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Update("x", 11)),
        (2, Update("y", 22)),
        (1, Get("y")),
        (2, Get("x")),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "circular information flow (G1c)", &turns).await
}

pub(crate) async fn must_iso_g_005_what_was_observed_does_not_vanish(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (3, Begin),
        (1, Update("x", 11)),
        (1, Update("y", 19)),
        (2, Update("x", 12)),
        (1, Commit),
        (3, Get("x")),
        (2, Update("y", 18)),
        (3, Get("y")),
        (2, Commit),
        (3, Get("y")),
        (3, Get("x")),
        (3, Commit),
    ];
    no_anomaly(case, "observed transaction that vanishes (OTV)", &turns).await
}

pub(crate) async fn must_iso_g_006_what_a_predicate_takes_in_stays_so(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (2, Create("z", 30)),
        (2, Commit),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (1, Commit),
    ];
    no_anomaly(case, "phantom (PMP)", &turns).await
}

pub(crate) async fn must_iso_g_007_no_update_is_lost(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Get("x")),
        (2, Get("x")),
        (1, Update("x", 11)),
        (2, Update("x", 12)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "lost update (P4)", &turns).await
}

pub(crate) async fn must_iso_g_008_two_reads_belong_to_one_moment(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Get("x")),
        (2, Get("x")),
        (2, Get("y")),
        (2, Update("x", 12)),
        (2, Update("y", 18)),
        (2, Commit),
        (1, Get("y")),
        (1, Commit),
    ];
    no_anomaly(case, "read skew (G-single)", &turns).await
}

pub(crate) async fn must_iso_g_009_no_write_is_skewed_that_follows_from_an_entity(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Get("x")),
        (1, Get("y")),
        (2, Get("x")),
        (2, Get("y")),
        (1, Update("x", 11)),
        (2, Update("y", 21)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "write skew (G2-item)", &turns).await
}

pub(crate) async fn must_iso_g_010_no_write_is_skewed_that_follows_from_a_list(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, List(30)),
        (2, List(30)),
        (1, Create("z", 30)),
        (2, Create("w", 42)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "anti-dependency cycle (G2) over a list", &turns).await
}

pub(crate) async fn must_iso_g_011_no_write_is_skewed_that_follows_from_a_count(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Count(30)),
        (2, Count(30)),
        (1, Create("z", 30)),
        (2, Create("w", 42)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "anti-dependency cycle (G2) over a count", &turns).await
}

pub(crate) async fn must_iso_g_012_no_write_is_skewed_that_follows_from_a_search(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Search(30)),
        (2, Search(30)),
        (1, Create("z", 30)),
        (2, Create("w", 30)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "anti-dependency cycle (G2) over a search", &turns).await
}

pub(crate) async fn must_iso_g_013_what_a_third_one_has_seen_binds_the_first(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (1, GetBoth),
        (2, Begin),
        (2, Update("y", 25)),
        (2, Commit),
        (3, Begin),
        (3, GetBoth),
        (3, Commit),
        (1, Update("x", 0)),
        (1, Commit),
    ];
    no_anomaly(case, "anti-dependency cycle of two edges (G2, Fekete)", &turns).await
}

pub(crate) async fn must_iso_g_014_nothing_is_attached_to_what_another_one_deletes(case: &Case) -> Outcome {
    let turns =
        [(1, Begin), (2, Begin), (1, CreateInChannel("z", 30)), (2, DeleteChannel), (1, Commit), (2, Commit)];
    no_anomaly(case, "write skew through a reference", &turns).await
}

pub(crate) async fn must_iso_g_015_two_units_of_work_do_not_create_one_id(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Get("z")),
        (2, Get("z")),
        (1, Create("z", 30)),
        (2, Create("z", 42)),
        (1, Commit),
        (2, Commit),
    ];
    no_anomaly(case, "write skew through an id", &turns).await
}

// One that only reads, and others

pub(crate) async fn must_iso_r_002_a_reader_sees_nothing_that_is_rolled_back(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, BeginReadOnly),
        (1, Update("x", 101)),
        (2, Get("x")),
        (1, RollBack),
        (2, Get("x")),
        (2, Commit),
    ];
    no_anomaly(case, "aborted read (G1a)", &turns).await
}

pub(crate) async fn must_iso_r_003_a_reader_sees_nothing_that_is_overwritten_before_its_commit(
    case: &Case,
) -> Outcome {
    let turns = [
        (1, Begin),
        (2, BeginReadOnly),
        (1, Update("x", 101)),
        (2, Get("x")),
        (1, Update("x", 11)),
        (1, Commit),
        (2, Get("x")),
        (2, Commit),
    ];
    no_anomaly(case, "intermediate read (G1b)", &turns).await
}

pub(crate) async fn must_iso_r_005_what_a_reader_observed_does_not_vanish(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (3, BeginReadOnly),
        (1, Update("x", 11)),
        (1, Update("y", 19)),
        (2, Update("x", 12)),
        (1, Commit),
        (3, Get("x")),
        (2, Update("y", 18)),
        (3, Get("y")),
        (2, Commit),
        (3, Get("y")),
        (3, Get("x")),
        (3, Commit),
    ];
    no_anomaly(case, "observed transaction that vanishes (OTV)", &turns).await
}

pub(crate) async fn must_iso_r_006_what_a_readers_predicate_takes_in_stays_so(case: &Case) -> Outcome {
    let turns = [
        (1, BeginReadOnly),
        (2, Begin),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (2, Create("z", 30)),
        (2, Commit),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (1, Commit),
    ];
    no_anomaly(case, "phantom (PMP)", &turns).await
}

pub(crate) async fn must_iso_r_008_two_reads_of_a_reader_belong_to_one_moment(case: &Case) -> Outcome {
    let turns = [
        (1, BeginReadOnly),
        (2, Begin),
        (1, Get("x")),
        (2, Get("x")),
        (2, Get("y")),
        (2, Update("x", 12)),
        (2, Update("y", 18)),
        (2, Commit),
        (1, Get("y")),
        (1, Commit),
    ];
    no_anomaly(case, "read skew (G-single)", &turns).await
}

/// T1 looks at both accounts, T2 pays in, T3 sees the balance with that and without a fee; then T1 charges the
/// fee, which follows only from what there was before T2.
pub(crate) async fn must_iso_r_013_what_a_reader_has_seen_binds_the_writers(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (1, GetBoth),
        (2, Begin),
        (2, Get("y")),
        (2, Update("y", 25)),
        (2, Commit),
        (3, BeginReadOnly),
        (3, GetBoth),
        (3, Commit),
        (1, Update("x", 0)),
        (1, Commit),
    ];
    no_anomaly(case, "read-only anomaly (Fekete)", &turns).await
}

// Single calls, and a unit of work

pub(crate) async fn must_iso_s_001_a_batch_does_not_mix_with_a_unit_of_work(case: &Case) -> Outcome {
    let turns =
        [(1, Begin), (1, Update("x", 11)), (2, UpdateBoth(12, 22)), (1, Update("y", 21)), (1, Commit)];
    no_anomaly(case, "write cycle (G0)", &turns).await
}

pub(crate) async fn must_iso_s_002_a_single_read_sees_nothing_that_is_rolled_back(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (1, Update("x", 101)),
        (2, Get("x")),
        (2, GetBoth),
        (2, List(100)),
        (2, Count(100)),
        (2, Search(101)),
        (1, RollBack),
        (2, Get("x")),
    ];
    no_anomaly(case, "aborted read (G1a)", &turns).await
}

pub(crate) async fn must_iso_s_003_a_single_read_sees_nothing_that_is_overwritten_before_its_commit(
    case: &Case,
) -> Outcome {
    let turns = [
        (1, Begin),
        (1, Update("x", 101)),
        (2, Get("x")),
        (1, Update("x", 11)),
        (2, Search(101)),
        (1, Commit),
        (2, Get("x")),
    ];
    no_anomaly(case, "intermediate read (G1b)", &turns).await
}

pub(crate) async fn must_iso_s_005_what_a_single_read_observed_does_not_vanish(case: &Case) -> Outcome {
    let turns = [
        (1, Begin),
        (2, Begin),
        (1, Update("x", 11)),
        (1, Update("y", 19)),
        (2, Update("x", 12)),
        (1, Commit),
        (3, GetBoth),
        (2, Update("y", 18)),
        (3, GetBoth),
        (2, Commit),
        (3, GetBoth),
    ];
    no_anomaly(case, "observed transaction that vanishes (OTV)", &turns).await
}

pub(crate) async fn must_iso_s_006_a_single_write_does_not_change_what_a_predicate_takes_in(
    case: &Case,
) -> Outcome {
    let turns = [
        (1, Begin),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (2, Create("z", 30)),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (1, Commit),
    ];
    no_anomaly(case, "phantom (PMP)", &turns).await
}

pub(crate) async fn must_iso_s_007_no_single_update_is_lost(case: &Case) -> Outcome {
    let turns = [(1, Begin), (1, Get("x")), (2, Update("x", 12)), (1, Update("x", 11)), (1, Commit)];
    no_anomaly(case, "lost update (P4)", &turns).await
}

pub(crate) async fn must_iso_s_008_a_batch_does_not_come_between_two_reads(case: &Case) -> Outcome {
    let turns = [(1, Begin), (1, Get("x")), (2, UpdateBoth(12, 18)), (1, Get("y")), (1, Commit)];
    no_anomaly(case, "read skew (G-single)", &turns).await
}

pub(crate) async fn must_iso_s_013_what_a_single_read_has_seen_binds_the_writer(case: &Case) -> Outcome {
    let turns =
        [(1, Begin), (1, GetBoth), (2, Update("y", 25)), (3, GetBoth), (1, Update("x", 0)), (1, Commit)];
    no_anomaly(case, "read-only anomaly (Fekete)", &turns).await
}

pub(crate) async fn must_iso_s_014_a_single_deletion_leaves_no_reference_behind(case: &Case) -> Outcome {
    let turns = [(1, Begin), (1, CreateInChannel("z", 30)), (2, DeleteChannel), (1, Commit)];
    no_anomaly(case, "write skew through a reference", &turns).await
}

pub(crate) async fn must_iso_s_015_a_single_call_and_a_unit_of_work_do_not_create_one_id(
    case: &Case,
) -> Outcome {
    let turns = [(1, Begin), (1, Get("z")), (2, Create("z", 42)), (1, Create("z", 30)), (1, Commit)];
    no_anomaly(case, "write skew through an id", &turns).await
}

/// Where the caller remembers a revision instead of a unit of work.
pub(crate) async fn must_iso_s_016_no_update_is_lost_that_demands_a_revision(case: &Case) -> Outcome {
    let turns = [
        (1, Get("x")),
        (2, Get("x")),
        (3, Begin),
        (3, Get("x")),
        (1, UpdateIfUnchanged("x", 11)),
        (2, UpdateIfUnchanged("x", 12)),
        (3, UpdateIfUnchanged("x", 13)),
        (3, Commit),
    ];
    no_anomaly(case, "lost update (P4)", &turns).await
}

// Single calls, and one that only reads

pub(crate) async fn must_iso_t_006_a_single_write_does_not_change_what_a_readers_predicate_takes_in(
    case: &Case,
) -> Outcome {
    let turns = [
        (1, BeginReadOnly),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (2, Create("z", 30)),
        (1, List(30)),
        (1, Count(30)),
        (1, Search(30)),
        (1, Commit),
    ];
    no_anomaly(case, "phantom (PMP)", &turns).await
}

pub(crate) async fn must_iso_t_008_a_batch_does_not_come_between_two_reads_of_a_reader(
    case: &Case,
) -> Outcome {
    let turns = [(1, BeginReadOnly), (1, Get("x")), (2, UpdateBoth(12, 18)), (1, Get("y")), (1, Commit)];
    no_anomaly(case, "read skew (G-single)", &turns).await
}
