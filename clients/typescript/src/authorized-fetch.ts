import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { SessionKeeper } from "./keeper.js";
import type { StoredSession } from "./storage.js";

/** What `fetch` takes, by whatever names the types around call it. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0];
export type FetchInit = Parameters<typeof globalThis.fetch>[1];

interface Context {
  environment: Environment;
  keeper: SessionKeeper;
  /** Those that may have the token. */
  origins: readonly string[];
  cookieMode: boolean;
}

/** A token this young was not rejected for its age: another one would be rejected too. */
const YOUNG = 10_000;

/** One request with the token, and after a 401 one more with a newer token. */
export async function authorizedFetch(input: FetchInput, init: FetchInit, context: Context): Promise<Response> {
  const { environment, keeper, origins, cookieMode } = context;
  const request = new Request(input, { ...(cookieMode && { credentials: "include" }), ...init });
  const { origin } = new URL(request.url);
  if (!origins.includes(origin)) {
    throw new LatchkeyError(
      "origin_not_named",
      `The token is not sent to ${origin}, which sendTokenTo does not name.`,
    );
  }
  const send = ({ token }: StoredSession, attempt: Request): Promise<Response> => {
    if (token !== undefined) attempt.headers.set("Authorization", `Bearer ${token}`);
    return environment.fetch(attempt);
  };
  const session = await keeper.usable(request.signal);
  // Of the token that is sent: by the answer the page may hold another.
  const { age } = keeper;
  // The first try uses the copy up, so that there is a body for a second one.
  const response = await send(session, request.clone());
  if (response.status !== 401 || age < YOUNG) return response;
  const newer = await keeper.newerThan(session);
  if (newer === null) return response;
  await response.body?.cancel();
  return send(newer, request);
}
