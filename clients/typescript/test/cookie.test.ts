import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { LatchkeyError, type Latchkey } from "../src/index.js";
import { HOUR, MINUTE, SharedStorage, World } from "./world.js";

function worldOfCookies(): World {
  const world = new World();
  world.service.cookieMode = true;
  return world;
}

test("the browser has the token and nothing else has: no storage, no request, no caller", async () => {
  const world = worldOfCookies();
  const storage = new SharedStorage();
  const client = await world.signedIn({ mode: "cookie", storage: storage.tab() });
  await world.pass(HOUR);
  assert.equal(client.getState().status, "signed-in");
  assert.equal(world.service.count("/auth/refresh"), 1);
  assert.doesNotMatch(`${storage.kept}${inspect(client, { depth: 9, showHidden: true })}`, /token-\d/);
  assert.doesNotMatch(JSON.stringify(world.service.calls), /token-\d/);
  assert(world.service.calls.every(({ credentials }) => credentials === "include"));
  await assert.rejects(client.token(), { code: "token_unreadable" });
});

test("without cookies requests take none along", async () => {
  const world = new World();
  await world.signedIn();
  assert(world.service.calls.every(({ credentials }) => credentials === "omit"));
});

test("a reloaded page learns from the service whether the cookie is there", async () => {
  const world = worldOfCookies();
  await world.signedIn({ mode: "cookie" });
  world.sleep(10 * MINUTE);
  const reloaded = world.client({ mode: "cookie" });
  const state = await reloaded.restore();
  assert(state.status === "signed-in" && state.expiresAt === world.now + HOUR);
  world.service.cookie = null;
  assert.deepEqual(await world.client({ mode: "cookie" }).restore(), { status: "signed-out", reason: "none" });
});

test("a page whose storage knows the session does not ask", async () => {
  const world = worldOfCookies();
  const storage = new SharedStorage();
  await world.signedIn({ mode: "cookie", storage: storage.tab() });
  const reloaded = world.client({ mode: "cookie", storage: storage.tab() });
  assert.equal((await reloaded.restore()).status, "signed-in");
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("a service that cannot be asked leaves the page restoring, and may be asked again", async () => {
  const world = worldOfCookies();
  await world.signedIn({ mode: "cookie" });
  world.service.failNext(3);
  const reloaded: Latchkey = world.client({ mode: "cookie" });
  const outcome = assert.rejects(reloaded.restore(), (problem) => problem instanceof LatchkeyError && problem.temporary);
  await world.pass(5_000);
  await outcome;
  assert.deepEqual(reloaded.getState(), { status: "restoring" });
  assert.equal((await reloaded.restore()).status, "signed-in");
});

test("a cookie that is gone at a refresh leaves nobody signed in", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.cookie = null;
  await assert.rejects(client.refresh(), { code: "invalid_request" });
  assert.deepEqual(client.getState(), { status: "signed-out", reason: "none" });
});

test("a logout that the service does not hear of leaves the page signed in, as the cookie is", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.refuseNext(503, "temporarily_unavailable", 60);
  await assert.rejects(client.logout(), { code: "temporarily_unavailable" });
  assert.equal(client.getState().status, "signed-in");
  await client.logout();
  assert.deepEqual([client.getState(), world.service.cookie], [{ status: "signed-out", reason: "logout" }, null]);
});

test("a logout without a cookie is a logout", async () => {
  const world = worldOfCookies();
  const client = world.client({ mode: "cookie" });
  await client.logout();
  assert.deepEqual(client.getState(), { status: "signed-out", reason: "logout" });
});

test("a call refused as forged is the page's problem and ends no session", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.refuseNext(403, "csrf_refused");
  await assert.rejects(client.refresh(), { code: "csrf_refused" });
  const state = client.getState();
  assert(state.status === "signed-in" && state.problem?.code === "csrf_refused");
});

test("fetch takes the cookie along", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie", sendTokenTo: ["https://api.example.com"] });
  await client.fetch("https://api.example.com/orders");
  const { credentials, authorization } = world.service.calls.at(-1)!;
  assert.deepEqual([credentials, authorization], ["include", null]);
});
