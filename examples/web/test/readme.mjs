// The examples of the client's README for React, Vue and Svelte, in headless Chromium and in cookie mode.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS } from "./chromium.mjs";
import { freePort, latchkey, USERS } from "./servers.mjs";

const CLIENT = new URL("../../../clients/typescript/", import.meta.url).pathname;
const esbuild = createRequire(CLIENT)("esbuild");

const shown = "`${state.status} ${state.user?.username}`";
const PAGES = {
  React: `
    import { createElement } from "react";
    import { createRoot } from "react-dom/client";
    import App from "./App.tsx";
    createRoot(document.getElementById("root")).render(createElement(App));`,
  Vue: `
    import { createApp, h } from "vue";
    import { useSession } from "./vue.ts";
    const Name = { setup() { const session = useSession(); return () => { const state = session.value; return h("h1", ${shown}); }; } };
    createApp(Name).mount("#root");`,
  Svelte: `
    import { sessionState } from "./svelte.ts";
    const heading = document.getElementById("root").appendChild(document.createElement("h1"));
    sessionState.subscribe((state) => { heading.textContent = ${shown}; });`,
};

const port = await freePort();
const service = await latchkey("--cookie", "--allow-origin", `http://127.0.0.1:${port}`);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
let script = "";
const server = createServer((request, response) => {
  const html = request.url !== "/page.js";
  response.writeHead(200, { "Content-Type": html ? "text/html" : "text/javascript" });
  response.end(html ? '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>' : script);
}).listen(port, "127.0.0.1");
await once(server, "listening");
try {
  for (const [name, contents] of Object.entries(PAGES)) {
    script = await bundled(contents);
    const context = await browser.newContext();
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const heading = (text) => page.getByRole("heading", { name: text, exact: true }).waitFor();
    await page.goto(`http://127.0.0.1:${port}/`);
    if (name === "React") {
      await page.getByLabel("Username").fill("demo");
      await page.getByLabel("Password").fill(USERS.demo);
      await page.getByRole("button", { name: "Sign in" }).click();
      await heading("Hello, demo");
      await page.reload();
      await heading("Hello, demo");
      await page.getByRole("button", { name: "Sign out everywhere" }).click();
      await page.getByRole("button", { name: "Sign in" }).waitFor();
    } else {
      await heading("signed-out undefined");
      await page.evaluate(([username, password]) => window.session.login(username, password), ["demo", USERS.demo]);
      await heading("signed-in demo");
      await page.reload();
      await heading("signed-in demo");
      await page.evaluate(() => window.session.logout());
      await heading("signed-out undefined");
    }
    await context.close();
    console.log(`${name}: the README's example signs in, survives a reload and signs out`);
  }
} finally {
  await browser.close();
  server.close();
  await service.clean();
}

// One script, with the service of this test in place of the README's, and the client within reach of the test.
async function bundled(contents) {
  const session = {
    name: "session",
    setup: ({ onLoad }) =>
      onLoad({ filter: /examples\/session\.ts$/ }, async ({ path }) => ({
        contents: `${(await readFile(path, "utf8")).replace("http://localhost:3000", service.url)}\nObject.assign(window, { session });`,
        loader: "ts",
      })),
  };
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: join(CLIENT, "examples"), loader: "js" },
    bundle: true,
    format: "esm",
    jsx: "automatic",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    alias: { "latchkey-client/react": join(CLIENT, "src/react.ts"), "latchkey-client": join(CLIENT, "src/index.ts") },
    plugins: [session],
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}
