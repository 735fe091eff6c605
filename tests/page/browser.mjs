// Headless Chromium, and a page that notes everything that should not happen.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.env.PLAYWRIGHT_PROJECT, "/"))("playwright-core");

export const launch = () =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });

// Opens the page of `url`, calls `use` with it, and fails if anything was wrong or left the origin meanwhile.
export async function withPage(browser, url, look, use) {
  const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", viewport: { width: 1280, height: 900 }, ...look });
  const page = await context.newPage();
  const wrong = [];
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.origin !== url) wrong.push(`a request to ${to.origin}`);
    if (/eyJ/.test(request.url())) wrong.push(`a token in the URL ${request.url()}`);
  });
  page.on("requestfailed", (request) => wrong.push(`failed: ${request.url()}`));
  page.on("pageerror", (error) => wrong.push(`an exception: ${error.message}`));
  page.on("console", (message) => {
    // Chromium notes every answer of 4xx, and rejections are what the page is about.
    const isRejection = /^Failed to load resource: .* status of 4\d\d/.test(message.text());
    if (!isRejection) wrong.push(`on the console: ${message.text()}`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
  });
  await page.goto(url);
  await page.waitForSelector("html[data-ready]");
  const result = await use(page);
  assert.deepEqual(await page.evaluate(() => window.violations), [], "violations of the Content-Security-Policy");
  assert.deepEqual(wrong, []);
  await context.close();
  return result;
}

// Waits until what was pressed has been answered.
export const settled = (page) => page.waitForFunction(() => !document.body.hasAttribute("aria-busy"));

export async function press(page, name) {
  await page.evaluate(() => void (window.newest = document.querySelector("#history li")));
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForFunction(() => document.querySelector("#history li") !== window.newest);
  await settled(page);
}

// What the page says of the last call.
export const answer = (page) => page.locator("#exchange .badge").innerText();
export const why = (page) => page.locator("#reason").innerText();
