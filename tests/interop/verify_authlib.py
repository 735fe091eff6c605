"""Authlib's validator of RFC 9068, with the base URL as all its knowledge: accepts access tokens and no other."""

import json
import sys
import types
import urllib.request

import authlib
from authlib.oauth2 import ResourceProtector
from authlib.oauth2.rfc6750 import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, UnsupportedAlgorithmError
from joserfc.jwk import KeySet

ORDERS = "https://orders.example.com"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


base = sys.argv[1]
tokens = json.load(sys.stdin)
access = tokens["access"]
discovered = get(f"{base}/.well-known/openid-configuration")
keys = KeySet.import_key_set(get(discovered["jwks_uri"]))


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return keys


def verify(token, audience=ORDERS, scope="orders:read"):
    """The claims of the token, as an API that has this audience gets them for a route that wants the scope."""
    api = ResourceProtector()
    api.register_token_validator(Validator(issuer=base, resource_server=audience))
    return api.validate_request([scope], types.SimpleNamespace(headers={"Authorization": f"Bearer {token}"}))


def proved(claim):
    print(f"Authlib {authlib.__version__}: {claim}")


def rejected(cause, claim, *arguments, **keywords):
    try:
        verify(*arguments, **keywords)
    except InvalidTokenError as rejection:
        assert isinstance(rejection.__cause__, cause), repr(rejection.__cause__)
        assert claim is None or rejection.__cause__.claim == claim, rejection.__cause__
        return
    sys.exit(f"Authlib accepted what it must reject with {cause.__name__}")


if discovered["id_token_signing_alg_values_supported"] == ["EdDSA"]:
    rejected(UnsupportedAlgorithmError, None, access["good"])
    proved("its validator has no EdDSA")
    sys.exit()
user = verify(access["good"])
assert (user["username"], user["scope"], user["client_id"]) == ("demo", "orders:read", "latchkey"), user
proved("the access token verifies, with all claims that RFC 9068 requires")
for token in tokens["machines"]:
    machine = verify(token)
    assert machine["sub"] == machine["client_id"] and "username" not in machine, machine
proved(f"{len(tokens['machines'])} access tokens of machines verify; sub is client_id")
for audience in (ORDERS, "latchkey"):
    rejected(InvalidClaimError, "typ", tokens["login"], audience=audience)
proved("the session token is rejected by its typ, whatever audience is wanted")
rejected(InvalidClaimError, "aud", access["elsewhere"])
rejected(ExpiredTokenError, None, access["expired"])
rejected(BadSignatureError, None, access["tampered"])
proved("an access token for another API, an expired one and a tampered one are rejected")
try:
    sys.exit(f"Authlib lets {verify(access['good'], scope='orders:write')} write")
except InsufficientScopeError as rejection:
    assert rejection.status_code == 403
proved("a scope that the token lacks is a 403")
