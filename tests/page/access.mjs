// The panel for access tokens, walked from the first token to the logout.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { answer, press, why } from "./browser.mjs";

const words = (text) => text.replaceAll("\u00a0", " ");
const text = async (page, selector) => words(await page.locator(selector).innerText());

// Presses a button of the panel: the status and the reason stand beside it too.
async function presses(page, button, status, reason) {
  await press(page, button);
  assert.equal(await answer(page), status, button);
  assert.match(words(await why(page)), reason);
  const outcome = await text(page, "#access-outcome");
  assert.ok(outcome.includes(status) && outcome.includes(words(await why(page))), outcome);
  assert.match(await page.locator("#announcement").textContent(), new RegExp(status), "nothing is said to a screen reader");
}

export async function walkAccess(page, data) {
  setScope(data, "orders:read");
  await page.reload();
  await page.waitForSelector("html[data-ready]");
  await press(page, "Back to this machine’s time");
  const get = page.getByRole("button", { name: "Get an access token" });
  assert.match(await text(page, "#access"), /The session token can be refreshed.* only for that service and for 15 minutes\./);
  assert.ok(await get.isDisabled());
  assert.equal(await page.locator("#access-scopes").inputValue(), "orders:read orders:write");

  await press(page, "Log in");
  await getByKeyboard(page);
  assert.equal(await answer(page), "200");
  assert.match(await text(page, "#exchange pre >> nth=0"), /auth\/access.*Authorization: Bearer eyJ.*"audience":"https:\/\/orders\.example\.com"/s);
  assert.match(await text(page, "#access-countdown"), /^This access token expires in (15 min|14 min \d+ s)\.$/);
  assert.equal(await text(page, "#access-granted"), "Asked for orders:read, orders:write; granted orders:read. The user has no orders:write.");
  const shown = await page.locator("#access-fields .value").allInnerTexts();
  assert.deepEqual(shown.slice(0, 3), ["at+jwt", "https://orders.example.com", "orders:read"]);
  await page.getByText("The whole access token").click();
  assert.match(await text(page, "#access-whole"), /Header.*kid.*Claims.*auth_time.*Signature/s);
  await page.getByText("The whole access token").click();

  await presses(page, "Read orders", "200", /aud is this service, exp is .* away, and scope has orders:read/);
  await presses(page, "Use the session token", "401 invalid_token", /^The aud of the session token is latchkey/);
  await presses(page, "Try to refresh it", "400 invalid_token", /^Latchkey refreshes session tokens alone\./);
  await page.getByText("The timeline as a table").click();
  assert.doesNotMatch(await text(page, "#timeline-table"), /Rejected/, "the session’s token was not rejected");
  await mistakes(page);

  await presses(page, "Write an order", "403 insufficient_scope", /lacks orders:write\. .*the user demo has only orders:read\./);
  runs(await page.locator("#reason code", { hasText: "set-claims" }).innerText(), data);
  await get.click();
  await page.locator("#access-granted", { hasText: "granted orders:read, orders:write." }).waitFor();
  await presses(page, "Write an order", "200", /scope has orders:write/);

  await press(page, "Log out");
  assert.match(await text(page, "#access-logout"), /goes on accepting this one until it expires, at most 15 minutes\.$/);
  await presses(page, "Read orders", "200", /The service asked nobody/);
  await presses(page, "Get an access token", "401 session_ended", /this session is no longer in it/);
  await press(page, "+10 min");
  await press(page, "+10 min");
  await presses(page, "Read orders", "401 invalid_token", /is not before exp.*get another access token/);
  assert.equal(await text(page, "#access-countdown"), "This access token has expired.");
  assert.ok(await page.locator("#access-logout").isHidden());
  await press(page, "Log in");
  assert.equal(await text(page, "#access-countdown"), "No access token yet.");
}

export async function isWithout(page) {
  assert.ok(await page.locator("#access").isHidden());
  await press(page, "Log in");
  assert.equal(await answer(page), "200");
  assert.ok(await page.locator("#access").isHidden());
}

// Tab leads from one field to the next and to the button; Enter presses it.
async function getByKeyboard(page) {
  await page.locator("#access-audience").focus();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "access-scopes");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "access-get");
  await page.keyboard.press("Enter");
  await page.locator("#access-fields dl").first().waitFor();
}

// What one can ask for in vain; the token that is there stays.
async function mistakes(page) {
  const [audience, scopes] = [page.getByLabel("Audience"), page.getByLabel("Scopes")];
  await audience.fill("https://nobody.example.com");
  await presses(page, "Get an access token", "400 audience_unknown", /--access-audiences/);
  await audience.fill("https://orders.example.com");
  await scopes.fill("orders:burn");
  await presses(page, "Get an access token", "400 scope_unknown", /^This audience has no such scope/);
  await scopes.fill("orders:read");
  await presses(page, "Get an access token", "200", /the user has: orders:read\./);
  await presses(page, "Write an order", "403 insufficient_scope", /You did not ask for it\.$/);
  await scopes.fill("");
  await presses(page, "Get an access token", "200", /the user has: orders:read\./);
  assert.equal(await text(page, "#access-granted"), "Asked for all scopes; granted orders:read.");
  await presses(page, "Write an order", "403 insufficient_scope", /The audience and the user demo have only orders:read in common\./);
  await scopes.fill("orders:read orders:write");
  await presses(page, "Get an access token", "200", /the user has: orders:read\./);
}

// The command as the page shows it, for the data folder of this server.
const runs = (command, data) =>
  execFileSync("sh", ["-c", command.replace(/^latchkey /, '"$LATCHKEY" ').replace(/--local$/, '--local "$DATA"')], { env: { ...process.env, DATA: data } });

const setScope = (data, scope) => runs(`latchkey user set-claims demo '${JSON.stringify({ scope })}' --local`, data);
