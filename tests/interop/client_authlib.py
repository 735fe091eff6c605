"""Authlib's OAuth client gets access tokens for a machine: client_authlib.py URL TOKENS < CLIENTS

It knows the base URL and what `latchkey client` printed. Its tokens go to the file TOKENS, for the verifiers."""

import json
import sys
import urllib.request

import authlib
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

ORDERS = "https://orders.example.com"
base, file = sys.argv[1:]
clients = json.load(sys.stdin)
one, two = clients["one"], clients["two"]
with urllib.request.urlopen(f"{base}/.well-known/openid-configuration", timeout=10) as response:
    discovered = json.load(response)
methods = discovered["token_endpoint_auth_methods_supported"]
assert methods == ["client_secret_basic", "client_secret_post"], methods


def fetch(client, method="client_secret_basic", grant_type="client_credentials", **wanted):
    session = OAuth2Session(client["client_id"], client["client_secret"], token_endpoint_auth_method=method)
    return session.fetch_token(discovered["token_endpoint"], grant_type=grant_type, **wanted)


def proved(claim):
    print(f"Authlib {authlib.__version__}: {claim}")


def rejected(error, client, **wanted):
    for method in methods:
        try:
            fetch(client, method, **wanted)
        except OAuthError as rejection:
            assert rejection.error == error and rejection.description, rejection
        else:
            sys.exit(f"Authlib got a token where it must get {error}")


tokens = [fetch(one, method, resource=ORDERS, scope="orders:read") for method in methods]
for token in tokens:
    assert token["token_type"] == "Bearer" and token["expires_in"] == 900 and token["scope"] == "orders:read", token
proved("a client gets a token, with its secret in the header and in the body")
assert fetch(one)["scope"] == "orders:read" and fetch(two, resource=ORDERS)["scope"] == "orders:read"
proved("scope may be left out, and so may resource where the client has one audience")
for client in (clients["old"], clients["new"]):
    tokens.append(fetch(client))
assert clients["old"]["client_id"] == clients["new"]["client_id"]
proved("during a rotation both secrets get a token")
rejected("invalid_client", one | {"client_secret": two["client_secret"]})
rejected("invalid_client", one | {"client_id": "nobody"})
rejected("invalid_client", clients["off"])
proved("a wrong secret, an unknown client and a disabled one are invalid_client")
rejected("invalid_scope", one, scope="orders:write")
rejected("invalid_target", one, resource="https://billing.example.com")
rejected("invalid_target", two)
rejected("unsupported_grant_type", one, grant_type="password")
proved("what it may not have is invalid_scope, invalid_target or unsupported_grant_type")
with open(file, "w", encoding="utf-8") as lines:
    lines.writelines(f"{token['access_token']}\n" for token in tokens)
