import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { LatchkeyError, type SessionState } from "../src/index.js";
import { HOUR, MINUTE, settled, TestWorld } from "./world.js";

const rejectedWith = (code: string) => (problem: unknown) => problem instanceof LatchkeyError && problem.code === code;

test("a login signs in until the token's end, counted from the moment of the question", async () => {
  const world = new TestWorld();
  const asked = world.now;
  const client = world.client();
  const release = world.service.holdNext();
  const login = client.login("ada", "correct horse");
  await settled();
  world.sleep(700);
  release();
  assert.deepEqual(await login, {
    status: "signed-in",
    user: { sub: "id-of-ada", username: "ada" },
    expiresAt: asked + HOUR,
    refreshableUntil: asked + 48 * HOUR,
    problem: null,
  });
});

test("a new client is restoring, then signed out, and says nothing to the service", async () => {
  const world = new TestWorld();
  const client = world.client();
  assert.deepEqual(client.getState(), { status: "restoring", user: null, problem: null });
  assert.deepEqual(await client.restore(), { status: "signed-out", user: null, reason: "none" });
  await assert.rejects(client.refresh(), rejectedWith("signed_out"));
  await assert.rejects(client.token(), rejectedWith("signed_out"));
  assert.equal(world.service.calls.length, 0);
});

for (const [random, earliest] of [[0, 42], [1, 54]] as const) {
  test(`a refresh comes after 70 to 90 % of a token's life: ${earliest} of 60 minutes with the dice at ${random}`, async () => {
    const world = new TestWorld();
    world.random = random;
    await world.signedIn();
    await world.pass(earliest * MINUTE - 1);
    assert.equal(world.service.count("/auth/refresh"), 0);
    await world.pass(1);
    assert.equal(world.service.count("/auth/refresh"), 1);
  });
}

test("a session of 2 days is kept until minutes before the limit, and ends with its last token", async () => {
  const world = new TestWorld();
  const began = world.now;
  const client = await world.signedIn();
  const seen: SessionState[] = [];
  client.subscribe(() => seen.push(client.getState()));

  await world.pass(48 * HOUR);
  const state = client.getState();
  assert.equal(state.status, "ending");
  assert(state.status === "ending" && state.reason === "refresh_limit");
  const total = state.expiresAt - began;
  assert(total > 49 * HOUR - 3 * MINUTE && total <= 49 * HOUR, `${total / HOUR} hours`);
  const refreshes = world.service.count("/auth/refresh");
  assert(refreshes >= 54 && refreshes <= 70, `${refreshes} refreshes`);

  await world.pass(HOUR);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_limit" });
  assert.equal(world.service.count("/auth/refresh"), refreshes, "none was tried past the limit");
  assert.equal(world.timers, 0);
  assert(seen.every((each) => each.status !== "signed-in" || each.problem === null));
});

test("a refresh limit nearer than the token's end is met by one refresh just before it", async () => {
  const world = new TestWorld();
  world.service.refreshExpiration = 1800;
  const client = await world.signedIn();
  await world.pass(30 * MINUTE);
  assert.equal(world.service.count("/auth/refresh"), 1);
  assert.equal(client.getState().status, "ending");
});

test("a refresh past the limit rejects with refresh_expired, and the token is used to its end", async () => {
  const world = new TestWorld();
  world.service.refreshExpiration = 1800;
  const client = await world.signedIn();
  world.sleep(40 * MINUTE);
  await assert.rejects(client.refresh(), rejectedWith("refresh_expired"));
  const state = client.getState();
  assert(state.status === "ending" && state.reason === "refresh_limit");
  assert.equal(await client.token(), "token-1");
  await world.pass(20 * MINUTE);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_limit" });
});

test("where refreshing is switched off the first token is the last", async () => {
  const world = new TestWorld();
  world.service.allowRefresh = false;
  const client = await world.signedIn();
  const state = client.getState();
  assert(state.status === "ending" && state.reason === "refresh_disabled");
  await world.pass(HOUR);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_disabled" });
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("refreshing that was switched off meanwhile ends with the token at hand", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.allowRefresh = false;
  await world.pass(55 * MINUTE);
  const state = client.getState();
  assert(state.status === "ending" && state.reason === "refresh_disabled");
});

test("a machine that slept past the token's end finds itself signed out, without asking", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.sleep(HOUR);
  await world.wake();
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "expired" });
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("a machine that slept through the moment of refresh makes up for it when it wakes", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.sleep(59 * MINUTE);
  await world.wake();
  const state = client.getState();
  assert(state.status === "signed-in" && state.expiresAt === world.now + HOUR);
});

test("a clock that was set back does not keep a dead token: the service decides", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.tokens.get("token-1")!.exp = 0;
  await assert.rejects(client.refresh(), rejectedWith("token_expired"));
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "expired" });
});

for (const code of ["session_ended", "user_disabled", "invalid_token"] as const) {
  test(`a refresh rejected with ${code} signs out for that reason`, async () => {
    const world = new TestWorld();
    const client = await world.signedIn();
    world.service.answerNext(400, code);
    await world.pass(55 * MINUTE);
    assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: code });
    assert.equal(world.timers, 0);
  });
}

test("calls to refresh at the same time share one request, and one of them may stop waiting", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  const release = world.service.holdNext();
  const impatient = new AbortController();
  const waiting = [client.refresh(), client.refresh({ signal: impatient.signal }), client.refresh()];
  const outcome = Promise.allSettled(waiting);
  await settled();
  impatient.abort(new Error("no longer needed"));
  release();
  assert.deepEqual((await outcome).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await assert.rejects(waiting[1]!, /no longer needed/);
  assert.equal(world.service.count("/auth/refresh"), 1);
});

test("a password is changed with the token, and the new session goes on", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await client.changePassword("correct horse", "four more random words");
  const call = world.service.calls.at(-1)!;
  assert.deepEqual([call.path, call.authorization], ["/auth/password", "Bearer token-1"]);
  assert.equal(await client.token(), "token-2");
  await world.pass(55 * MINUTE);
  assert.equal(client.getState().status, "signed-in");
});

test("a change of the password by a session that has ended signs out", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.ended.add(1);
  await assert.rejects(client.changePassword("a", "b"), rejectedWith("session_ended"));
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "session_ended" });
});

test("a state is the same object until it changes, and every change is told", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  const before = client.getState();
  assert.equal(client.getState(), before);
  let told = 0;
  const stop = client.subscribe(() => (told += 1));
  await client.refresh();
  assert.notEqual(client.getState(), before);
  assert.equal(told, 1);
  stop();
  await client.refresh();
  assert.equal(told, 1);
});

test("close leaves neither a timer nor a listener behind", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  client.close();
  assert.deepEqual([world.timers, world.wakers], [0, 0]);
  await world.pass(2 * HOUR);
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("nothing that may be printed shows a token or a password", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(503, "temporarily_unavailable", 60);
  const problem = await client.refresh().catch((each: unknown) => each);
  const wrong = await world.client().login("ada", "wrong horse").catch((each: unknown) => each);
  const printed = inspect([client, client.getState(), problem, wrong], { depth: 9, showHidden: true });
  assert.doesNotMatch(printed, /token-\d|horse/);
});
