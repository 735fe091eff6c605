# Sourced by the scripts beside it: a folder for what they leave, processes that end with them, waiting with an end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export PATH="${E2E_VENV:-$CARGO_TARGET_DIR/ci-venv}/bin:$PATH"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export SAM_CLI_TELEMETRY=0
functions=(login refresh verify sessions password jwks authorizer rotate-keys)
lambda_folder=$CARGO_TARGET_DIR/lambda
work=$(mktemp -d)
started=()

finish() {
    local status=$? pid
    for pid in "${started[@]}"; do
        # What was ended by a signal says so by its status.
        kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
    if ((status)); then tail -n 40 "$work"/*.log >&2; fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start <name> <command...>: in the background until the script ends; what it prints is in $work/<name>.log
start() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    started+=($!)
}

# wait_until <seconds> <command...>: polls; a command that never succeeds ends the script
wait_until() {
    local last=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= last)); then
            printf 'gave up waiting for: %s\n' "$*" >&2
            return 1
        fi
        sleep 0.2
    done
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_stand_in [address]: sets $stand_in to its URL
start_stand_in() {
    local address=${1:-127.0.0.1} port
    port=$(free_port)
    stand_in=http://$address:$port
    start stand-in "$CARGO_TARGET_DIR/debug/local" --aws-only --data "$work/data" --listen "$address" --port "$port"
    wait_until 30 grep -q Ctrl-C "$work/stand-in.log"
    export USERS_TABLE=latchkey-users SIGNING_SECRET=latchkey-signing-keys PUBLIC_KEYS_TABLE=latchkey-public-keys
    export AWS_ENDPOINT_URL=$stand_in
}

# run_deployed <base url> [issuer]: the scenarios of tests/scenarios/deployed.rs
run_deployed() {
    BASE_URL=$1 ISSUER=${2:-$1} cargo test --locked --quiet -p tests --test scenarios -- deployed:: 2>&1 | tee "$work/deployed.log"
    grep -q 'test result: ok. 5 passed' "$work/deployed.log"
}

# The name in template.yaml of the function whose binary is $1: rotate-keys is RotateKeys.
logical_name() {
    sed -E 's/(^|-)(.)/\U\2/g' <<<"$1"
}

# The Docker Engine that runs, or one of our own for as long as the script lasts.
start_docker() {
    if ! docker info >/dev/null 2>&1; then
        export DOCKER_HOST=unix://$work/docker.sock
        start dockerd dockerd --data-root "$work/docker" --exec-root "$work/docker-run" --pidfile "$work/docker.pid" -H "$DOCKER_HOST"
        wait_until 60 docker info
    fi
}
