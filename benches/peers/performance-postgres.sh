#!/usr/bin/env bash
# Measures the peers on Postgres, interleaved, and writes docs/performance-postgres.md. ROUNDS=5 by default; some 7
# minutes a round on 2 cores. STEP is a command before each round (by default none), say a lock of a shared machine.
# Options go to bench.py. Needs Rust, Python 3.11+ and the programs of a local Postgres, whose own server need not run.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${ROUNDS:-5} out=${OUT:-/tmp/peers-performance-postgres} step=${STEP:-}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-/tmp/peers-target} PYTHONDONTWRITEBYTECODE=1
mkdir -p "$CARGO_TARGET_DIR/release"
for d in sqlx-postgres diesel-async-postgres; do
  (cd "rust/$d" && CARGO_TARGET_DIR="$CARGO_TARGET_DIR/peers" $step cargo build --release --locked --quiet)
  cp "$CARGO_TARGET_DIR/peers/release/peer-$d" "$CARGO_TARGET_DIR/release/"
done
(cd rust/tubeatlas-postgres && $step cargo build --release --locked --quiet)
add=()
for _ in $(seq "$rounds"); do
  $step python3 bench.py --on postgres --rounds 1 "${add[@]}" --out "$out" "$@"
  add=(--add "$out.json")
done
cat performance-postgres.head.md "$out.md" > ../../docs/performance-postgres.md
