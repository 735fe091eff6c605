// The servers of one walk: Latchkey's local server, with a second user, and Vite with a copy of the app that may be edited.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer as listen } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const HERE = new URL("..", import.meta.url).pathname;

export const USERS = { demo: "latchkey demo password", grace: "seven words that nobody would ever guess" };

export async function freePort() {
  const server = listen().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// The local server in a folder of its own, with these options. `stop` and `start` take it away and bring it back, `invite` and
// `recover` make links, and `letterWith` finds one in a letter.
export async function latchkey(...options) {
  const data = await mkdtemp(join(tmpdir(), "latchkey-web-"));
  if (process.env.HTTPS_FOLDER) await cp(process.env.HTTPS_FOLDER, data, { recursive: true });
  const ready = join(data, "ready.json");
  const port = String(await freePort());
  let server;
  const start = async () => {
    await rm(ready, { force: true });
    const words = ["--port", port, "--data", data, "--ready-file", ready, ...options];
    server = spawn(process.env.LATCHKEY_LOCAL, words, { stdio: ["ignore", "ignore", "inherit"] });
    // The server writes the file, whole, once it answers.
    while (!existsSync(ready)) {
      if (server.exitCode !== null) throw new Error("the local server did not start");
      await delay(50);
    }
    return JSON.parse(await readFile(ready, "utf8")).url;
  };
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill();
    await gone;
  };
  let url = await start();
  await stop();
  const words = ["user", "create", "grace", "--local", data, "--password-stdin"];
  execFileSync(process.env.LATCHKEY_CLI, words, { input: `${USERS.grace}\n`, stdio: ["pipe", "ignore", "inherit"] });
  url = await start();
  const clean = async () => {
    await stop();
    await rm(data, { recursive: true });
  };
  // Links as an administrator makes them.
  const user = (...words) => JSON.parse(execFileSync(process.env.LATCHKEY_CLI, ["user", ...words, "--local", data, "--json"], { stdio: ["ignore", "pipe", "inherit"] }));
  const invite = (name) => user("invite", name, "--print").links[0].link;
  const recover = (name) => user("recover", name).link;
  // The link of the newest letter that has this in it, once the local server has sent it.
  const letterWith = async (part) => {
    for (;;) {
      const { letters } = await (await fetch(`${url}/local/mail`)).json();
      const found = letters.find(({ text }) => text.includes(part));
      if (found) return found.text.split("\n").find((line) => line.includes(part));
      await delay(50);
    }
  };
  return { url, start, stop, clean, invite, recover, letterWith };
}

// Vite with a build of the app, as a web server of your own would serve it.
export async function built(port, environment) {
  Object.assign(process.env, environment);
  const { build, preview } = await import("vite");
  const outDir = await mkdtemp(join(tmpdir(), "latchkey-built-"));
  const shared = { root: HERE, build: { outDir, emptyOutDir: true }, logLevel: "warn" };
  await build(shared);
  const server = await preview({ ...shared, preview: { host: "127.0.0.1", port } });
  const clean = async () => {
    await server.close();
    await rm(outDir, { recursive: true });
  };
  return { url: `http://127.0.0.1:${port}`, clean };
}

// Vite with the app, whose page is at the returned `url`. `folder` is its copy, for edits.
export async function app(port, environment, host = "127.0.0.1") {
  const folder = await mkdtemp(join(tmpdir(), "latchkey-app-"));
  for (const name of ["index.html", "src", "api.mjs", "vite.config.js", "package.json"]) {
    await cp(join(HERE, name), join(folder, name), { recursive: true });
  }
  await symlink(join(HERE, "node_modules"), join(folder, "node_modules"));
  Object.assign(process.env, environment);
  const { createServer } = await import("vite");
  const server = await createServer({
    root: folder,
    configFile: join(folder, "vite.config.js"),
    cacheDir: join(folder, ".vite"),
    server: { host, port, fs: { strict: false } },
    logLevel: "warn",
  });
  await server.listen();
  const clean = async () => {
    await server.close();
    await rm(folder, { recursive: true });
  };
  return { url: `${environment.HTTPS_FILE ? "https" : "http"}://${host}:${port}`, folder, clean };
}
