// A server that renders pages with `userOf` and `clientOf` of the client's README, in headless Chromium: two users at once, a page
// that React takes over without a word, and a route that asks the service in the browser's name.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ARGUMENTS } from "./chromium.mjs";
import { freePort, latchkey, USERS } from "./servers.mjs";

const CLIENT = new URL("../../../clients/typescript/", import.meta.url).pathname;
const esbuild = createRequire(CLIENT)("esbuild");

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const service = await latchkey("--cookie", "--allow-origin", origin);
const site = { service: service.url, origin };

const PAGE = `
  import { createElement } from "react";
  import { Latchkey, localStorageStorage } from "latchkey-client";
  import { LatchkeyProvider, useSession } from "latchkey-client/react";
  const Name = () => createElement("h1", null, useSession().user?.username ?? "nobody");
  const page = (client) => createElement(LatchkeyProvider, { client }, createElement(Name));`;
const folder = await mkdtemp(join(CLIENT, "build/rendered-"));
const bundle = join(folder, "server.mjs");
await writeFile(bundle, await bundled("node", `${PAGE}
  import { renderToString } from "react-dom/server";
  export { clientOf, userOf } from "./server.ts";
  export const render = (initialUser) => renderToString(page(new Latchkey({ baseUrl: "/", mode: "cookie", initialUser })));`));
const script = await bundled("browser", `${PAGE}
  import { hydrateRoot } from "react-dom/client";
  const initialUser = JSON.parse(document.getElementById("user").textContent);
  const session = new Latchkey({ baseUrl: ${JSON.stringify(site.service)}, mode: "cookie", storage: localStorageStorage(), initialUser });
  hydrateRoot(document.getElementById("root"), page(session), { onRecoverableError: (error) => console.error(error) });
  Object.assign(window, { session });`);
const { clientOf, render, userOf } = await import(bundle);

const server = createServer(async (incoming, outgoing) => {
  const request = new Request(`${origin}${incoming.url}`, { headers: { Cookie: incoming.headers.cookie ?? "" } });
  const answer = (status, type, body) => outgoing.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  try {
    if (incoming.url === "/page.js") return answer(200, "text/javascript", script);
    const user = await userOf(request, site);
    if (incoming.url === "/sessions") {
      if (!user) return answer(401, "application/json", "{}");
      const client = clientOf(request, site);
      await client.restore();
      return answer(200, "application/json", JSON.stringify({ user, sessions: (await client.sessions()).length }));
    }
    const given = `<script id="user" type="application/json">${JSON.stringify(user)}</script>`;
    answer(200, "text/html", `<!doctype html><div id="root">${render(user)}</div>${given}<script type="module" src="/page.js"></script>`);
  } catch (error) {
    answer(500, "text/plain", String(error));
  }
}).listen(port, "127.0.0.1");
await once(server, "listening");

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGUMENTS });
const wrong = [];
try {
  const pages = {};
  for (const name of ["demo", "grace"]) {
    const context = await browser.newContext();
    context.setDefaultTimeout(60_000);
    const page = (pages[name] = await context.newPage());
    page.on("console", (message) => message.type() === "error" && !/^Failed to load/.test(message.text()) && wrong.push(message.text()));
    page.on("pageerror", (error) => wrong.push(error.message));
    assert.equal(await sent(page), "nobody");
    await heading(page, "nobody");
    await page.evaluate(([user, password]) => window.session.login(user, password), [name, USERS[name]]);
    await heading(page, name);
  }
  console.log("server rendering: a visitor is nobody, and two users sign in");

  for (const [name, page] of Object.entries(pages)) {
    assert.equal(await sent(page), name);
    await heading(page, name);
  }
  // At the same time: a client that requests share would mix them up.
  const asked = Array.from({ length: 20 }, (_, number) => Object.entries(pages)[number % 2]);
  await Promise.all(asked.map(async ([name, page]) => {
    const answer = await page.evaluate(() => fetch("/sessions").then((response) => response.json()));
    assert.deepEqual({ ...answer, user: answer.user?.username }, { user: name, sessions: 1 });
  }));
  console.log("server rendering: each is in the page that the server sends, and a route asks the service in their name");

  await pages.demo.evaluate(() => window.session.logout());
  await heading(pages.demo, "nobody");
  assert.equal(await sent(pages.demo), "nobody");
  assert.equal(await sent(pages.grace), "grace");
  assert.deepEqual(wrong, []);
  console.log("server rendering: a logout is one on the server too, and React found nothing to repair");
} finally {
  await browser.close();
  server.close();
  await rm(folder, { recursive: true });
  await service.clean();
}

// The name in the page as the server sent it, before any script ran.
async function sent(page) {
  const response = await page.goto(`${origin}/`);
  return /<h1>(.*?)<\/h1>/.exec(await response.text())[1];
}

async function heading(page, name) {
  await page.getByRole("heading", { name, exact: true }).waitFor();
}

async function bundled(platform, contents) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: join(CLIENT, "examples"), loader: "tsx" },
    bundle: true,
    platform,
    format: "esm",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    // What React's server reaches for with `require` is Node.js's own.
    banner: platform === "node" ? { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' } : {},
    alias: { "latchkey-client/react": join(CLIENT, "src/react.ts"), "latchkey-client": join(CLIENT, "src/index.ts") },
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}
