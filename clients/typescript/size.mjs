// Fails where what a page loads of the client is bigger than the README says: minified and gzipped.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 6_300;

const contents = 'export { Latchkey, LatchkeyError, localStorageStorage, memoryStorage } from "./dist/index.js";';
const { outputFiles } = await build({
  stdin: { contents, resolveDir: import.meta.dirname },
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const { length } = gzipSync(outputFiles[0].contents, { level: 9 });
console.log(`${length} bytes minified and gzipped, of ${LIMIT}`);
if (length > LIMIT) process.exit(1);
