import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { Latchkey, LatchkeyError, memoryStorage, type LatchkeyOptions } from "../../src/index.js";
import { jar } from "./jar.js";
import { DEMO, type LocalServer, start } from "./local.js";

const ORDERS = "https://orders.example.com";

let server: LocalServer;
before(async () => {
  server = await start();
});
after(() => server.stop());

async function signedIn(options: Partial<LatchkeyOptions> = {}, url = server.url): Promise<Latchkey> {
  const client = new Latchkey({ baseUrl: url, ...options });
  after(() => client.close());
  await client.login(...DEMO);
  return client;
}

/** What an API finds in a token that it accepts. */
async function verified(token: string, url = server.url) {
  const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
  return (await jwtVerify(token, keys, { issuer: url, audience: ORDERS, typ: "at+jwt" })).payload;
}

test("an access token is what an API expects of one, and has the scopes that the user has", async () => {
  const ada = await signedIn();
  const session = await ada.verify();
  const asked = Math.floor(Date.now() / 1000);
  const claims = await verified(await ada.accessToken(ORDERS));
  assert.deepEqual([claims.sub, claims["username"], claims["sid"]], [session.sub, session.username, session.sid]);
  assert.deepEqual([claims["token_use"], claims["scope"], claims["auth_time"]], ["access", "orders:read", session.iat]);
  assert(claims.exp! - asked >= 900 && claims.exp! - asked <= 910, `${claims.exp! - asked} s`);
  assert.equal((await verified(await ada.accessToken(ORDERS, { scope: "orders:write" })))["scope"], undefined);
  await assert.rejects(verified(await ada.token()), { code: "ERR_JWT_CLAIM_VALIDATION_FAILED" });
});

test("fetch with an audience opens the API for its scopes, and neither token opens what is for the other", async () => {
  const ada = await signedIn();
  const orders = `${server.url}/protected/orders`;
  assert.equal((await ada.fetch(orders, { audience: ORDERS })).status, 200);
  assert.equal((await ada.fetch(orders, { audience: ORDERS, method: "POST" })).status, 403);
  assert.equal((await ada.fetch(orders, { audience: ORDERS, scope: "orders:write" })).status, 403);
  assert.equal((await ada.fetch(orders)).status, 401);
  // A Lambda authorizer's no is a 403 of API Gateway.
  for (const [path, status] of [["/protected", 401], ["/protected/now", 403], ["/auth/sessions", 401]] as const) {
    assert.equal((await ada.fetch(server.url + path, { audience: ORDERS })).status, status, path);
    assert.equal((await ada.fetch(server.url + path)).status, 200, path);
  }
  assert.equal(ada.getState().status, "signed-in");
});

test("it is handed out again until shortly before its end, and never after", async () => {
  const brief = await start("--access-expiration", "3s");
  try {
    const ada = await signedIn({}, brief.url);
    const first = await ada.accessToken(ORDERS);
    assert.equal(await ada.accessToken(ORDERS), first);
    const { exp } = await verified(first, brief.url);
    let asked = Date.now();
    while ((await ada.accessToken(ORDERS)) === first) {
      assert(asked < exp! * 1000, "it was handed out after its end");
      asked = Date.now();
    }
    assert.equal((await ada.fetch(`${brief.url}/protected/orders`, { audience: ORDERS })).status, 200);
  } finally {
    await brief.stop();
  }
});

test("an audience and a scope that there are not are told apart, and the session goes on", async () => {
  const ada = await signedIn();
  const cases: [string, string | undefined, string][] = [
    ["https://evil.example", undefined, "audience_unknown"],
    ["latchkey", undefined, "audience_unknown"],
    [ORDERS, "orders:delete", "scope_unknown"],
    [ORDERS, "", "invalid_request"],
  ];
  for (const [audience, scope, code] of cases) {
    const problem = await ada.accessToken(audience, { scope }).catch((each: unknown) => each);
    assert(problem instanceof LatchkeyError);
    assert.deepEqual([problem.code, problem.status, problem.temporary], [code, 400, false], audience);
  }
  assert.equal(ada.getState().status, "signed-in");
});

test("a session that another device has ended gets none, and a new password gets one of the new session", async () => {
  const [phone, laptop] = [await signedIn(), await signedIn()];
  const old = await verified(await phone.accessToken(ORDERS));
  await phone.changePassword(DEMO[1], "several more words at random");
  const fresh = await verified(await phone.accessToken(ORDERS));
  assert.notEqual(old["sid"], fresh["sid"]);
  await assert.rejects(laptop.accessToken(ORDERS), { code: "session_ended", status: 401 });
  assert.deepEqual(laptop.getState(), { status: "signed-out", user: null, reason: "session_ended" });
  await phone.changePassword("several more words at random", DEMO[1]);
  await phone.logout();
  await assert.rejects(phone.accessToken(ORDERS), { code: "signed_out" });
});

test("in cookie mode the cookie gets the token, the API gets no cookie, and a page that does not say who it is gets nothing", async () => {
  const guarded = await start("--cookie", "--allow-origin", "http://localhost:5173");
  try {
    const browser = jar("http://localhost:5173");
    const sent: Request[] = [];
    const spy = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const request = new Request(input, init);
      sent.push(request);
      return browser.fetch(request);
    };
    const storage = memoryStorage();
    const page = await signedIn({ mode: "cookie", storage, environment: { fetch: spy } }, guarded.url);
    const claims = await verified(await page.accessToken(ORDERS), guarded.url);
    assert.equal(claims["username"], "demo");
    assert.equal((await page.fetch(`${guarded.url}/protected/orders`, { audience: ORDERS })).status, 200);
    assert.equal(sent.at(-1)?.credentials, "same-origin");

    const silent = jar(null, browser.cookie());
    const forged = new Latchkey({ baseUrl: guarded.url, mode: "cookie", storage, environment: { fetch: silent.fetch } });
    after(() => forged.close());
    await assert.rejects(forged.accessToken(ORDERS), { code: "csrf_refused", status: 403 });

    await page.logout();
    await assert.rejects(page.accessToken(ORDERS), { code: "signed_out" });
  } finally {
    await guarded.stop();
  }
});

test("a service without audiences has no access tokens, and the error says what to set", async () => {
  const plain = await start("--access-audiences", "");
  try {
    const ada = await signedIn({}, plain.url);
    await assert.rejects(ada.accessToken(ORDERS), /status 404 .* Is ACCESS_TOKEN_AUDIENCES set\?/);
    assert.equal(ada.getState().status, "signed-in");
  } finally {
    await plain.stop();
  }
});
