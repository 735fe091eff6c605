// The page, proved in a browser: `tests/page/run` starts this.
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isWithout, walkAccess } from "./access.mjs";
import { hasNoLinks, walkAccount, walkLetters } from "./account.mjs";
import { answer, launch, press, settled, why, withPage } from "./browser.mjs";
import { withServer } from "./server.mjs";

const { values: options } = parseArgs({ options: { screenshot: { type: "boolean" }, pictures: { type: "string" } } });

const onPhone = { viewport: { width: 375, height: 812 }, isMobile: true, hasTouch: true };
const picture = (page, name) =>
  options.pictures && page.screenshot({ path: join(options.pictures, `${name}.png`), fullPage: true });

const outcomes = (page) => page.locator("#tour .outcome").allInnerTexts();
const words = (text) => text.replaceAll("\u00a0", " ");

async function walkByKeyboard(page) {
  // A keyboard finds the tour by Tab, and sees where it is.
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.id === "tour-next")) break;
  }
  const focus = await page.evaluate(() => [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]);
  assert.deepEqual(focus, ["tour-next", "solid"]);
  const expected = [
    ["200", /^A new session\./],
    ["200", /The token was live \(now < exp\)/],
    ["200", /same iat/],
    ["200", /past the refresh limit: the limit bounds refreshing, not the life of a token/],
    ["400 refresh_expired", /^Now is 1 s past the refresh limit, iat \+ 2 d = /],
    ["200", /exp is 1 s away/],
    ["400 token_expired", /is not before exp/],
    ["400 token_expired", /An expired token cannot be refreshed/],
  ];
  for (const [step, [status, reason]] of expected.entries()) {
    await page.keyboard.press("Enter");
    await page.waitForFunction((done) => document.querySelectorAll("#tour .done").length > done, step);
    await settled(page);
    assert.equal(await answer(page), status, `step ${step + 1}`);
    assert.match(words(await why(page)), reason);
    assert.match(await page.locator("#announcement").textContent(), /\S/, "nothing is said to a screen reader");
    // Focus stays, so that Enter goes on.
    assert.equal(await page.evaluate(() => document.activeElement.id), "tour-next");
    if (step === 4) {
      await picture(page, `limit-${await page.evaluate(() => innerWidth)}`);
      if (options.screenshot && page.viewportSize().width === 1280) await page.screenshot({ path: "docs/page.png", clip: { x: 0, y: 0, width: 1280, height: 900 } });
    }
  }
  const told = (await outcomes(page)).map(words);
  assert.match(told[2], /^Refreshed so far: 96 times\./);
  assert.match(told[5], /^Still valid, 2 d 59 min 59 s after the login\./);
  assert.match(told[6], /^Expired, 2 d 1 h after the login: 2 d \+ 1 h\./);
  assert.equal(words(await page.locator(".formula").innerText()), "2 d + 1 h = 2 d 1 h");
}

