"""joserfc, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason."""

import importlib.metadata
import json
import sys
import urllib.request

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError
from joserfc.jwk import KeySet

ORDERS = "https://orders.example.com"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


base = sys.argv[1]
tokens = json.load(sys.stdin)
discovered = get(f"{base}/.well-known/openid-configuration")
assert discovered["issuer"] == base, discovered
keys = KeySet.import_key_set(get(discovered["jwks_uri"]))


def verify(token, audience="latchkey", issuer=base):
    algorithms = discovered["id_token_signing_alg_values_supported"]
    claims = jwt.decode(token, keys, algorithms=algorithms).claims
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
        iat={"essential": True},
    ).validate(claims)
    return claims


def proved(claim):
    print(f"joserfc {importlib.metadata.version('joserfc')}: {claim}")


def rejected(error, claim, *arguments, **keywords):
    try:
        verify(*arguments, **keywords)
    except error as rejection:
        assert claim is None or rejection.claim == claim, rejection
        return
    sys.exit(f"joserfc accepted what it must reject with {error.__name__}")


assert verify(tokens["login"])["username"] == "demo"
proved("the token of the login verifies")
assert verify(tokens["refreshed"])["username"] == "demo"
proved("the refreshed token verifies")
for name in ("login", "refreshed"):
    rejected(InvalidClaimError, "aud", tokens[name], audience="another")
    rejected(InvalidClaimError, "iss", tokens[name], issuer=base + "/")
proved("another audience and another issuer are rejected")
rejected(BadSignatureError, None, tokens["tampered"])
proved("a tampered token is rejected")

access = tokens["access"]
user = verify(access["good"], ORDERS)
assert (user["username"], user["scope"], user["client_id"]) == ("demo", "orders:read", "latchkey"), user
proved("the access token verifies")
for token in tokens["machines"]:
    machine = verify(token, ORDERS)
    assert machine["sub"] == machine["client_id"] and "username" not in machine, machine
proved(f"{len(tokens['machines'])} access tokens of machines verify; sub is client_id")
rejected(InvalidClaimError, "aud", tokens["login"], ORDERS)
rejected(InvalidClaimError, "aud", access["good"])
proved("neither kind of token passes as the other, by aud")
rejected(InvalidClaimError, "aud", access["elsewhere"], ORDERS)
rejected(ExpiredTokenError, None, access["expired"], ORDERS)
rejected(BadSignatureError, None, access["tampered"], ORDERS)
proved("an access token for another API, an expired one and a tampered one are rejected")
