#!/usr/bin/env bash
# Asks the service whatever its own OpenAPI document allows, and more, and checks every answer against the document; then
# again while three of ten calls of the store fail. Needs Python 3.10 or newer. What is given to it goes to
# schemathesis (say --seed 7 --max-examples 500).
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=${SCHEMATHESIS_VENV:-$target/schemathesis}
least=5000 # cases of both runs together; with fewer, something is not asked any more
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r tests/api/requirements.txt
cargo build --locked --quiet -p tubeatlas-api-tests
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

ask() { # faults, then options
    local faults=$1 address failed=0
    shift
    "$target/debug/faulty-service" --faults "$faults" --archive app/samples/archive > "$results/address" &
    local service=$!
    # shellcheck disable=SC2064  # the process and the folder of now
    trap "kill $service 2> /dev/null || true; rm -rf '$results'" EXIT
    until address=$(head -n 1 "$results/address") && [ -n "$address" ]; do
        kill -0 "$service" || { echo "the service did not start"; exit 1; }
        sleep 0.1
    done
    # The last of several equal options counts: those that were given to the script.
    (cd "$results" && PYTHONPATH=$root/tests/api SCHEMATHESIS_HOOKS=checks "$venv/bin/schemathesis" \
        --config-file "$root/tests/api/schemathesis.toml" run "$address/api/v1/openapi.json" \
        --no-color --seed 1 "$@") | tee -a "$results/report" || failed=1
    kill "$service"
    return "$failed"
}

status=0
echo "== all checks"
ask 0 --checks all --max-examples 10 "$@" || status=1
echo "== with three of ten calls of the store failing: no 500, and every answer as described"
# Without the phase "coverage", which asks for what is refused before the store is called.
ask 30 --phases examples,fuzzing,stateful --max-examples 30 \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
    "$@" || status=1
cases=$(awk '$2 == "generated," || $2 == "generated" { sum += $1 } END { print sum + 0 }' "$results/report")
echo "== $cases cases"
[ "$cases" -ge "$least" ] || { echo "that is fewer than $least"; status=1; }
exit "$status"
