"""Puts into the drawn requests what only a running service knows: a live token, and credentials that are true."""

import base64
import json
import os
import subprocess
import urllib.request
import uuid

import schemathesis
from schemathesis.core import NotSet

URL = os.environ["LATCHKEY_URL"]
CLIENT = f"{os.environ['CLIENT_ID']}:{os.environ['CLIENT_SECRET']}"
ORDERS, SCOPE = "https://orders.example.com", "orders:read"
CREDENTIALS = {"username": "demo", "password": "latchkey demo password"}


def log_in() -> str:
    request = urllib.request.Request(
        f"{URL}/auth/login", json.dumps(CREDENTIALS).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


def new_code(path: str) -> str:
    """Of an invitation or for a new password of the demo user, whichever the call takes."""
    name = f"invited-{uuid.uuid4()}"
    command = ["recover", "demo"] if "recovery" in path else ["invite", name, "--print"]
    latchkey = [os.environ["LATCHKEY"], "user", *command, "--local", os.environ["LATCHKEY_DATA"], "--json"]
    made = json.loads(subprocess.run(latchkey, check=True, capture_output=True).stdout)
    return made.get("links", [made])[0]["link"].rsplit("=", 1)[1]


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/auth/sessions")
class LiveToken:
    """A new one each time: a call before may have ended every session."""

    def get(self, case, context):
        return log_in()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    # Here no cookie brings the token, so it must be in the body; the document has to leave both out.
    if case.path in ("/auth/refresh", "/auth/logout"):
        if isinstance(case.body, NotSet):
            case.body, case.media_type = {}, "application/json"
        if isinstance(case.body, dict):
            case.body = {"token": "", **case.body}
    body = case.body
    if not isinstance(body, dict):
        return
    if case.path == "/auth/access" and isinstance(body.get("audience"), str):
        scope = {"scope": SCOPE} if isinstance(body.get("scope"), str) else {}
        case.body = {**body, "audience": ORDERS, "token": log_in(), **scope}
        case.headers.pop("Authorization", None)
    elif case.path == "/oauth2/token":
        # One way to prove who the client is, and what the client may have.
        wanted = {name: value for name, value in (("scope", SCOPE), ("resource", ORDERS)) if name in body}
        case.body = {"grant_type": body.get("grant_type"), **wanted}
        case.headers["Authorization"] = f"Basic {base64.b64encode(CLIENT.encode()).decode()}"
    elif isinstance(body.get("code"), str):
        # One that nobody has used, and a password that is taken; the demo user keeps theirs.
        named = [name for name in ("password", "new_password") if isinstance(body.get(name), str)]
        passwords = {name: CREDENTIALS["password"] for name in named}
        case.body = {**body, "code": new_code(case.path), **passwords}
    elif isinstance(body.get("token"), str):
        case.body = {**body, "token": log_in()}
    elif case.path == "/auth/recovery" and isinstance(body.get("username"), str):
        case.body = {**body, "username": CREDENTIALS["username"]}
    elif case.path == "/auth/login" and all(isinstance(body.get(name), str) for name in CREDENTIALS):
        case.body = {**body, **CREDENTIALS}
