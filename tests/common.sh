# Sourced by the scripts in this folder and below it. Gives them a folder for what they leave behind, processes that
# end with them, waiting that gives up, pinned tools and a local server. The scripts run in the repository's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source .ci/versions

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
export SAM_CLI_TELEMETRY=0
# The servers are on this machine, whatever proxy the registries need.
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
# A limit, not a delay: a busy machine needs minutes for what takes a second.
patience=300
work=$(mktemp -d)
started=()

finish() {
    # First of all: whatever is done before it loses the status, and the script would pass.
    local status=$? process log
    if declare -F put_back >/dev/null; then put_back; fi
    for process in "${started[@]}"; do stop "$process"; done
    if ((status)); then
        for log in "$work"/*.log; do
            [[ -s $log ]] && printf -- '-- %s\n' "${log##*/}" >&2 && tail -n 40 "$log" >&2
        done
    fi
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

# stop <process>: one that has ended already is no error, and neither is the status of one that a signal ends
stop() {
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# wait_until <command...>: a command that never succeeds ends the script
wait_until() {
    local last=$((SECONDS + patience))
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

# json <member>: the member of the JSON object on standard input
json() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# The binaries in $CARGO_TARGET_DIR/debug. With a test beside them, whichever, Cargo chooses the features that `cargo test`
# has, and compiles no dependency again.
build_binaries() {
    cargo build --locked --workspace --bins --test rfc_vectors
}

# start_local <data folder> <options...>: the local server on a free port; sets $url, and $server to its process.
# Needs build_binaries.
start_local() {
    local data=$1 ready=$work/ready.json
    shift
    rm -f "$ready"
    start local "$CARGO_TARGET_DIR/debug/local" --port 0 --data "$data" --ready-file "$ready" "$@"
    server=${started[-1]}
    wait_until is_there_or_over "$ready" "$server"
    [[ -e $ready ]] || { echo "the local server did not start" >&2 && return 1; }
    url=$(json url <"$ready")
}

# is_there_or_over <file> <process>
is_there_or_over() {
    [[ -e $1 ]] || ! kill -0 "$2"
}

# install <program> <Debian package>: as root, where the program is missing
install() {
    command -v "$1" >/dev/null && return
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$2" >&2
}

# python_with <environment> <package==version...>: prints the Python that has them, and nothing else
python_with() {
    local environment=$CARGO_TARGET_DIR/$1
    shift
    [[ -x $environment/bin/pip ]] || python3 -m venv "$environment" >&2
    "$environment/bin/pip" install -q --disable-pip-version-check "$@" >&2
    printf '%s\n' "$environment/bin/python"
}

# node_with <project> <package> <version>: prints the folder of the project that has it
node_with() {
    local project=$CARGO_TARGET_DIR/$1
    if ! grep -qs "\"version\": \"$3\"" "$project/node_modules/$2/package.json"; then
        mkdir -p "$project"
        npm install --silent --no-audit --no-fund --prefix "$project" "$2@$3" >&2
    fi
    printf '%s\n' "$project"
}
