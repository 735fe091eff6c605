// Firefox, by WebDriver BiDi, as a browser with tabs that run scripts.
import puppeteer from "puppeteer-core";

export async function firefox({ acceptInsecureCerts = false } = {}) {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    acceptInsecureCerts,
    extraPrefsFirefox: { "app.update.enabled": false, "datareporting.policy.dataSubmissionEnabled": false },
  });
  const tab = async (url) => {
    const page = await browser.newPage();
    await page.goto(url);
    return {
      run: (script) => page.evaluate(script),
      go: (url) => page.goto(url),
    };
  };
  return { name: "Firefox", tab, close: () => browser.close() };
}
