import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Latchkey, LatchkeyError, type LatchkeyOptions } from "../../src/index.js";
import { clientOf, userOf } from "../../examples/server.js";
import { jar } from "./jar.js";
import { DEMO, type LocalServer, start } from "./local.js";

let server: LocalServer;
before(async () => {
  server = await start();
});
after(() => server.stop());

function client(options: Partial<LatchkeyOptions> = {}, url = server.url): Latchkey {
  const made = new Latchkey({ baseUrl: url, ...options });
  after(() => made.close());
  return made;
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());

test("login, a request, a refresh and a logout", async () => {
  const ada = client({}, `${server.url}/`);
  const asked = Date.now();
  const state = await ada.login(...DEMO);
  assert(state.status === "signed-in");
  assert(state.expiresAt >= asked + 3_600_000 && state.expiresAt <= Date.now() + 3_600_000);
  assert.equal(state.refreshableUntil - state.expiresAt, 47 * 3_600_000);

  const first = await ada.token();
  assert.equal((await ada.fetch(`${server.url}/protected`)).status, 200);
  await ada.refresh();
  const second = await ada.token();
  assert.notEqual(first, second);
  assert.equal(claimsOf(first).iat, claimsOf(second).iat);

  assert.equal((await ada.fetch(`${server.url}/auth/sessions`)).status, 200);

  await ada.logout();
  assert.deepEqual(ada.getState(), { status: "signed-out", user: null, reason: "logout" });
  const late = await fetch(`${server.url}/auth/refresh`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: second }),
  });
  assert.equal(((await late.json()) as { code: string }).code, "session_ended");
});

test("the state, the claims and the list of sessions are of one and the same user", async () => {
  const [phone, laptop] = [client(), client()];
  await phone.login(...DEMO);
  const { user } = await laptop.login(...DEMO);
  assert.equal(user?.username, "demo");
  const claims = await laptop.verify({ checkSession: true });
  assert.deepEqual(user, { sub: claims.sub, username: claims.username });
  assert.deepEqual((await laptop.refresh()).user, user);

  const listed = await laptop.sessions();
  const current = listed.find((each) => each.current);
  assert.equal(current?.session_id, claims.sid);
  assert.equal(current?.issued_at, claims.iat);
  assert(current !== undefined && current.session_expires_in > 0 && "user_agent" in current && "source_ip" in current);
  const other = (await phone.sessions()).find((each) => each.current)!;
  await laptop.endSession(other.session_id);
  await assert.rejects(phone.verify({ checkSession: true }), { code: "session_ended" });
  assert.deepEqual(phone.getState(), { status: "signed-out", user: null, reason: "session_ended" });
  await laptop.endSession(current.session_id);
  assert.deepEqual(laptop.getState(), { status: "signed-out", user: null, reason: "logout" });
});

test("what one device ends the others learn at their next refresh", async () => {
  const [phone, laptop] = [client(), client()];
  await phone.login(...DEMO);
  await laptop.login(...DEMO);
  await phone.logout({ everywhere: true });
  await assert.rejects(laptop.refresh(), { code: "session_ended", status: 400 });
  assert.deepEqual(laptop.getState(), { status: "signed-out", user: null, reason: "session_ended" });
});

test("a rejection comes with its code, its sentence and, for too many attempts, how long to wait", async () => {
  const guesser = client();
  const tries: LatchkeyError[] = [];
  for (let time = 0; time < 6; time += 1) {
    const problem = await guesser.login("nobody", "a wrong password").catch((each: unknown) => each);
    assert(problem instanceof LatchkeyError);
    tries.push(problem);
  }
  const [first, last] = [tries[0]!, tries[5]!];
  assert.deepEqual([first.code, first.status, first.message], ["invalid_credentials", 400, "Unable to log in with provided credentials."]);
  assert.deepEqual([last.code, last.status], ["too_many_attempts", 429]);
  assert(last.retryAfter !== null && last.retryAfter >= 1 && last.retryAfter <= 5, `${last.retryAfter}`);
});

test("a new password ends every other session and goes on with a new one", async () => {
  const [mine, other] = [client(), client()];
  await mine.login(...DEMO);
  await other.login(...DEMO);
  const problem = await mine.changePassword(DEMO[1], "too short").catch((each: unknown) => each);
  assert(problem instanceof LatchkeyError && problem.code === "password_refused");
  await mine.changePassword(DEMO[1], "several more words at random");
  assert.equal((await mine.refresh()).status, "signed-in");
  await assert.rejects(other.refresh(), { code: "session_ended" });
  await mine.changePassword("several more words at random", DEMO[1]);
});

test("a refresh comes by itself when its time has come", async () => {
  let skipped = 0;
  const timers: (() => void)[] = [];
  const environment = {
    now: () => Date.now() + skipped,
    after: (milliseconds: number, task: () => void) => {
      // The request's own timeout is no concern here.
      if (milliseconds > 60_000) timers.push(task);
      return () => timers.splice(0, timers.length, ...timers.filter((each) => each !== task));
    },
  };
  const ada = client({ environment });
  await ada.login(...DEMO);
  const first = await ada.token();
  const refreshed = new Promise<void>((resolve) => {
    const stop = ada.subscribe(() => {
      stop();
      resolve();
    });
  });
  skipped = 55 * 60_000;
  timers.forEach((task) => task());
  await refreshed;
  assert.notEqual(await ada.token(), first);
});

