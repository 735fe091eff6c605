// Cookie mode over HTTPS, with the certificate of the local server: in WebKit, which keeps no cookie of plain HTTP, and with
// pages of another site in all engines. $HTTPS_FOLDER is a data folder with a certificate, $NODE_EXTRA_CA_CERTS its authority,
// which Chromium trusts in $CHROMIUM_HOME.
import assert from "node:assert/strict";
import { chromium } from "./chromium.mjs";
import { firefox } from "./firefox.mjs";
import { app, freePort, latchkey } from "./servers.mjs";
import { press, shows, signIn } from "./tab.mjs";
import { webkit } from "./webkit.mjs";

const HTTPS_FILE = `${process.env.HTTPS_FOLDER}/https.json`;

// The service is https://127.0.0.1; pages at https://localhost are another site, whatever the ports.
await walk(webkit, "127.0.0.1", "Strict");
await walk(chromium, "localhost", "None");
await walk(firefox, "localhost", "None");
await walk(webkit, "localhost", "None");

async function walk(start, host, sameSite) {
  const port = await freePort();
  const options = ["--https", "--cookie", "--cookie-same-site", sameSite, "--allow-origin", `https://${host}:${port}`];
  const service = await latchkey(...options);
  const page = await app(port, { VITE_LATCHKEY_URL: service.url, VITE_LATCHKEY_MODE: "cookie", HTTPS_FILE }, host);
  // Chromium was told whom to trust; the others have no store that a script could fill.
  const browser = await start({ acceptInsecureCerts: true });
  const step = async (said, run) => {
    await run();
    console.log(`${browser.name}, https, pages of ${host === "localhost" ? "another" : "the same"} site: ${said}`);
  };
  try {
    const one = await browser.tab(page.url);
    await shows(one, "Sign in");
    await signIn(one);
    if (browser.name === "WebKitGTK" && sameSite === "None") {
      return await step("the cookie is dropped, and the login says so", () => shows(one, "The browser did not keep the cookie."));
    }
    await step("a login is kept", async () => {
      await shows(one, "Change the password");
      assert.equal(await one.run(`document.querySelector("h1").textContent`), "demo");
      await one.go(page.url);
      await shows(one, "Change the password");
    });
    if (sameSite === "Strict") {
      await step("the API on the page's host takes the cookie", async () => {
        await press(one, "Call the API");
        await shows(one, "Hello, demo.");
      });
    }
    if (browser.cookies) {
      const [cookie] = await browser.cookies();
      await step("the cookie is partitioned by the site of the page", () => {
        assert.equal(cookie.name, "__Host-latchkey");
        assert.match(cookie.partitionKey ?? "", /^https:\/\/localhost/, JSON.stringify(cookie));
      });
    }
    await step("a logout is one", async () => {
      await press(one, "Sign out everywhere");
      await shows(one, "Sign in");
      await one.go(page.url);
      await shows(one, "Sign in");
    });
  } finally {
    await browser.close();
    await page.clean();
    await service.clean();
  }
}
