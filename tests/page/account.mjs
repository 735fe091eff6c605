// The panel of links that set a password, from the command that makes one to the login.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { answer, settled, why } from "./browser.mjs";

const WORDS = "four more random words";
// Whole: two groups of four with a hyphen between them stand in every tenth token, too.
const CODE = /(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}/;

const text = async (page, selector) => (await page.locator(selector).innerText()).replaceAll("\u00a0", " ");

// Opens links in `page`, which has been opened without one, and sets passwords of new users and of the demo's.
export async function walkAccount(page, data, picture) {
  const url = page.url();
  const commands = (await text(page, "#account pre")).split("\n");
  assert.equal(await page.locator("#account form").count(), 0, "there is nothing to set without a link");

  const name = `ada-${await page.evaluate(() => innerWidth)}`;
  const invitation = linkOf(commands[0].replace(" ada ", ` ${name} `), data);
  await open(page, invitation);
  assert.equal(await text(page, "#account-text"), `With this link you become the user ${name}.`);
  assert.match(await text(page, "#account-outcome"), /200.*The code is good for another \d+ d /s);
  assert.equal(await page.locator("main > :first-child").getAttribute("id"), "account", "the panel is not the first thing");
  assert.equal(await page.locator("#account-username").inputValue(), name);
  assert.deepEqual(await attributes(page, "#account-username"), ["username", true]);
  assert.deepEqual(await attributes(page, "#account-password"), ["new-password", false]);
  assert.equal(await answer(page), "200");
  await picture(page, `account-${await page.evaluate(() => innerWidth)}`);

  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await set(page, "too short");
  assert.equal(await answer(page), "400 password_refused");
  assert.match(await text(page, "#account-outcome"), /400 password_refused.*The new password is too short/s);
  await set(page, WORDS);
  assert.equal(await text(page, "#account-text"), `The password is set, and ${name} is logged in.`);
  assert.match(await text(page, "#account-outcome"), /201.*used the code up.*Log in 200/s);
  assert.match(await text(page, "#token-countdown"), /^This token expires in /);
  await saysNoSecret(page);

  await open(page, invitation);
  assert.equal(await text(page, "#account-text"), "This link no longer works.");
  assert.match(await why(page), /If it was used to set a password, log in\. If not, make a new link\./);
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  assert.match(await text(page, "#account-text"), /^Only its owner needs to know a password/);

  // Pasted while the page is open.
  await page.evaluate((fragment) => void (location.hash = fragment), new URL(linkOf(commands[1], data)).hash);
  await page.waitForSelector("#account-password");
  await page.waitForSelector("html[data-ready]");
  assert.equal(page.url(), url);
  await set(page, "latchkey demo password");
  assert.equal(await text(page, "#account-text"), "The password is set, and demo is logged in.");
  assert.match(await text(page, "#account-outcome"), /204.*ended every session/s);
  await saysNoSecret(page);
}

// A forgotten password: the letter is on the page, and its link sets another.
export async function walkLetters(page, picture) {
  const host = new URL(page.url()).host;
  await page.getByRole("button", { name: "Ask for an email" }).click();
  await settled(page);
  assert.match(await text(page, "#letters-outcome"), /202.*The answer is the same for every name/s);
  await newest(page, "Set a new password");
  const letter = await page.locator("#letters-list details").first().innerText();
  assert.match(letter, new RegExp(`^Set a new password for ${host}, to demo@example\\.com`));
  assert.match(letter, CODE);
  await picture(page, `letters-${await page.evaluate(() => innerWidth)}`);
  await page.locator("#letters-list details a").first().click();
  await page.waitForSelector("#account-password");
  assert.equal(new URL(page.url()).hash, "", "the address has no code");
  assert.match(await text(page, "#account-text"), /^This link sets a new password for demo/);
  await set(page, "latchkey demo password");
  assert.equal(await text(page, "#account-text"), "The password is set, and demo is logged in.");
  // It is written after the password is set.
  do {
    await page.getByRole("button", { name: "Look for new emails" }).click();
    await settled(page);
  } while (!(await text(page, "#letters-list details:first-child summary")).includes("was changed"));
}

// Waits until the newest letter is about this.
const newest = (page, subject) =>
  page.waitForFunction((said) => document.querySelector("#letters-list summary")?.textContent.includes(said), subject);

// A server that was started with an empty --account-link.
export async function hasNoLinks(page) {
  assert.equal(await page.locator("#letters").isVisible(), false, "there are no letters");
  await open(page, `${page.url()}#recovery=K7QD-2M9P-0WXE-J4TB-5RVC-8HNA`);
  assert.equal(await text(page, "#account-text"), "This link no longer works.");
  assert.match(await why(page), /started with an empty --account-link/);
}

// In the page that is there, as a link in a letter would: its scripts begin anew, and none but the first sees the code.
async function open(page, link) {
  await page.goto("about:blank");
  const seen = [];
  await page.route("**/page/*.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(window.ran ??= []).push([import.meta.url, location.hash]);${await response.text()}` });
  });
  await page.goto(link);
  await page.waitForSelector("html[data-ready]");
  await settled(page);
  seen.push(...(await page.evaluate(() => window.ran)));
  await page.unroute("**/page/*.js");
  const saw = seen.filter(([, fragment]) => fragment !== "").map(([script]) => new URL(script).pathname);
  assert.deepEqual(saw, ["/page/account.js"], "scripts that saw the code");
  assert.equal(page.url(), link.replace(/#.*/, ""));
  const { entries } = await (await page.context().newCDPSession(page)).send("Page.getNavigationHistory");
  assert.deepEqual(entries.filter((entry) => CODE.test(entry.url)), [], "the history has the code");
}

async function set(page, password) {
  await page.locator("#account-password").fill(password);
  await page.getByRole("button", { name: "Set the password" }).click();
  await settled(page);
}

async function saysNoSecret(page) {
  const shown = await page.evaluate(() => [document.body.innerText, JSON.stringify(sessionStorage), JSON.stringify(localStorage), location.href]);
  for (const each of shown) assert.doesNotMatch(each, new RegExp(`${CODE.source}|${WORDS}`));
}

const attributes = (page, selector) => page.locator(selector).evaluate((input) => [input.autocomplete, input.readOnly]);

// The link that a command of the page makes, for the data folder of this server.
function linkOf(command, data) {
  const words = command.replace(/^cargo run -q -p cli -- /, '"$LATCHKEY" ').replace(/--local$/, '--local "$DATA" --json');
  const said = JSON.parse(execFileSync("sh", ["-c", words], { env: { ...process.env, DATA: data } }));
  return (said.links?.[0] ?? said).link;
}
