// Links that set a password, in headless Chromium on a phone: an invitation and a recovery, in both modes, and the built app.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { accessible } from "./accessible.mjs";
import { ARGUMENTS } from "./chromium.mjs";
import { app, built, freePort, latchkey, USERS } from "./servers.mjs";

const WORDS = "four more random words";
// Whole: two groups of four with a hyphen between them stand in every tenth token, too.
const CODE = /(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}/;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
try {
  for (const mode of ["cookie", "token"]) await walk(mode, app);
  await walk("cookie", built);
} finally {
  await browser.close();
}

async function walk(mode, serve) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const options = mode === "cookie" ? ["--cookie"] : [];
  const service = await latchkey(...options, "--allow-origin", origin, "--account-link", `${origin}/`);
  const page = await serve(port, { VITE_LATCHKEY_URL: service.url, VITE_LATCHKEY_MODE: mode });
  const step = async (said, run) => {
    await run();
    console.log(`${serve === built ? "built, " : ""}${mode}: ${said}`);
  };
  try {
    await step("no script but the first sees the code, and neither the history nor a request has it", () =>
      inTab(async (tab) => {
        const saw = await (serve === app ? watchScripts(tab) : watchReact(tab));
        const link = service.invite("alan");
        await tab.goto(link);
        await heading(tab, "Set a password");
        assert.equal(tab.url(), `${origin}/`);
        assert.deepEqual(await saw(), []);
        const { entries } = await (await tab.context().newCDPSession(tab)).send("Page.getNavigationHistory");
        assert.deepEqual(entries.filter(({ url }) => CODE.test(url)), []);
        assert.doesNotMatch(await tab.evaluate(() => JSON.stringify(localStorage) + document.cookie + document.referrer), CODE);
      }),
    );
    await step("an invitation outlives a reload and a password that is refused, and then signs in", () =>
      inTab(async (tab) => {
        const link = service.invite("ada");
        await tab.goto(link);
        await heading(tab, "Set a password");
        await fieldsOf(tab, "ada");
        await accessible(tab);
        await picture(tab, `${mode}-invitation`);
        await setPassword(tab, "too short");
        await tab.getByText("The new password is too short").waitFor();
        await accessible(tab);
        await tab.reload();
        await heading(tab, "Set a password");
        await fieldsOf(tab, "ada");
        await setPassword(tab, WORDS);
        await heading(tab, "ada");
        assert.equal(await tab.evaluate(() => sessionStorage.length), 0);
        await tab.reload();
        await heading(tab, "ada");
        await deadInNewTab(tab, link, "Go on as ada");
        await heading(tab, "ada");
      }),
    );
    await step("a recovery sets another password and signs out everywhere else; its link is dead then", () =>
      inTab(async (other) => {
        await other.goto(origin);
        await signIn(other, USERS.demo);
        await heading(other, "demo");
        const link = service.recover("demo");
        await inTab(async (tab) => {
          await tab.goto(link);
          await heading(tab, "Set a new password");
          await fieldsOf(tab, "demo");
          await accessible(tab);
          await setPassword(tab, WORDS);
          await heading(tab, "demo");
        });
        await other.getByRole("button", { name: "Look again" }).click();
        await heading(other, "Sign in");
        await other.getByText("You were signed out on another device.").waitFor();
        await deadInNewTab(other, link, "Sign in");
        await heading(other, "Sign in");
        await signIn(other, WORDS);
        await heading(other, "demo");
      }),
    );
    await step("who has forgotten the password asks for a letter, and its link sets another; nobody learns who exists", () =>
      inTab(async (tab) => {
        await tab.goto(origin);
        await heading(tab, "Sign in");
        const forgotten = tab.getByRole("button", { name: "I have forgotten my password" });
        await forgotten.click();
        await tab.getByText("Enter your username first.").waitFor();
        for (const name of ["nobody", "demo"]) {
          await tab.getByLabel("Username").fill(name);
          await forgotten.click();
          await tab.getByText(`If there is a user ${name}, a letter is on its way.`).waitFor();
        }
        await accessible(tab);
        await picture(tab, `${mode}-forgotten`);
        await tab.goto(await service.letterWith("#recovery="));
        await heading(tab, "Set a new password");
        await fieldsOf(tab, "demo");
        await setPassword(tab, WORDS);
        await heading(tab, "demo");
      }),
    );
    await step("a link that is used while its form is open is told to be dead, and asks for nothing more", () =>
      inTab(async (tab) => {
        await tab.goto(service.recover("demo"));
        await heading(tab, "Set a new password");
        service.recover("demo");
        await setPassword(tab, "five other quite random words");
        await heading(tab, "This link no longer works");
        assert.equal(await tab.evaluate(() => document.activeElement?.tagName), "H1", "the focus is lost");
        await accessible(tab);
        await picture(tab, `${mode}-dead`);
        await tab.getByRole("button", { name: "Sign in" }).click();
        await tab.reload();
        await heading(tab, "Sign in");
      }),
    );
    await step("a link that is pasted while the page is open is taken, and leads nowhere but here", () =>
      inTab(async (tab) => {
        await tab.goto(`${origin}/?next=https://evil.example`);
        await heading(tab, "Sign in");
        const fragment = new URL(service.recover("grace")).hash;
        await tab.evaluate((fragment) => void (location.hash = fragment), fragment);
        await heading(tab, "Set a new password");
        assert.doesNotMatch(tab.url(), CODE);
        await setPassword(tab, WORDS);
        await heading(tab, "grace");
        assert.equal(new URL(tab.url()).origin, origin);
      }),
    );
    await step("a page that is opened while the service is away goes on when it is back", () =>
      inTab(async (tab) => {
        const link = service.recover("demo");
        await service.stop();
        await tab.goto(link);
        await tab.getByText("cannot be reached").waitFor();
        await service.start();
        // React's StrictMode asks twice while developing, and the second question may be answered first.
        void tab.getByRole("button", { name: "Try again" }).click().catch(() => {});
        await heading(tab, "Set a new password");
      }),
    );
  } finally {
    await page.clean();
    await service.clean();
  }

  // A tab of a person with a phone, in which nothing goes wrong and nothing leaves for elsewhere.
  async function inTab(use) {
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 390, height: 844 } });
    context.setDefaultTimeout(60_000);
    const wrong = [];
    context.on("weberror", (error) => wrong.push(error.error().message));
    context.on("console", (message) => {
      if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) wrong.push(message.text());
    });
    context.on("request", (request) => {
      if (![origin, service.url].includes(new URL(request.url()).origin)) wrong.push(`a request to ${request.url()}`);
      if (CODE.test(request.url()) || request.headers()["referer"]) wrong.push(`${request.url()} tells where it came from`);
    });
    await context.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", ({ violatedDirective }) => window.violations.push(violatedDirective));
    });
    try {
      const tab = await context.newPage();
      await use(tab);
      assert.deepEqual(await tab.evaluate(() => window.violations), [], "violations of the Content-Security-Policy");
      assert.deepEqual(wrong, []);
    } finally {
      await context.close();
    }
  }
}

