// Walks through the app in headless Chromium, with two tabs and two users, in token mode and in cookie mode.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { accessible } from "./accessible.mjs";
import { ARGUMENTS } from "./chromium.mjs";
import { app, freePort, latchkey, USERS } from "./servers.mjs";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
try {
  for (const mode of ["cookie", "token"]) await walk(mode);
} finally {
  await browser.close();
}

async function walk(mode) {
  const port = await freePort();
  const options = mode === "cookie" ? ["--cookie"] : [];
  const service = await latchkey(...options, "--allow-origin", `http://127.0.0.1:${port}`);
  const page = await app(port, { VITE_LATCHKEY_URL: service.url, VITE_LATCHKEY_MODE: mode });
  const context = await browser.newContext({ locale: "en-GB", viewport: { width: 390, height: 844 } });
  context.setDefaultTimeout(60_000);
  const wrong = [];
  context.on("weberror", (error) => wrong.push(error.error().message));
  context.on("console", (message) => {
    // Chromium notes every rejection and every service that is away.
    if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) wrong.push(message.text());
  });
  try {
    const step = async (said, run) => {
      await run();
      console.log(`${mode}: ${said}`);
    };
    const one = await context.newPage();
    const two = await context.newPage();
    const shown = (tab, text) => tab.getByText(text).first().waitFor();
    const heading = (tab, name) => tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    const press = (tab, name) => tab.getByRole("button", { name, exact: true }).click();

    await step("a wrong password is told, and a right one shows the user's name", async () => {
      await one.goto(page.url);
      await signIn(one, "demo", "not the password");
      await shown(one, "Unable to log in with provided credentials.");
      await accessible(one);
      await signIn(one, "demo");
      await heading(one, "demo");
      assert.equal(await one.evaluate(() => document.activeElement?.tagName), "H1", "the focus is lost");
      await shown(one, /^(59 min|1 h)/);
      await shown(one, "This one");
      await accessible(one);
    });
    await step("the API is called", async () => {
      await press(one, "Call the API");
      await shown(one, "Hello, demo.");
    });
    if (mode === "cookie") {
      await step("the authorizer of an API takes the cookie from this page", async () => {
        const ask = (url) => fetch(url, { credentials: "include" }).then((response) => response.json());
        const { claims } = await one.evaluate(ask, `${service.url}/protected/now`);
        assert.equal(claims.username, "demo");
      });
    }
    await step("the token is where this mode keeps it, and no script has the cookie", async () => {
      const kept = await one.evaluate(() => JSON.stringify(localStorage) + document.cookie);
      assert.equal(/eyJ/.test(kept), mode === "token");
      const cookies = await context.cookies();
      assert.deepEqual(cookies.map(({ name, httpOnly, secure }) => [name, httpOnly, secure]), mode === "token" ? [] : [["__Host-latchkey", true, true]]);
    });
    await step("a reload and a second tab are signed in", async () => {
      await one.reload();
      await heading(one, "demo");
      await two.goto(page.url);
      await heading(two, "demo");
    });
    await step("an edit of a component shows, and the session goes on", async () => {
      const file = join(page.folder, "src/Account.tsx");
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace("A protected call", "A hot call"));
      await shown(one, "A hot call");
      await heading(one, "demo");
      await press(one, "Call the API");
      await shown(one, "Hello, demo.");
    });
    await step("a logout in one tab is one in the other, which says so", async () => {
      await press(two, "Sign out");
      await heading(two, "Sign in");
      await shown(one, "You signed out in another tab.");
    });
    await step("another user in the other tab is shown in both", async () => {
      await signIn(one, "demo");
      await heading(one, "demo");
      await heading(two, "demo");
      await switchUser(two, "grace");
      await heading(one, "grace");
      await press(one, "Call the API");
      await shown(one, "Hello, grace.");
      await heading(two, "grace");
    });
    await step("a clock that is set back keeps the session, and set forward again it asks for the password", async () => {
      for (const tab of [one, two]) {
        await tab.evaluate(() => {
          const real = Date.now;
          Date.now = () => real() - 2 * 3_600_000;
        });
      }
      const refreshed = one.waitForResponse((response) => response.url().endsWith("/auth/refresh") && response.status() === 200);
      await press(one, "Call the API");
      await refreshed;
      await shown(one, "Hello, grace.");
      await heading(one, "grace");
      await heading(two, "grace");
      // Loaded again, the pages have the true time.
      await one.reload();
      await shown(one, "You were away for too long.");
      await two.reload();
      // The cookie has not gone by the page's clock, and the service knows whose it is.
      if (mode === "token") await signIn(one, "grace");
      await heading(one, "grace");
      await heading(two, "grace");
    });
    await step("a page that is loaded while the service is away finds out when it is back", async () => {
      if (mode === "cookie") await one.evaluate(() => localStorage.clear());
      await service.stop();
      await one.reload();
      if (mode === "cookie") await shown(one, /It is tried again\./);
      await service.start();
      await heading(one, "grace");
      await press(one, "Look again");
      await shown(one, "This one");
    });
    await step("the password is changed, and the old one is no good any more", async () => {
      await one.getByLabel("Current password").fill(USERS.grace);
      await one.getByLabel("New password").fill("eight other words that nobody would ever guess");
      await press(one, "Change it");
      await shown(one, "Your password is changed.");
      await press(one, "Call the API");
      await shown(one, "Hello, grace.");
    });
    await step("a session of another device is listed and ended", async () => {
      const words = { username: "grace", password: "eight other words that nobody would ever guess" };
      const login = await fetch(`${service.url}/auth/login`, { method: "POST", headers: { "Content-Type": "application/json", "User-Agent": "a phone" }, body: JSON.stringify(words) });
      const { token } = await login.json();
      await press(one, "Look again");
      await one.getByRole("listitem").filter({ hasText: "a phone" }).getByRole("button").click();
      await one.getByText("a phone").waitFor({ state: "detached" });
      const late = await fetch(`${service.url}/auth/sessions`, { headers: { Authorization: `Bearer ${token}` } });
      assert.equal(late.status, 401);
    });
    await step("sign out everywhere", async () => {
      await press(one, "Sign out everywhere");
      await heading(one, "Sign in");
      await heading(two, "Sign in");
      await one.reload();
      await heading(one, "Sign in");
      assert.deepEqual(await context.cookies(), []);
    });
    assert.deepEqual(wrong, []);
  } finally {
    await context.close();
    await page.clean();
    await service.clean();
  }
}

async function signIn(tab, username, password = USERS[username]) {
  await tab.getByLabel("Username").fill(username);
  await tab.getByLabel("Password").fill(password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
}

// Signs in as somebody else without signing out first, as a tab does that shows an old form.
function switchUser(tab, username) {
  const login = ([name, password]) => {
    // Kept by the page: Chromium may forget a promise that nothing but the test waits for.
    window.switching = import("/src/session.ts").then(({ session }) => session.login(name, password));
    return window.switching.then(() => undefined);
  };
  return tab.evaluate(login, [username, USERS[username]]);
}
