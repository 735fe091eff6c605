import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { StoredSession } from "./storage.js";

interface Context {
  environment: Environment;
  origins: ReadonlySet<string>;
  cookieMode: boolean;
  fresh(signal: AbortSignal): Promise<StoredSession>;
  refreshed(old: StoredSession): Promise<StoredSession | null>;
}

/** A token this young was not refused for its age: another one would be refused too. */
const YOUNG = 10_000;

/** One request with the token, and after a 401 one more with a newer token. */
export async function authorizedFetch(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  context: Context,
): Promise<Response> {
  const { environment, origins, cookieMode } = context;
  const request = new Request(input, { ...(cookieMode && { credentials: "include" }), ...init });
  const { origin } = new URL(request.url);
  if (!origins.has(origin)) {
    throw new LatchkeyError(
      "origin_not_named",
      `The token is not sent to ${origin}. Name it in sendTokenTo if it may have it.`,
    );
  }
  const send = ({ token }: StoredSession, attempt: Request): Promise<Response> => {
    if (token !== undefined) attempt.headers.set("Authorization", `Bearer ${token}`);
    return environment.fetch(attempt);
  };
  const session = await context.fresh(request.signal);
  // The first try uses the copy up, so that there is a body for a second one.
  const response = await send(session, request.clone());
  const age = environment.now() - session.since;
  // A negative age says that the clock was set back, and nothing of the token.
  if (response.status !== 401 || (age >= 0 && age < YOUNG)) return response;
  const newer = await context.refreshed(session);
  if (newer === null) return response;
  await response.body?.cancel();
  return send(newer, request);
}
