import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const DEMO = ["demo", "latchkey demo password"] as const;

export interface LocalServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts the binary that LATCHKEY_LOCAL names, on a free port and with a folder of its own. */
export async function start(...options: string[]): Promise<LocalServer> {
  const binary = process.env["LATCHKEY_LOCAL"];
  if (!binary) throw new Error("LATCHKEY_LOCAL must be the path of the local server: cargo build -p local");
  const data = await mkdtemp(join(tmpdir(), "latchkey-client-"));
  const server = spawn(binary, ["--port", "0", "--data", data, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(server, "exit");
  const kill = () => server.kill();
  process.once("exit", kill);
  const greeting = new Promise<string>((resolve) => {
    createInterface(server.stdout).on("line", (line) => {
      const url = /^Latchkey on (http:[^,]*),/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([
    greeting,
    gone.then(() => {
      throw new Error("the local server did not start");
    }),
  ]);
  return {
    url,
    stop: async () => {
      kill();
      await gone;
      process.off("exit", kill);
      await rm(data, { recursive: true });
    },
  };
}
