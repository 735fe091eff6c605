// The main path in Firefox and in WebKitGTK: sign in, the API, two tabs, the back/forward cache, sign out,
// and a link that sets a password, in both modes.
import assert from "node:assert/strict";
import { firefox } from "./firefox.mjs";
import { app, freePort, latchkey } from "./servers.mjs";
import { press, setPassword, shows, signIn } from "./tab.mjs";
import { webkit } from "./webkit.mjs";

for (const start of [firefox, webkit]) {
  for (const mode of ["token", "cookie"]) await walk(start, mode);
}

async function walk(start, mode) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const options = mode === "cookie" ? ["--cookie"] : [];
  const service = await latchkey(...options, "--allow-origin", origin, "--account-link", `${origin}/`);
  const page = await app(port, { VITE_LATCHKEY_URL: service.url, VITE_LATCHKEY_MODE: mode });
  const browser = await start();
  const step = async (said, run) => {
    await run();
    console.log(`${browser.name}, ${mode}: ${said}`);
  };
  try {
    const one = await browser.tab(page.url);
    await shows(one, "Sign in");
    if (browser.name === "WebKitGTK" && mode === "cookie") {
      await step("a login whose cookie is dropped, as on plain http here, says so and is none", async () => {
        await signIn(one);
        await shows(one, "The browser did not keep the cookie.");
        await shows(one, "Sign in");
        await one.go(page.url);
        await shows(one, "Sign in");
      });
      await step("a password that a link sets is set all the same, and the page says so", async () => {
        const two = await browser.tab(service.recover("demo"));
        await shows(two, "Set a new password");
        await setPassword(two, "four more random words");
        await shows(two, "Your password is set");
        await shows(two, "The browser did not keep the cookie.");
        await press(two, "Sign in");
        await shows(two, "Username");
      });
      return;
    }
    await step("the user's name and the API's answer are shown", async () => {
      await signIn(one);
      await shows(one, "Change the password");
      assert.equal(await one.run(`document.querySelector("h1").textContent`), "demo");
      await press(one, "Call the API");
      await shows(one, "Hello, demo.");
    });
    const two = await browser.tab(page.url);
    await step("a second tab is signed in", () => shows(two, "Change the password"));
    await step("a page that is gone back to knows of the other tab's logout, and uses no token of before", async () => {
      await one.go(`${page.url}/src/words.ts`);
      await press(two, "Sign out");
      await shows(two, "Sign in");
      await one.run(`void setTimeout(() => history.back(), 100)`);
      await shows(one, "Sign in");
    });
    await step("a login and a logout reach the other tab", async () => {
      await signIn(two);
      await shows(two, "Change the password");
      await shows(one, "Change the password");
      await press(one, "Sign out everywhere");
      await shows(one, "Sign in");
      await shows(two, "You signed out in another tab.");
    });
    await step("a link is taken out of the address, outlives a reload, sets the password and signs in", async () => {
      const three = await browser.tab(service.recover("demo"));
      await shows(three, "Set a new password");
      assert.equal(await three.run("location.href"), `${page.url}/`);
      await three.go(page.url);
      await shows(three, "Set a new password");
      assert.equal(await three.run(`document.querySelector("[name=username]").value`), "demo");
      await setPassword(three, "four more random words");
      await shows(three, "Change the password");
      assert.equal(await three.run("sessionStorage.length"), 0);
    });
  } finally {
    await browser.close();
    await page.clean();
    await service.clean();
  }
}
