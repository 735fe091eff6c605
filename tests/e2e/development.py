"""docs/development.md, section by section, typed as it is printed.

    python development.py sam-local|watch|one-function|restart

The scripts beside it prepare the machine: what stands for `cargo run`, the address of Docker, what was built.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

from terminal import PROMPT, Terminal, blocks

DOCUMENT = "docs/development.md"
PASSWORD = "latchkey demo password"
INTRODUCTION = "Run the real functions on this machine"


def step(what):
    print(f"ok: {what}", flush=True)


class StandIn:
    """The AWS of this machine, in a terminal of its own."""

    def __init__(self, command):
        self.terminal = Terminal(dict(os.environ))
        said = self.terminal.start(command, "Stop with Ctrl-C")
        self.exports = "\n".join(line.strip() for line in said.splitlines() if line.strip().startswith("export "))

    def shell(self):
        """A shell into which the variables were pasted."""
        shell = Terminal(dict(os.environ))
        shell.type(self.exports)
        return shell

    def variables(self):
        return os.environ | dict(re.findall(r"(\w+)=(\S+)", self.exports))


def check_login(shown):
    if '"token_type":"Bearer"' not in shown.replace('\\"', '"'):
        sys.exit(f"no login:\n{shown}")


def scenarios(stand_in, url, issuer):
    """tests/scenarios/deployed.rs against what answers at `url`."""
    command = "cargo test --workspace --locked --quiet --test scenarios -- --ignored --skip rotation deployed::"
    run = subprocess.run(
        command.split(), env=stand_in.variables() | {"BASE_URL": url, "ISSUER": issuer}, text=True, stdout=subprocess.PIPE
    )
    # None would pass too if none were found.
    if run.returncode or not re.search(r"test result: ok. [1-9]", run.stdout):
        sys.exit(run.stdout)
    step(f"the scenarios of a deployed stack pass at {url}")


def aws_tools(stand_in):
    """AWS's own tools find the stand-in with the variables that it prints."""
    shell = stand_in.shell()
    shown = shell.type(blocks(DOCUMENT, INTRODUCTION)[1])
    assert "latchkey-users" in shown and "latchkey-signing-keys" in shown, shown
    step(f"{shell.type('aws --version').split()[0]} finds the stand-in")


def listening_addresses(port):
    """Where something listens on a port, as Linux writes addresses: 0100007F is 127.0.0.1."""
    lines = [line.split() for table in ("tcp", "tcp6") for line in open(f"/proc/net/{table}").readlines()[1:]]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")}


def sam_local():
    start, build, login, rotation = blocks(DOCUMENT, "sam local start-api")
    stand_in = StandIn(start.replace("172.17.0.1", os.environ["DOCKER_GATEWAY"]))
    aws_tools(stand_in)
    shell, server = stand_in.shell(), stand_in.shell()
    copy, sam_build, start_api = build.strip().splitlines()
    server.type(copy)
    server.type(sam_build)
    server.start(start_api, "Running on http://127.0.0.1:3000")
    check_login(shell.type(login))
    step("sam local start-api answers a login")
    scenarios(stand_in, "http://localhost:3000", "http://localhost:3000")
    server.interrupt()
    status = shell.type(rotation)
    assert "signs now" in status and "verifies already, signs from" in status, status
    step("sam local invoke takes the four steps of a rotation")
    stand_in.terminal.interrupt()


def watch():
    stand_in = StandIn(blocks(DOCUMENT, INTRODUCTION)[0])
    aws_tools(stand_in)
    shell, server = stand_in.shell(), stand_in.shell()
    start, calls = blocks(DOCUMENT, "cargo lambda")
    server.start(start, "invoke service.*9000|starting.*server|http://")
    curl, invoke = calls.strip().splitlines()
    check_login(shell.type(curl))
    assert listening_addresses(9000) == {"0100007F"}, listening_addresses(9000)
    headers = shell.type(curl.replace("curl -s ", "curl -si -H 'Origin: https://evil.example' "))
    assert "access-control" not in headers.lower(), headers
    answer = json.loads(shell.type(invoke))
    assert answer["statusCode"] == 200, answer
    check_login(answer["body"])
    step("cargo lambda watch listens on this machine alone and adds no CORS, and cargo lambda invoke logs in")
    scenarios(stand_in, "http://127.0.0.1:9000", "http://localhost:9000")
    server.interrupt()
    stand_in.terminal.interrupt()


def one_function():
    """In the emulator, whose address is in the environment."""
    shell = Terminal(dict(os.environ))
    make, deploy, clean_up = blocks(DOCUMENT, "One function without SAM")
    shell.type(make, {"New password: ": PASSWORD, "Repeat the new password: ": PASSWORD})
    shown = shell.type(deploy, replace={"--arm64": "--x86-64"})
    check_login(shown)
    shell.type(clean_up)
    step("cargo lambda deploys one function, which logs in")


def restart():
    bash = Terminal(dict(os.environ)).bash
    bash.sendline(blocks(DOCUMENT, "Edit and try again")[0].strip())
    bash.expect("Stop with Ctrl-C")
    changed = pathlib.Path("local/changed-by-the-test")
    try:
        changed.touch()
        bash.expect("Stop with Ctrl-C")
    finally:
        changed.unlink()
    step("the local server starts again after a change")
    bash.sendintr()
    bash.expect(PROMPT)


{"sam-local": sam_local, "watch": watch, "one-function": one_function, "restart": restart}[sys.argv[1]]()