async function tryEverything(page) {
  await page.getByLabel("Password", { exact: true }).press("Enter");
  await page.waitForSelector("#timeline svg");
  await settled(page);
  assert.match(words(await page.locator("#token-countdown").innerText()), /^This token expires in (1 h|59 min \d+ s)\.$/);
  assert.match(await page.locator("#session-countdown").innerText(), /^You can refresh until .*; the session ends by /);

  await press(page, "+10 min");
  await press(page, "Refresh");
  assert.equal(await answer(page), "200");
  assert.deepEqual(await page.locator(".new").count(), 2, "exp and jti are new");
  assert.deepEqual(await page.locator(".kept").allInnerTexts(), ["kept by the refresh"]);
  await press(page, "Refresh an older token");
  assert.match(await why(page), /a lost answer or a second tab logs nobody out/);
  await press(page, "Verify");
  assert.match(await why(page), /the session is still in the user’s row/);
  await press(page, "Tamper with the token");
  assert.equal(await answer(page), "400 invalid_token");
  assert.match(await why(page), /The signature covers header and claims/);

  for (const [jump, action, said] of [
    ["The token’s exp: 1 s before", "Refresh", "200"],
    ["The token’s exp: at", "Refresh", "400 token_expired"],
    ["The token’s exp: 1 s after", "Verify", "400 token_expired"],
  ]) {
    await press(page, jump);
    await press(page, action);
    assert.equal(await answer(page), said, jump);
  }

  await press(page, "Log in");
  const command = await page.locator("#exchange pre").first().innerText();
  assert.match(command, /curl -si .*\/auth\/login .*latchkey demo password/s);
  await press(page, "−1 h");
  await press(page, "Refresh");
  assert.equal(await answer(page), "400 invalid_token");
  assert.match(await why(page), /is in the future: the clock was set back/);
  assert.match(words(await headline(page)), /^This token is from the future: it was issued 1 h from now/);
  await press(page, "+1 h");

  await page.getByLabel("Keep refreshing on the way").check();
  await press(page, "+1 d");
  assert.equal(words(await headline(page)), "This token expires in 30 min.");
  await press(page, "Refresh limit: 1 s after");
  assert.match(words(await headline(page)), /^This token expires in /);
  await press(page, "Refresh");
  assert.equal(await answer(page), "400 refresh_expired");
  await page.getByLabel("Keep refreshing on the way").uncheck();
  await press(page, "Log in");
  await press(page, "The token’s exp: 1 s after");
  await page.getByLabel("Keep refreshing on the way").check();
  await press(page, "+1 h");
  assert.equal(words(await headline(page)), "This token expired 1 h 1 s ago.", "the clock went back to refresh");
  await page.getByLabel("Keep refreshing on the way").uncheck();
  await press(page, "Log in");

  await press(page, "Log out");
  assert.equal(await answer(page), "204");
  assert.match(words(await headline(page)), /^Logged out\. The signature stays valid for 1 h; a check of the session fails/);
  await press(page, "Refresh");
  assert.equal(await answer(page), "400 session_ended");
  assert.match(await page.locator("#session-countdown").innerText(), /^Logged out at /);
  await press(page, "Log in");
  await press(page, "Log out everywhere");
  assert.equal(await answer(page), "204");

  await page.getByText("The timeline as a table").click();
  await page.locator("#timeline-table tbody tr").first().waitFor();
  const rows = await page.locator("#timeline-table tbody tr").allInnerTexts();
  for (const row of ["Login: token 1", "Refresh limit", "Latest end of the session", "Logged out", "Now"]) {
    assert.ok(rows.some((text) => text.includes(row)), `no row ${row}`);
  }

  await page.getByLabel("Password", { exact: true }).fill("hunter2 hunter2");
  await press(page, "Log in");
  assert.equal(await answer(page), "400 invalid_credentials");
  assert.ok(!(await page.locator("body").innerText()).includes("hunter2"), "the password is on the page");
  assert.equal(await page.locator("#login-problem").innerText(), "Unable to log in with provided credentials.");
  await press(page, "Verify");
  assert.equal(await page.locator("#login-problem").isVisible(), false, "the problem stays after the next call");
  await press(page, "Let it run");
  await press(page, "Back to this machine’s time");
  assert.equal(await page.locator("#clock-state").innerText(), "runs");
}

const headline = (page) => page.locator("#token-countdown").innerText();

// On a narrow screen: what a step did, what comes next, and the button, where they were before.
async function staysInView(page) {
  const { height } = page.viewportSize();
  const top = () => page.locator("#tour-next").evaluate((button) => button.getBoundingClientRect().top);
  const before = await top();
  for (let step = 0; step < 8; step += 1) {
    await page.locator("#tour-next").click();
    await page.waitForFunction((done) => document.querySelectorAll("#tour .done").length > done, step);
    await settled(page);
    assert.equal(await top(), before, "the button moved");
    const told = await page.locator("#tour-here p").evaluateAll((lines) => lines.map((line) => [line.textContent, line.getBoundingClientRect().bottom]));
    assert.ok(told[0][0].endsWith((await outcomes(page)).at(-1)), told[0][0]);
    assert.ok(told.every(([, bottom]) => bottom > 0 && bottom <= height), JSON.stringify(told));
    const drawn = await page.locator("#timeline svg").first().evaluate((image) => image.getBoundingClientRect().bottom);
    assert.ok(drawn > 0 && drawn <= before, `the timeline ends at ${drawn}, the button begins at ${before}`);
  }
}

// Whether anything of a token outlives the page.
async function remembersNothing(page) {
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, location.href.includes("eyJ")]);
  assert.deepEqual(kept, [0, 0, "", false]);
}

async function isLabelled(page) {
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, input, select, pre, svg")]
    .filter((it) => !(it.ariaLabel || it.labels?.length || it.textContent.trim())).map((it) => it.outerHTML.slice(0, 80)));
  assert.deepEqual(unnamed, []);
}

