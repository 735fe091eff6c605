import assert from "node:assert/strict";
import { after, test } from "node:test";
import { localStorageStorage, type SessionStorage, type StoredSession } from "../src/index.js";
import { nextRefresh } from "../src/state.js";
import { sessionIn } from "../src/storage.js";
import { HOUR, settled, TestStorage, TestWorld } from "./world.js";

const session: StoredSession = { token: "t", user: { sub: "1", username: "ada" }, since: 1, expiresAt: 2, refreshableUntil: null };

test("what is no session in a storage is none, whoever wrote it", () => {
  const wrong = [undefined, null, 7, [], "x", "{", {}, { token: "t" }, { ...session, token: 7 }, { ...session, since: "1" },
    { ...session, expiresAt: null }, { ...session, refreshableUntil: "x" }, { ...session, user: undefined },
    { ...session, user: { sub: "1" } }, { ...session, user: { sub: 1, username: "ada" } }];
  for (const found of wrong) assert.equal(sessionIn(found), null, JSON.stringify(found));
  assert.deepEqual(sessionIn({ ...session, user: { ...session.user, extra: 1 }, extra: 1 }), session);
});

test("localStorage keeps a session under its key and tells of other tabs", () => {
  const items = new Map<string, string>();
  const heard = new EventTarget();
  const world = {
    localStorage: {
      getItem: (key: string) => items.get(key) ?? null,
      setItem: (key: string, text: string) => items.set(key, text),
      removeItem: (key: string) => items.delete(key),
    },
    addEventListener: heard.addEventListener.bind(heard),
    removeEventListener: heard.removeEventListener.bind(heard),
  };
  Object.assign(globalThis, world);
  after(() => Object.keys(world).forEach((name) => Reflect.deleteProperty(globalThis, name)));

  const storage = localStorageStorage("mine");
  void storage.save(session);
  assert.deepEqual([storage.load(), [...items.keys()], storage.lockName], [session, ["mine"], "mine"]);
  let told = 0;
  const stop = storage.subscribe!(() => (told += 1));
  for (const key of ["mine", "other", null]) heard.dispatchEvent(Object.assign(new Event("storage"), { key }));
  assert.equal(told, 2);
  stop();
  heard.dispatchEvent(Object.assign(new Event("storage"), { key: "mine" }));
  assert.equal(told, 2);
  void storage.save(null);
  assert.deepEqual([storage.load(), items.size], [null, 0]);
});

test("a storage that is full from the login on loses nobody: the page goes on to the end, and says the problem", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  storage.full = new Error("quota exceeded");
  const client = world.client({ storage: storage.tab() });
  const state = await client.login("ada", "correct horse");
  assert(state.status === "signed-in" && state.problem?.code === "storage_failed");
  assert.equal((state.problem.cause as Error).message, "quota exceeded");
  await world.pass(40 * HOUR);
  assert.equal(client.getState().status, "signed-in");
  await world.pass(8 * HOUR);
  assert.equal(client.getState().status, "ending");
  await world.pass(HOUR);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_limit" });
});

test("a storage that gets full later is no other tab, and a problem until it keeps something again", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  const seen: string[] = [];
  client.subscribe(({ type }) => seen.push(type));
  storage.full = new Error("quota exceeded");
  await world.pass(10 * HOUR);
  const state = client.getState();
  assert(state.status === "signed-in" && state.problem?.code === "storage_failed");
  assert(!seen.includes("signed-out"), seen.join());
  storage.full = null;
  await world.pass(HOUR);
  const well = client.getState();
  assert(well.status === "signed-in" && well.problem === null);
  assert.match(storage.kept ?? "", /token-1\d/);
});

test("a wake is no reason to refresh because of a full storage", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  storage.full = new Error("quota exceeded");
  await world.signedIn({ storage: storage.tab() });
  await world.wake();
  assert.equal(world.service.count("/auth/refresh"), 0);
});

for (const mode of ["token", "cookie"] as const) {
  test(`where site data is blocked one signs in and out in this page alone (${mode} mode)`, async () => {
    const world = new TestWorld();
    world.service.cookieMode = mode === "cookie";
    const storage = new TestStorage();
    storage.full = storage.denied = new Error("denied");
    world.locks = { request: () => Promise.reject(new Error("denied")) };
    const client = world.client({ mode, storage: storage.tab() });
    assert.deepEqual(await client.restore().catch(() => client.getState()), { status: "signed-out", user: null, reason: "none" });
    await client.login("ada", "correct horse");
    await world.pass(10 * HOUR);
    assert.equal((await client.fetch("https://auth.example.com/orders")).status, 200);
    assert.equal(client.getState().status, "signed-in");
    await client.logout();
    assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "logout" });
  });
}

test("a localStorage with something else in it is an empty one", async () => {
  const world = new TestWorld();
  const items = new Map([["latchkey", "{no session"]]);
  const heard = new EventTarget();
  const localStorage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => items.set(key, text),
  };
  Object.assign(globalThis, { localStorage, addEventListener: heard.addEventListener.bind(heard) });
  try {
    const client = world.client({ storage: localStorageStorage() });
    assert.equal((await client.restore()).status, "signed-out");
    await client.login("ada", "correct horse");
    assert.match(items.get("latchkey") ?? "", /token-1/);
  } finally {
    Reflect.deleteProperty(globalThis, "localStorage");
    Reflect.deleteProperty(globalThis, "addEventListener");
  }
});

test("a storage that can be read only later is read when the page wakes or has a use for it", async () => {
  for (const use of ["wake", "token"] as const) {
    const world = new TestWorld();
    const storage = new TestStorage();
    (await world.signedIn({ storage: storage.tab() })).close();
    storage.denied = new Error("denied");
    const client = world.client({ storage: storage.tab() });
    assert.equal((await client.restore()).status, "signed-out");
    storage.denied = null;
    if (use === "wake") await world.wake();
    else assert.equal(await client.token(), "token-1");
    assert.equal(client.getState().status, "signed-in");
  }
});

test("a slow storage does not undo a login that is being saved", async () => {
  const world = new TestWorld();
  let kept: StoredSession | null = null;
  let written = () => {};
  const storage: SessionStorage = {
    load: async () => kept,
    save: async (session) => {
      await new Promise<void>((resolve) => (written = resolve));
      kept = session;
    },
  };
  const client = world.client({ storage });
  const login = client.login("ada", "correct horse");
  await settled();
  const refresh = client.refresh();
  await settled();
  assert.equal(world.service.count("/auth/refresh"), 0, "the refresh waits for the save");
  written();
  await login;
  await settled();
  written();
  assert.equal((await refresh).status, "signed-in");
});

test("every session of whatever length has its next refresh before its end and its limit, or none", () => {
  for (const life of [1, 2, 60, 300, 3600, 86_400]) {
    for (const limit of [0, 1, 30, 299, 300, 1800, 3600, 172_800]) {
      for (const random of [0, 0.5, 0.999]) {
        const due = nextRefresh({ ...session, since: 0, expiresAt: life, refreshableUntil: limit }, random);
        if (due !== null) assert(due > 0 && due < life && due < limit, `${life} ${limit} ${random}: ${due}`);
        else assert(limit <= 0.04 * life, `${life} ${limit}`);
      }
    }
  }
});
