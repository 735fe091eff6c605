// What headless Chromium is started with: no sandbox, as root, and no calls of its own.
export const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Chromium as a browser with tabs that run scripts, as those beside it.
export async function chromium() {
  const { chromium: engine } = await import("playwright-core");
  const env = { ...process.env, HOME: process.env.CHROMIUM_HOME ?? process.env.HOME };
  const browser = await engine.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS, env });
  const context = await browser.newContext({ locale: "en-GB" });
  const tab = async (url) => {
    const page = await context.newPage();
    await page.goto(url);
    return { run: (script) => page.evaluate(script), go: (url) => page.goto(url) };
  };
  return { name: "Chromium", tab, cookies: () => context.cookies(), close: () => browser.close() };
}
