"""Prints tokens to verify, as JSON: get_tokens.py URL ALGORITHM SIGNING_KEYS MACHINE_TOKENS...

They are the session tokens that the demo user gets at login and refresh, the user's access tokens, and those of
machines from the files MACHINE_TOKENS. All must be of the given algorithm. Some are forged."""

import base64
import json
import pathlib
import sys
import urllib.request

import jwt

ORDERS, BILLING = "https://orders.example.com", "https://billing.example.com"


def post(path, body, **headers):
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def access_token(audience):
    return post("/auth/access", {"audience": audience}, Authorization=f"Bearer {login}")["access_token"]


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def tampered(token, **changes):
    """The token with other claims in it, under the old signature."""
    header, _, signature = token.split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims_of(token) | changes).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


def expired(token):
    """The token as it was when it was issued an hour earlier."""
    header, claims = jwt.get_unverified_header(token), claims_of(token)
    key = next(key for key in keys if key["kid"] == header["kid"])
    earlier = {name: claims[name] - 3600 for name in ("iat", "exp", "auth_time")}
    return jwt.encode(claims | earlier, key["private_key"], header["alg"], headers=header)


base, algorithm, keys, *machines = sys.argv[1:]
keys = json.loads(pathlib.Path(keys).read_text())["keys"]
machines = [token for file in machines for token in pathlib.Path(file).read_text().split()]
login = post("/auth/login", {"username": "demo", "password": "latchkey demo password"})["token"]
refreshed = post("/auth/refresh", {"token": login})["token"]
access = access_token(ORDERS)
for token in (login, refreshed, access, *machines):
    assert jwt.get_unverified_header(token)["alg"] == algorithm, token
tokens = {"login": login, "refreshed": refreshed, "tampered": tampered(login, username="root")}
tokens["access"] = {
    "good": access,
    "elsewhere": access_token(BILLING),
    "expired": expired(access),
    "tampered": tampered(access, scope="orders:read orders:write"),
}
json.dump(tokens | {"machines": machines}, sys.stdout)
