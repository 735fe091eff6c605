"""Puts into the drawn requests what only a running service knows: a live token, and credentials that are true."""

import json
import os
import urllib.request

import schemathesis
from schemathesis.core import NotSet

URL = os.environ["LATCHKEY_URL"]
CREDENTIALS = {"username": "demo", "password": "latchkey demo password"}


def log_in() -> str:
    request = urllib.request.Request(
        f"{URL}/auth/login", json.dumps(CREDENTIALS).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


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
    if isinstance(body.get("token"), str):
        case.body = {**body, "token": log_in()}
    elif case.path == "/auth/login" and all(isinstance(body.get(name), str) for name in CREDENTIALS):
        case.body = {**body, **CREDENTIALS}
