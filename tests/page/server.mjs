// The local server, started for one test and stopped after it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Calls `use` with the URL of a server with these options and no user but the demo's.
export async function withServer(options, use) {
  const data = await mkdtemp(join(tmpdir(), "latchkey-page-"));
  const server = spawn(process.env.LOCAL_SERVER, ["--port", "0", "--data", data, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    return await use(await greeting(server));
  } finally {
    if (server.exitCode === null) {
      server.kill();
      await once(server, "exit");
    }
    await rm(data, { recursive: true });
  }
}

// It greets once it listens, and says where.
async function greeting(server) {
  let said = "";
  for await (const chunk of server.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk;
    const url = /^Latchkey on (http:[^,]*),/m.exec(said)?.[1];
    if (url) {
      server.stdout.resume();
      return url;
    }
  }
  throw new Error("the local server did not start");
}
