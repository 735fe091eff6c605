import { Latchkey, LatchkeyError, localStorageStorage, memoryStorage, type AccessTokenOptions, type FetchInit, type LatchkeyOptions, type SessionState, type User } from "latchkey-client";
import { type AccountCode, Accounts, type AccountsOptions, forgetCode, takeCode } from "latchkey-client/accounts";
import { LatchkeyProvider, useLatchkey, useSession } from "latchkey-client/react";
import { settled, TestLocks, TestStorage, TestWorld } from "latchkey-client/testing";

// What may be undefined may be said so, also with exactOptionalPropertyTypes.
const options: LatchkeyOptions = {
  baseUrl: "https://auth.example.com",
  mode: undefined,
  storage: Math.random() > 1 ? localStorageStorage() : undefined,
  sendTokenTo: undefined,
  initialUser: undefined,
  timeout: undefined,
  environment: undefined,
};
export const session = new Latchkey(options);

export async function every(signal: AbortSignal | undefined): Promise<string> {
  const state: SessionState = await session.login("ada", "correct horse", { signal });
  const user: User | null = state.user;
  await session.fetch("https://auth.example.com/orders", { method: "POST", body: "{}" });
  await session.fetch(new URL("https://auth.example.com/orders"));
  await session.fetch(new Request("https://auth.example.com/orders"));
  const narrow: AccessTokenOptions = { scope: undefined, signal };
  const init: FetchInit = { method: "POST", audience: "https://orders.example.com", scope: undefined };
  await session.fetch("https://orders.example.com/orders", init);
  const like: typeof fetch = session.fetch;
  await like(`https://auth.example.com/${await session.accessToken("https://orders.example.com", narrow)}`);
  const [first] = await session.sessions({ signal });
  if (first !== undefined) await session.endSession(first.session_id, { signal });
  const { sub } = await session.verify({ checkSession: true, signal });
  await session.logout({ everywhere: undefined, signal });
  const stop = session.subscribe(({ type, state, previous }) => `${type} ${state.status} ${previous.status}`);
  stop();
  return `${user?.username} ${sub}`;
}

const accountsOptions: AccountsOptions = { baseUrl: "https://auth.example.com", timeout: undefined, environment: undefined };
export const accounts = new Accounts(accountsOptions);

export async function setPassword(signal: AbortSignal | undefined): Promise<string> {
  const link: AccountCode | undefined = takeCode();
  if (link === undefined) return "";
  const { purpose, username, expires_in } = await accounts.showCode(link.code, { signal });
  if (purpose === "invitation") await accounts.completeRegistration(link.code, "four more random words", { signal });
  else await accounts.completeRecovery(link.code, "four more random words", { signal });
  forgetCode();
  return `${username} ${expires_in}`;
}

// What is no input of fetch is none of ours either: the types are not `any`.
// @ts-expect-error
export const wrong = () => session.fetch(7);
// @ts-expect-error
export const unknown = () => new Latchkey({ baseUrl: "/", mode: "cookies" });

export const problem = new LatchkeyError("network_error", "no");
export const world = [new TestWorld(), new TestStorage(), new TestLocks(), settled, memoryStorage];
export const hooks = [LatchkeyProvider, useLatchkey, useSession];
