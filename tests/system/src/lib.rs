//! Tests of the binary from outside; see `tests/`.
