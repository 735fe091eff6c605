import { AccessTokens } from "./access-tokens.js";
import { abortable } from "./abortable.js";
import { Api, type TokenAnswer } from "./api.js";
import { authorizedFetch, type FetchInit, type FetchInput } from "./authorized-fetch.js";
import { ambient, type Environment } from "./environment.js";
import { codeOf, LatchkeyError } from "./errors.js";
import { SessionKeeper, signedOut } from "./keeper.js";
import { Kept } from "./kept.js";
import { reasonIn } from "./rejections.js";
import { withRetries, worthAnotherTry } from "./retry.js";
import type { Claims, SessionInfo } from "./sessions.js";
import type { SessionEvent, SessionState, User } from "./state.js";
import { localStorageStorage, memoryStorage, type SessionStorage, type StoredSession } from "./storage.js";

export interface LatchkeyOptions {
  /** Where the service is: the stack's output BaseUrl, or a path such as "/" behind the page's own host. */
  baseUrl: string;
  /** "token": this client has the token. "cookie": the browser has it in an HttpOnly cookie (`JWT_AUTH_COOKIE`). */
  mode?: "token" | "cookie" | undefined;
  /** Where the session is kept. Unless given: in memory; in cookie mode in `localStorage`, which then holds no secret. */
  storage?: SessionStorage | undefined;
  /** Origins beside the service's own to which `fetch` may send a token: `https://api.example.com`. */
  sendTokenTo?: readonly string[] | undefined;
  /** Whom the server that rendered this page knows to be signed in: the state has it while it is `restoring`. */
  initialUser?: User | null | undefined;
  /** Milliseconds that one request may take; 15,000 unless given. The service itself gives up after 8,000. */
  timeout?: number | undefined;
  /** For tests (`latchkey-client/testing`), and for servers whose requests need headers of their own. */
  environment?: Partial<Environment> | undefined;
}

export interface Abortable {
  signal?: AbortSignal | undefined;
}

export interface AccessTokenOptions extends Abortable {
  /** The scopes to ask for, separated by spaces. Unless given: all that both the API and the user have. */
  scope?: string | undefined;
}

/** One session with a Latchkey service: who holds it is signed in until the state says otherwise. */
export class Latchkey {
  readonly #cookieMode: boolean;
  readonly #environment: Environment;
  readonly #api: Api;
  readonly #kept: Kept;
  readonly #keeper: SessionKeeper;
  readonly #accessTokens: AccessTokens;
  readonly #sendTokenTo: readonly string[];
  /** The id of this session, once `sessions` has told it. */
  #id: string | undefined;
  /** The state at the start, which a server renders too. */
  readonly initialState: SessionState;

