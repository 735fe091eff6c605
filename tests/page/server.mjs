// The local server, started for one test and stopped after it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

// Calls `use` with the URL and the data folder of a server with these options and no user but the demo's.
export async function withServer(options, use) {
  const data = await mkdtemp(join(tmpdir(), "latchkey-page-"));
  const ready = join(data, "ready.json");
  const files = ["--port", "0", "--data", data, "--ready-file", ready];
  const server = spawn(process.env.LOCAL_SERVER, [...files, ...options], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    return await use(await urlIn(ready, server), data);
  } finally {
    if (server.exitCode === null) {
      server.kill();
      await once(server, "exit");
    }
    await rm(data, { recursive: true });
  }
}

// The server writes the file, whole, once it answers.
async function urlIn(ready, server) {
  while (!existsSync(ready)) {
    if (server.exitCode !== null) throw new Error("the local server did not start");
    await delay(50);
  }
  return JSON.parse(await readFile(ready, "utf8")).url;
}
