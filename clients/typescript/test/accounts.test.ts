import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetCode, takeCode } from "../src/accounts.js";
import { LatchkeyError } from "../src/index.js";
import { MINUTE, settled, TestWorld } from "./world.js";
import { leavePage, openPage } from "./page.js";

const CODE = "K7QD-2M9P-0WXE-J4TB-5RVC-8HNA";

let reloads = 0;
/** The module as a reload of the page begins it: nothing is left in memory. */
async function reloaded(): Promise<typeof import("../src/account-code.js")> {
  reloads += 1;
  return import(new URL(`../src/account-code.js?${reloads}`, import.meta.url).href);
}

for (const purpose of ["invitation", "recovery"] as const) {
  test(`the code of a link is taken out of the address, and a reload still has it (${purpose})`, async () => {
    const page = openPage(`https://app.example.com/account?lang=en#${purpose}=${CODE}`);
    assert.deepEqual(takeCode(), { purpose, code: CODE });
    assert.equal(page.href, "https://app.example.com/account?lang=en");
    assert.deepEqual(page.replaced, [{ kept: "by a router" }], "the history lost what was in it");
    assert.deepEqual(takeCode(), { purpose, code: CODE }, "a second call finds it too");
    assert.deepEqual((await reloaded()).takeCode(), { purpose, code: CODE });
    forgetCode();
    assert.equal(takeCode(), undefined);
    assert.equal((await reloaded()).takeCode(), undefined);
    leavePage();
  });
}

test("a newer link replaces the code of an older one, and what a program has added to it is cut off", () => {
  openPage(`https://app.example.com/#invitation=${CODE}`);
  takeCode();
  openPage("https://app.example.com/#recovery=0000-0000&utm_source=mail", { reopened: true });
  assert.deepEqual(takeCode(), { purpose: "recovery", code: "0000-0000" });
  leavePage();
});

test("an address without a code is left alone, and a server has none", () => {
  for (const fragment of ["", "#", "#/settings", "#code=1", "#recovery", "#other&recovery=1"]) {
    const page = openPage(`https://app.example.com/${fragment}`);
    assert.equal(takeCode(), undefined, fragment);
    assert.deepEqual([page.href, page.replaced], [`https://app.example.com/${fragment}`, []]);
    leavePage();
  }
  assert.equal(takeCode(), undefined);
});

test("a browser that closes sessionStorage to the page has the code until the page is left", () => {
  const page = openPage(`https://app.example.com/#recovery=${CODE}`, { closed: true });
  assert.deepEqual(takeCode(), { purpose: "recovery", code: CODE });
  assert.equal(page.href, "https://app.example.com/");
  assert.deepEqual(takeCode(), { purpose: "recovery", code: CODE });
  leavePage();
});

test("an invitation makes a user who can sign in, and its code is good once and then forgotten", async () => {
  const world = new TestWorld();
  const accounts = world.accounts();
  const code = world.service.makeCode("invitation", "alan");
  openPage(`https://app.example.com/#invitation=${code}`);
  takeCode();
  assert.deepEqual(await accounts.showCode(code), { purpose: "invitation", username: "alan", expires_in: 86_400 });
  assert.deepEqual(takeCode(), { purpose: "invitation", code }, "showing it forgot it");
  const user = await accounts.completeRegistration(code, "four more random words");
  assert.deepEqual(user, { sub: "id-of-alan", username: "alan" });
  assert.equal(takeCode(), undefined);
  leavePage();
  assert.equal((await world.client().login("alan", "four more random words")).status, "signed-in");
  const { credentials, redirect, body } = world.service.calls.find(({ path }) => path === "/auth/registration/complete")!;
  assert.deepEqual([credentials, redirect], ["omit", "error"]);
  assert.deepEqual(body, { code, password: "four more random words" });
  for (const call of [() => accounts.showCode(code), () => accounts.completeRegistration(code, "other words")]) {
    await assert.rejects(call(), { code: "invalid_code", status: 400, temporary: false });
  }
});

test("who asks for a letter learns nothing, and a user gets one whose code sets the password", async () => {
  const world = new TestWorld();
  const accounts = world.accounts();
  await accounts.requestRecovery("nobody");
  assert.deepEqual(world.service.letters, []);
  world.service.failNext(1);
  const asking = accounts.requestRecovery("ada");
  await settled();
  await world.pass(MINUTE);
  await asking;
  assert.deepEqual(world.service.calls.at(-1)!.body, { username: "ada" });
  const [letter] = world.service.letters;
  assert(letter !== undefined);
  const { username, code } = letter;
  assert.equal(username, "ada");
  await accounts.completeRecovery(code, "four more random words");
  await world.client().login("ada", "four more random words");
});

