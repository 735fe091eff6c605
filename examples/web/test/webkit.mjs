// WebKitGTK's MiniBrowser under Xvfb, by WebKitWebDriver's HTTP, as a browser with tabs that run scripts.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./servers.mjs";

export async function webkit({ acceptInsecureCerts = false } = {}) {
  const display = `:${90 + (process.pid % 900)}`;
  const screen = spawn("Xvfb", [display, "-screen", "0", "1280x1024x24", "-nolisten", "tcp"], { stdio: "ignore" });
  const port = await freePort();
  const environment = { ...process.env, DISPLAY: display, WEBKIT_DISABLE_COMPOSITING_MODE: "1", WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" };
  const driver = spawn("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], { env: environment, stdio: "ignore" });
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKitWebDriver: ${value.error}: ${value.message}`);
    return value;
  };
  while (!(await call("GET", "/status").then(({ ready }) => ready, () => false))) {
    if (driver.exitCode !== null || screen.exitCode !== null) throw new Error("WebKitWebDriver or Xvfb does not start");
    await delay(100);
  }
  const { sessionId } = await call("POST", "/session", {
    capabilities: { alwaysMatch: { acceptInsecureCerts, "webkitgtk:browserOptions": { binary: process.env.MINIBROWSER, args: ["--automation"] } } },
  });
  const session = (method, path, body) => call(method, `/session/${sessionId}${path}`, body);
  await session("POST", "/timeouts", { script: 120_000, pageLoad: 120_000 });
  let first = true;
  const tab = async (url) => {
    const handle = first ? await session("GET", "/window") : (await session("POST", "/window/new", { type: "tab" })).handle;
    first = false;
    const at = async (method, path, body) => {
      await session("POST", "/window", { handle });
      return session(method, path, body);
    };
    await at("POST", "/url", { url });
    return {
      run: (script) => at("POST", "/execute/sync", { script: `return (${script});`, args: [] }),
      go: (url) => at("POST", "/url", { url }),
    };
  };
  const close = async () => {
    await call("DELETE", `/session/${sessionId}`).catch(() => {});
    for (const process of [driver, screen]) {
      const gone = once(process, "exit");
      process.kill();
      await gone;
    }
  };
  return { name: "WebKitGTK", tab, close };
}
