//! Faults of isolation: flaws of the optimistic store, in which units of work interleave.
//!
//! What an anomaly needs is there for units of work, for readers and for single calls alike, so a flaw is often
//! noticed by more than one rule: those of a flaw are companions of each other.

use crate::fault::Fault;
use crate::optimistic::Flaw::{
    self, Forgets, ForgetsWhatItWrites, ForgetsWhatWasMissing, LastUpdateWins, ReadsCommitted,
    ReadsOverwrittenVersions, ReadsUncommitted, ReadsWhatWasRolledBack, SingleUpdatesGoUnnoticed,
    TakesItsSnapshotTwice,
};
use crate::optimistic::Who::{Readers, Singles, Writers};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

/// A rule that rejects a flaw: its id, in what it meets the flaw, and what it says.
type Rejection = (&'static str, &'static str, &'static [&'static str]);

const UOW_I_003: Rejection =
    ("UOW-I-003", "a reader gets what was updated meanwhile", &["the title: Some(\"A video\")", "changed"]);
const UOW_I_007: Rejection =
    ("UOW-I-007", "what both get with get_many is skewed", &["one of the two stays", "[\"gone\", \"gone\"]"]);
const UOW_W_002: Rejection = (
    "UOW-W-002",
    "two units of work update one video blindly",
    &["not both wrote over the other", "(true, true)"],
);
const UOW_W_003: Rejection = (
    "UOW-W-003",
    "a unit of work and a single call update one video blindly",
    &["not both wrote over the other", "(true, true)"],
);
const SEA_X_004: Rejection =
    ("SEA-X-004", "a reader searches what was committed meanwhile", &["in a unit begun before: [\"v0/en\"]"]);

