"""PyJWT, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason."""

import json
import sys
import urllib.request

import jwt

ORDERS = "https://orders.example.com"
base = sys.argv[1]
tokens = json.load(sys.stdin)
with urllib.request.urlopen(f"{base}/.well-known/openid-configuration", timeout=10) as response:
    discovered = json.load(response)
assert discovered["issuer"] == base, discovered
keys = jwt.PyJWKClient(discovered["jwks_uri"])


class WrongType(jwt.InvalidTokenError):
    pass


def verify(token, audience="latchkey", issuer=base, typ="JWT"):
    verified = jwt.decode_complete(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=discovered["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=issuer,
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
    )
    # PyJWT leaves this to its caller.
    if verified["header"]["typ"] != typ:
        raise WrongType
    return verified["payload"]


def verify_access(token, audience=ORDERS):
    return verify(token, audience, typ="at+jwt")


def proved(claim):
    print(f"PyJWT {jwt.__version__}: {claim}")


def rejected(error, token, *arguments, by=verify, **keywords):
    try:
        by(token, *arguments, **keywords)
    except error:
        return
    sys.exit(f"PyJWT accepted what it must reject with {error.__name__}")


login, refreshed = verify(tokens["login"]), verify(tokens["refreshed"])
assert login["username"] == "demo", login
proved("the token of the login verifies")
same = ("iss", "aud", "sub", "username", "sid", "iat")
assert all(login[name] == refreshed[name] for name in same), (login, refreshed)
assert login["jti"] != refreshed["jti"] and login["exp"] <= refreshed["exp"], (login, refreshed)
proved("the refreshed token verifies; iat, sub and sid are those of the login, jti is new")
for name in ("login", "refreshed"):
    rejected(jwt.InvalidAudienceError, tokens[name], audience="another")
    rejected(jwt.InvalidIssuerError, tokens[name], issuer=base + "/")
proved("another audience and another issuer are rejected")
rejected(jwt.InvalidSignatureError, tokens["tampered"])
proved("a tampered token is rejected")

access = tokens["access"]
user = verify_access(access["good"])
assert all(user[name] == login[name] for name in ("iss", "sub", "username", "sid")), (user, login)
assert user["auth_time"] == login["iat"] and user["scope"] == "orders:read", user
assert user["client_id"] == "latchkey" and user["token_use"] == "access", user
proved("the access token verifies; sub, username and sid are those of the login, auth_time is when that was")
for token in tokens["machines"]:
    machine = verify_access(token)
    assert machine["sub"] == machine["client_id"] and machine["sub"].startswith("lkc_"), machine
    assert not {"username", "sid", "auth_time", "amr"} & machine.keys(), machine
proved(f"{len(tokens['machines'])} access tokens of machines verify; sub is client_id, and nothing says user")
rejected(jwt.InvalidAudienceError, tokens["login"], by=verify_access)
rejected(WrongType, tokens["login"], "latchkey", by=verify_access)
rejected(jwt.InvalidAudienceError, access["good"])
rejected(WrongType, access["good"], ORDERS)
proved("neither kind of token passes as the other, by aud, and by typ alone")
rejected(jwt.InvalidAudienceError, access["elsewhere"], by=verify_access)
rejected(jwt.ExpiredSignatureError, access["expired"], by=verify_access)
rejected(jwt.InvalidSignatureError, access["tampered"], by=verify_access)
proved("an access token for another API, an expired one and a tampered one are rejected")
