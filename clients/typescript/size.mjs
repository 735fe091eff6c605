// Fails where what a page loads of the client is bigger than the README says: minified and gzipped.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const SESSION = 'export { Latchkey, LatchkeyError, localStorageStorage, memoryStorage } from "./dist/index.js";';
const ACCOUNTS = 'export { Accounts, forgetCode, takeCode } from "./dist/accounts.js";';

for (const [name, limit, contents] of [
  ["the client", 6_300, SESSION],
  ["the client with latchkey-client/accounts", 6_900, SESSION + ACCOUNTS],
]) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const { length } = gzipSync(outputFiles[0].contents, { level: 9 });
  console.log(`${name}: ${length} bytes minified and gzipped, of ${limit}`);
  if (length > limit) process.exitCode = 1;
}
