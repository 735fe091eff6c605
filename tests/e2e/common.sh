# Sourced by the scripts beside it: tests/common.sh, and what talks to AWS or a stand-in for it.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"

export PATH="${E2E_VENV:-$CARGO_TARGET_DIR/ci-venv}/bin:$PATH"
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
functions=(login refresh verify sessions password access-token client-token redeem request-letter mailer jwks authorizer rotate-keys prune-sessions)
lambda_folder=$CARGO_TARGET_DIR/lambda

# start_stand_in [address]: sets $stand_in to its URL
start_stand_in() {
    start_local "$work/data" --aws-only --listen "${1:-127.0.0.1}"
    stand_in=$url
    AWS_ACCESS_KEY_ID=$(json access_key_id <"$work/ready.json")
    export AWS_ENDPOINT_URL=$stand_in AWS_ACCESS_KEY_ID
    export USERS_TABLE=latchkey-users SIGNING_SECRET=latchkey-signing-keys PUBLIC_KEYS_TABLE=latchkey-public-keys
}

# run_deployed <base url> [issuer]: the scenarios of tests/scenarios/deployed.rs; the rotation if ROTATE_SECRET is set
run_deployed() {
    local skipped=()
    [[ -n ${ROTATE_SECRET:-} ]] || skipped=(--skip rotation)
    BASE_URL=$1 ISSUER=${2:-$1} cargo test --workspace --locked --quiet --test scenarios -- \
        --ignored "${skipped[@]}" deployed:: 2>&1 | tee "$work/deployed.txt"
    # None would pass too if none were found.
    grep -q 'test result: ok. [1-9]' "$work/deployed.txt"
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
        wait_until docker info
    fi
}

# put_aside <file>: one that the developer has made and the script makes too; it is back when the script ends, and until then
# beside its place under the name FILE.aside
put_aside() {
    [[ ! -e $1 ]] || mv "$1" "$1.aside"
    aside+=("$1")
}
aside=()
put_back() {
    local file
    for file in "${aside[@]}"; do
        rm -rf "$file"
        [[ ! -e $file.aside ]] || mv "$file.aside" "$file"
    done
}

# is_free <port...>: the documents name ports; a server of the developer's may have one
is_free() {
    local port
    for port; do
        ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "port $port, which the documents name, is in use" >&2 && return 1; }
    done
}

# type_with_aws_cli <1 from PyPI|2 from Debian>: what the documents call by a name is what tests/e2e/bin has, or what is installed
type_with_aws_cli() {
    export REAL_PATH=$PATH PATH=$PWD/tests/e2e/bin:$PATH AWS_CLI_1=
    if [[ $1 == 1 ]]; then
        AWS_CLI_1=$(dirname "$(python_with aws-cli-1-venv "awscli==$AWS_CLI")")/aws
    else
        [[ -x /usr/bin/aws ]] || { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends awscli; } >&2
    fi
}
