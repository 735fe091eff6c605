import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { LatchkeyError } from "../src/index.js";
import { BASE, BILLING, HOUR, MINUTE, ORDERS, setBack, settled, TestStorage, TestWorld, worldOfApis } from "./world.js";

const PATH = "/auth/access";

test("an access token is asked for with the session's token, and kept for its audience and scopes", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  const { method, path, body, authorization, credentials, redirect } = world.service.calls.at(-1)!;
  assert.deepEqual([method, path, body, authorization], ["POST", PATH, { audience: ORDERS }, "Bearer token-1"]);
  assert.deepEqual([credentials, redirect], ["omit", "error"]);
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  assert.equal(await client.accessToken(ORDERS, { scope: "orders:read" }), "access-token-2");
  assert.deepEqual(world.service.calls.at(-1)?.body, { audience: ORDERS, scope: "orders:read" });
  assert.equal(await client.accessToken(BILLING), "access-token-3");
  assert.equal(await client.accessToken(ORDERS, { scope: "orders:read" }), "access-token-2");
  assert.equal(world.service.count(PATH), 3);
});

test("calls at the same time share one request for each audience and scope, and one of them may stop waiting", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const release = world.service.holdNext();
  const impatient = new AbortController();
  const waiting = [client.accessToken(ORDERS), client.accessToken(ORDERS, impatient), client.accessToken(ORDERS)];
  const outcome = Promise.allSettled(waiting);
  const other = client.accessToken(BILLING);
  await settled();
  impatient.abort(new Error("no longer needed"));
  release();
  assert.deepEqual((await outcome).map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await assert.rejects(waiting[1]!, /no longer needed/);
  assert.equal(await waiting[0], await waiting[2]);
  assert.notEqual(await other, await waiting[0]);
  assert.equal(world.service.count(PATH), 2);
});

test("a request that everybody has stopped waiting for still serves the next caller", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const release = world.service.holdNext();
  const impatient = new AbortController();
  const outcome = assert.rejects(client.accessToken(ORDERS, impatient), { name: "AbortError" });
  await settled();
  impatient.abort();
  await outcome;
  await assert.rejects(client.accessToken(ORDERS, impatient), { name: "AbortError" });
  await assert.rejects(client.accessToken(BILLING, impatient), { name: "AbortError" });
  const token = client.accessToken(ORDERS);
  release();
  assert.equal(await token, "access-token-1");
  assert.equal(world.service.count(PATH), 1);
});

for (const [life, kept] of [[900, 870], [60, 54], [5, 4]] as const) {
  test(`an access token of ${life} seconds is handed out for ${kept}`, async () => {
    const world = worldOfApis();
    world.service.accessExpiration = life;
    const client = await world.signedIn();
    await client.accessToken(ORDERS);
    await world.pass(kept * 1000 - 1);
    assert.equal(await client.accessToken(ORDERS), "access-token-1");
    await world.pass(1);
    const both = await Promise.all([client.accessToken(ORDERS), client.accessToken(ORDERS)]);
    assert.deepEqual(both, ["access-token-2", "access-token-2"]);
  });
}

test("its life is counted from the moment of the question, and after a 503 from the moment of the second one", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const asked = world.now;
  world.service.answerNext(503, "temporarily_unavailable", 5);
  const release = world.service.holdNext();
  const token = client.accessToken(ORDERS);
  await world.pass(5_500);
  const askedAgain = world.now;
  assert.equal(askedAgain - asked, 5_500);
  world.sleep(8_000);
  release();
  await token;
  await world.pass(870_000 - 8_000 - 1);
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  await world.pass(1);
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
});

test("no access token outlives the session's token, and the last one of a session is handed out to its end", async () => {
  const world = worldOfApis();
  world.service.allowRefresh = false;
  const client = await world.signedIn();
  await world.pass(55 * MINUTE);
  await client.accessToken(ORDERS);
  assert.equal(world.service.accessTokens.get("access-token-1")?.exp, world.service.tokens.get("token-1")?.exp);
  await world.pass(4.5 * MINUTE);
  await client.accessToken(ORDERS);
  await world.pass(29_000);
  await client.accessToken(ORDERS);
  await world.pass(1_000);
  await assert.rejects(client.accessToken(ORDERS), { code: "signed_out" });
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_disabled" });
});

