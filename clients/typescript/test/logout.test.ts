import assert from "node:assert/strict";
import { test } from "node:test";
import { LatchkeyError } from "../src/index.js";
import { MINUTE, settled, TestStorage, TestWorld } from "./world.js";

const OUT = { status: "signed-out", user: null, reason: "logout" };

test("a logout tells the service, forgets the token and stops the timer", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  await client.logout();
  assert.deepEqual(world.service.calls.at(-1)?.body, { token: "token-1", everywhere: false });
  assert.deepEqual([client.getState(), storage.kept, world.timers], [OUT, null, 0]);
  await client.logout();
  assert.equal(world.service.count("/auth/logout"), 1, "there was nothing left to end");
});

test("everywhere is said to the service", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await client.logout({ everywhere: true });
  assert.equal(world.service.calls.at(-1)?.body["everywhere"], true);
});

test("a logout that the service does not hear of rejects, and the token is forgotten all the same", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.failNext(3);
  const outcome = assert.rejects(client.logout(), { code: "network_error" });
  await world.pass(MINUTE);
  await outcome;
  assert.deepEqual(client.getState(), OUT);
});

test("a logout from everywhere that the service does not hear of keeps the token for another try", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(503, "temporarily_unavailable", 60);
  await assert.rejects(client.logout({ everywhere: true }), { code: "temporarily_unavailable" });
  assert.equal(client.getState().status, "signed-in");
  await client.logout({ everywhere: true });
  assert.deepEqual(client.getState(), OUT);
});

test("a logout from everywhere that is rejected for good rejects and signs out here", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(400, "session_ended");
  await assert.rejects(client.logout({ everywhere: true }), (problem) => problem instanceof LatchkeyError);
  assert.deepEqual(client.getState(), OUT);
});

test("a token that the service does not know any more needs no end", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.answerNext(400, "invalid_token");
  await client.logout();
  assert.deepEqual(client.getState(), OUT);
});

test("a refresh that is answered after the logout brings nobody back", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  const release = world.service.holdNext();
  const refresh = client.refresh();
  await settled();
  const logout = client.logout();
  await settled();
  release();
  await Promise.all([refresh, logout]);
  await world.pass(2 * MINUTE);
  assert.deepEqual([client.getState(), storage.kept], [OUT, null]);
});
