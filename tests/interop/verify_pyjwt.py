"""PyJWT, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason."""

import json
import sys
import urllib.request

import jwt

base = sys.argv[1]
tokens = json.load(sys.stdin)
with urllib.request.urlopen(f"{base}/.well-known/openid-configuration", timeout=10) as response:
    discovered = json.load(response)
assert discovered["issuer"] == base, discovered
keys = jwt.PyJWKClient(discovered["jwks_uri"])


def verify(token, audience="latchkey", issuer=base):
    return jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=discovered["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=issuer,
        options={"require": ["exp", "iat", "iss", "aud", "sub", "jti"]},
    )


def proved(claim):
    print(f"PyJWT {jwt.__version__}: {claim}")


def rejected(error, *arguments, **keywords):
    try:
        verify(*arguments, **keywords)
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