test("a refresh of the session leaves its access tokens alone, also one that is being asked for", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const release = world.service.holdNext();
  const token = client.accessToken(ORDERS);
  await settled();
  await client.refresh();
  release();
  assert.equal(await token, "access-token-1");
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  assert.equal(world.service.count(PATH), 1);
});

test("a session that may not be refreshed any more keeps its access tokens", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  world.service.allowRefresh = false;
  await assert.rejects(client.refresh(), { code: "refresh_disabled" });
  assert.equal(client.getState().status, "ending");
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
});

test("a session's token too near to its end is refreshed first", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  world.sleep(HOUR - 29_000);
  const [one, other] = await Promise.all([client.accessToken(ORDERS), client.accessToken(ORDERS)]);
  assert.equal(one, other);
  assert.equal(world.service.calls.at(-1)?.authorization, "Bearer token-2");
  assert.deepEqual([world.service.count("/auth/refresh"), world.service.count(PATH)], [1, 1]);
});

test("a clock set back does not keep an access token longer, whether set before the answer or after", async () => {
  for (const when of ["before", "after"] as const) {
    const world = worldOfApis();
    const client = await world.signedIn();
    const release = world.service.holdNext();
    const token = client.accessToken(ORDERS);
    await settled();
    if (when === "before") setBack(world, 2 * HOUR);
    await world.pass(10_000);
    release();
    await token;
    if (when === "after") setBack(world, 2 * HOUR);
    await world.pass(860_000 - 1);
    assert.equal(await client.accessToken(ORDERS), "access-token-1", when);
    await world.pass(1);
    assert.equal(await client.accessToken(ORDERS), "access-token-2", when);
  }
});

test("a clock set forward costs another request and nothing else, and a sleep counts", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  await client.accessToken(ORDERS);
  setBack(world, -20 * MINUTE);
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
  assert.equal(await client.accessToken(ORDERS), "access-token-2");
  world.sleep(15 * MINUTE);
  assert.equal(await client.accessToken(ORDERS), "access-token-3");
});

test("a 503 and a network that is away are ridden out, and three tries are all", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  world.service.answerNext(503, "temporarily_unavailable", 7);
  world.service.failNext(1);
  const token = client.accessToken(ORDERS);
  await world.pass(6_999);
  assert.equal(world.service.count(PATH), 1);
  await world.pass(5_000);
  assert.equal(await token, "access-token-1");
  for (let time = 0; time < 3; time += 1) world.service.answerNext(503, "temporarily_unavailable", 1);
  const outcome = assert.rejects(client.accessToken(BILLING), { code: "temporarily_unavailable", status: 503 });
  await world.pass(MINUTE);
  await outcome;
  assert.equal(world.service.count(PATH), 6);
  assert.equal(await client.accessToken(BILLING), "access-token-2", "a failure is not kept");
});

test("an unknown audience or scope is an error with its code, and the session goes on", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const asked: [string, string | undefined, string][] = [
    ["https://evil.example", undefined, "audience_unknown"],
    [ORDERS, "orders:read orders:delete", "scope_unknown"],
  ];
  for (const [audience, scope, code] of asked) {
    const problem = await client.accessToken(audience, { scope }).catch((each: unknown) => each);
    assert(problem instanceof LatchkeyError);
    assert.deepEqual([problem.code, problem.status, problem.temporary], [code, 400, false]);
  }
  assert.equal(world.service.count(PATH), 2);
  const state = client.getState();
  assert(state.status === "signed-in" && state.problem === null);
});

