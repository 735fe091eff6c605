"""From a clone to a stack that is used, upgraded, defended, rolled back and rotated, with the commands of the documents alone.

    python walk.py ARCHITECTURE [--until-login]

In the emulator, which tests/e2e/deploy starts; what stands for git, curl and the compiled latchkey is in $PATH.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import sys
import time
import urllib.request

import boto3

from terminal import Terminal, blocks

ARCHITECTURE = sys.argv[1]
OTHER = {"arm64": "x86_64", "x86_64": "arm64"}[ARCHITECTURE]
PASSWORD = "quiet harbour lanterns"
NEW_PASSWORD = {"New password: ": PASSWORD, "Repeat the new password: ": PASSWORD}
RUNBOOK = "docs/runbook.md"
DEPLOY = {r"Deploy this changeset\? \[y/N\]: ": "y"}
# --guided, with Enter for everything else.
GUIDED = DEPLOY | {r"Parameter OriginSecrets\S*: ": "none", r"\]: ": ""}
config = pathlib.Path("samconfig.toml")
terminal = Terminal(dict(os.environ))


def step(what):
    print(f"ok: {what}", flush=True)


def set_parameter(name, value):
    """As somebody does it in an editor: the line of the example, or a new one."""
    text = config.read_text()
    line = f'{name} = "{value}"'
    changed, count = re.subn(rf"^(# )?{name} = .*$", line, text, count=1, flags=re.M)
    config.write_text(changed if count else text.replace("parameter_overrides]\n", f"parameter_overrides]\n{line}\n"))


def parameters():
    stack = boto3.client("cloudformation").describe_stacks(StackName="latchkey")["Stacks"][0]
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}


def functions():
    """Each function's architecture and the hash of its code."""
    found = boto3.client("lambda").list_functions()["Functions"]
    ours = [each for each in found if each["FunctionName"].startswith("latchkey-")]
    return {each["FunctionName"]: (each["Architectures"], each["CodeSha256"]) for each in ours}


def limited_routes():
    """The routes that have a rate of their own."""
    gateway = boto3.client("apigatewayv2")
    api = next(each["ApiId"] for each in gateway.get_apis()["Items"] if each["Name"] == "latchkey")
    return set(gateway.get_stage(ApiId=api, StageName="$default").get("RouteSettings", {}))


