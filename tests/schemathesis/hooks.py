"""Puts into the drawn requests what only a running service knows: a live token, and credentials that are true."""

import json
import os
import urllib.request

import schemathesis

URL = os.environ["LATCHKEY_URL"]
CREDENTIALS = {"username": "demo", "password": "latchkey demo password"}


def log_in() -> str:
    request = urllib.request.Request(
        f"{URL}/auth/login", json.dumps(CREDENTIALS).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if not isinstance(body, dict):
        return
    if isinstance(body.get("token"), str):
        # A new one each time: the call may end the session.
        case.body = {**body, "token": log_in()}
    elif case.path == "/auth/login" and all(isinstance(body.get(name), str) for name in CREDENTIALS):
        case.body = {**body, **CREDENTIALS}