async function fits(page) {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= 375 && window === 375, `${page.url()} is ${wide} wide on a phone of 375`);
}

const browser = await launch();
try {
  await withServer([], async (url, data) => {
    await withPage(browser, url, {}, async (page) => {
      assert.equal(await page.locator("h1").innerText(), "Why is the longest session 2 days and 1 hour?");
      assert.match(words(await page.locator("#settings").innerText()), /JWT_EXPIRATION_DELTA = 1 h; .*JWT_REFRESH_EXPIRATION_DELTA = 2 d after/);
      await walkByKeyboard(page);
      await isLabelled(page);
      await remembersNothing(page);
    });
    console.log("ok: the keyboard alone walks to 2 d 1 h, and each answer has its reason");
    await withPage(browser, url, {}, tryEverything);
    console.log("ok: every button shows its call, the answer and the reason");
    await withPage(browser, url, {}, async (page) => {
      await walkAccess(page, data);
      await isLabelled(page);
      await remembersNothing(page);
      await picture(page, "access");
    });
    console.log("ok: an access token reads orders, writes them once the user may, and outlives the logout by 15 minutes at most");
    await withPage(browser, url, {}, async (page) => {
      await walkAccount(page, data, picture);
      await isLabelled(page);
      await remembersNothing(page);
    });
    console.log("ok: a link sets the password of a new user or of an old one, once, and no other script sees its code");
    await withPage(browser, url, {}, async (page) => {
      await walkLetters(page, picture);
      await isLabelled(page);
    });
    await withPage(browser, url, onPhone, async (page) => {
      await walkLetters(page, async (...look) => {
        await fits(page);
        await picture(...look);
      });
    });
    console.log("ok: who forgot the password asks for a letter, finds it on the page and follows its link");
    await withPage(browser, url, onPhone, async (page) => {
      await walkAccount(page, data, async (...look) => {
        await fits(page);
        await picture(...look);
      });
      await page.goto(url);
      await page.waitForSelector("html[data-ready]");
      await fits(page);
      await walkByKeyboard(page);
      await walkAccess(page, data);
      await fits(page);
      await picture(page, "access-375");
      await page.goto(`${url}/docs`);
      await fits(page);
    });
    console.log("ok: nothing scrolls sideways at 375 px");
    // The second is a window of 1280 by 900 at 200 %.
    for (const look of [onPhone, { viewport: { width: 640, height: 450 } }]) await withPage(browser, url, look, staysInView);
    console.log("ok: on a phone and at 200 % each step, its result and the button stay in view");
    const backgrounds = [];
    for (const colorScheme of ["light", "dark"]) {
      await withPage(browser, url, { colorScheme }, async (page) => {
        await press(page, "Log in");
        backgrounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
        await picture(page, colorScheme);
        await page.goto(`${url}/docs`);
        assert.ok((await page.locator("section").count()) >= 9);
        await picture(page, `docs-${colorScheme}`);
      });
    }
    assert.notEqual(...backgrounds);
    console.log("ok: it is light by day and dark by night, and so is the API reference");
  });
  await withServer(["--expiration", "5m", "--refresh-expiration", "0"], (url) =>
    withPage(browser, url, {}, async (page) => {
      assert.equal(await page.locator("h1").innerText(), "Why is the longest session 5 minutes?");
      for (let step = 0; step < 8; step += 1) {
        await page.locator("#tour-next").click();
        await page.waitForFunction((done) => document.querySelectorAll("#tour .done").length > done, step);
        await settled(page);
      }
      assert.match(words((await outcomes(page))[6]), /^Expired, 5 min after the login/);
    }));
  await withServer(["--expiration", "1", "--refresh-expiration", "3660d"], (url) =>
    withPage(browser, url, {}, async (page) => {
      assert.match(await page.locator("#tour").innerText(), /takes too many refreshes/);
      assert.ok(await page.locator("#tour-next").isDisabled());
    }));
  console.log("ok: other durations are told as they are");
  await withServer(["--access-audiences", ""], (url) => withPage(browser, url, {}, isWithout));
  console.log("ok: a server without access tokens has no panel for them");
  await withServer(["--account-link", ""], (url) => withPage(browser, url, {}, hasNoLinks));
  console.log("ok: a server without links that set a password says so");
} finally {
  await browser.close();
}
