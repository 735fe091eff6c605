import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionEvent } from "../src/index.js";
import { HOUR, MINUTE, settled, TestStorage, TestWorld } from "./world.js";

const ada = { sub: "id-of-ada", username: "ada" };
const grace = { sub: "id-of-grace", username: "grace" };

test("the state says who is signed in, and a reload knows it without asking", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = world.client({ storage: storage.tab() });
  assert.equal(client.getState().user, null);
  assert.deepEqual((await client.login("ada", "correct horse")).user, ada);
  const reloaded = world.client({ storage: storage.tab() });
  assert.deepEqual((await reloaded.restore()).user, ada);
  assert.equal(world.service.calls.length, 1);
  await client.logout();
  assert.equal(client.getState().user, null);
});

test("in cookie mode a page without a storage learns from the service who is signed in", async () => {
  const world = new TestWorld();
  world.service.cookieMode = true;
  await world.signedIn({ mode: "cookie" });
  assert.deepEqual((await world.client({ mode: "cookie" }).restore()).user, ada);
});

for (const mode of ["token", "cookie"] as const) {
  test(`another user in another tab is an event of its own and no refresh (${mode} mode)`, async () => {
    const world = new TestWorld();
    world.service.cookieMode = mode === "cookie";
    const storage = new TestStorage();
    const one = await world.signedIn({ mode, storage: storage.tab() });
    const events: SessionEvent[] = [];
    one.subscribe((event) => events.push(event));
    const other = world.client({ mode, storage: storage.tab() });
    await other.login("grace", "correct horse");
    await settled();
    assert.deepEqual(events.map(({ type }) => type), ["user-changed"]);
    assert.deepEqual([events[0]!.previous.user, events[0]!.state.user], [ada, grace]);
    assert.equal(events[0]!.state, one.getState());
  });
}

test("another user behind the same cookie is found out by the next refresh and by the list of sessions", async () => {
  for (const find of ["refresh", "sessions"] as const) {
    const world = new TestWorld();
    world.service.cookieMode = true;
    const one = await world.signedIn({ mode: "cookie" });
    const seen: string[] = [];
    one.subscribe(({ type }) => seen.push(type));
    await world.client({ mode: "cookie" }).login("grace", "correct horse");
    await one[find]();
    assert.deepEqual([seen, one.getState().user], [["user-changed"], grace]);
  }
});

test("each kind of change has its name", async () => {
  const world = new TestWorld();
  const client = world.client();
  const seen: string[] = [];
  client.subscribe(({ type }) => seen.push(type));
  await client.restore();
  await client.login("ada", "correct horse");
  await client.refresh();
  world.service.failNext(3);
  const outcome = assert.rejects(client.refresh());
  await world.pass(2_000);
  await outcome;
  await client.refresh();
  world.service.allowRefresh = false;
  await assert.rejects(client.refresh());
  await world.pass(HOUR);
  assert.deepEqual(seen, ["signed-out", "signed-in", "refreshed", "problem", "refreshed", "ending", "signed-out"]);
});

test("a request that one user made is not made again as another", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const one = await world.signedIn({ storage: storage.tab() });
  await world.pass(MINUTE);
  world.service.failures.push(async () => {
    await world.client({ storage: storage.tab() }).login("grace", "correct horse");
    await settled();
    return new Response(null, { status: 401 });
  });
  assert.equal((await one.fetch("https://auth.example.com/orders", { method: "DELETE" })).status, 401);
  assert.equal(world.service.count("/orders"), 1);
});

for (const mode of ["token", "cookie"] as const) {
  test(`sessions are listed and ended, one's own too (${mode} mode)`, async () => {
    const world = new TestWorld();
    world.service.cookieMode = mode === "cookie";
    const phone = await world.signedIn();
    const client = await world.signedIn({ mode });
    const listed = await client.sessions();
    const began = Math.floor(world.now / 1000) + 90_007;
    assert.deepEqual(listed[0], {
      session_id: "2", current: true, issued_at: began, user_agent: "a browser", source_ip: "192.0.2.7",
      session_expires_in: 176_400, refresh_expires_in: 172_800,
    });
    assert.deepEqual(listed.map(({ session_id, current }) => [session_id, current]), [["2", true], ["1", false]]);
    await client.endSession("1");
    assert.deepEqual((await client.sessions()).map(({ session_id }) => session_id), ["2"]);
    await assert.rejects(phone.refresh(), { code: "session_ended" });
    await client.endSession("2");
    assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "logout" });
  });
}

test("the list of sessions of a session that was ended signs out", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  world.service.ended.add(1);
  await assert.rejects(client.sessions(), { code: "session_ended" });
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "session_ended" });
});

test("verify gives the claims, and looks the session up where it is asked to", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  const claims = await client.verify();
  assert.deepEqual([claims.sub, claims.username, claims.sid], ["id-of-ada", "ada", "1"]);
  world.service.ended.add(1);
  assert.equal((await client.verify()).sub, "id-of-ada");
  await assert.rejects(client.verify({ checkSession: true }), { code: "session_ended" });
  assert.equal(client.getState().status, "signed-out");
});

test("in cookie mode no script has a token to verify", async () => {
  const world = new TestWorld();
  world.service.cookieMode = true;
  const client = await world.signedIn({ mode: "cookie" });
  await assert.rejects(client.verify(), { code: "token_unreadable" });
  assert.equal(client.getState().status, "signed-in");
});

test("the user that the server knows is there while the page restores, and a server renders the same", async () => {
  const world = new TestWorld();
  world.service.cookieMode = true;
  const client = world.client({ mode: "cookie", initialUser: ada });
  assert.deepEqual(client.getState(), { status: "restoring", user: ada, problem: null });
  assert.equal(client.initialState, client.getState());
  await client.restore();
  assert.deepEqual([client.getState().user, client.initialState.user], [null, ada]);
});