def call(path, body, expected=200):
    """curl, as docs/api.md has it; the answer's JSON."""
    shown = terminal.type(
        f"curl -s -w '\\n%{{http_code}}' $URL{path} -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )
    text, status = shown.strip().rsplit("\n", 1)
    if int(status) != expected:
        raise SystemExit(f"{path} answered {status} and not {expected}: {text}")
    return json.loads(text)


def part(token, number):
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def header(token):
    return part(token, 0)


def claims(token):
    return part(token, 1)


def deploy(block, answers=None):
    shown = terminal.type(block, answers or DEPLOY)
    if "Successfully created/updated stack" not in shown:
        raise SystemExit(f"nothing was deployed:\n{shown}")
    return shown


def changed_build():
    """Another version of the code: a byte after the end of each program, which no loader reads."""
    for program in pathlib.Path(".aws-sam/build").glob("*/bootstrap"):
        with program.open("ab") as file:
            file.write(b"\0")


# --- From the clone to a stack.
copy, rest, login = blocks("README.md", "Deploy")
build_and_deploy, create = rest.strip().splitlines()
terminal.type(copy)
set_parameter("Architecture", ARCHITECTURE)
deploy(build_and_deploy)
assert parameters()["Architecture"] == ARCHITECTURE
assert {tuple(architectures) for architectures, _ in functions().values()} == {(ARCHITECTURE,)}
step(f"README's commands deploy a stack of {ARCHITECTURE}")

for block in blocks(RUNBOOK, "Runbook"):
    terminal.type(block)
assert [line for block in blocks(RUNBOOK, "Deploy") for line in block.splitlines()][0] == copy.strip(), "two ways to begin"
first_key = blocks(RUNBOOK, "Deploy")[2]
for _ in range(60):
    if "signs now" in terminal.type(first_key):
        break
    time.sleep(2)
else:
    raise SystemExit("there is no first key")
step("the first rotation makes a key, and the key set shows it")

shown = terminal.type(create, NEW_PASSWORD, {"USERS_TABLE_FROM_THE_OUTPUTS": "$USERS_TABLE"})
assert "not recorded" not in shown, shown
another, _ = blocks(RUNBOOK, "First user")[0].strip().splitlines()
terminal.type(another, NEW_PASSWORD, {"ada": "grace"})
terminal.type(login.replace("curl -s", "curl -sf"), replace={"BASE_URL_FROM_THE_OUTPUTS": "$URL", "THE_PASSWORD": PASSWORD})
token = call("/auth/login", {"username": "ada", "password": PASSWORD})["token"]
step("a user of the command line logs in")

# --- A build for the other processor does not get as far as Lambda.
set_parameter("Architecture", OTHER)
refused = terminal.type("latchkey check-build", status=1)
assert f"is a program for {ARCHITECTURE}, and the stack gets {OTHER}" in refused, refused
set_parameter("Architecture", ARCHITECTURE)
step("programs of one architecture are not deployed as the other")
if sys.argv[2:] == ["--until-login"]:
    terminal.close()
    sys.exit()

# --- A flood, in the middle of the night: one parameter, from a folder with neither samconfig.toml nor a build.
set_rate = blocks(RUNBOOK, "Change one setting at once")[0]
code = functions()
assert limited_routes() == set()
terminal.type("cd $(mktemp -d)")
deploy(set_rate)
terminal.type("cd - >/dev/null")
assert parameters()["LoginThrottleRate"] == "5" and functions() == code
# The emulator gives the rate in another spelling than AWS; a test of the template looks at it.
assert limited_routes() == {"ANY /auth/login", "ANY /auth/password"}
step("one setting changes without a build, and bounds logins at the API")

# --- Upgrade. `sam build` would make what is there, so another byte stands for another version.
until_built, then_deploy = blocks(RUNBOOK, "Upgrade")[0].split("sam build && ")
terminal.type(f"{until_built}sam build")
changed_build()
deploy(then_deploy)
upgraded = functions()
assert upgraded.keys() == code.keys()
assert all(upgraded[name][1] != code[name][1] for name in code), "not every function is another"
assert {tuple(architectures) for architectures, _ in upgraded.values()} == {(ARCHITECTURE,)}
assert parameters()["LoginThrottleRate"] == "5", "an emergency setting is gone after a deployment"
token = call("/auth/refresh", {"token": token})["token"]
step("an upgrade ends no session and undoes no emergency setting")

# --- Back to the version before, without a compiler.
go_back = blocks(RUNBOOK, "Go back")[0]
# The new version may have been another processor's.
deploy(set_rate.replace("LoginThrottleRate=5", f"Architecture={OTHER}"))
deploy(go_back)
assert parameters()["Architecture"] == ARCHITECTURE and functions() == code, "not the programs of before"
assert parameters()["LoginThrottleRate"] == "5"
token = call("/auth/refresh", {"token": token})["token"]
call("/auth/login", {"username": "ada", "password": PASSWORD})
step("the version before is back, with its users and sessions")

# --- A rotation logs nobody out.
terminal.type(blocks(RUNBOOK, "Rotate")[0])
token = call("/auth/refresh", {"token": token})["token"]
step("a key is rotated, and the session goes on")

# --- What the runbook does for a user, for a session and about a key.
terminal.type(blocks(RUNBOOK, "A user is locked out")[0], NEW_PASSWORD)
assert call("/auth/refresh", {"token": token}, 400)["code"] == "session_ended"
token = call("/auth/login", {"username": "ada", "password": PASSWORD})["token"]
listed, ended = blocks(RUNBOOK, "A token or a device was stolen")[0].strip().splitlines()
session = claims(token)["sid"]
assert session in terminal.type(listed)
terminal.type(ended, replace={"SID": session})
assert call("/auth/refresh", {"token": token}, 400)["code"] == "session_ended"
token = call("/auth/login", {"username": "ada", "password": PASSWORD})["token"]
looked, retired = blocks(RUNBOOK, "A key leaked")[0].strip().splitlines()
key = header(token)["kid"]
assert key in terminal.type(looked)
terminal.type(retired, {r"\[y/N\]": "y"}, {"KID": key})
assert call("/auth/refresh", {"token": token}, 400)["code"] == "invalid_token"
token = call("/auth/login", {"username": "ada", "password": PASSWORD})["token"]
step("a user is let in again, a session is ended and a leaked key is retired")

# --- Upgrades in steps: callers are on the alias, and a new Release moves it.
example = blocks(RUNBOOK, "Upgrade in steps", "toml")[0]
for name, value in re.findall(r'^(\w+) = "([^"]+)"', example, re.M):
    set_parameter(name, value)
deploy("sam deploy")
client = boto3.client("lambda")
login = next(name for name in code if "-Login-" in name)
live = client.get_alias(FunctionName=login, Name="live")["FunctionVersion"]
token = call("/auth/refresh", {"token": token})["token"]
changed_build()
set_parameter("ThrottleBurst", "99")
deploy("sam deploy")
assert client.get_alias(FunctionName=login, Name="live")["FunctionVersion"] == live, "moved without a new Release"
set_parameter("Release", secrets.token_hex(5))
deploy("sam deploy")
moved = client.get_alias(FunctionName=login, Name="live")["FunctionVersion"]
assert moved != live, "a new Release moved nothing"
at_live = client.get_function_configuration(FunctionName=login, Qualifier="live")
assert at_live["CodeSha256"] == functions()[login][1], "the alias is on other code than was deployed"
token = call("/auth/refresh", {"token": token})["token"]
step("a new Release is what callers get, and nothing else is")

# --- Back from a release in steps: at once, for those too who call an alias.
good = functions()
terminal.type(until_built.partition(" &&\n")[0])
changed_build()
set_parameter("Release", secrets.token_hex(5))
deploy(then_deploy)
assert functions()[login] != good[login]
deploy(go_back)
assert parameters()["TrafficShifting"] == "none" and functions() == good
at_live = client.get_function_configuration(FunctionName=login, Qualifier="live")
assert at_live["CodeSha256"] == good[login][1], "the alias is still on the bad release"
token = call("/auth/refresh", {"token": token})["token"]
step("the version before is back from a release in steps, and the functions themselves answer")

# --- Access tokens, which no function gave until now, and a program that gets them; and links for passwords.
PROTECT, ACCOUNTS = "docs/protect-your-api.md", "docs/accounts.md"
call("/auth/access", {"token": token, "audience": "https://orders.example.com"}, 404)
call("/auth/code", {"code": "0" * 24}, 404)
for document, title in ((PROTECT, "Switch access tokens on"), (ACCOUNTS, "Switch it on"), (ACCOUNTS, "Switch letters on")):
    for name, value in re.findall(r'^(\w+) = "([^"]+)"', blocks(document, title, "toml")[0], re.M):
        set_parameter(name, value)
deploy("sam deploy")
audiences = parameters()["AccessTokenAudiences"]
assert audiences == "https://orders.example.com=orders:read orders:write;https://billing.example.com", audiences
terminal.type(blocks(PROTECT, "Switch access tokens on")[0])
access = call("/auth/access", {"token": token, "audience": "https://orders.example.com"})
assert access["scope"] == "orders:read" and header(access["access_token"])["typ"] == "at+jwt", access
assert claims(access["access_token"])["user_id"] == 7, "set-claims"
assert call("/auth/refresh", {"token": access["access_token"]}, 400)["code"] == "invalid_token"
create_client, ask = blocks(PROTECT, "Programs without a user")
client_id, secret = re.search(r"(lkc_\S{22})[\s\S]*(lks_\S{61})", terminal.type(create_client)).groups()
shown = terminal.type(ask, replace={"$CLIENT_ID": client_id, "$CLIENT_SECRET": secret, "$ISSUER": "$URL"})
assert "access_token" in shown, shown
machine = claims(json.loads(shown)["access_token"])
assert machine["sub"] == machine["client_id"] == client_id and machine["scope"] == "orders:read", machine
step("access tokens are switched on, for a session and for a program")

# --- Links with which people set their own passwords.
check, variables = blocks(ACCOUNTS, "Switch it on")
assert "invalid_code" in terminal.type(check)
terminal.type(variables, replace={"USERS_TABLE_FROM_THE_OUTPUTS": "$USERS_TABLE"})
invite, send_invitation, invite_all, invitations = blocks(ACCOUNTS, "Invite somebody")


def code_of(shown, purpose):
    return re.search(rf"https://app\.example\.com/account#{purpose}=(\S{{29}})", shown)[1]


code = code_of(terminal.type(invite, replace={"ada": "carol"}), "invitation")
assert call("/auth/code", {"code": code})["username"] == "carol"
terminal.type('''printf '{"username":"dan"}\\n{"username":"eve"}\\n' > people.jsonl''')
terminal.type(invite_all)
listed, withdrawn = invitations.strip().splitlines()
assert all(name in terminal.type(listed) for name in ("carol", "dan", "eve"))
terminal.type(withdrawn, replace={"ada": "dan"})
terminal.type("rm people.jsonl links.tsv")
registered = call("/auth/registration/complete", {"code": code, "password": PASSWORD}, 201)
assert call("/auth/login", {"username": "carol", "password": PASSWORD})["user"] == registered["user"]
ask_for_letter, make_link = blocks(ACCOUNTS, "A user forgot the password")
code = code_of(terminal.type(make_link), "recovery")
_, _, recover = blocks(ACCOUNTS, "Your page")[0].strip().splitlines()
terminal.type(recover, replace={"$CODE": code, "…": "seven green umbrellas"})
assert call("/auth/refresh", {"token": token}, 400)["code"] == "session_ended"
token = call("/auth/login", {"username": "ada", "password": "seven green umbrellas"})["token"]
step("an invited user and one who forgot the password set their own, and every session of before has ended")

# --- Letters, from the function that asks for one to the mailbox.
def letter(address, subject):
    """The newest letter to an address, once the emulator's SES has it."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_ministack/ses/messages"
    for _ in range(120):
        with urllib.request.urlopen(url) as response:
            messages = [each for sent in json.load(response)["messages"].values() for each in sent]
        ours = [each for each in messages if address in json.dumps(each["To"]) and each["Subject"].startswith(subject)]
        if ours:
            assert ours[-1]["Source"] == '"Example" <no-reply@example.com>', ours[-1]
            return ours[-1]["BodyText"]
        time.sleep(0.5)
    raise SystemExit(f"no letter to {address}: {messages}")


# `latchkey mail check` asks SES what the emulator does not know.
make_set, look, addresses = blocks(ACCOUNTS, "Switch letters on")
terminal.type(make_set)
_, test_mail = look.strip().splitlines()
assert "SES has taken the letter" in terminal.type(test_mail)
letter("you@example.com", "Test message")
terminal.type(addresses.strip().splitlines()[0])
assert " 202 " in terminal.type(ask_for_letter)
code = code_of(letter("ada@example.com", "Set a new password"), "recovery")
terminal.type(recover, replace={"$CODE": code, "…": PASSWORD})
assert call("/auth/refresh", {"token": token}, 400)["code"] == "session_ended"
token = call("/auth/login", {"username": "ada", "password": PASSWORD})["token"]
letter("ada@example.com", "Your password for app.example.com was changed")
by_name, _ = send_invitation.strip().splitlines()
terminal.type(by_name, replace={"ada@example.com": "fay@example.com"})
code = code_of(letter("fay@example.com", "Invitation"), "invitation")
call("/auth/registration/complete", {"code": code, "password": PASSWORD}, 201)
call("/auth/login", {"username": "fay@example.com", "password": PASSWORD})
step("letters reach a mailbox: a test, a new password, the word that it was changed, and an invitation")

# --- The other way to answer SAM: Enter, all the way.
set_parameter("TrafficShifting", "none")
deploy("sam deploy --guided", GUIDED)
assert "[default.deploy.parameters]" in config.read_text() and parameters()["Architecture"] == ARCHITECTURE
assert parameters()["AccessTokenAudiences"] == audiences, "SAM has cut a value at its space"
terminal.type("sam build && latchkey check-build")
call("/auth/refresh", {"token": token})
step("--guided can be answered with Enter but for the hidden parameter, and agrees with sam build")
terminal.close()
