#!/usr/bin/env bash
# Builds every peer outside the repository and runs them interleaved. Options go to bench.py (--rounds 3 --sync full --extra ours=/path ...).
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-/tmp/peers-target} PEERS_VENV=${PEERS_VENV:-/tmp/peers-venv} PYTHONDONTWRITEBYTECODE=1
# The others with SQLite as their crates compile it, this project's with the flags of its .cargo/config.toml.
mkdir -p "$CARGO_TARGET_DIR/release"
for d in raw sqlx sea-orm diesel-async deadpool-sqlite probe; do
  (cd "rust/$d" && LIBSQLITE3_FLAGS= CARGO_TARGET_DIR="$CARGO_TARGET_DIR/peers" cargo build --release --locked --quiet)
  cp "$CARGO_TARGET_DIR/peers/release/peer-$d" "$CARGO_TARGET_DIR/release/"
done
(cd rust/tubeatlas && cargo build --release --locked --quiet)
[ -x "$PEERS_VENV/bin/python" ] || python3 -m venv "$PEERS_VENV"
"$PEERS_VENV/bin/pip" install -q --disable-pip-version-check -r requirements.txt
exec python3 bench.py "$@"
