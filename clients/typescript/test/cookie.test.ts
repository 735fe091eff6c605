import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { LatchkeyError, type Latchkey } from "../src/index.js";
import { HOUR, MINUTE, TestLocks, settled, TestStorage, TestWorld } from "./world.js";

function worldOfCookies(): TestWorld {
  const world = new TestWorld();
  world.service.cookieMode = true;
  return world;
}

test("the browser has the token and nothing else has: no storage, no request, no caller", async () => {
  const world = worldOfCookies();
  const storage = new TestStorage();
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
  const world = new TestWorld();
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
  assert.deepEqual(await world.client({ mode: "cookie" }).restore(), { status: "signed-out", user: null, reason: "none" });
});

test("a page whose storage knows the session does not ask", async () => {
  const world = worldOfCookies();
  const storage = new TestStorage();
  await world.signedIn({ mode: "cookie", storage: storage.tab() });
  const reloaded = world.client({ mode: "cookie", storage: storage.tab() });
  assert.equal((await reloaded.restore()).status, "signed-in");
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("a service that cannot be asked leaves the page restoring with the problem, and may be asked again", async () => {
  const world = worldOfCookies();
  await world.signedIn({ mode: "cookie" });
  world.service.failNext(3);
  const reloaded: Latchkey = world.client({ mode: "cookie" });
  const outcome = assert.rejects(reloaded.restore(), (problem) => problem instanceof LatchkeyError && problem.temporary);
  await world.pass(5_000);
  await outcome;
  const state = reloaded.getState();
  assert(state.status === "restoring" && state.problem?.code === "network_error");
  assert.equal((await reloaded.restore()).status, "signed-in");
});

test("a cookie that is gone at a refresh leaves nobody signed in", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.cookie = null;
  await assert.rejects(client.refresh(), { code: "authorization_required" });
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "none" });
});

test("a logout that the service does not hear of leaves the page signed in, as the cookie is", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.answerNext(503, "temporarily_unavailable", 60);
  await assert.rejects(client.logout(), { code: "temporarily_unavailable" });
  assert.equal(client.getState().status, "signed-in");
  await client.logout();
  assert.deepEqual([client.getState(), world.service.cookie], [{ status: "signed-out", user: null, reason: "logout" }, null]);
});

test("a logout without a cookie is a logout", async () => {
  const world = worldOfCookies();
  const client = world.client({ mode: "cookie" });
  await client.logout();
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "logout" });
});

test("a call rejected as forged is the page's problem and ends no session", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.answerNext(403, "csrf_refused");
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

test("a login whose cookie the browser drops is no login, and its session is ended", async () => {
  const world = worldOfCookies();
  world.service.dropsCookies = true;
  const storage = new TestStorage();
  const client = world.client({ mode: "cookie", storage: storage.tab() });
  await client.restore();
  await assert.rejects(client.login("ada", "correct horse"), (problem: LatchkeyError) => {
    assert.deepEqual([problem.code, problem.status, problem.temporary], ["cookie_not_kept", null, false]);
    return true;
  });
  assert.deepEqual([client.getState().status, storage.kept], ["signed-out", null]);
  assert(world.service.ended.has(1));
});

test("a login whose cookie is dropped is no login either where the cookie of somebody else is left", async () => {
  const world = worldOfCookies();
  await world.signedIn({ mode: "cookie" });
  world.service.dropsCookies = true;
  await assert.rejects(world.client({ mode: "cookie" }).login("grace", "correct horse"), { code: "cookie_not_kept" });
});

test("a service without cookie mode is found out at the login", async () => {
  const world = new TestWorld();
  await assert.rejects(world.client({ mode: "cookie" }).login("ada", "correct horse"), { code: "cookie_not_kept" });
});

test("a login whose cookie cannot be looked for is a login", async () => {
  const world = worldOfCookies();
  const client = world.client({ mode: "cookie" });
  await client.restore();
  const release = world.service.holdNext();
  world.service.answerNext(503, "temporarily_unavailable", 60);
  const login = client.login("ada", "correct horse");
  release();
  assert.equal((await login).status, "signed-in");
});

test("a page that nobody is signed in on asks once, without a preflight", async () => {
  const world = worldOfCookies();
  assert.equal((await world.client({ mode: "cookie" }).restore()).status, "signed-out");
  assert.deepEqual(world.service.calls.map(({ method, path }) => `${method} ${path}`), ["GET /auth/sessions"]);
});

for (const news of ["nothing but time", "a wake"] as const) {
  test(`a page that was loaded while the service was away finds out when it is back (${news})`, async () => {
    const world = worldOfCookies();
    await world.signedIn({ mode: "cookie" });
    world.service.failNext(1_000);
    const reloaded = world.client({ mode: "cookie" });
    const outcome = assert.rejects(reloaded.restore(), { code: "network_error" });
    await world.pass(10 * MINUTE);
    await outcome;
    assert.equal(reloaded.getState().status, "restoring");
    world.service.failures.length = 0;
    if (news === "a wake") await world.wake();
    else await world.pass(MINUTE);
    assert.equal(reloaded.getState().status, "signed-in");
  });
}

test("a rejected logout rejects its promise, and the page stays signed in as the cookie is", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  // As for a cookie that is there twice; the question that follows is rejected alike.
  world.service.answerNext(400, "invalid_request");
  world.service.answerNext(400, "invalid_request");
  await assert.rejects(client.logout(), { code: "invalid_request" });
  assert.equal(client.getState().status, "signed-in");
  world.service.answerNext(400, "invalid_request");
  await assert.rejects(client.logout(), { code: "invalid_request" });
  assert.equal(client.getState().status, "signed-in");
});

test("a refresh rejected for another reason than a missing cookie signs nobody out", async () => {
  const world = worldOfCookies();
  const client = await world.signedIn({ mode: "cookie" });
  world.service.answerNext(400, "invalid_request");
  await assert.rejects(client.refresh(), { code: "invalid_request" });
  const state = client.getState();
  assert(state.status === "signed-in" && state.problem?.code === "invalid_request");
});

test("a refresh asked for while nobody is signed in leaves it at that", async () => {
  const world = worldOfCookies();
  const client = world.client({ mode: "cookie" });
  await client.restore();
  world.service.failNext(3);
  const outcome = assert.rejects(client.refresh(), { code: "network_error" });
  await world.pass(MINUTE);
  await outcome;
  assert.equal(client.getState().status, "signed-out");
});

test("a login waits for the refresh of another tab, whose cookie would come after its own", async () => {
  const world = worldOfCookies();
  world.locks = new TestLocks();
  const storage = new TestStorage();
  const one = await world.signedIn({ mode: "cookie", storage: storage.tab() });
  const other = world.client({ mode: "cookie", storage: storage.tab() });
  await other.restore();
  const release = world.service.holdNext();
  const refresh = one.refresh();
  await settled();
  const login = other.login("grace", "correct horse");
  await settled();
  assert.equal(world.service.count("/auth/login"), 1, "the first one alone");
  release();
  await Promise.all([refresh, login]);
  await settled();
  assert.equal(one.getState().user?.username, "grace");
});
