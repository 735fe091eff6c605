import assert from "node:assert/strict";
import { after, test } from "node:test";
import { localStorageStorage, type SessionStorage, type StoredSession } from "../src/index.js";
import { nextRefresh } from "../src/state.js";
import { parse } from "../src/storage.js";
import { settled, World } from "./world.js";

const session: StoredSession = { token: "t", since: 1, expiresAt: 2, refreshableUntil: null };

test("what is no session in a storage is none, whoever wrote it", () => {
  const wrong = ["", "null", "7", "[]", '"x"', "{", "{}", '{"token":"t"}', '{"__proto__":{}}',
    JSON.stringify({ ...session, token: 7 }), JSON.stringify({ ...session, since: "1" }),
    JSON.stringify({ ...session, expiresAt: null }), JSON.stringify({ ...session, refreshableUntil: "x" })];
  for (const text of [null, ...wrong]) assert.equal(parse(text), null, String(text));
  assert.deepEqual(parse(JSON.stringify({ ...session, extra: 1 })), session);
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

test("a storage that throws is said, and the session goes on in this page", async () => {
  const world = new World();
  const full: SessionStorage = {
    load: () => null,
    save: () => {
      throw new Error("quota exceeded");
    },
  };
  const client = world.client({ storage: full });
  await assert.rejects(client.login("ada", "correct horse"), { code: "storage_failed" });
  assert.equal(await client.token(), "token-1");
});

test("a storage that cannot be read is said, and may be read again", async () => {
  const world = new World();
  let broken = true;
  const storage: SessionStorage = {
    load: () => {
      if (broken) throw new Error("denied");
      return null;
    },
    save: () => {},
  };
  const client = world.client({ storage });
  await assert.rejects(client.restore(), { code: "storage_failed" });
  broken = false;
  assert.equal((await client.restore()).status, "signed-out");
  assert.equal(world.wakers, 1);
});

test("a slow storage does not undo a login that is being saved", async () => {
  const world = new World();
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
        const due = nextRefresh({ since: 0, expiresAt: life, refreshableUntil: limit }, random);
        if (due !== null) assert(due > 0 && due < life && due < limit, `${life} ${limit} ${random}: ${due}`);
        else assert(limit <= 0.04 * life, `${life} ${limit}`);
      }
    }
  }
});