// Notes which modules run while the code is in the address; what is returned says which of them should not.
async function watchScripts(tab) {
  await tab.route("**/*", async (route) => {
    if (route.request().resourceType() !== "script") return route.continue();
    const response = await route.fetch();
    const note = "(window.ran ??= []).push([import.meta.url, location.hash]);";
    await route.fulfill({ response, body: `${note}${await response.text()}` });
  });
  return async () => {
    const ran = await tab.evaluate(() => window.ran);
    // Vite's own, which no build has, and the client's.
    const first = /\/@vite\/|\/@react-refresh|\/vite\/dist\/client\/|\/clients\/typescript\/dist\/|\/src\/link\.ts/;
    assert(ran.some(([url, fragment]) => /\/src\/App\.tsx/.test(url) && fragment === ""), "App.tsx did not run");
    assert(ran.some(([url, fragment]) => /\/src\/link\.ts/.test(url) && fragment !== ""), "link.ts ran too late");
    return ran.filter(([url, fragment]) => fragment !== "" && !first.test(url));
  };
}

// In a build all modules are one script. React's part of it calls Symbol.for as it begins, and nothing else here does.
async function watchReact(tab) {
  await tab.addInitScript(() => {
    const real = Symbol.for;
    window.ran = [];
    Symbol.for = (name) => {
      window.ran.push(location.hash);
      return real.call(Symbol, name);
    };
  });
  return async () => {
    const ran = await tab.evaluate(() => window.ran);
    assert(ran.length > 0, "React did not call Symbol.for");
    return ran.filter((fragment) => fragment !== "");
  };
}

async function heading(tab, name) {
  await tab.getByRole("heading", { level: 1, name, exact: true }).waitFor();
}

// What a password manager looks for.
async function fieldsOf(tab, name) {
  const username = tab.getByLabel("Username");
  assert.equal(await username.inputValue(), name);
  assert.deepEqual([await username.getAttribute("autocomplete"), await username.isEditable()], ["username", false]);
  assert.equal(await username.evaluate((input) => getComputedStyle(input).borderTopStyle), "solid", "a field that nobody sees");
  assert.equal(await tab.getByLabel("New password").getAttribute("autocomplete"), "new-password");
}

async function setPassword(tab, password) {
  await tab.getByLabel("New password").fill(password);
  await tab.getByRole("button", { name: "Set the password" }).click();
}

async function signIn(tab, password) {
  await tab.getByLabel("Username").fill("demo");
  await tab.getByLabel("Password").fill(password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function deadInNewTab(tab, link, goOn) {
  const second = await tab.context().newPage();
  await second.goto(link);
  await heading(second, "This link no longer works");
  await second.getByText("If you have set your password with it, sign in.").waitFor();
  assert.doesNotMatch(second.url(), CODE);
  await second.getByRole("button", { name: goOn, exact: true }).click();
  await heading(second, goOn === "Sign in" ? "Sign in" : "ada");
  await second.close();
}

// For a person to judge: PICTURES=FOLDER.
async function picture(tab, name) {
  if (!process.env.PICTURES) return;
  for (const [width, height] of [[390, 844], [1280, 800]]) {
    await tab.setViewportSize({ width, height });
    await tab.screenshot({ path: `${process.env.PICTURES}/${name}-${width}.png` });
  }
  await tab.setViewportSize({ width: 390, height: 844 });
}
