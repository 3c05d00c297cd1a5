#!/usr/bin/env bash
# Asks the service whatever its own OpenAPI document allows, and more, and checks every answer against the document; then
# again while three of ten calls of the store fail. Needs Python 3.10 or newer. What is given to it goes to
# schemathesis (say --seed 7 --max-examples 500).
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=${SCHEMATHESIS_VENV:-$target/schemathesis}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r tests/api/requirements.txt
cargo build --locked --quiet -p tubeatlas-api-tests

ask() { # faults, then options
    local faults=$1 address
    shift
    "$target/debug/faulty-service" --faults "$faults" --archive app/samples/archive > "$target/faulty-service.out" &
    local service=$!
    # shellcheck disable=SC2064  # the process of now
    trap "kill $service 2> /dev/null || true" EXIT
    until address=$(head -n 1 "$target/faulty-service.out") && [ -n "$address" ]; do
        kill -0 "$service" || { echo "the service did not start"; exit 1; }
        sleep 0.1
    done
    "$venv/bin/schemathesis" --config-file tests/api/schemathesis.toml run "$address/api/v1/openapi.json" "$@"
    kill "$service"
    trap - EXIT
}

echo "== all checks"
ask 0 --checks all "$@"
echo "== with three of ten calls of the store failing: no 500, and every answer as described"
ask 30 --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance "$@"
