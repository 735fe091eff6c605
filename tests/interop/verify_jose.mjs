// jose, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { versionOf } from "./packages.mjs";

const ORDERS = "https://orders.example.com";
const base = process.argv[2];
const tokens = JSON.parse(readFileSync(0, "utf8"));
const discovered = await (await fetch(`${base}/.well-known/openid-configuration`)).json();
assert.equal(discovered.issuer, base);
const keys = createRemoteJWKSet(new URL(discovered.jwks_uri));

const verify = (token, { audience = "latchkey", issuer = base, typ = "JWT" } = {}) =>
  jwtVerify(token, keys, {
    algorithms: discovered.id_token_signing_alg_values_supported,
    audience,
    issuer,
    typ,
    requiredClaims: ["exp", "iat", "sub", "jti"],
  });
const verifyAccess = (token, audience = ORDERS) => verify(token, { audience, typ: "at+jwt" });
const proved = (claim) => console.log(`jose ${versionOf("jose")}: ${claim}`);
const wrong = (claim) => ({ code: "ERR_JWT_CLAIM_VALIDATION_FAILED", claim });

assert.equal((await verify(tokens.login)).payload.username, "demo");
proved("the token of the login verifies");
assert.equal((await verify(tokens.refreshed)).payload.username, "demo");
proved("the refreshed token verifies");
for (const token of [tokens.login, tokens.refreshed]) {
  await assert.rejects(verify(token, { audience: "another" }), wrong("aud"));
  await assert.rejects(verify(token, { issuer: `${base}/` }), wrong("iss"));
}
proved("another audience and another issuer are rejected");
await assert.rejects(verify(tokens.tampered), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
proved("a tampered token is rejected");

const { access, machines } = tokens;
const { username, scope, client_id } = (await verifyAccess(access.good)).payload;
assert.deepEqual({ username, scope, client_id }, { username: "demo", scope: "orders:read", client_id: "latchkey" });
proved("the access token verifies");
for (const token of machines) {
  const { payload } = await verifyAccess(token);
  assert.equal(payload.sub, payload.client_id);
  assert(!("username" in payload));
}
proved(`${machines.length} access tokens of machines verify; sub is client_id`);
await assert.rejects(verifyAccess(tokens.login, "latchkey"), wrong("typ"));
await assert.rejects(verify(tokens.login, { audience: ORDERS }), wrong("aud"));
await assert.rejects(verify(access.good, { audience: ORDERS }), wrong("typ"));
await assert.rejects(verifyAccess(access.good, "latchkey"), wrong("aud"));
proved("neither kind of token passes as the other, by typ alone and by aud alone");
await assert.rejects(verifyAccess(access.elsewhere), wrong("aud"));
await assert.rejects(verifyAccess(access.expired), { code: "ERR_JWT_EXPIRED" });
await assert.rejects(verifyAccess(access.tampered), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
proved("an access token for another API, an expired one and a tampered one are rejected");
