"""Prints the key set of one new key of the given algorithm, as docs/settings.md describes it, made without our code."""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def new_key(algorithm):
    """The private key, and the members of its public JWK that RFC 7638 hashes."""
    if algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_numbers()
        return key, {"e": number(public.e), "kty": "RSA", "n": number(public.n)}
    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_numbers()
        return key, {"crv": "P-256", "kty": "EC", "x": number(public.x, 32), "y": number(public.y, 32)}
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        return key, {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_key().public_bytes_raw())}
    sys.exit(f"{algorithm} has no public key")


algorithm = sys.argv[1]
key, jwk = new_key(algorithm)
thumbprint = hashlib.sha256(json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()).digest()
pem = key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
stored = {"kid": base64url(thumbprint), "alg": algorithm, "private_key": pem.decode()}
json.dump({"keys": [stored | {"published": 0, "signs_from": 0, "retires": None}]}, sys.stdout)
