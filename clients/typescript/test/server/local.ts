import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export const DEMO = ["demo", "latchkey demo password"] as const;

export interface LocalServer {
  url: string;
  /** Its folder, for the command line. */
  data: string;
  stop(): Promise<void>;
}

/** Starts the binary that LATCHKEY_LOCAL names, on a free port and with a folder of its own. */
export async function start(...options: string[]): Promise<LocalServer> {
  const binary = process.env["LATCHKEY_LOCAL"];
  if (!binary) throw new Error("LATCHKEY_LOCAL must be the path of the local server: cargo build -p local");
  const data = await mkdtemp(join(tmpdir(), "latchkey-client-"));
  const ready = join(data, "ready.json");
  const files = ["--port", "0", "--data", data, "--ready-file", ready];
  const server = spawn(binary, [...files, ...options], { stdio: ["ignore", "ignore", "inherit"] });
  const gone = once(server, "exit");
  const kill = () => server.kill();
  process.once("exit", kill);
  // The server writes the file, whole, once it answers.
  while (!existsSync(ready)) {
    if (server.exitCode !== null) throw new Error("the local server did not start");
    await delay(50);
  }
  const { url } = JSON.parse(await readFile(ready, "utf8")) as { url: string };
  return {
    url,
    data,
    stop: async () => {
      kill();
      await gone;
      process.off("exit", kill);
      await rm(data, { recursive: true });
    },
  };
}
