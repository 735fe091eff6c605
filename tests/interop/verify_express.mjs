// express-oauth2-jwt-bearer in its strict mode, which is RFC 9068, with the base URL as all its knowledge: an API that
// takes our access tokens and nothing else.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import express from "express";
import { auth, claimCheck, requiredScopes } from "express-oauth2-jwt-bearer";
import { versionOf } from "./packages.mjs";

const ORDERS = "https://orders.example.com";
const issuerBaseURL = process.argv[2];
const tokens = JSON.parse(readFileSync(0, "utf8"));
const proved = (claim) =>
  console.log(`express-oauth2-jwt-bearer ${versionOf("express-oauth2-jwt-bearer")}: ${claim}`);

const api = express();
const sendClaims = (request, response) => response.json(request.auth.payload);
const access = auth({ issuerBaseURL, audience: ORDERS, strict: true });
api.get("/me", access, sendClaims);
api.get("/orders", access, requiredScopes("orders:read"), sendClaims);
api.get("/orders/new", access, requiredScopes("orders:write"), sendClaims);
api.get("/people", access, claimCheck(({ sub, client_id }) => sub !== client_id, "people only"), sendClaims);
// The audience of the session token, so that the type alone tells the two apart, and an API for session tokens.
api.get("/strict", auth({ issuerBaseURL, audience: "latchkey", strict: true }), sendClaims);
api.get("/session", auth({ issuerBaseURL, audience: "latchkey", validators: { typ: "JWT" } }), sendClaims);
api.get("/not-access", auth({ issuerBaseURL, audience: ORDERS, validators: { typ: "JWT" } }), sendClaims);
api.use((error, _request, response, _next) =>
  response.status(error.status ?? 500).set(error.headers).json({ code: error.code, message: error.message }));
const server = api.listen(0, "127.0.0.1");
await once(server, "listening");

const ask = async (path, token) => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
  return { status: response.status, challenge: response.headers.get("www-authenticate"), ...(await response.json()) };
};
const takes = async (path, token) => {
  const answer = await ask(path, token);
  assert.equal(answer.status, 200, answer.message);
  return answer;
};
const rejects = async (path, token, message) => {
  const answer = await ask(path, token);
  assert.equal(answer.status, 401, path);
  assert.equal(answer.code, "invalid_token");
  assert.match(answer.message, message);
};

const user = await takes("/orders", tokens.access.good);
assert.deepEqual([user.username, user.scope, user.client_id], ["demo", "orders:read", "latchkey"]);
await takes("/people", tokens.access.good);
proved("the access token passes auth, requiredScopes and claimCheck");
for (const token of tokens.machines) {
  const machine = await takes("/orders", token);
  assert.equal(machine.sub, machine.client_id);
  await rejects("/people", token, /people only/);
}
proved(`${tokens.machines.length} access tokens of machines pass, and not on a route for people`);
const denied = await ask("/orders/new", tokens.access.good);
assert.equal(denied.status, 403);
assert.match(denied.challenge, /error="insufficient_scope".* scope="orders:write"/);
proved("a scope that the token lacks is a 403");
assert.equal((await takes("/session", tokens.login)).username, "demo");
await rejects("/me", tokens.login, /Unexpected '(typ|aud)' value/);
await rejects("/strict", tokens.login, /Unexpected 'typ' value/);
await rejects("/session", tokens.access.good, /Unexpected '(typ|aud)' value/);
await rejects("/not-access", tokens.access.good, /Unexpected 'typ' value/);
proved("neither kind of token passes as the other, also by typ alone");
await rejects("/me", tokens.access.elsewhere, /Unexpected 'aud' value/);
await rejects("/me", tokens.access.expired, /"exp" claim timestamp check failed/);
await rejects("/me", tokens.access.tampered, /signature verification failed/);
proved("an access token for another API, an expired one and a tampered one are rejected");
server.close();
