// jose, with the base URL as all its knowledge: accepts our tokens, rejects forged ones for the right reason.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// An import looks beside this file only; jose is installed in a folder of its own.
const { resolve } = createRequire(join(process.env.JOSE_PROJECT, "package.json"));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(resolve("jose")));
const { version } = JSON.parse(readFileSync(join(process.env.JOSE_PROJECT, "node_modules/jose/package.json")));

const base = process.argv[2];
const tokens = JSON.parse(readFileSync(0, "utf8"));
const discovered = await (await fetch(`${base}/.well-known/openid-configuration`)).json();
assert.equal(discovered.issuer, base);
const keys = createRemoteJWKSet(new URL(discovered.jwks_uri));

const verify = (token, { audience = "latchkey", issuer = base } = {}) =>
  jwtVerify(token, keys, {
    algorithms: discovered.id_token_signing_alg_values_supported,
    audience,
    issuer,
    typ: "JWT",
    requiredClaims: ["exp", "iat", "sub", "jti"],
  });
const proved = (claim) => console.log(`jose ${version}: ${claim}`);

assert.equal((await verify(tokens.login)).payload.username, "demo");
proved("the token of the login verifies");
assert.equal((await verify(tokens.refreshed)).payload.username, "demo");
proved("the refreshed token verifies");
for (const token of [tokens.login, tokens.refreshed]) {
  await assert.rejects(verify(token, { audience: "another" }), { code: "ERR_JWT_CLAIM_VALIDATION_FAILED", claim: "aud" });
  await assert.rejects(verify(token, { issuer: `${base}/` }), { code: "ERR_JWT_CLAIM_VALIDATION_FAILED", claim: "iss" });
}
proved("another audience and another issuer are rejected");
await assert.rejects(verify(tokens.tampered), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
proved("a tampered token is rejected");
