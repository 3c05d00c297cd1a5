#!/usr/bin/env bash
# Measures everything, interleaved, and writes docs/performance.md. ROUNDS=5 by default; about an hour on 2 cores.
set -euo pipefail
cd "$(dirname "$0")"
rounds=${ROUNDS:-5} out=${OUT:-/tmp/peers-performance}
peers=raw,raw-2t,sqlx,sea-orm,diesel-async,deadpool-sqlite,seed-stack,tubeatlas,tubeatlas-unit,tubeatlas-inline,tubeatlas-table
./run.sh --rounds "$rounds" --peers "$peers" --out "$out-normal"
./run.sh --rounds "$rounds" --peers "$peers" --sync full --workloads w1,w4,w6,w10 --out "$out-full"
{
  cat performance.head.md
  printf '\n## Against raw rusqlite on the same schema\n\n'; "${CARGO_TARGET_DIR:-/tmp/peers-target}/release/peer-own-schema" 50000 "$rounds"
  printf '\n## synchronous=NORMAL\n\n'; cat "$out-normal.md"
  printf '\n## synchronous=FULL\n\n'; cat "$out-full.md"
} > ../../docs/performance.md