test("a recovery sets the password and ends every session", async () => {
  const world = new TestWorld();
  const session = await world.signedIn();
  const accounts = world.accounts();
  const code = world.service.makeCode("recovery", "ada");
  assert.equal((await accounts.showCode(code)).purpose, "recovery");
  await assert.rejects(accounts.completeRegistration(code, "x"), { code: "invalid_code" });
  await accounts.completeRecovery(code, "four more random words");
  assert.deepEqual(world.service.calls.at(-1)!.body, { code, new_password: "four more random words" });
  await assert.rejects(session.refresh(), { code: "session_ended" });
  await assert.rejects(world.client().login("ada", "correct horse"), { code: "invalid_credentials" });
  await world.client().login("ada", "four more random words");
});

test("a newer code ends the one before, and every code ends with its time", async () => {
  const world = new TestWorld();
  const accounts = world.accounts();
  const [first, second] = [world.service.makeCode("recovery", "ada", 60), world.service.makeCode("recovery", "ada", 60)];
  await assert.rejects(accounts.showCode(first), { code: "invalid_code" });
  await world.pass(MINUTE);
  assert.equal((await accounts.showCode(second)).expires_in, 0);
  await world.pass(1_000);
  await assert.rejects(accounts.completeRecovery(second, "x"), { code: "invalid_code" });
});

test("a password that is refused leaves the code with the page", async () => {
  const world = new TestWorld();
  const code = world.service.makeCode("recovery", "ada");
  openPage(`https://app.example.com/#recovery=${code}`);
  takeCode();
  world.service.answerNext(400, "password_refused");
  await assert.rejects(world.accounts().completeRecovery(code, "short"), { code: "password_refused" });
  assert.deepEqual(takeCode(), { purpose: "recovery", code });
  leavePage();
});

test("a code is shown after two tries in vain", async () => {
  const world = new TestWorld();
  const code = world.service.makeCode("recovery", "ada");
  world.service.failNext(1);
  world.service.answerNext(503, "temporarily_unavailable", 2);
  const shown = world.accounts().showCode(code);
  await world.pass(10_000);
  assert.equal((await shown).username, "ada");
  assert.equal(world.service.count("/auth/code"), 3);
});

test("a password is sent once, because a lost answer may have been a yes", async () => {
  const world = new TestWorld();
  const accounts = world.accounts();
  for (const [status, code] of [[503, "temporarily_unavailable"], [null, "network_error"]] as const) {
    for (const send of [() => accounts.completeRegistration(CODE, "a secret"), () => accounts.completeRecovery(CODE, "a secret")]) {
      if (status === null) world.service.failNext(1);
      else world.service.answerNext(status, code, 2);
      const before = world.service.calls.length;
      const problem: unknown = await send().catch((each: unknown) => each);
      assert(problem instanceof LatchkeyError);
      assert.deepEqual([problem.code, problem.status, problem.temporary], [code, status, true]);
      assert.doesNotMatch(JSON.stringify(problem) + problem.stack + String(problem.cause), /a secret|K7QD/);
      assert.equal(world.service.calls.length, before + 1);
    }
  }
});

test("a call that is aborted rejects with the reason, and one without an answer with a timeout", async () => {
  const world = new TestWorld();
  const accounts = world.accounts({ timeout: 5_000 });
  const stop = new AbortController();
  world.service.holdNext();
  const held = assert.rejects(accounts.completeRecovery(CODE, "x", { signal: stop.signal }), /no longer wanted/);
  await settled();
  stop.abort(new Error("no longer wanted"));
  await held;
  world.service.holdNext();
  const late = assert.rejects(accounts.completeRecovery(CODE, "x"), { code: "timeout" });
  await world.pass(5_000);
  await late;
});

test("an answer that is not the service's is told apart, and without the route the error says what to set", async () => {
  const world = new TestWorld();
  const accounts = world.accounts();
  const answer = (status: number, body: object) => world.service.failures.push(async () => Response.json(body, { status }));
  for (const body of [{}, { purpose: "other", username: "ada", expires_in: 1 }, { purpose: "recovery", username: 1, expires_in: 1 }, { purpose: "recovery", username: "ada" }]) {
    answer(200, body);
    await assert.rejects(accounts.showCode(CODE), { code: "unexpected_answer", status: 200 }, JSON.stringify(body));
  }
  answer(201, { user: "ada" });
  await assert.rejects(accounts.completeRegistration(CODE, "x"), { code: "unexpected_answer" });
  answer(404, { message: "Not Found" });
  await assert.rejects(accounts.completeRecovery(CODE, "x"), /status 404 .* Is ACCOUNT_LINK set\?$/);
});
