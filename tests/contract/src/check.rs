//! What rules say about answers. Each check prints what it saw.

use std::fmt::{Debug, Display};

use tubeatlas_domain::{Entity, TransitionError};
use tubeatlas_ports::{Conflict, Error, Result, Revision};

use crate::rule::{Outcome, Violation};

/// The most characters of a value that are printed.
const SHOWN: usize = 600;

/// `observed` equals `expected`; `what` says what both are.
#[track_caller]
pub(crate) fn same<A, B>(what: &str, observed: &A, expected: &B) -> Outcome
where
    A: PartialEq<B> + Debug + ?Sized,
    B: Debug + ?Sized,
{
    if observed == expected {
        return Ok(());
    }
    let (observed, expected) = (format!("{observed:?}"), format!("{expected:?}"));
    // Of two long values only the surroundings of the first difference tell something.
    let differs = observed.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
    let from = differs.saturating_sub(SHOWN / 4);
    Err(Violation::new(format!("{what}: {}", cut(&expected, from)), cut(&observed, from)))
}

/// `true`; otherwise what was expected, and what there was instead.
#[track_caller]
pub(crate) fn holds(expected: &str, condition: bool, observed: &dyn Debug) -> Outcome {
    if condition {
        return Ok(());
    }
    Err(Violation::new(expected, cut(&format!("{observed:?}"), 0)))
}

/// There is something.
#[track_caller]
pub(crate) fn some<T>(what: &str, value: Option<T>) -> Result<T, Violation> {
    value.ok_or_else(|| Violation::new(format!("{what} is there"), "nothing"))
}

/// A long text, from about this byte on, with its ends marked where it goes on.
pub(crate) fn cut(text: &str, from: usize) -> String {
    let from = text.floor_char_boundary(if text.len() <= SHOWN { 0 } else { from });
    let to = text.floor_char_boundary(from + SHOWN);
    let (before, after) = (if from > 0 { "…" } else { "" }, if to < text.len() { "…" } else { "" });
    format!("{before}{}{after}", &text[from..to])
}

/// The call was refused with exactly this error. (Only for errors without a source or free text.)
#[track_caller]
pub(crate) fn refused<T: Debug>(result: Result<T>, expected: &Error) -> Outcome {
    refused_as(result, &format!("{expected:?}"), |error| format!("{error:?}") == format!("{expected:?}"))
}

/// The call was refused with an error that `fits`.
#[track_caller]
pub(crate) fn refused_as<T: Debug>(
    result: Result<T>,
    expected: &str,
    fits: impl FnOnce(&Error) -> bool,
) -> Outcome {
    match result {
        Err(error) if fits(&error) => Ok(()),
        other => Err(Violation::new(expected, cut(&format!("{other:?}"), 0))),
    }
}

/// There is no such thing.
#[track_caller]
pub(crate) fn not_found<E: Entity, T: Debug>(result: Result<T>, key: &impl Display) -> Outcome {
    refused(result, &Error::NotFound { entity: E::KIND, key: key.to_string() })
}

/// This value of this field is taken.
#[track_caller]
pub(crate) fn already_exists<E: Entity, T: Debug>(
    result: Result<T>,
    field: &'static str,
    value: &impl Display,
) -> Outcome {
    refused(result, &Error::AlreadyExists { entity: E::KIND, field, value: value.to_string() })
}

/// What it refers to is not there.
#[track_caller]
pub(crate) fn missing_reference<E: Entity, R: Entity, T: Debug>(
    result: Result<T>,
    key: &impl Display,
    reference_key: &impl Display,
) -> Outcome {
    let (key, reference_key) = (key.to_string(), reference_key.to_string());
    refused(result, &Error::MissingReference { entity: E::KIND, key, reference: R::KIND, reference_key })
}

/// Something refers to it.
#[track_caller]
pub(crate) fn still_referenced<E: Entity, By: Entity, T: Debug>(
    result: Result<T>,
    key: &impl Display,
) -> Outcome {
    refused(result, &Error::StillReferenced { entity: E::KIND, key: key.to_string(), by: By::KIND })
}

/// It is at another revision.
#[track_caller]
pub(crate) fn revision_conflict<E: Entity, T: Debug>(
    result: Result<T>,
    key: &impl Display,
    expected: Revision,
    actual: Revision,
) -> Outcome {
    let key = key.to_string();
    refused(result, &Error::Conflict(Conflict::Revision { entity: E::KIND, key, expected, actual }))
}

/// The task's state does not allow it.
#[track_caller]
pub(crate) fn refused_transition<T: Debug>(
    result: Result<T>,
    key: &impl Display,
    error: TransitionError,
) -> Outcome {
    refused(result, &Error::Conflict(Conflict::Transition { key: key.to_string(), error }))
}

/// The request is wrong, and the error names the part of it that is.
#[track_caller]
pub(crate) fn invalid<T: Debug>(result: Result<T>, field: &str) -> Outcome {
    let expected = format!("Invalid, naming {field:?}");
    refused_as(result, &expected, |error| matches!(error, Error::Invalid(e) if e.field() == field))
}

/// It was closed, or has ended.
#[track_caller]
pub(crate) fn closed<T: Debug>(result: Result<T>) -> Outcome {
    refused_as(result, "Closed", |error| matches!(error, Error::Closed { what } if !what.is_empty()))
}

/// It only answers reads.
#[track_caller]
pub(crate) fn read_only<T: Debug>(result: Result<T>) -> Outcome {
    refused_as(result, "ReadOnly", |error| matches!(error, Error::ReadOnly { what } if !what.is_empty()))
}

/// It cannot be done here.
#[track_caller]
pub(crate) fn unsupported<T: Debug>(result: Result<T>) -> Outcome {
    refused_as(
        result,
        "Unsupported",
        |error| matches!(error, Error::Unsupported { what } if !what.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_even_in_a_long_value() {
        let (a, b) = ("x".repeat(9_000) + "left", "x".repeat(9_000) + "right");
        let violation = same("text", &a, &b).unwrap_err();
        assert!(violation.expected.contains("right") && violation.observed.contains("left"), "{violation}");
        assert!(violation.expected.len() < 700);
        assert!(violation.place.contains("check.rs"), "{violation}");
    }

    #[test]
    fn another_error_is_a_violation() {
        let error = || -> Result<()> { Err(Error::Closed { what: "the store".into() }) };
        assert!(closed(error()).is_ok());
        assert!(read_only(error()).unwrap_err().observed.contains("Closed"));
        assert!(closed(Ok(1)).is_err());
    }
}
