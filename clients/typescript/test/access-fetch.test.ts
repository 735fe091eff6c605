import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, BILLING, MINUTE, ORDERS, settled, TestStorage, worldOfApis } from "./world.js";

const PATH = "/auth/access";
const posted = { method: "POST", body: JSON.stringify({ amount: 7 }), audience: ORDERS };
const reject = async () => new Response(null, { status: 401 });

test("a request with an audience gets its access token in place of the session's token", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const response = await client.fetch(`${ORDERS}/orders`, posted);
  assert.deepEqual(await response.json(), { echo: { amount: 7 } });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer access-token-1");
  await client.fetch(new Request(`${ORDERS}/orders`), { audience: ORDERS });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer access-token-1");
  await client.fetch(`${ORDERS}/orders`, { audience: ORDERS, scope: "orders:read" });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer access-token-2");
  assert.deepEqual(world.service.accessTokens.get("access-token-2")?.scope, "orders:read");
});

test("an API gets neither the session's token nor what is for another API", async () => {
  const world = worldOfApis();
  const client = await world.signedIn({ sendTokenTo: [ORDERS] });
  assert.equal((await client.fetch(ORDERS)).status, 401);
  assert.equal((await client.fetch(ORDERS, { audience: BILLING })).status, 401);
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 200);
  const foreign = world.service.calls.filter(({ authorization }) => authorization === "Bearer access-token-2");
  assert.deepEqual(foreign.map(({ origin }) => origin), [ORDERS]);
});

test("an access token goes to its audience's own origin, the service and the named origins, and to no other", async () => {
  const world = worldOfApis();
  world.service.audiences.set("orders", []);
  world.service.audiences.set(`${ORDERS}/v2`, []);
  const client = await world.signedIn({ sendTokenTo: ["https://api.example.com"] });
  await client.fetch(`${ORDERS}/v2/orders`, { audience: `${ORDERS}/v2` });
  for (const url of [BASE, "https://api.example.com"]) {
    assert.equal((await client.fetch(`${url}/orders`, { audience: "orders" })).status, 200, url);
  }
  const before = world.service.calls.length;
  for (const url of ["https://evil.example", "http://orders.example.com", `${ORDERS}.evil.example`, `${ORDERS}:444`, BILLING, "https://orders"]) {
    for (const audience of [ORDERS, "orders"]) await assert.rejects(client.fetch(url, { audience }), { code: "origin_not_named" }, url);
  }
  assert.equal(world.service.calls.length, before);
});

test("in cookie mode the API gets the access token, and the cookie only where the caller says so", async () => {
  const world = worldOfApis();
  world.service.cookieMode = true;
  const client = await world.signedIn({ mode: "cookie" });
  for (const [credentials, sent] of [[undefined, "same-origin"], ["omit", "omit"], ["include", "include"]] as const) {
    const response = await client.fetch(`${ORDERS}/orders`, { audience: ORDERS, ...(credentials && { credentials }) });
    assert.equal(response.status, 200);
    const call = world.service.calls.at(-1)!;
    assert.deepEqual([call.authorization, call.credentials], ["Bearer access-token-1", sent]);
  }
  assert.equal(world.service.count(PATH), 1);
});

test("a 401 is answered by another access token and the same request once more, body and all", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.sleep(MINUTE);
  world.service.failures.push(reject);
  const response = await client.fetch(`${ORDERS}/orders`, posted);
  assert.deepEqual(await response.json(), { echo: { amount: 7 } });
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer access-token-2");
  assert.equal(world.service.count("/auth/refresh"), 0);
});

test("requests that are rejected at the same time share one new access token", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.sleep(MINUTE);
  for (let time = 0; time < 3; time += 1) world.service.failures.push(reject);
  const responses = await Promise.all([1, 2, 3].map(() => client.fetch(ORDERS, { audience: ORDERS })));
  assert(responses.every(({ ok }) => ok));
  assert.equal(world.service.count(PATH), 2);
});

test("a request that is rejected late takes the access token that another one got meanwhile", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.sleep(MINUTE);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  world.service.failures.push(() => held.then(reject), reject);
  const late = client.fetch(ORDERS, { audience: ORDERS });
  await settled();
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 200);
  release();
  assert.equal((await late).status, 200);
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer access-token-2");
  assert.equal(world.service.count(PATH), 2);
});

test("a second 401 is handed on, and so is one to an access token that is only seconds old", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.service.failures.push(reject);
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 401);
  assert.equal(world.service.count(PATH), 1);
  world.sleep(MINUTE);
  const other = { user: { sub: "id-of-ada", username: "ada" }, access_token: "other", expires_in: 900 };
  world.service.failures.push(reject, async () => Response.json(other), reject);
  assert.equal((await client.fetch(`${ORDERS}/orders`, { audience: ORDERS })).status, 401);
  assert.deepEqual([world.service.count("/orders"), world.service.count(PATH)], [2, 2]);
});

test("a 401 is handed on where no other access token can be had", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.sleep(MINUTE);
  world.service.failures.push(reject);
  world.service.answerNext(503, "temporarily_unavailable", 60);
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 401);
  assert.equal(client.getState().status, "signed-in");
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 200);
});

test("a 401 because the session has ended signs out", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.sleep(MINUTE);
  world.service.ended.add(1);
  world.service.failures.push(reject);
  assert.equal((await client.fetch(ORDERS, { audience: ORDERS })).status, 401);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "session_ended" });
});

test("a request that one user made is not made again as another", async () => {
  const world = worldOfApis();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  await client.accessToken(ORDERS);
  await world.pass(MINUTE);
  world.service.failures.push(async () => {
    await world.client({ storage: storage.tab() }).login("grace", "correct horse");
    await settled();
    return new Response(null, { status: 401 });
  });
  assert.equal((await client.fetch(`${ORDERS}/orders`, { method: "DELETE", audience: ORDERS })).status, 401);
  assert.equal(world.service.count("/orders"), 1);
});

test("an unknown audience is said, and nothing is sent to the API", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await assert.rejects(client.fetch("https://api.example.com", { audience: "https://api.example.com" }), { code: "audience_unknown" });
  assert.equal(world.service.count("/"), 0);
});

test("a request can be aborted while its access token is asked for, also after a 401", async () => {
  for (const rejected of [false, true]) {
    const world = worldOfApis();
    const client = await world.signedIn();
    if (rejected) {
      await client.accessToken(ORDERS);
      world.sleep(MINUTE);
      world.service.failures.push(reject);
    }
    world.service.holdNext();
    const patience = new AbortController();
    const response = client.fetch(ORDERS, { audience: ORDERS, signal: patience.signal });
    await world.pass(100);
    patience.abort();
    await assert.rejects(response, { name: "AbortError" });
  }
});
