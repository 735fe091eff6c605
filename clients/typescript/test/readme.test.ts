import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const file = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), "utf8");

test("the README shows the examples that are compiled here, and its version is the package's", async () => {
  const readme = await file("README.md");
  for (const name of ["plain.ts", "session.ts", "App.tsx", "vue.ts", "svelte.ts", "server.ts", "orders.ts", "set-password.ts", "storage.ts", "testing.ts"]) {
    const text = await file(`examples/${name}`);
    assert(readme.includes(`\`\`\`${name.split(".")[1]}\n${text}\`\`\`\n`), name);
  }
  const { version } = JSON.parse(await file("package.json")) as { version: string };
  assert(readme.includes(`latchkey-client-${version}.tgz`));
});

test("the project's README shows the short example that is compiled here", async () => {
  assert((await file("../../README.md")).includes(`\`\`\`ts\n${await file("examples/short.ts")}\`\`\`\n`));
});
