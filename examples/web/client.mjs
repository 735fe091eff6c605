// Builds the client of this repository, which package.json links. A project of your own installs the packed one instead.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const cwd = new URL("../../clients/typescript/", import.meta.url);
const npm = (...words) => execFileSync("npm", words, { cwd, stdio: "inherit", shell: process.platform === "win32" });
if (!existsSync(new URL("node_modules/", cwd))) npm("ci", "--silent");
npm("run", "build", "--silent");
