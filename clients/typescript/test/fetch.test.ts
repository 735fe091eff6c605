import assert from "node:assert/strict";
import { test } from "node:test";
import { LatchkeyError } from "../src/index.js";
import { BASE, MINUTE, settled, TestStorage, TestWorld } from "./world.js";

const API = "https://api.example.com";
const options = { sendTokenTo: [API] };
const posted = { method: "POST", body: JSON.stringify({ amount: 7 }) };

test("a request gets the token, beside the headers that it has", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  const response = await client.fetch(`${API}/orders`, posted);
  assert.deepEqual(await response.json(), { echo: { amount: 7 } });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-1");
});

test("the token goes to the service and to the named origins, and to no other", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  await client.fetch(`${BASE}/auth/sessions`);
  const before = world.service.calls.length;
  for (const url of ["https://evil.example", "http://api.example.com", `${API}.evil.example`, `${API}:444`]) {
    const rejected = (problem: unknown) => problem instanceof LatchkeyError && problem.code === "origin_not_named";
    await assert.rejects(client.fetch(url), rejected, url);
  }
  assert.equal(world.service.calls.length, before);
});

test("whoever is signed out sends nothing", async () => {
  const world = new TestWorld();
  await assert.rejects(world.client(options).fetch(API), { code: "signed_out" });
  assert.equal(world.service.calls.length, 0);
});

test("a token too near to its end is refreshed first, once for all requests", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(60 * MINUTE - 29_000);
  const responses = await Promise.all([1, 2, 3].map(() => client.fetch(API)));
  assert(responses.every(({ ok }) => ok));
  assert.equal(world.service.count("/auth/refresh"), 1);
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
});

test("a token too near to its end is sent all the same while the service cannot be reached", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(60 * MINUTE - 29_000);
  world.service.failNext(3);
  const response = client.fetch(API);
  await world.pass(5_000);
  assert.equal((await response).ok, true);
});

test("a token that died in its sleep is not sent", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(61 * MINUTE);
  await assert.rejects(client.fetch(API), { code: "signed_out" });
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "expired" });
});

test("a 401 is answered by a refresh and the same request once more, body and all", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(MINUTE);
  world.service.tokens.get("token-1")!.session = 1;
  world.service.failures.push(async () => new Response(null, { status: 401 }));
  const response = await client.fetch(`${API}/orders`, posted);
  assert.deepEqual(await response.json(), { echo: { amount: 7 } });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
});

test("a second 401 is handed on, and so is one to a token that is only seconds old", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  const reject = async () => new Response(null, { status: 401 });
  world.service.failures.push(reject);
  assert.equal((await client.fetch(API)).status, 401);
  assert.equal(world.service.count("/auth/refresh"), 0);
  world.sleep(MINUTE);
  world.service.failures.push(reject);
  const second = client.fetch(API);
  // The refresh in between succeeds.
  world.service.failures.push(() => Promise.resolve(Response.json({ token: "token-x", user: { sub: "id-of-ada", username: "ada" }, expires_in: 3600, refresh_expires_in: 9 })));
  world.service.failures.push(reject);
  assert.equal((await second).status, 401);
  assert.equal(world.service.count("/"), 3);
});

test("a 401 after the clock was set back is not taken for one to a young token", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  await world.pass(MINUTE);
  world.now -= 2 * MINUTE;
  world.service.failures.push(async () => new Response(null, { status: 401 }));
  assert.equal((await client.fetch(API)).status, 200);
  assert.equal(world.service.count("/auth/refresh"), 1);
});

test("a 401 to a token that another tab has refreshed meanwhile is answered with the newer one", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  const client = await world.signedIn({ ...options, storage: storage.tab() });
  const other = world.client({ storage: storage.tab() });
  await other.restore();
  await world.pass(MINUTE);
  world.service.failures.push(async () => {
    await other.refresh();
    await settled();
    return new Response(null, { status: 401 });
  });
  assert.equal((await client.fetch(API)).status, 200);
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
});

test("a 401 because the session has ended signs out", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(MINUTE);
  world.service.ended.add(1);
  assert.equal((await client.fetch(API)).status, 401);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "session_ended" });
});

test("a request can be aborted while the token is refreshed for it", async () => {
  const world = new TestWorld();
  const client = await world.signedIn(options);
  world.sleep(60 * MINUTE - 29_000);
  world.service.holdNext();
  const patience = new AbortController();
  const response = client.fetch(API, { signal: patience.signal });
  await world.pass(100);
  patience.abort();
  await assert.rejects(response, { name: "AbortError" });
});
