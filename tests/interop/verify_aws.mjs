// aws-jwt-verify, which looks for the keys at BASE/.well-known/jwks.json by itself: accepts our tokens, rejects forged
// ones for the right reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { JwtVerifier } from "aws-jwt-verify";
import * as errors from "aws-jwt-verify/error";
import { versionOf } from "./packages.mjs";

const ORDERS = "https://orders.example.com";
const issuer = process.argv[2];
const tokens = JSON.parse(readFileSync(0, "utf8"));
const { access, machines } = tokens;

class WrongType extends Error {}
/** The generic verifier has no check of its own for what tells the two kinds apart. */
const is = (typ, tokenUse) => ({ header, payload }) => {
  if (header.typ !== typ || payload.token_use !== tokenUse) throw new WrongType();
};
const isAccess = is("at+jwt", "access");
const isSession = is("JWT", undefined);
const verifier = JwtVerifier.create({ issuer, audience: ORDERS, scope: "orders:read", customJwtCheck: isAccess });
const verify = (token, changes) => verifier.verify(token, changes);
const session = { audience: "latchkey", scope: null, customJwtCheck: isSession };
const proved = (claim) => console.log(`aws-jwt-verify ${versionOf("aws-jwt-verify")}: ${claim}`);

const user = await verify(access.good);
assert.deepEqual([user.username, user.scope, user.client_id], ["demo", "orders:read", "latchkey"]);
proved("the access token verifies, with its scope");
for (const token of machines) {
  const machine = await verify(token);
  assert.equal(machine.sub, machine.client_id);
  assert(!("username" in machine));
}
proved(`${machines.length} access tokens of machines verify; sub is client_id`);
await assert.rejects(verify(access.good, { scope: "orders:write" }), errors.JwtInvalidScopeError);
proved("a scope that the token lacks is rejected");
assert.equal((await verify(tokens.login, session)).username, "demo");
await assert.rejects(verify(tokens.login), errors.JwtInvalidAudienceError);
await assert.rejects(verify(tokens.login, { audience: "latchkey" }), WrongType);
await assert.rejects(verify(access.good, session), errors.JwtInvalidAudienceError);
await assert.rejects(verify(access.good, { customJwtCheck: isSession }), WrongType);
proved("neither kind of token passes as the other, by aud, and by typ and token_use alone");
await assert.rejects(verify(access.elsewhere), errors.JwtInvalidAudienceError);
await assert.rejects(verify(access.expired), errors.JwtExpiredError);
await assert.rejects(verify(access.tampered), errors.JwtInvalidSignatureError);
proved("an access token for another API, an expired one and a tampered one are rejected");
