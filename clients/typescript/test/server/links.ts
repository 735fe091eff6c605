import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { LocalServer } from "./local.js";

const run = promisify(execFile);

/** A link as an administrator gets it: the page that it leads to, and its code. */
export interface Link {
  page: string;
  code: string;
}

export async function invitation(server: LocalServer, name: string): Promise<Link> {
  const { links } = (await latchkey(server, "invite", name, "--print")) as { links: { link: string }[] };
  return parts(links[0]!.link, "invitation");
}

export async function recovery(server: LocalServer, name: string): Promise<Link> {
  return parts(((await latchkey(server, "recover", name)) as { link: string }).link, "recovery");
}

/** Runs the binary that LATCHKEY_CLI names. */
async function latchkey({ data }: LocalServer, ...words: string[]): Promise<unknown> {
  const binary = process.env["LATCHKEY_CLI"];
  if (!binary) throw new Error("LATCHKEY_CLI must be the path of the command line: cargo build -p cli");
  const { stdout } = await run(binary, ["user", ...words, "--local", data, "--json"]);
  return JSON.parse(stdout);
}

function parts(link: string, purpose: string): Link {
  const [page, code] = link.split(`#${purpose}=`);
  assert(page && code, "the link has another form");
  return { page, code };
}
