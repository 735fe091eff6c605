import { Api } from "./api.js";
import { authorizedFetch } from "./authorized-fetch.js";
import { ambient, type Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import { abortable, SessionKeeper, signedOut } from "./keeper.js";
import { withRetries } from "./retry.js";
import type { SessionState } from "./state.js";
import { memoryStorage, type SessionStorage } from "./storage.js";

export interface LatchkeyOptions {
  /** Where the service is: the stack's output BaseUrl, or a path such as "/" behind the same host. */
  baseUrl: string;
  /** "token": this client has the token. "cookie": the browser has it in an HttpOnly cookie (`JWT_AUTH_COOKIE`). */
  mode?: "token" | "cookie";
  /** Where the session is kept: in memory unless given. */
  storage?: SessionStorage;
  /** Origins beside the service's own to which `fetch` may send the token: `https://api.example.com`. */
  sendTokenTo?: readonly string[];
  /** Milliseconds that one request may take; 15,000 unless given. The service itself gives up after 8,000. */
  timeout?: number;
  /** For tests. */
  environment?: Partial<Environment>;
}

export interface Abortable {
  signal?: AbortSignal;
}

/** One session with a Latchkey service: who holds it is signed in until the state says otherwise. */
export class Latchkey {
  readonly #cookieMode: boolean;
  readonly #environment: Environment;
  readonly #api: Api;
  readonly #keeper: SessionKeeper;
  readonly #origins: ReadonlySet<string>;

  constructor(options: LatchkeyOptions) {
    this.#cookieMode = options.mode === "cookie";
    this.#environment = { ...ambient(), ...options.environment };
    const base = new URL(options.baseUrl, (globalThis.location as Location | undefined)?.href);
    const root = base.origin + base.pathname.replace(/\/+$/, "");
    const credentials = this.#cookieMode ? "include" : "omit";
    this.#api = new Api(root, credentials, options.timeout ?? 15_000, this.#environment);
    const storage = options.storage ?? memoryStorage();
    this.#keeper = new SessionKeeper(this.#api, this.#cookieMode, storage, this.#environment);
    this.#origins = new Set([base.origin, ...(options.sendTokenTo ?? []).map((origin) => new URL(origin).origin)]);
  }

  /** The state of now; the same object until it changes, as React's `useSyncExternalStore` wants it. */
  readonly getState = (): SessionState => this.#keeper.state;

  /** Calls `listener` after each change of the state; the answer stops it. */
  readonly subscribe = (listener: () => void): (() => void) => this.#keeper.subscribe(listener);

  /**
   * Finds out whether somebody is signed in already: reads the storage, and in cookie mode asks the service when the
   * storage does not know. Rejects when that cannot be found out now; call it again then.
   */
  async restore(): Promise<SessionState> {
    await this.#keeper.restore();
    return this.getState();
  }

  /** Signs in. Rejects with `invalid_credentials`, `too_many_attempts` (see `retryAfter`) and others. */
  async login(username: string, password: string, { signal }: Abortable = {}): Promise<SessionState> {
    await this.#keeper.begin();
    let sentAt = 0;
    // A lost answer is not tried again: the try may have counted, and the person is there to decide.
    const worthIt = (problem: LatchkeyError) => problem.code === "temporarily_unavailable";
    const answer = await withRetries(this.#environment, worthIt, signal, () => {
      sentAt = this.#environment.now();
      return this.#api.tokenFrom("/auth/login", { body: { username, password }, signal });
    });
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
   * Ends the session, or every session of the user. Where the service cannot be told, it rejects; the token is
   * forgotten all the same, but for `everywhere` and in cookie mode, where it is needed for another try.
   */
  async logout({ everywhere = false, signal }: Abortable & { everywhere?: boolean } = {}): Promise<void> {
    await this.#keeper.begin();
    const { session } = this.#keeper;
    if (session === null && !this.#cookieMode) return this.#keeper.forget("logout");
    const body = { ...(session?.token !== undefined && { token: session.token }), everywhere };
    try {
      await withRetries(this.#environment, (problem) => problem.temporary, signal, () =>
        this.#api.post("/auth/logout", { body, signal }),
      );
    } catch (problem) {
      const { code, temporary } = problem instanceof LatchkeyError ? problem : { code: null, temporary: true };
      // The token, or the cookie, is worth nothing.
      const over = code === "invalid_token" || (this.#cookieMode && code === "invalid_request");
      const neededAgain = this.#cookieMode || (everywhere && temporary);
      if (over || !neededAgain) await this.#keeper.forget("logout");
      if (over && !everywhere) return;
      throw problem;
    }
    await this.#keeper.forget("logout");
  }

  /** Sets another password. Every session ends but a new one, with which this client goes on. */
  async changePassword(current: string, next: string, { signal }: Abortable = {}): Promise<SessionState> {
    const session = await this.#keeper.fresh(signal);
    const sentAt = this.#environment.now();
    const body = { current_password: current, new_password: next };
    const call = this.#api.tokenFrom("/auth/password", { body, bearer: session.token ?? null, signal });
    const answer = await call.catch(async (problem: unknown) => {
      if (problem instanceof LatchkeyError && problem.status === 401) await this.#keeper.heed(problem, session);
      throw problem;
    });
    await this.#keeper.enter(answer, sentAt);
    return this.getState();
  }

  /** A token that lives for a while yet, for what is no `fetch`: a WebSocket, an upload by other means. */
  async token({ signal }: Abortable = {}): Promise<string> {
    const { token } = await this.#keeper.fresh(signal);
    if (token === undefined) throw new LatchkeyError("token_unreadable", "In cookie mode no script has the token.");
    return token;
  }

  /**
   * `fetch` with the token, which is refreshed first if it is too near to its end. After a 401 it refreshes and tries
   * once more. The token goes to the service's own origin and those of `sendTokenTo` alone.
   */
  readonly fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> =>
    authorizedFetch(input, init, {
      environment: this.#environment,
      origins: this.#origins,
      cookieMode: this.#cookieMode,
      fresh: (signal) => this.#keeper.fresh(signal),
      refreshed: (old) => this.#keeper.refreshed(old),
    });

  /** Stops timers and listening. The session goes on, and another client may restore it from the storage. */
  close(): void {
    this.#keeper.close();
  }
}
