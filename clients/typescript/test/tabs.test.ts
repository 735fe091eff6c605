import assert from "node:assert/strict";
import { test } from "node:test";
import { TestLocks, HOUR, MINUTE, settled, TestStorage, TestWorld } from "./world.js";

for (const kind of ["Web Locks", "no Web Locks, in one process"]) {
  test(`two tabs refresh once, at the earlier of their moments, and both go on with the same token (${kind})`, async () => {
    const world = new TestWorld();
    world.locks = kind === "Web Locks" ? new TestLocks() : null;
    const storage = new TestStorage();
    const one = await world.signedIn({ storage: storage.tab() });
    const other = world.client({ storage: storage.tab() });
    assert.equal((await other.restore()).status, "signed-in");
    await world.pass(10 * HOUR);
    const refreshes = world.service.count("/auth/refresh");
    assert(refreshes >= 11 && refreshes <= 15, `${refreshes} refreshes of two tabs in 10 hours`);
    assert.deepEqual(one.getState(), other.getState());
    assert.equal(await one.token(), await other.token());
  });

  test(`two tabs that refresh at the same instant send one request (${kind})`, async () => {
    const world = new TestWorld();
    world.locks = kind === "Web Locks" ? new TestLocks() : null;
    const storage = new TestStorage();
    const one = await world.signedIn({ storage: storage.tab() });
    const other = world.client({ storage: storage.tab() });
    await other.restore();
    const release = world.service.holdNext();
    const both = Promise.all([one.refresh(), other.refresh()]);
    await settled();
    release();
    await both;
    assert.equal(world.service.count("/auth/refresh"), 1);
    assert.equal(await one.token(), "token-2");
    assert.equal(await other.token(), "token-2");
  });
}

test("a tab that hangs while it refreshes holds the others up for ten seconds and no longer", async () => {
  const world = new TestWorld();
  const locks = new TestLocks();
  world.locks = locks;
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  void locks.request("latchkey", { signal: new AbortController().signal }, () => new Promise(() => {}));
  const refresh = client.refresh();
  await world.pass(9_999);
  assert.equal(world.service.count("/auth/refresh"), 0);
  await world.pass(1);
  assert.equal((await refresh).status, "signed-in");
});

test("a logout in one tab signs the others out", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const one = await world.signedIn({ storage: storage.tab() });
  const other = world.client({ storage: storage.tab() });
  await other.restore();
  await one.logout();
  await settled();
  assert.deepEqual(other.getState(), { status: "signed-out", user: null, reason: "elsewhere" });
});

test("a login in one tab signs the others in", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const other = world.client({ storage: storage.tab() });
  await other.restore();
  const one = await world.signedIn({ storage: storage.tab() });
  await settled();
  assert.deepEqual(other.getState(), one.getState());
});

test("a login in one tab survives a refresh that another tab has under way", async () => {
  const world = new TestWorld();
  world.locks = new TestLocks();
  const storage = new TestStorage();
  const one = await world.signedIn({ storage: storage.tab() });
  const other = world.client({ storage: storage.tab() });
  await other.restore();
  const release = world.service.holdNext();
  const refresh = one.refresh();
  await settled();
  const login = other.login("ada", "correct horse");
  await settled();
  release();
  await Promise.all([refresh, login]);
  await settled();
  assert.equal(await other.token(), "token-3");
  assert.equal(await one.token(), "token-3");
});

test("a tab that missed the news of a newer token finds it before it gives up", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const deaf = world.client({ storage: { ...storage.tab(), subscribe: () => () => {} } });
  const busy = await world.signedIn({ storage: storage.tab() });
  await deaf.restore();
  world.sleep(30 * MINUTE);
  await busy.refresh();
  world.sleep(45 * MINUTE);
  assert.equal(await deaf.token(), "token-2");
});

test("news of a session that is over already signs nobody in", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = world.client({ storage: storage.tab() });
  await client.restore();
  const seen: string[] = [];
  client.subscribe(() => seen.push(client.getState().status));
  await storage.tab().save({ token: "t", user: { sub: "1", username: "ada" }, since: world.now - 2 * HOUR, expiresAt: world.now - HOUR, refreshableUntil: null });
  await settled();
  assert.deepEqual([...new Set(seen)], ["signed-out"]);
});

test("what was kept past its end is not shown as signed in", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const before = await world.signedIn({ storage: storage.tab() });
  before.close();
  world.sleep(2 * HOUR);
  const after = world.client({ storage: storage.tab() });
  assert.deepEqual(await after.restore(), { status: "signed-out", user: null, reason: "expired" });
  assert.equal(storage.kept, null);
});

test("a page that no event told of another tab's logout reads the storage before it uses its token", async () => {
  for (const use of ["wake", "fetch"] as const) {
    const world = new TestWorld();
    const storage = new TestStorage();
    const cached = await world.signedIn({ storage: { ...storage.tab(), subscribe: () => () => {} } });
    const other = world.client({ storage: storage.tab() });
    await other.restore();
    await other.logout();
    await settled();
    assert.equal(cached.getState().status, "signed-in");
    if (use === "wake") await world.wake();
    else await assert.rejects(cached.fetch("https://auth.example.com/orders"), { code: "signed_out" });
    assert.deepEqual(cached.getState(), { status: "signed-out", user: null, reason: "elsewhere" });
    assert.equal(world.service.count("/orders"), 0);
  }
});

test("a page that no event told of another tab's new login uses that one", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const cached = await world.signedIn({ storage: { ...storage.tab(), subscribe: () => () => {} } });
  await world.client({ storage: storage.tab() }).login("grace", "correct horse");
  assert.equal(await cached.token(), "token-2");
  assert.equal(cached.getState().user?.username, "grace");
});
