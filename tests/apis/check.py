"""One API takes the access tokens that Latchkey issues for it, and nothing else: python check.py NAME API SIGNING_KEYS

ISSUER is the local server, AUDIENCE the API's own one there, ANOTHER_AUDIENCE one that it has besides.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import jwt

name, api, keys = sys.argv[1:]
base, audience, another_audience = os.environ["ISSUER"], os.environ["AUDIENCE"], os.environ["ANOTHER_AUDIENCE"]


def call(url, body=None, token=None):
    """The status, the headers and the body's JSON."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = token
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, None


def log_in():
    return call(f"{base}/auth/login", {"username": "demo", "password": "latchkey demo password"})[2]["token"]


def access_token(session, **wanted):
    status, _, answer = call(f"{base}/auth/access", {"audience": audience, **wanted}, f"Bearer {session}")
    assert status == 200, (wanted, status)
    return answer["access_token"]


session = log_in()
good = access_token(session)
claims = jwt.decode(good, options={"verify_signature": False})
stored = json.load(open(keys))["keys"][0]


def signed(typ="at+jwt", **changes):
    """A token of our own key with other claims; None leaves one out, also the type."""
    changed = {claim: value for claim, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(changed, stored["private_key"], "RS256", headers={"kid": stored["kid"], "typ": typ})


def ask(route, token):
    """The status, the challenge and the body's JSON of a route."""
    status, headers, body = call(f"{api}{route}", token=token)
    return status, headers.get("WWW-Authenticate", ""), body


def is_taken(token, route="/me"):
    return ask(route, f"Bearer {token}")[0] == 200


for _ in range(600):
    try:
        ask("/me", None)
        break
    except urllib.error.URLError:
        time.sleep(0.2)

answer = ask("/me", f"Bearer {good}")
assert answer[0] == 200 and answer[2] == {"sub": claims["sub"], "username": "demo"}, answer
assert ask("/me", f"bearer {good}")[0] == 200
assert claims["scope"] == "orders:read" and is_taken(good, "/orders")
assert is_taken(signed()) and is_taken(signed(), "/orders"), "the checks below change one thing each"
assert is_taken(signed(scope="orders:write orders:read"), "/orders"), "one scope among several"

assert call(f"{base}/local/clock", {"by": 2})[0] == 200
ahead = access_token(log_in())
assert call(f"{base}/local/clock", {"by": -2})[0] == 200
assert is_taken(ahead), "a clock that is two seconds ahead"

machine = {"sub": "lkc_AAAAAAAAAAAAAAAAAAAAAA", "client_id": "lkc_AAAAAAAAAAAAAAAAAAAAAA"}
machine |= dict.fromkeys(("username", "sid", "auth_time", "amr"))
status, _, body = ask("/me", f"Bearer {signed(**machine)}")
assert status == 200 and body["sub"] == machine["sub"] and not body.get("username"), (status, body)
assert is_taken(signed(**machine), "/orders")

now = int(time.time())
payload, signature = good.rsplit(".", 1)
key_id = {"kid": stored["kid"], "typ": "at+jwt"}
rejected = {
    "no header": None,
    "another scheme": f"Basic {good}",
    "no token": "Bearer",
    "not a token": "Bearer x",
    "changed signature": f"Bearer {payload}.{'A' * len(signature)}",
    "no signature": f"Bearer {jwt.encode(claims, None, 'none', headers={'typ': 'at+jwt'})}",
    "signed with the public key's text": f"Bearer {jwt.encode(claims, 'x' * 32, 'HS256', headers=key_id)}",
    "unknown key": f"Bearer {jwt.encode(claims, stored['private_key'], 'RS256', headers={**key_id, 'kid': 'x'})}",
    "another audience": f"Bearer {signed(aud='another')}",
    "no audience": f"Bearer {signed(aud=None)}",
    "another issuer": f"Bearer {signed(iss='https://another.example')}",
    "a longer issuer": f"Bearer {signed(iss=base + '/')}",
    "expired": f"Bearer {signed(iat=now - 7200, exp=now - 60)}",
    "no expiry": f"Bearer {signed(exp=None)}",
    "the session token": f"Bearer {session}",
    "an access token for another API": f"Bearer {access_token(session, audience=another_audience)}",
    "the type of session tokens": f"Bearer {signed(typ='JWT')}",
    "no type": f"Bearer {signed(typ=None)}",
    "the type of another kind of token": f"Bearer {signed(typ='logout+jwt')}",
}
for reason, token in rejected.items():
    for route in ("/me", "/orders"):
        got, challenge, _ = ask(route, token)
        assert got == 401 and challenge.startswith("Bearer"), (reason, route, got, challenge)

# The demo user may read and not write, so a token for writing alone has no scope at all.
unable = {
    "no scope": access_token(session, scope="orders:write"),
    "another scope": signed(scope="orders:write"),
    "a scope that begins the same": signed(scope="orders:readers"),
    "a scope that ends the same": signed(scope="my-orders:read"),
    "a scope in other letters": signed(scope="Orders:Read"),
}
assert "scope" not in jwt.decode(unable["no scope"], options={"verify_signature": False})
for reason, token in unable.items():
    assert is_taken(token), reason
    got, challenge, _ = ask("/orders", f"Bearer {token}")
    told = challenge.startswith("Bearer ") and all(
        part in challenge for part in ('error="insufficient_scope"', 'scope="orders:read"')
    )
    assert got == 403 and told, (reason, got, challenge)

print(
    f"{name}: takes its access tokens, also with a clock two seconds off, rejects {len(rejected)} others"
    f" and answers {len(unable)} without the scope with 403"
)
