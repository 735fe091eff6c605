"""One API accepts what Latchkey issues, and nothing else: python check.py NAME API LATCHKEY_URL SIGNING_KEYS"""

import json
import sys
import time
import urllib.error
import urllib.request

import jwt

name, api, base, keys = sys.argv[1:]


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


def log_in(by):
    """A token of a server whose clock is this many seconds off."""
    assert call(f"{base}/local/clock", {"by": by})[0] == 200
    token = call(f"{base}/auth/login", {"username": "demo", "password": "latchkey demo password"})[2]["token"]
    assert call(f"{base}/local/clock", {"by": -by})[0] == 200
    return token


good = log_in(0)
claims = jwt.decode(good, options={"verify_signature": False})
stored = json.load(open(keys))["keys"][0]


def signed(**changes):
    """A token of our own key with other claims; None leaves one out."""
    changed = {claim: value for claim, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(changed, stored["private_key"], "RS256", headers={"kid": stored["kid"], "typ": "JWT"})


def status(token):
    return call(f"{api}/me", token=token)[0]


for _ in range(600):
    try:
        status(None)
        break
    except urllib.error.URLError:
        time.sleep(0.2)

answer = call(f"{api}/me", token=f"Bearer {good}")
assert answer[0] == 200 and answer[2] == {"sub": claims["sub"], "username": "demo"}, answer
assert status(f"bearer {good}") == 200
assert status(f"Bearer {signed()}") == 200, "the checks below change one thing each"
assert status(f"Bearer {log_in(2)}") == 200, "a clock that is two seconds ahead"

now = int(time.time())
payload, signature = good.rsplit(".", 1)
for reason, token in {
    "no header": None,
    "another scheme": f"Basic {good}",
    "no token": "Bearer",
    "not a token": "Bearer x",
    "changed signature": f"Bearer {payload}.{'A' * len(signature)}",
    "no signature": f"Bearer {jwt.encode(claims, None, 'none')}",
    "signed with the public key's text": f"Bearer {jwt.encode(claims, 'x' * 32, 'HS256', headers={'kid': stored['kid']})}",
    "unknown key": f"Bearer {jwt.encode(claims, stored['private_key'], 'RS256', headers={'kid': 'x'})}",
    "another audience": f"Bearer {signed(aud='another')}",
    "no audience": f"Bearer {signed(aud=None)}",
    "another issuer": f"Bearer {signed(iss='https://another.example')}",
    "a longer issuer": f"Bearer {signed(iss=base + '/')}",
    "expired": f"Bearer {signed(iat=now - 7200, exp=now - 60)}",
    "no expiry": f"Bearer {signed(exp=None)}",
}.items():
    got, headers, _ = call(f"{api}/me", token=token)
    assert got == 401 and headers.get("WWW-Authenticate", "").startswith("Bearer"), (reason, got, headers)
print(f"{name}: takes our tokens, also with a clock two seconds off, and rejects 14 others")