/// Each flaw, what it is called, the rules whose own fault it is, and all that reject it.
const FLAWS: &[(Flaw, &str, &[&str], &[Rejection])] = &[
    (
        LastUpdateWins,
        "of the updates of a video the one wins that was made last, whatever its unit of work",
        &["ISO-G-001", "ISO-S-001"],
        &[
            (
                "ISO-G-001",
                "two units of work update x and y in turn",
                &["no write cycle (G0)", "T2 commit; at last list >= 0: x = 12, y = 21"],
            ),
            (
                "ISO-S-001",
                "a batch comes between the updates of a unit of work",
                &["no write cycle (G0)", "T2 update x = 12 and y = 22", "at last list >= 0: x = 12, y = 21"],
            ),
            UOW_W_002,
            UOW_W_003,
        ],
    ),
    (
        ReadsWhatWasRolledBack(Writers),
        "a unit of work finds what was rolled back while it was open",
        &["ISO-G-002"],
        &[("ISO-G-002", "", &["no aborted read (G1a)", "T1 roll back; T2 get x: x = 101"])],
    ),
    (
        ReadsWhatWasRolledBack(Readers),
        "a reader finds what was rolled back while it was open",
        &["ISO-R-002"],
        &[(
            "ISO-R-002",
            "",
            &["no aborted read (G1a)", "T2 begin read-only", "T1 roll back; T2 get x: x = 101"],
        )],
    ),
    (
        ReadsUncommitted(Singles, "list"),
        "a single list shows what units of work have open",
        &["ISO-S-002"],
        &[("ISO-S-002", "", &["no aborted read (G1a)", "T2 list >= 100: x = 101"])],
    ),
    (
        ReadsOverwrittenVersions(Writers),
        "a unit of work finds the first of two versions that one commit wrote",
        &["ISO-G-003"],
        &[("ISO-G-003", "", &["no intermediate read (G1b)", "T1 commit; T2 get x: x = 101"])],
    ),
    (
        ReadsOverwrittenVersions(Readers),
        "a reader finds the first of two versions that one commit wrote",
        &["ISO-R-003"],
        &[(
            "ISO-R-003",
            "",
            &["no intermediate read (G1b)", "T2 begin read-only", "T1 commit; T2 get x: x = 101"],
        )],
    ),
    (
        ReadsOverwrittenVersions(Singles),
        "a single get finds the first of two versions that one commit wrote",
        &["ISO-S-003"],
        &[("ISO-S-003", "", &["no intermediate read (G1b)", "T1 commit; T2 get x: x = 101"])],
    ),
    (
        Forgets("get"),
        "certification forgets what get answered",
        &["ISO-G-004", "ISO-G-009"],
        &[
            (
                "ISO-G-004",
                "each gets what the other one updates",
                &["no circular information flow (G1c)", "T2 get x: x = 10; T1 commit; T2 commit"],
            ),
            (
                "ISO-G-009",
                "each gets what the other one updates",
                &["no write skew (G2-item)", "T2 update y = 21; T1 commit; T2 commit"],
            ),
        ],
    ),
    (
        TakesItsSnapshotTwice(Writers),
        "a unit of work takes its snapshot at its first get and at its beginning",
        &["ISO-G-005"],
        &[(
            "ISO-G-005",
            "",
            &["no observed transaction that vanishes (OTV)", "T3 get x: x = 11", "T3 get x: x = 10"],
        )],
    ),
    (
        TakesItsSnapshotTwice(Readers),
        "a reader takes its snapshot at its first get and at its beginning",
        &["ISO-R-005"],
        &[
            (
                "ISO-R-005",
                "",
                &[
                    "no observed transaction that vanishes (OTV)",
                    "T3 begin read-only",
                    "T3 get x: x = 11",
                    "T3 get x: x = 10",
                ],
            ),
            UOW_I_003,
        ],
    ),
    (
        ReadsUncommitted(Singles, "get_many"),
        "a single get_many shows what units of work have open",
        &["ISO-S-005"],
        &[
            (
                "ISO-S-005",
                "",
                &[
                    "no observed transaction that vanishes (OTV)",
                    "T3 get x and y: x = 12, y = 18",
                    "T3 get x and y: x = 11, y = 19",
                ],
            ),
            (
                "ISO-S-002",
                "it reads with get_many, too",
                &["no aborted read (G1a)", "T2 get x and y: x = 101, y = 20"],
            ),
            (
                "CAN-U-007",
                "whether a dropped unit of work left something is looked up with get_many",
                &["what is kept of a unit of work that was not committed: Before", "observed: After"],
            ),
        ],
    ),
    (
        ReadsCommitted(Writers, "list"),
        "a list in a unit of work shows what is committed at the moment",
        &["ISO-G-006"],
        &[
            (
                "ISO-G-006",
                "",
                &[
                    "no phantom (PMP)",
                    "T2 create z = 30; T2 commit; T1 list >= 30: z = 30; T1 count >= 30: 0",
                ],
            ),
            (
                "ISO-S-006",
                "a single call commits meanwhile",
                &["no phantom (PMP)", "T2 create z = 30; T1 list >= 30: z = 30; T1 count >= 30: 0"],
            ),
        ],
    ),
    (
        ReadsCommitted(Writers, "search"),
        "a search in a unit of work finds what is committed at the moment",
        &["ISO-S-006"],
        &[
            (
                "ISO-S-006",
                "",
                &["no phantom (PMP)", "T2 create z = 30; T1 list >= 30: nothing", "T1 search 30: z = 30"],
            ),
            (
                "ISO-G-006",
                "another unit of work commits meanwhile",
                &["no phantom (PMP)", "T2 commit; T1 list >= 30: nothing", "T1 search 30: z = 30"],
            ),
        ],
    ),
    (
        ReadsCommitted(Readers, "list"),
        "a list of a reader shows what is committed at the moment",
        &["ISO-R-006"],
        &[
            (
                "ISO-R-006",
                "",
                &[
                    "no phantom (PMP)",
                    "T1 begin read-only",
                    "T2 create z = 30; T2 commit; T1 list >= 30: z = 30; T1 count >= 30: 0",
                ],
            ),
            (
                "ISO-T-006",
                "a single call commits meanwhile",
                &[
                    "no phantom (PMP)",
                    "T1 begin read-only",
                    "T2 create z = 30; T1 list >= 30: z = 30; T1 count >= 30: 0",
                ],
            ),
        ],
    ),
    (
        ReadsCommitted(Readers, "search"),
        "a search of a reader finds what is committed at the moment",
        &["ISO-T-006"],
        &[
            (
                "ISO-T-006",
                "",
                &[
                    "no phantom (PMP)",
                    "T1 begin read-only",
                    "T2 create z = 30; T1 list >= 30: nothing",
                    "T1 search 30: z = 30",
                ],
            ),
            (
                "ISO-R-006",
                "a unit of work commits meanwhile",
                &["no phantom (PMP)", "T2 commit; T1 list >= 30: nothing", "T1 search 30: z = 30"],
            ),
            SEA_X_004,
        ],
    ),
    (
        ForgetsWhatItWrites,
        "certification forgets what the unit of work itself has written",
        &["ISO-G-007"],
        &[
            (
                "ISO-G-007",
                "",
                &[
                    "no lost update (P4)",
                    "T2 get x: x = 10",
                    "T1 commit; T2 commit; at last list >= 0: x = 12",
                ],
            ),
            (
                "ISO-S-007",
                "a single call updates the same",
                &["no lost update (P4)", "T2 update x = 12; T1 update x = 11; T1 commit"],
            ),
            UOW_W_002,
            UOW_W_003,
        ],
    ),
    (
        SingleUpdatesGoUnnoticed,
        "certification does not know of single updates",
        &["ISO-S-007", "ISO-S-013", "ISO-S-016"],
        &[
            (
                "ISO-S-007",
                "a single call updates what a unit of work has read",
                &[
                    "no lost update (P4)",
                    "T2 update x = 12; T1 update x = 11; T1 commit; at last list >= 0: x = 11",
                ],
            ),
            (
                "ISO-S-013",
                "a single call updates what a unit of work has read",
                &["no read-only anomaly (Fekete)", "T1 commit; at last list >= 0: x = 0, y = 20"],
            ),
            (
                "ISO-S-016",
                "a single call updates what a unit of work has read",
                &[
                    "no lost update (P4)",
                    "T3 update x = 13 if unchanged; T3 commit; at last list >= 0: x = 13",
                ],
            ),
            UOW_W_003,
        ],
    ),
    (
        ReadsCommitted(Writers, "get"),
        "a get in a unit of work finds what is committed at the moment",
        &["ISO-G-008", "ISO-S-008"],
        &[
            (
                "ISO-G-008",
                "another unit of work commits between two gets",
                &["no read skew (G-single)", "T2 commit; T1 get y: y = 18"],
            ),
            (
                "ISO-S-008",
                "a batch comes between two gets",
                &["no read skew (G-single)", "T2 update x = 12 and y = 18; T1 get y: y = 18"],
            ),
            (
                "ISO-G-003",
                "another unit of work commits between two gets",
                &["no intermediate read (G1b)", "T1 commit; T2 get x: x = 11"],
            ),
        ],
    ),
    (
        ReadsCommitted(Readers, "get"),
        "a get of a reader finds what is committed at the moment",
        &["ISO-R-008", "ISO-T-008"],
        &[
            (
                "ISO-R-008",
                "a unit of work commits between two gets",
                &["no read skew (G-single)", "T1 begin read-only", "T2 commit; T1 get y: y = 18"],
            ),
            (
                "ISO-T-008",
                "a batch comes between two gets",
                &[
                    "no read skew (G-single)",
                    "T1 begin read-only",
                    "T2 update x = 12 and y = 18; T1 get y: y = 18",
                ],
            ),
            (
                "ISO-R-003",
                "a unit of work commits between two gets",
                &["no intermediate read (G1b)", "T1 commit; T2 get x: x = 11"],
            ),
            UOW_I_003,
        ],
    ),
    (
        Forgets("list"),
        "certification forgets what list answered",
        &["ISO-G-010"],
        &[("ISO-G-010", "", &["(G2) over a list", "T2 create w = 42; T1 commit; T2 commit"])],
    ),
    (
        Forgets("count"),
        "certification forgets what count answered",
        &["ISO-G-011"],
        &[("ISO-G-011", "", &["(G2) over a count", "T2 create w = 42; T1 commit; T2 commit"])],
    ),
    (
        Forgets("search"),
        "certification forgets what search answered",
        &["ISO-G-012"],
        &[("ISO-G-012", "", &["(G2) over a search", "T2 create w = 30; T1 commit; T2 commit"])],
    ),
    (
        Forgets("get_many"),
        "certification forgets what get_many answered",
        &["ISO-G-013", "ISO-R-013"],
        &[
            (
                "ISO-G-013",
                "a unit of work that writes has seen one commit without the other",
                &["(G2, Fekete)", "T3 get x and y: x = 10, y = 25", "T1 update x = 0; T1 commit"],
            ),
            (
                "ISO-R-013",
                "a reader has seen one commit without the other",
                &["(Fekete)", "T3 begin read-only", "x = 10, y = 25", "T1 update x = 0; T1 commit"],
            ),
            (
                "ISO-S-013",
                "a single call has seen one commit without the other",
                &["(Fekete)", "T3 get x and y: x = 10, y = 25", "T1 update x = 0; T1 commit"],
            ),
            UOW_I_007,
        ],
    ),
    (
        Forgets("delete"),
        "certification forgets that a delete was answered otherwise",
        &["ISO-G-014"],
        &[("ISO-G-014", "", &["through a reference", "T2 delete the channel; T1 commit; T2 commit"])],
    ),
    (
        Forgets("create"),
        "certification forgets that a create was answered otherwise",
        &["ISO-S-014"],
        &[("ISO-S-014", "", &["through a reference", "T2 delete the channel; T1 commit; at last"])],
    ),
    (
        ForgetsWhatWasMissing,
        "certification forgets that something was not there",
        &["ISO-G-015", "ISO-S-015"],
        &[
            (
                "ISO-G-015",
                "two units of work create one id",
                &["through an id", "T1 create z = 30; T2 create z = 42; T1 commit; T2 commit"],
            ),
            (
                "ISO-S-015",
                "a unit of work and a single call create one id",
                &["through an id", "T2 create z = 42; T1 create z = 30; T1 commit; at last"],
            ),
            (
                "ISO-S-014",
                "what is created names what is no longer there",
                &["through a reference", "T2 delete the channel; T1 commit; at last"],
            ),
        ],
    ),
];

pub(super) fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    for (flaw, name, own, rejections) in FLAWS {
        for (rule, _, says) in rejections.iter().filter(|(rule, ..)| own.contains(rule)) {
            let others = rejections.iter().filter(|(other, ..)| other != rule);
            faults.push(
                others.fold(Fault::optimistic(*rule, name, says, *flaw), |fault, (rule, reason, says)| {
                    fault.also(*rule, reason, says)
                }),
            );
        }
    }
    faults
}
