#!/usr/bin/env bash
# Checks the examples against the crates as they would be published: format, lints, tests.
# What is given to it is given to the tests: examples/test.sh must_chn_
set -euo pipefail
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(cd "$examples/.." && realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target/examples

CARGO_TARGET_DIR=$target "$examples/package.sh"
patched=(--locked --config "$target/packaged/config.toml")
for manifest in "$examples"/*/Cargo.toml; do
    cd "$(dirname "$manifest")"
    cargo fmt --check
    cargo clippy "${patched[@]}" --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc "${patched[@]}" --no-deps
    cargo test "${patched[@]}" -- "$@"
done
