"""Logs the demo user in and refreshes the token; prints the tokens, and one that was tampered with, as JSON.

Both must be of the given algorithm."""

import base64
import json
import sys
import urllib.request


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def tampered(token):
    """The token with another user's name in it, under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["username"] = "root"
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


base, algorithm = sys.argv[1:]
login = post(f"{base}/auth/login", {"username": "demo", "password": "latchkey demo password"})["token"]
refreshed = post(f"{base}/auth/refresh", {"token": login})["token"]
for token in (login, refreshed):
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["alg"] == algorithm, header
json.dump({"login": login, "refreshed": refreshed, "tampered": tampered(login)}, sys.stdout)
