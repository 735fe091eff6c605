// openid-client gets access tokens for a machine: client_openid.mjs URL TOKENS < CLIENTS
// It knows the base URL and what `latchkey client` printed. Its tokens go to the file TOKENS, for the verifiers.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import * as openid from "openid-client";
import { versionOf } from "./packages.mjs";

const ORDERS = "https://orders.example.com";
const [, , base, file] = process.argv;
const { one, two, old, new: renewed, off } = JSON.parse(readFileSync(0, "utf8"));
const proved = (claim) => console.log(`openid-client ${versionOf("openid-client")}: ${claim}`);

const methods = [openid.ClientSecretBasic, openid.ClientSecretPost];
const found = ({ client_id, client_secret }, method = methods[0]) =>
  openid.discovery(new URL(base), client_id, undefined, method(client_secret));
const fetchToken = async (client, wanted, method) =>
  openid.clientCredentialsGrant(await found(client, method), wanted);
const rejected = async (error, client, wanted) => {
  for (const method of methods) {
    await assert.rejects(fetchToken(client, wanted, method), (rejection) => {
      assert(rejection instanceof openid.ResponseBodyError, rejection);
      assert.equal(rejection.error, error);
      return true;
    });
  }
};
/** With a secret in the body, the library's default, its error names the code. After one in the header the answer is a 401,
 * of which the library shows the challenge and leaves the body to whoever wants it. */
const rejectedClient = async (client) => {
  const inBody = await fetchToken(client, {}, openid.ClientSecretPost).catch((error) => error);
  assert(inBody instanceof openid.ResponseBodyError, inBody);
  assert.deepEqual([inBody.status, inBody.error], [400, "invalid_client"]);
  const inHeader = await fetchToken(client, {}, openid.ClientSecretBasic).catch((error) => error);
  assert(inHeader instanceof openid.WWWAuthenticateChallengeError, inHeader);
  assert.deepEqual(inHeader.cause, [{ scheme: "basic", parameters: { realm: "latchkey" } }]);
  assert.equal((await inHeader.response.json()).error, "invalid_client");
};

const tokens = [];
for (const method of methods) {
  const token = await fetchToken(one, { resource: ORDERS, scope: "orders:read" }, method);
  assert.deepEqual([token.expires_in, token.scope], [900, "orders:read"]);
  tokens.push(token);
}
proved("a client gets a token, with its secret in the header and in the body");
assert.equal((await fetchToken(one)).scope, "orders:read");
assert.equal((await fetchToken(two, { resource: ORDERS })).scope, "orders:read");
proved("scope may be left out, and so may resource where the client has one audience");
for (const client of [old, renewed]) tokens.push(await fetchToken(client));
proved("during a rotation both secrets get a token");
await rejectedClient({ ...one, client_secret: two.client_secret });
await rejectedClient({ ...one, client_id: "nobody" });
await rejectedClient(off);
proved("a wrong secret, an unknown client and a disabled one are invalid_client");
await rejected("invalid_scope", one, { scope: "orders:write" });
await rejected("invalid_target", one, { resource: "https://billing.example.com" });
await rejected("invalid_target", two);
await assert.rejects(openid.genericGrantRequest(await found(one), "password", {}), { error: "unsupported_grant_type" });
proved("what it may not have is invalid_scope, invalid_target or unsupported_grant_type");
writeFileSync(file, tokens.map((token) => `${token.access_token}\n`).join(""));
