import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { LatchkeyError } from "../src/index.js";
import { MINUTE, settled, TestWorld } from "./world.js";

const rejectedWith = (code: string) => (problem: unknown) => problem instanceof LatchkeyError && problem.code === code;

test("a login answered 503 is tried again after Retry-After, not sooner", async () => {
  const world = new TestWorld();
  world.service.answerNext(503, "temporarily_unavailable", 7);
  const login = world.client().login("ada", "correct horse");
  await world.pass(6_999);
  assert.equal(world.service.count("/auth/login"), 1);
  await world.pass(501);
  assert.equal((await login).status, "signed-in");
});

test("three tries are all", async () => {
  const world = new TestWorld();
  for (let time = 0; time < 4; time += 1) world.service.answerNext(503, "temporarily_unavailable", 1);
  const login = world.client().login("ada", "correct horse");
  const outcome = assert.rejects(login, rejectedWith("temporarily_unavailable"));
  await world.pass(MINUTE);
  await outcome;
  assert.equal(world.service.count("/auth/login"), 3);
});

test("a Retry-After longer than half a minute is told and not waited for", async () => {
  const world = new TestWorld();
  world.service.answerNext(503, "temporarily_unavailable", 31);
  const problem = await world.client().login("ada", "correct horse").catch((each: unknown) => each);
  assert(problem instanceof LatchkeyError);
  assert.deepEqual([problem.status, problem.retryAfter, problem.temporary], [503, 31, true]);
});

test("too many attempts are told with their Retry-After and never tried again", async () => {
  const world = new TestWorld();
  world.service.answerNext(429, "too_many_attempts", 5);
  const problem = await world.client().login("ada", "correct horse").catch((each: unknown) => each);
  assert(problem instanceof LatchkeyError);
  assert.deepEqual([problem.code, problem.status, problem.retryAfter], ["too_many_attempts", 429, 5]);
  assert.equal(problem.message, "It is rejected: too_many_attempts.");
  await world.pass(MINUTE);
  assert.equal(world.service.calls.length, 1);
});

test("a wrong password is rejected with the service's code, status and sentence", async () => {
  const world = new TestWorld();
  const problem = await world.client().login("ada", "wrong").catch((each: unknown) => each);
  assert(problem instanceof LatchkeyError);
  assert.deepEqual([problem.code, problem.status, problem.retryAfter, problem.temporary], ["invalid_credentials", 400, null, false]);
});

test("a login whose answer is lost is not tried again", async () => {
  const world = new TestWorld();
  world.service.failNext(1);
  await assert.rejects(world.client().login("ada", "correct horse"), rejectedWith("network_error"));
  assert.equal(world.service.calls.length, 1);
});

test("a wait for the next try can be aborted", async () => {
  const world = new TestWorld();
  world.service.answerNext(503, "temporarily_unavailable", 20);
  const patience = new AbortController();
  const login = world.client().login("ada", "correct horse", { signal: patience.signal });
  await settled();
  patience.abort();
  await assert.rejects(login, { name: "AbortError" });
  assert.equal(world.timers, 0);
  await world.pass(MINUTE);
  assert.equal(world.service.calls.length, 1);
});

test("a request under way can be aborted, and one aborted before is never sent", async () => {
  const world = new TestWorld();
  world.service.holdNext();
  const patience = new AbortController();
  const login = world.client().login("ada", "correct horse", { signal: patience.signal });
  await settled();
  patience.abort();
  await assert.rejects(login, { name: "AbortError" });
  await assert.rejects(world.client().login("ada", "x", { signal: patience.signal }), { name: "AbortError" });
  assert.equal(world.service.calls.length, 1);
});

test("a signal that lives longer than its call keeps nothing of it", async () => {
  const world = new TestWorld();
  world.service.answerNext(503, "temporarily_unavailable", 1);
  const { signal } = new AbortController();
  const login = world.client().login("ada", "correct horse", { signal });
  await world.pass(2_000);
  const client = await login.then(() => world.client());
  await assert.rejects(client.login("ada", "wrong", { signal }));
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("no redirect is followed with a password or a token", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await client.refresh();
  assert(world.service.calls.every(({ redirect }) => redirect === "error"));
});

test("a service that does not answer is given up after the timeout", async () => {
  const world = new TestWorld();
  world.service.holdNext();
  const outcome = assert.rejects(world.client({ timeout: 2_000 }).login("ada", "correct horse"), rejectedWith("timeout"));
  await world.pass(2_000);
  await outcome;
});

test("a refresh rides out a network that is away for a moment", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.failNext(2);
  const refresh = client.refresh();
  await world.pass(5_000);
  assert.equal((await refresh).status, "signed-in");
  assert.equal(world.service.count("/auth/refresh"), 3);
});

test("a failing refresh is shown as a problem, tried again and again, and forgotten when it works", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.failNext(6);
  await world.pass(49 * MINUTE);
  const troubled = client.getState();
  assert(troubled.status === "signed-in" && troubled.problem?.code === "network_error");
  await world.pass(5 * MINUTE);
  const well = client.getState();
  assert(well.status === "signed-in" && well.problem === null);
});

test("a service that stays away until the token's end leaves the session expired", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.failNext(1_000);
  await world.pass(60 * MINUTE);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "expired" });
  const tries = world.service.count("/auth/refresh");
  assert(tries > 10 && tries < 70, `${tries} tries in 12 minutes`);
});

test("a refresh is not tried before the Retry-After of the last answer, however long", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(503, "temporarily_unavailable", 300);
  await assert.rejects(client.refresh(), rejectedWith("temporarily_unavailable"));
  await world.pass(299_999);
  assert.equal(world.service.count("/auth/refresh"), 1);
  await world.pass(1);
  assert.equal(world.service.count("/auth/refresh"), 2);
});

