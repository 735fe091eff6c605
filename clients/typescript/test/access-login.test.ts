import assert from "node:assert/strict";
import { test } from "node:test";
import type { Latchkey } from "../src/index.js";
import { ORDERS, settled, TestStorage, worldOfApis } from "./world.js";

const PATH = "/auth/access";

const changes: Record<string, (client: Latchkey) => Promise<unknown>> = {
  "a new login": (client) => client.login("ada", "correct horse"),
  "a new password": (client) => client.changePassword("correct horse", "four more random words"),
  "a logout and a login": async (client) => {
    await client.logout();
    await client.login("ada", "correct horse");
  },
};

for (const [name, change] of Object.entries(changes)) {
  test(`${name} drops what was kept`, async () => {
    const world = worldOfApis();
    const client = await world.signedIn();
    await client.accessToken(ORDERS);
    await change(client);
    assert.equal(await client.accessToken(ORDERS), "access-token-2");
    assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
  });

  test(`an answer that comes after ${name} is thrown away, and the new session is asked`, async () => {
    const world = worldOfApis();
    const client = await world.signedIn();
    const release = world.service.holdNext();
    const token = client.accessToken(ORDERS);
    await settled();
    await change(client);
    release();
    assert.equal(await token, "access-token-2");
    assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
    assert.equal(await client.accessToken(ORDERS), "access-token-2");
  });
}

test("a call that is waiting for its next try goes on with the new session", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  world.service.answerNext(503, "temporarily_unavailable", 20);
  const token = client.accessToken(ORDERS);
  await settled();
  await client.changePassword("correct horse", "four more random words");
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  await world.pass(21_000);
  assert.equal(await token, "access-token-1");
  assert.equal(world.service.count(PATH), 2);
});

test("a rejection that comes after a new password is thrown away too", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  world.service.failures.push(async () => {
    await held;
    return Response.json({ code: "session_ended", message: "It has ended." }, { status: 401 });
  });
  const token = client.accessToken(ORDERS);
  await settled();
  await client.changePassword("correct horse", "four more random words");
  release();
  assert.equal(await token, "access-token-1");
  assert.equal(client.getState().status, "signed-in");
});

test("an answer that comes after the logout is thrown away, and nobody is brought back", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const release = world.service.holdNext();
  const outcome = assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
  await settled();
  await client.logout();
  release();
  await outcome;
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "logout" });
  await assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
});

for (const mode of ["token", "cookie"] as const) {
  test(`a session that was ended is found out, and signs out (${mode} mode)`, async () => {
    const world = worldOfApis();
    world.service.cookieMode = mode === "cookie";
    const client = await world.signedIn({ mode });
    world.service.ended.add(1);
    const both = [client.accessToken(ORDERS), client.accessToken(ORDERS)];
    for (const each of both) await assert.rejects(each, { code: "session_ended", status: mode === "cookie" ? 400 : 401 });
    assert.equal(world.service.count(PATH), 1);
    assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "session_ended" });
  });

  test(`nobody gets what another user was granted, when another tab says who is signed in (${mode} mode)`, async () => {
    const world = worldOfApis();
    world.service.cookieMode = mode === "cookie";
    const storage = new TestStorage();
    const client = await world.signedIn({ mode, storage: storage.tab() });
    const other = world.client({ mode, storage: storage.tab() });
    await client.accessToken(ORDERS);
    await other.login("grace", "correct horse");
    await settled();
    assert.equal(await client.accessToken(ORDERS), "access-token-2");
    assert.equal(world.service.accessTokens.get("access-token-2")?.username, "grace");
  });

  test(`a call that one user began ends with that user (${mode} mode)`, async () => {
    const world = worldOfApis();
    world.service.cookieMode = mode === "cookie";
    const storage = new TestStorage();
    const client = await world.signedIn({ mode, storage: storage.tab() });
    const other = world.client({ mode, storage: storage.tab() });
    const release = world.service.holdNext();
    const outcome = assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
    await settled();
    await other.login("grace", "correct horse");
    await settled();
    release();
    await outcome;
    assert.equal(client.getState().user?.username, "grace");
    assert.deepEqual([world.service.count(PATH), world.service.count("/auth/refresh")], [1, 0]);
    assert.equal(await client.accessToken(ORDERS), "access-token-2");
  });
}

test("another user behind the same cookie is found out by the answer, which is thrown away", async () => {
  const world = worldOfApis();
  world.service.cookieMode = true;
  const client = await world.signedIn({ mode: "cookie" });
  const seen: string[] = [];
  client.subscribe(({ type }) => seen.push(type));
  await world.client({ mode: "cookie" }).login("grace", "correct horse");
  const both = [client.accessToken(ORDERS), client.accessToken(ORDERS)];
  for (const each of both) await assert.rejects(each, { code: "signed_out" });
  assert.deepEqual([seen, client.getState().user?.username], [["user-changed"], "grace"]);
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
  assert.equal(world.service.accessTokens.get("access-token-2")?.username, "grace");
});

test("another user whom the page knows of by the time of the answer is no reason to refresh", async () => {
  const world = worldOfApis();
  world.service.cookieMode = true;
  const storage = new TestStorage();
  const client = await world.signedIn({ mode: "cookie", storage: storage.tab() });
  const other = world.client({ mode: "cookie", storage: storage.tab() });
  // The browser has the cookie of a login before the page hears of it.
  await world.client({ mode: "cookie" }).login("grace", "correct horse");
  const release = world.service.holdNext();
  const outcome = assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
  await settled();
  await other.login("grace", "correct horse");
  await settled();
  release();
  await outcome;
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("a refresh that finds another user behind the cookie drops what was kept", async () => {
  const world = worldOfApis();
  world.service.cookieMode = true;
  const client = await world.signedIn({ mode: "cookie" });
  await client.accessToken(ORDERS);
  await world.client({ mode: "cookie" }).login("grace", "correct horse");
  await client.refresh();
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
  assert.equal(world.service.accessTokens.get("access-token-2")?.username, "grace");
});

test("a token that another tab has saved may be of another login, so it is asked with that one", async () => {
  const world = worldOfApis();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  const other = world.client({ storage: storage.tab() });
  await client.accessToken(ORDERS);
  await other.changePassword("correct horse", "four more random words");
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
});

test("a page that no event told of another tab's logout hands nothing out", async () => {
  const world = worldOfApis();
  const storage = new TestStorage();
  const cached = await world.signedIn({ storage: { ...storage.tab(), subscribe: () => () => {} } });
  const other = world.client({ storage: storage.tab() });
  await cached.accessToken(ORDERS);
  await other.logout();
  await assert.rejects(cached.accessToken(ORDERS), { code: "signed_out" });
});

test("one's own session that is ended by its id takes its access tokens along", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  const [own] = await client.sessions();
  await client.endSession(own!.session_id);
  await assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
});
