#!/usr/bin/env bash
# schemathesis.sh [SEED [OPTIONS…]]: asks the service whatever its own OpenAPI document allows, and more, and checks every
# answer against the document; and at the same time another one, three of ten calls of whose store fail. Needs Python 3.11
# or newer with its venv. What is given behind the seed goes to schemathesis (say --max-examples 500).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
seed=${1:-1}
shift "$(($# > 0))"
least=5000 # cases with all checks; with fewer, something is not asked any more
work=$(mktemp -d)
running=()
trap 'kill "${running[@]}" 2> /dev/null || true; rm -rf "$work"' EXIT

# A virtual environment of this run alone, or one to keep.
venv=${SCHEMATHESIS_VENV:-$work/venv}
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv" || { echo "Python makes no virtual environment"; exit 1; }
# All that it needs is listed, so that one seed asks the same everywhere.
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps -r tests/api/requirements.txt &&
    "$venv/bin/pip" --disable-pip-version-check check ||
    { echo "what tests/api/requirements.txt lists cannot be installed"; exit 1; }
cargo build --locked --quiet -p tubeatlas-api-tests

ask() { # name, faults of a hundred, then options
    local name=$1 faults=$2 address
    shift 2
    "$target/debug/faulty-service" --faults "$faults" --seed "$seed" --archive app/samples/archive > "$work/$name.address" &
    local service=$!
    running+=("$service")
    until address=$(head -n 1 "$work/$name.address") && [ -n "$address" ]; do
        kill -0 "$service" || { echo "the service did not start"; exit 1; }
        sleep 0.1
    done
    # The last of several equal options counts.
    (
        mkdir "$work/$name" && cd "$work/$name"
        export PYTHONPATH=$root/tests/api SCHEMATHESIS_HOOKS=checks PYTHONDONTWRITEBYTECODE=1
        exec "$venv/bin/schemathesis" --config-file "$root/tests/api/schemathesis.toml" \
            run "$address/api/v1/openapi.json" --no-color --seed "$seed" "$@"
    ) > "$work/$name.report" 2>&1 &
    running+=("$!")
}

echo "== seed $seed"
begun=$SECONDS
ask described 0 --checks all --max-examples 6 "$@"
described=$!
# Without the phase "coverage", which asks for what is refused before the store is called.
ask troubled 30 --phases examples,fuzzing,stateful --max-examples 20 \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    "$@"
troubled=$!

status=0
wait "$described" || status=1
cat "$work/described.report"
echo "== that was asked with all checks; now with three of ten calls of the store failing"
wait "$troubled" || status=1
cat "$work/troubled.report"
cases() { awk '$2 == "generated," || $2 == "generated" { sum += $1 } END { print sum + 0 }' "$work/$1.report"; }
asked=$(cases described)
echo "== seed $seed: $asked cases with all checks, $(cases troubled) with a store that fails, in $((SECONDS - begun)) s"
[ "$asked" -ge "$least" ] || { echo "that is fewer than $least with all checks"; status=1; }
exit "$status"
