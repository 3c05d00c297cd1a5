#!/usr/bin/env bash
# Builds every peer outside the repository and runs them interleaved. Options go to bench.py (--rounds 3 --sync full --extra ours=/path ...).
set -euo pipefail
cd "$(dirname "$0")"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-/tmp/peers-target} PEERS_VENV=${PEERS_VENV:-/tmp/peers-venv} PYTHONDONTWRITEBYTECODE=1
for d in raw sqlx sea-orm diesel-async deadpool-sqlite probe tubeatlas; do
  (cd "rust/$d" && cargo build --release --locked --quiet)
done
[ -x "$PEERS_VENV/bin/python" ] || python3 -m venv "$PEERS_VENV"
"$PEERS_VENV/bin/pip" install -q --disable-pip-version-check -r requirements.txt
exec python3 bench.py "$@"