test("the stand-in grants the scopes that were asked for and that the user has", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  const scopes: [string | undefined, string][] = [[undefined, "orders:read"], ["orders:read orders:write", "orders:read"], ["orders:write", ""]];
  for (const [scope, granted] of scopes) {
    const token = world.service.accessTokens.get(await client.accessToken(ORDERS, { scope }));
    assert.deepEqual([token?.scope, token?.audience, token?.username], [granted, ORDERS, "ada"]);
  }
});

test("the stand-in rejects what the service rejects, with 401 where the token is in the header", async () => {
  const world = worldOfApis();
  await world.signedIn();
  const audience = ORDERS;
  const cases: [string | null, object, number, string][] = [
    [null, { audience }, 401, "authorization_required"],
    ["token-1", {}, 400, "invalid_request"],
    ["token-1", { audience, scope: "" }, 400, "invalid_request"],
    ["token-1", { audience, scope: "orders:read  orders:write" }, 400, "invalid_request"],
    ["token-1", { audience, token: "token-1" }, 400, "invalid_request"],
    [null, { audience, token: "x" }, 400, "invalid_token"],
    [null, { audience, token: "token-1" }, 200, "access-token-1"],
    ["access-token-1", { audience }, 401, "invalid_token"],
  ];
  for (const [bearer, body, status, outcome] of cases) {
    const headers = bearer === null ? {} : { Authorization: `Bearer ${bearer}` };
    const response = await world.service.answer(new Request(`${BASE}/auth/access`, { method: "POST", headers, body: JSON.stringify(body) }));
    const answer = (await response.json()) as { code?: string; access_token?: string };
    assert.deepEqual([response.status, answer.code ?? answer.access_token], [status, outcome], JSON.stringify(body));
  }
});

test("a service without access tokens, and one that answers strangely, are unexpected", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await assert.rejects(client.accessToken(ORDERS), /\/auth\/access with status 404 .* Is ACCESS_TOKEN_AUDIENCES set\?/);
  const user = { sub: "id-of-ada", username: "ada" };
  for (const answer of [{ user, access_token: 7, expires_in: 9 }, { user, access_token: "t" }, { access_token: "t", expires_in: 9 }]) {
    world.service.failures.push(async () => Response.json(answer));
    await assert.rejects(client.accessToken(ORDERS), { code: "unexpected_answer" });
  }
  assert.equal(client.getState().status, "signed-in");
});

test("an access token is in no storage and in nothing that may be printed", async () => {
  const world = worldOfApis();
  const storage = new TestStorage();
  const client = await world.signedIn({ storage: storage.tab() });
  await client.accessToken(ORDERS);
  await client.refresh();
  assert.doesNotMatch(`${storage.kept}${inspect([client, client.getState()], { depth: 9, showHidden: true })}`, /access-token/);
});

test("whoever is signed out gets none, and nothing is asked", async () => {
  const world = worldOfApis();
  await assert.rejects(world.client().accessToken(ORDERS), { code: "signed_out" });
  assert.equal(world.service.calls.length, 0);
});

test("a client that is closed says so to a call under way, whether it waits for the answer or for the next try", async () => {
  for (const wait of ["answer", "try"] as const) {
    const world = worldOfApis();
    const client = await world.signedIn();
    if (wait === "answer") world.service.holdNext();
    else world.service.answerNext(503, "temporarily_unavailable", 20);
    const outcome = assert.rejects(client.accessToken(ORDERS), { code: "closed" });
    await settled();
    client.close();
    await settled();
    assert.equal(world.timers, 0, wait);
    await outcome;
    await assert.rejects(client.accessToken(ORDERS), { code: "closed" });
  }
});

test("in cookie mode the cookie asks for it", async () => {
  const world = worldOfApis();
  world.service.cookieMode = true;
  const client = await world.signedIn({ mode: "cookie" });
  assert.equal(await client.accessToken(ORDERS), "access-token-1");
  const { authorization, credentials, body } = world.service.calls.at(-1)!;
  assert.deepEqual([authorization, credentials, body], [null, "include", { audience: ORDERS }]);
  const reloaded = world.client({ mode: "cookie", baseUrl: BASE });
  assert.equal(await reloaded.accessToken(ORDERS), "access-token-2");
});
