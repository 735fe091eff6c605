import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Accounts, type AccountsOptions } from "../../src/accounts.js";
import { Latchkey, LatchkeyError } from "../../src/index.js";
import { jar } from "./jar.js";
import { invitation, recovery } from "./links.js";
import { DEMO, type LocalServer, start } from "./local.js";

const DAY = 86_400;
const WORDS = "four more random words";
const PAGE = "http://localhost:5173";

let server: LocalServer;
before(async () => {
  server = await start();
});
after(() => server.stop());

function accounts(options: Partial<AccountsOptions> = {}): Accounts {
  return new Accounts({ baseUrl: server.url, ...options });
}

function client(): Latchkey {
  const made = new Latchkey({ baseUrl: server.url });
  after(() => made.close());
  return made;
}

test("the bearer of an invitation sets a password and signs in as the user it names, once", async () => {
  const { page, code } = await invitation(server, "ada");
  assert.equal(page, `${server.url}/`, "the link leads to the local page");
  const shown = await accounts().showCode(code);
  assert.deepEqual([shown.purpose, shown.username], ["invitation", "ada"]);
  assert(shown.expires_in > 0 && shown.expires_in <= 30 * DAY, `${shown.expires_in} s`);
  await assert.rejects(client().login("ada", WORDS), { code: "invalid_credentials" });
  await assert.rejects(accounts().completeRecovery(code, WORDS), { code: "invalid_code", status: 400 });
  await assert.rejects(accounts().completeRegistration(code, "short"), { code: "password_refused", status: 400 });
  // As somebody types it.
  const user = await accounts().completeRegistration(code.toLowerCase().replaceAll("-", " "), WORDS);
  assert.equal(user.username, "ada");
  assert.deepEqual((await client().login("ada", WORDS)).user, user);
  for (const call of [() => accounts().showCode(code), () => accounts().completeRegistration(code, WORDS)]) {
    await assert.rejects(call(), { code: "invalid_code", status: 400, temporary: false });
  }
});

test("a recovery sets another password, ends every session, and a newer link ends the one before", async () => {
  const [phone, laptop] = [client(), client()];
  await phone.login(...DEMO);
  const first = await recovery(server, "demo");
  const { code } = await recovery(server, "demo");
  await assert.rejects(accounts().showCode(first.code), { code: "invalid_code" });
  assert.deepEqual(Object.keys(await accounts().showCode(code)), ["purpose", "username", "expires_in"]);
  await assert.rejects(accounts().completeRegistration(code, WORDS), { code: "invalid_code" });
  await accounts().completeRecovery(code, WORDS);
  await assert.rejects(phone.refresh(), { code: "session_ended" });
  await assert.rejects(laptop.login(...DEMO), { code: "invalid_credentials" });
  await laptop.login("demo", WORDS);
  await assert.rejects(accounts().completeRecovery(code, WORDS), { code: "invalid_code" });
  await laptop.changePassword(WORDS, DEMO[1]);
});

test("who has forgotten the password gets a letter with a code", async () => {
  await accounts().requestRecovery("nobody");
  await accounts().requestRecovery("demo");
  const letter = await newestLetter();
  assert.match(letter, /asked for a new password for the user demo/);
  const [, code] = /#recovery=(\S+)/.exec(letter)!;
  await accounts().completeRecovery(code!, DEMO[1]);
  await client().login(...DEMO);
});

/** The text of the newest letter that the local server has, once there is one. */
async function newestLetter(): Promise<string> {
  for (;;) {
    const { letters } = (await (await fetch(`${server.url}/local/mail`)).json()) as { letters: { text: string }[] };
    const recovery = letters.find(({ text }) => text.includes("#recovery="));
    if (recovery) return recovery.text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test("text that is no code is an invalid code, and no code is told apart from another", async () => {
  const sentences = new Set<string>();
  for (const code of ["", "K7QD", "K7QD-2M9P-0WXE-J4TB-5RVC-8HNA", "é".repeat(24), "K".repeat(3_000)]) {
    await assert.rejects(accounts().showCode(code), (problem) => {
      assert(problem instanceof LatchkeyError);
      sentences.add(problem.message);
      return problem.code === "invalid_code";
    });
  }
  assert.equal(sentences.size, 1);
});

test("in cookie mode a page of the app may call without its cookie, and a foreign page may not", async () => {
  const guarded = await start("--cookie", "--allow-origin", PAGE, "--account-link", `${PAGE}/account`);
  try {
    const { page, code } = await invitation(guarded, "ada");
    assert.equal(page, `${PAGE}/account`);
    const foreign = accounts({ baseUrl: guarded.url, environment: { fetch: jar("https://evil.example").fetch } });
    const calls = [() => foreign.requestRecovery("demo"), () => foreign.showCode(code), () => foreign.completeRegistration(code, WORDS), () => foreign.completeRecovery(code, WORDS)];
    for (const call of calls) {
      await assert.rejects(call(), { code: "csrf_refused", status: 403 });
    }
    const browser = jar(PAGE);
    const ours = accounts({ baseUrl: guarded.url, environment: { fetch: browser.fetch } });
    assert.equal((await ours.showCode(code)).username, "ada");
    await ours.completeRegistration(code, WORDS);
    assert.equal(browser.cookie(), "", "no session opens");
    const session = new Latchkey({ baseUrl: guarded.url, mode: "cookie", environment: { fetch: browser.fetch } });
    after(() => session.close());
    assert.equal((await session.login("ada", WORDS)).status, "signed-in");
  } finally {
    await guarded.stop();
  }
});

test("a service without such links says what to set", async () => {
  const plain = await start("--account-link", "");
  try {
    await assert.rejects(accounts({ baseUrl: plain.url }).showCode("K7QD"), /status 404 .* Is ACCOUNT_LINK set\?/);
    await assert.rejects(accounts({ baseUrl: plain.url }).requestRecovery("demo"), /status 404 .* Is MailFrom set\?/);
  } finally {
    await plain.stop();
  }
});