test("a gateway's own errors and strange answers are unexpected, and temporary where they are", async () => {
  const answers: [Response, boolean][] = [
    [Response.json({ message: "Internal Server Error" }, { status: 500 }), true],
    [new Response("<html>", { status: 504 }), true],
    [Response.json({ message: "Not Found" }, { status: 404 }), false],
    [new Response("<html>welcome to the hotel", { status: 200 }), false],
    [Response.json({ token: "t", expires_in: "soon" }), false],
    [Response.json({ token: 7, expires_in: 3600 }), false],
    [Response.json(null), false],
    [Response.json({ expires_in: 3600 }), false],
    [Response.json({ token: "t", expires_in: 3600 }), false],
  ];
  for (const [answer, temporary] of answers) {
    const world = new TestWorld();
    world.service.failures.push(async () => answer);
    const client = world.client();
    const problem = await client.login("ada", "correct horse").catch((each: unknown) => each);
    assert(problem instanceof LatchkeyError, String(problem));
    assert.deepEqual([problem.code, problem.temporary], ["unexpected_answer", temporary], `${answer.status}`);
    assert.deepEqual(await client.restore(), { status: "signed-out", user: null, reason: "none" });
  }
});

test("a refresh rejected with 429 and no word of when is not tried in a burst, and wakes do not hurry it", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  for (let time = 0; time < 1_000; time += 1) {
    world.service.failures.push(async () => Response.json({ message: "Too Many Requests" }, { status: 429 }));
  }
  for (let minute = 0; minute < 59; minute += 1) {
    await world.pass(MINUTE);
    await world.wake();
  }
  const tries = world.service.count("/auth/refresh");
  assert(tries >= 5 && tries <= 20, `${tries} tries in 12 minutes`);
  assert.equal(client.getState().status, "signed-in");
});

test("a refresh rejected with 429 is tried again after its Retry-After", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(429, "too_many_attempts", 20);
  const refresh = client.refresh();
  await world.pass(19_999);
  assert.equal(world.service.count("/auth/refresh"), 1);
  await world.pass(1_000);
  assert.equal((await refresh).status, "signed-in");
});

test("a logout rejected with 429 and no word of when rejects at once", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.failures.push(async () => Response.json({ message: "Too Many Requests" }, { status: 429 }));
  await assert.rejects(client.logout(), { status: 429 });
  assert.equal(world.service.count("/auth/logout"), 1);
});

test("a wake tries again what failed, and not before the Retry-After", async () => {
  for (const retryAfter of [null, 300]) {
    const world = new TestWorld();
    const client = await world.signedIn();
    await world.pass(50 * MINUTE);
    if (retryAfter === null) world.service.failNext(3);
    else world.service.answerNext(503, "temporarily_unavailable", retryAfter);
    const outcome = assert.rejects(client.refresh());
    await world.pass(2_000);
    await outcome;
    const before = world.service.count("/auth/refresh");
    await world.wake();
    assert.equal(world.service.count("/auth/refresh") - before, retryAfter === null ? 1 : 0);
  }
});

test("a refresh that failed is tried until the very end of a token of seconds", async () => {
  const world = new TestWorld();
  world.service.expiration = 10;
  world.service.refreshExpiration = 60;
  const client = await world.signedIn();
  world.service.failNext(3);
  await world.pass(11_000);
  assert.equal(client.getState().status, "signed-in");
});

test("a client that was closed says so to every call", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  client.close();
  const calls = [client.restore(), client.login("ada", "correct horse"), client.refresh(), client.token(), client.logout(),
    client.fetch("https://auth.example.com/"), client.sessions(), client.endSession("1"), client.verify(), client.changePassword("a", "b"),
    client.accessToken("https://orders.example.com")];
  for (const call of calls) await assert.rejects(call, rejectedWith("closed"));
  const early = world.client();
  early.close();
  await assert.rejects(early.restore(), rejectedWith("closed"));
  assert.equal(world.service.calls.length, 1);
});

test("a refresh under way when the client is closed rejects with that, and nobody is signed out", async () => {
  // At each of the steps that lead to the request, and after it.
  for (let steps = 0; steps < 30; steps += 1) {
    const world = new TestWorld();
    const client = await world.signedIn();
    world.service.holdNext();
    const refresh = client.refresh();
    for (let step = 0; step < steps; step += 1) await null;
    client.close();
    await assert.rejects(refresh, rejectedWith("closed"));
    assert.equal(client.getState().status, "signed-in");
  }
});

test("a base URL that is none is said at the first call, and making the client is harmless where there is no page", async () => {
  for (const baseUrl of ["/", "not a URL", "https://"]) {
    const client = new TestWorld().client({ baseUrl });
    assert.deepEqual(client.getState(), { status: "restoring", user: null, problem: null });
    await assert.rejects(client.login("ada", "correct horse"), rejectedWith("invalid_base_url"));
  }
});

test("an unexpected answer names the address, and a network error what a browser hides", async () => {
  const world = new TestWorld();
  const client = world.client({ baseUrl: "https://auth.example.com/Prod/", mode: "cookie" });
  world.service.failures.push(async () => Response.json({ message: "Not Found" }, { status: 404 }));
  await assert.rejects(client.login("ada", "correct horse"), /https:\/\/auth\.example\.com\/Prod\/ answers \/auth\/login with status 404 .* Is baseUrl right\?/);
  Object.assign(globalThis, { location: new URL("https://app.example.com/page") });
  try {
    world.service.failNext(1);
    await assert.rejects(client.login("ada", "correct horse"), /at https:\/\/auth\.example\.com cannot be reached, does not name https:\/\/app\.example\.com in CORS_ALLOWED_ORIGINS, or baseUrl or mode is wrong\./);
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});
