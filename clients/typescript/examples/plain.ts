import { Latchkey, LatchkeyError } from "latchkey-client";

const baseUrl = process.env["LATCHKEY_URL"] ?? "http://127.0.0.1:3000";
const session = new Latchkey({ baseUrl });

try {
  await session.login("demo", "latchkey demo password");

  // As fetch, with a token that is never too old.
  const response = await session.fetch(`${baseUrl}/protected`);
  console.log(response.status, await response.text());

  await session.logout();
} catch (problem) {
  if (!(problem instanceof LatchkeyError)) throw problem;
  const wait = problem.retryAfter === null ? "" : ` Try again in ${problem.retryAfter} s.`;
  console.error(`${problem.message}${wait}`);
}