  constructor(options: LatchkeyOptions) {
    this.#cookieMode = options.mode === "cookie";
    this.#environment = { ...ambient(), ...options.environment };
    this.#api = new Api(options.baseUrl, this.#cookieMode, options.timeout ?? 15_000, this.#environment);
    const storage = options.storage ?? (this.#cookieMode && "document" in globalThis ? localStorageStorage() : memoryStorage());
    this.#kept = new Kept(storage, this.#environment);
    this.#keeper = new SessionKeeper(this.#api, this.#cookieMode, this.#kept, this.#environment, options.initialUser ?? null);
    this.#accessTokens = new AccessTokens(this.#api, this.#keeper, this.#environment);
    this.#sendTokenTo = (options.sendTokenTo ?? []).map((origin) => new URL(origin).origin);
    this.initialState = this.#keeper.state;
  }

  /** The state of now; the same object until it changes, as React's `useSyncExternalStore` wants it. */
  readonly getState = (): SessionState => this.#keeper.state;

  /** Calls `listener` after each change of the state; the answer stops it. */
  readonly subscribe = (listener: (event: SessionEvent) => void): (() => void) => this.#keeper.subscribe(listener);

  /**
   * Finds out whether somebody is signed in already: reads the storage, and in cookie mode asks the service when the
   * storage does not know. Rejects when that cannot be found out now; it is tried again all the same.
   */
  async restore(): Promise<SessionState> {
    await this.#keeper.restore();
    return this.getState();
  }

  /** Signs in. Rejects with `invalid_credentials`, `too_many_attempts` (see `retryAfter`), `cookie_not_kept` and others. */
  async login(username: string, password: string, { signal }: Abortable = {}): Promise<SessionState> {
    await this.#keeper.begin();
    let sentAt = 0;
    const attempt = () => {
      sentAt = this.#environment.now();
      return this.#api.tokenFrom("/auth/login", { body: { username, password }, signal });
    };
    // A lost answer is not tried again: the try may have counted, and the person is there to decide.
    const worthIt = (problem: LatchkeyError) => problem.code === "temporarily_unavailable";
    // A refresh under way in any tab is let through first: its answer would bring its cookie after ours.
    const answer = await withRetries(this.#environment, worthIt, signal, () =>
      this.#cookieMode ? this.#kept.inTurn(attempt) : attempt(),
    );
    if (this.#cookieMode) await this.#proveCookie(answer, signal);
    await this.#keeper.enter(answer, sentAt);
    return this.getState();
  }

  /**
   * Refreshes now, whatever the time; calls at the same time share one request. Nobody has to call it: it is for
   * finding out whether the session still goes on. Rejects with why not.
   */
  async refresh({ signal }: Abortable = {}): Promise<SessionState> {
    await this.#keeper.begin();
    if (this.#keeper.session === null && !this.#cookieMode) throw signedOut();
    await abortable(this.#keeper.renew(), signal);
    return this.getState();
  }

  /**
   * Ends the session, or every session of the user. Where the service cannot be told, or says no, the promise rejects; the token
   * is forgotten all the same, but for `everywhere` and in cookie mode, where it is needed for another try.
   */
  async logout({ everywhere = false, signal }: Abortable & { everywhere?: boolean | undefined } = {}): Promise<void> {
    await this.#keeper.begin();
    const { session } = this.#keeper;
    if (session === null && !this.#cookieMode) return this.#keeper.end("logout");
    const body = { token: session?.token, everywhere };
    try {
      await withRetries(this.#environment, worthAnotherTry, signal, () =>
        this.#api.withToken(() => this.#api.send("/auth/logout", { body, signal }), signal),
      );
    } catch (problem) {
      // The token, or the cookie, is worth nothing.
      const over = /^(invalid_token|authorization_required)$/.test(String(codeOf(problem)));
      const neededAgain = this.#cookieMode || (everywhere && (problem as Partial<LatchkeyError>).temporary !== false);
      if (over || !neededAgain) await this.#keeper.end("logout");
      if (over && !everywhere) return;
      throw problem;
    }
    await this.#keeper.end("logout");
  }

  /** Sets another password. Every session ends but a new one, with which this client goes on. */
  async changePassword(current: string, next: string, { signal }: Abortable = {}): Promise<SessionState> {
    const body = { current_password: current, new_password: next };
    let sentAt = 0;
    const answer = await this.#asUser(signal, (bearer) => {
      sentAt = this.#environment.now();
      return this.#api.tokenFrom("/auth/password", { body, bearer, signal });
    });
    await this.#keeper.enter(answer, sentAt);
    return this.getState();
  }

  /** The user's live sessions, on whatever device, the newest first. */
  async sessions({ signal }: Abortable = {}): Promise<SessionInfo[]> {
    const { user, sessions } = await this.#asUser(signal, (bearer) => this.#api.sessions({ bearer, signal }));
    // The cookie is another user's by now, and a refresh tells the page.
    if (user.sub !== this.#keeper.session?.user.sub) await this.#keeper.renew();
    this.#id = sessions.find(({ current }) => current)?.session_id;
    return sessions;
  }

  /** Ends one of `sessions`, by its id. */
  async endSession(id: string, { signal }: Abortable = {}): Promise<void> {
    const path = `/auth/sessions/${encodeURIComponent(id)}`;
    await this.#asUser(signal, (bearer) => this.#api.send(path, { method: "DELETE", bearer, signal }));
    if (id === this.#id) await this.#keeper.end("logout");
  }

  /** The claims of the token, as the service reads them; with `checkSession` it also looks the session up. Not in cookie mode. */
  async verify({ checkSession = false, signal }: Abortable & { checkSession?: boolean | undefined } = {}): Promise<Claims> {
    const { claims } = await this.#asUser(signal, (token) => {
      if (token === undefined) throw unreadable();
      return this.#api.send("/auth/verify", { body: { token, check_session: checkSession }, signal });
    });
    return claims as Claims;
  }

  /** A token that lives for a while yet, for what is no `fetch`: a WebSocket, an upload by other means. */
  async token({ signal }: Abortable = {}): Promise<string> {
    const { token } = await this.#keeper.usable(signal);
    if (token === undefined) throw unreadable();
    return token;
  }

  /**
   * An access token for one API, which the service names in `ACCESS_TOKEN_AUDIENCES`. It is kept in memory until shortly
   * before it expires or the session ends. Rejects with `audience_unknown`, `scope_unknown` and others.
   */
  async accessToken(audience: string, { scope, signal }: AccessTokenOptions = {}): Promise<string> {
    return (await this.#accessTokens.grant({ audience, scope }, signal)).token;
  }

  /**
   * `fetch` with the token, which is refreshed first if it is too near to its end. After a 401 it refreshes and tries
   * once more. The token goes to the service's own origin and those of `sendTokenTo` alone.
   *
   * With `audience` it sends an access token for that API instead, and no cookie unless `credentials` says so. The
   * access token may also go to the origin that `audience` is the URL of.
   */
  readonly fetch = async (input: FetchInput, init?: FetchInit): Promise<Response> =>
    authorizedFetch(input, init, {
      environment: this.#environment,
      keeper: this.#keeper,
      accessTokens: this.#accessTokens,
      origins: [this.#api.base.origin, ...this.#sendTokenTo],
      cookieMode: this.#cookieMode,
    });

  /** Stops timers and listening; calls reject from here on. The session goes on, and another client may restore it. */
  close(): void {
    this.#keeper.close();
  }

  /** A call with a token that can be used right now; what the service says of that token, the state says too. */
  async #asUser<T>(signal: AbortSignal | undefined, call: (token: string | undefined) => Promise<T>): Promise<T> {
    const session: StoredSession = await this.#keeper.usable(signal);
    try {
      return await call(session.token);
    } catch (problem) {
      if (reasonIn(problem)) await this.#keeper.rejected(problem as LatchkeyError, session);
      throw problem;
    }
  }

  /** No script sees whether the browser kept the cookie of a login, so the service is asked. */
  async #proveCookie({ token, user }: TokenAnswer, signal: AbortSignal | undefined): Promise<void> {
    try {
      if ((await this.#api.sessions({ signal })).user.sub === user.sub) return;
    } catch (problem) {
      signal?.throwIfAborted();
      // Who cannot be asked now says nothing of the cookie.
      if ((problem as LatchkeyError).status !== 401) return;
    }
    // Nobody could use that session.
    if (token) await this.#api.send("/auth/logout", { body: { token } }).catch(() => {});
    throw new LatchkeyError(
      "cookie_not_kept",
      "The browser did not keep the cookie. Is cookie mode on, the service of this page's site and, in WebKit, on https?",
    );
  }
}

function unreadable(): LatchkeyError {
  return new LatchkeyError("token_unreadable", "No script has the token in cookie mode.");
}
