import type { AccessTokens } from "./access-tokens.js";
import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { SessionKeeper } from "./keeper.js";

/** What `fetch` takes, by whatever names the types around call it. */
export type FetchInput = Parameters<typeof globalThis.fetch>[0];
export type FetchInit = (NonNullable<Parameters<typeof globalThis.fetch>[1]> & ForAudience) | undefined;

interface ForAudience {
  /** The API that the request goes to. It gets an access token for this audience in place of the session's token. */
  audience?: string | undefined;
  /** The scopes of that access token, as for `accessToken`. */
  scope?: string | undefined;
}

interface Context {
  environment: Environment;
  keeper: SessionKeeper;
  accessTokens: AccessTokens;
  /** Those that may have the token. */
  origins: readonly string[];
  cookieMode: boolean;
}

/** What one try is sent with. */
interface Bearer {
  /** Absent where the browser sends the cookie. */
  readonly token?: string | undefined;
}

/** A token this young was not rejected for its age: another one would be rejected too. */
const YOUNG = 10_000;

/** One request with a token, and after a 401 one more with a newer token. */
export async function authorizedFetch(input: FetchInput, init: FetchInit, context: Context): Promise<Response> {
  const { environment, keeper, accessTokens, origins, cookieMode } = context;
  const { audience, scope } = init ?? {};
  const withCookie = cookieMode && audience === undefined;
  const request = new Request(input, { ...(withCookie && { credentials: "include" }), ...init });
  const { origin } = new URL(request.url);
  // An API that is named by its own address may have the token that is for it.
  if (!origins.includes(origin) && !`${audience}/`.startsWith(`${origin}/`)) {
    throw new LatchkeyError(
      "origin_not_named",
      `The token is not sent to ${origin}, which sendTokenTo does not name.`,
    );
  }
  const send = ({ token }: Bearer, attempt: Request): Promise<Response> => {
    if (token !== undefined) attempt.headers.set("Authorization", `Bearer ${token}`);
    return environment.fetch(attempt);
  };
  /** `age` is that of `first` now: by the answer the page may hold another token. */
  const sendTwice = async (first: Bearer, age: number, newer: () => Promise<Bearer | null>): Promise<Response> => {
    // The first try uses the copy up, so that there is a body for a second one.
    const response = await send(first, request.clone());
    if (response.status !== 401 || age < YOUNG) return response;
    const second = await newer();
    if (second === null) return response;
    await response.body?.cancel();
    return send(second, request);
  };
  if (audience === undefined) {
    const session = await keeper.usable(request.signal);
    return sendTwice(session, keeper.age, () => keeper.newerThan(session));
  }
  const purpose = { audience, scope };
  const grant = await accessTokens.grant(purpose, request.signal);
  return sendTwice(grant, grant.age.milliseconds, () => accessTokens.newerThan(grant, purpose, request.signal));
}