test("a token that died is rejected by the service, and its user is signed out", async () => {
  const brief = await start("--expiration", "1s");
  try {
    // A clock that stands still: the client thinks that the token lives.
    const stopped = Date.now();
    const ada = client({ environment: { now: () => stopped } }, brief.url);
    await ada.login(...DEMO);
    const token = await ada.token();
    await until(async () => (await post(`${brief.url}/auth/verify`, { token })) === "token_expired");
    await assert.rejects(ada.refresh(), { code: "token_expired" });
    assert.deepEqual(ada.getState(), { status: "signed-out", user: null, reason: "expired" });
  } finally {
    await brief.stop();
  }
});

test("past the refresh limit a refresh is rejected, and the token is the last one", async () => {
  const once = await start("--refresh-expiration", "0s");
  try {
    const ada = client({}, once.url);
    const state = await ada.login(...DEMO);
    assert(state.status === "ending" && state.reason === "refresh_limit");
    let rejected: unknown = null;
    await until(async () => {
      rejected = await ada.refresh().then(() => null, (problem: unknown) => problem);
      return rejected !== null;
    });
    assert(rejected instanceof LatchkeyError && rejected.code === "refresh_expired");
    assert.equal(ada.getState().status, "ending");
    assert.equal((await ada.fetch(`${once.url}/protected`)).status, 200);
  } finally {
    await once.stop();
  }
});

test("in cookie mode the cookie is all that is needed, and a page that does not say who it is gets nothing", async () => {
  const guarded = await start("--cookie", "--allow-origin", "http://localhost:5173");
  try {
    const browser = jar("http://localhost:5173");
    const options = { mode: "cookie", environment: { fetch: browser.fetch } } as const;
    const page = client(options, guarded.url);
    assert.equal((await page.login(...DEMO)).status, "signed-in");
    const first = browser.cookie();
    assert.equal((await page.refresh()).status, "signed-in");
    assert.notEqual(browser.cookie(), first);

    const reloaded = client(options, guarded.url);
    assert.equal((await reloaded.restore()).status, "signed-in");
    assert.equal((await reloaded.fetch(`${guarded.url}/auth/sessions`)).status, 200);
    assert.equal(reloaded.getState().user?.username, "demo");

    // A server that renders pages for this browser.
    const site = { service: guarded.url, origin: "http://localhost:5173" };
    const request = new Request("http://localhost:5173/", { headers: { Cookie: `theme=dark; __Host-latchkey=${browser.cookie()}` } });
    assert.deepEqual(await userOf(request, site), reloaded.getState().user);
    const rendering = clientOf(request, site);
    after(() => rendering.close());
    assert((await rendering.sessions()).some(({ current }) => current));
    for (const cookie of ["", "__Host-latchkey=no.to.ken", `\u00a0__Host-latchkey=${browser.cookie()}`, `__Host-latchkey=${browser.cookie()}; __Host-latchkey=x`]) {
      assert.equal(await userOf(new Request("http://localhost:5173/", { headers: { Cookie: cookie } }), site), null, cookie);
    }

    const silent = jar(null, browser.cookie());
    const forged = client({ mode: "cookie", environment: { fetch: silent.fetch } }, guarded.url);
    await assert.rejects(forged.refresh(), { code: "csrf_refused", status: 403 });

    await page.changePassword(DEMO[1], "several more words at random");
    await page.logout({ everywhere: true });
    assert.equal(browser.cookie(), "");
    assert.deepEqual(await client(options, guarded.url).restore(), { status: "signed-out", user: null, reason: "none" });
  } finally {
    await guarded.stop();
  }
});

test("a browser that drops the cookie, and a service without cookie mode, are told at the login", async () => {
  const guarded = await start("--cookie", "--allow-origin", "http://localhost:5173");
  try {
    const forgetful = jar("http://localhost:5173", "", "forgetful");
    const page = client({ mode: "cookie", environment: { fetch: forgetful.fetch } }, guarded.url);
    await assert.rejects(page.login(...DEMO), { code: "cookie_not_kept" });
    assert.equal((await page.restore()).status, "signed-out");
    const plain = client({ mode: "cookie", environment: { fetch: jar(null).fetch } });
    await assert.rejects(plain.login(...DEMO), { code: "cookie_not_kept" });
  } finally {
    await guarded.stop();
  }
});

test("a service that is not there is a network error, and no secret is in it", async () => {
  const gone = await start();
  await gone.stop();
  const problem = await client({}, gone.url).login(...DEMO).catch((each: unknown) => each);
  assert(problem instanceof LatchkeyError && problem.code === "network_error" && problem.temporary);
  assert.doesNotMatch(JSON.stringify(problem) + problem.stack + String(problem.cause), /demo password/);
});

const example = process.env["LATCHKEY_EXAMPLE"];

test("the program in the README runs with the packed client", async () => {
  if (!example) throw new Error("LATCHKEY_EXAMPLE must be examples/plain.js beside an installed client: ./ci");
  const run = promisify(execFile);
  const { stdout, stderr } = await run(process.execPath, [example], { env: { ...process.env, LATCHKEY_URL: server.url } });
  assert.match(stdout, /^200 \{/);
  assert.equal(stderr, "");
});

test("so does the short one in the README of the project", async () => {
  if (!example) throw new Error("LATCHKEY_EXAMPLE must be in a folder with examples/short.js too: ./ci");
  const short = await readFile(join(dirname(example), "short.mjs"), "utf8");
  assert.match(short, /http:\/\/127\.0\.0\.1:3000/);
  const here = join(dirname(example), "short-here.mjs");
  await writeFile(here, short.replaceAll("http://127.0.0.1:3000", server.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [here]);
  assert.match(stdout, /username: 'demo'/);
  assert.equal(stderr, "");
});

/** Asks again and again, which ends because the service's clock goes on. */
async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await reached())) assert(Date.now() < deadline, "it did not come to it in 10 seconds");
}

async function post(url: string, body: object): Promise<unknown> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return ((await response.json()) as { code?: string }).code;
}
