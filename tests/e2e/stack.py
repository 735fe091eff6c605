"""Checks of a deployed stack, on AWS or in the emulator: stack.py check STACK [BASE_URL]; output, configuration, delete for tests."""

import json
import os
import pathlib
import secrets
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request

import boto3

# Set for the emulator of CI, which keeps no lines of functions and no alarms of metric math.
EMULATOR = os.environ.get("EMULATOR")
ALARMS = ["RotationFailed", "ServerErrors", "Unavailable"] + ([] if EMULATOR else ["GatewayThrottles"])


def outputs_of(stack):
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}


def output(stack, key):
    print(outputs_of(stack)[key])


class Caller:
    """The API, by the address under which it is reached."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def call(self, path, body=None, expected=200):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        answer = json.loads(text) if text else {}
        if status != expected:
            # A success holds a token, which belongs into no terminal.
            sys.exit(f"{path} answered {status} and not {expected}: {answer.get('code', 'no code')} {answer.get('message', '')}")
        return answer


def latchkey(table, *arguments, password=None):
    program = os.environ.get("LATCHKEY", "latchkey")
    told = subprocess.run([program, *arguments, "--table", table], input=password, text=True, capture_output=True)
    if told.returncode or told.stderr:
        sys.exit(f"{program} {' '.join(arguments)}: {told.stderr.strip()}")
    return told.stdout


def holds(fact, what):
    if not fact:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def check(stack, url=None):
    """What docs/first-hour.md leaves to a program. Everything that it makes it also deletes."""
    found = outputs_of(stack)
    api = Caller(url or found["BaseUrl"])

    discovery = api.call("/.well-known/openid-configuration")
    holds(discovery["issuer"] == found["Issuer"], f"the discovery document names the issuer {found['Issuer']}")
    holds(discovery["jwks_uri"] == found["JwkSetUrl"], "and the address of the public keys")
    keys = api.call("/.well-known/jwks.json")["keys"]
    holds(keys, f"there is a public key ({len(keys)})")

    name, password = f"first-hour-{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    table = found["UsersTable"]
    latchkey(table, "user", "create", name, "--password-stdin", password=password)
    try:
        wrong = api.call("/auth/login", {"username": name, "password": "wrong"}, 400)
        holds(wrong["code"] == "invalid_credentials", "a wrong password is rejected")
        token = api.call("/auth/login", {"username": name, "password": password})["token"]
        holds(token, "a user logs in")
        refreshed = api.call("/auth/refresh", {"token": token})["token"]
        holds(refreshed != token, "and refreshes")
        holds(api.call("/auth/verify", {"token": refreshed, "check_session": True})["claims"]["iss"] == found["Issuer"], "the token is of the issuer")
        api.call("/auth/logout", {"token": refreshed}, 204)
        ended = api.call("/auth/refresh", {"token": refreshed}, 400)
        holds(ended["code"] == "session_ended", "a logout ends the session")
    finally:
        user = json.loads(latchkey(table, "user", "show", name, "--json"))["user_id"]
        latchkey(table, "user", "delete", name, "--yes", "--reason", "first hour")
    print("ok: the user is deleted")
    recorded = json.loads(latchkey(table, "changes", "--user", user, "--json"))
    told = [(each["command"], each["outcome"], each["reason"]) for each in recorded]
    holds(sorted(told) == [("user create", "done", None), ("user delete", "done", "first hour")], f"both are recorded, by {recorded[0]['by']}")

    described = boto3.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack}-")["MetricAlarms"]
    states = {each["AlarmName"].removeprefix(f"{stack}-").split("-")[0]: each["StateValue"] for each in described}
    holds(set(ALARMS) <= set(states), f"there are the alarms {', '.join(ALARMS)}")
    ringing = [alarm for alarm, state in states.items() if state == "ALARM"]
    holds(not ringing, f"no alarm is in the state ALARM {', '.join(ringing)}".strip())
    lines = wait_for_lines(found["LogGroup"])
    holds(lines, "the log has lines of functions" if lines is not True else "the log cannot be looked at here")

    for name in (table, found["PublicKeysTable"]):
        described = boto3.client("dynamodb").describe_table(TableName=name)["Table"]
        if not described.get("DeletionProtectionEnabled"):
            print(f"to do: {name} is not protected against deletion; deploy with DeletionProtection=true before users come")


def wait_for_lines(group):
    """Lines of the log; CloudWatch shows them some seconds late."""
    if EMULATOR:
        return True
    logs = boto3.client("logs")
    for _ in range(30):
        lines = logs.filter_log_events(logGroupName=group, limit=1)["events"]
        if lines:
            return lines
        time.sleep(2)
    return []


def configuration(*functions):
    """What cargo lambda deploy made of the package metadata."""
    client = boto3.client("lambda")
    for function in functions:
        manifest = tomllib.loads(pathlib.Path(f"functions/{function}/Cargo.toml").read_text())
        asked = manifest["package"]["metadata"]["lambda"]["deploy"]
        made = client.get_function_configuration(FunctionName=function)
        assert (made["MemorySize"], made["Timeout"], made["Role"]) == (asked["memory"], asked["timeout"], asked["role"])
        assert made["Architectures"] == ["x86_64"] and made["Runtime"] == "provided.al2023", made
        variables = made["Environment"]["Variables"]
        assert dict(pair.split("=", 1) for pair in asked.get("env_var", [])).items() <= variables.items(), variables
        assert variables["USERS_TABLE"] == "latchkey-users" and "JWT_ISSUER" not in variables, variables
        print(f"{function}: {made['MemorySize']} MB, {made['Timeout']} s, {made['Role']}, {len(variables)} variables")


def delete(stack):
    """Deletes the stack. The emulator knows no DeletionPolicy, so it cannot show that users and keys stay."""
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    functions = boto3.client("lambda").list_functions()["Functions"]
    assert not [each for each in functions if each["FunctionName"].startswith(f"{stack}-")], functions
    print("the stack is deleted")


{"check": check, "output": output, "configuration": configuration, "delete": delete}[sys.argv[1]](*sys.argv[2:])
