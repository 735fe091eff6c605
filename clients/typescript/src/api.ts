import type { Environment } from "./environment.js";
import { codeOf, LatchkeyError } from "./errors.js";
import type { SessionInfo } from "./sessions.js";
import type { User } from "./state.js";
import { isUser } from "./storage.js";

/** One answer of the service that carries a token, or says that the cookie now has another one. */
export interface TokenAnswer {
  user: User;
  token?: string;
  /** Seconds from the answer. */
  expires_in: number;
  /** Absent while refreshing is switched off. */
  refresh_expires_in?: number;
}

/** The answer that carries an access token. */
export interface AccessTokenAnswer {
  user: User;
  access_token: string;
  /** Seconds from the answer. */
  expires_in: number;
}

export interface CallOptions {
  method?: "POST" | "GET" | "DELETE";
  body?: object;
  /** For the calls that take it in the `Authorization` header. */
  bearer?: string | undefined;
  signal?: AbortSignal | undefined;
}

type Members = Record<string, unknown>;

/** The service at one base URL: one request, one answer or one LatchkeyError. */
export class Api {
  readonly #baseUrl: string;
  readonly #cookieMode: boolean;
  readonly #timeout: number;
  readonly #environment: Environment;

  constructor(baseUrl: string, cookieMode: boolean, timeout: number, environment: Environment) {
    this.#baseUrl = baseUrl;
    this.#cookieMode = cookieMode;
    this.#timeout = timeout;
    this.#environment = environment;
  }

  /** Read when it is used: a module that makes a client may be loaded on a server, where "/" is no URL. */
  get base(): URL {
    try {
      return new URL(this.#baseUrl, page()?.href);
    } catch (cause) {
      throw new LatchkeyError("invalid_base_url", `baseUrl is no URL: ${this.#baseUrl}`, { cause });
    }
  }

  async tokenFrom(path: string, options: CallOptions): Promise<TokenAnswer> {
    const answer = await this.send(path, options);
    const sound =
      isUser(answer["user"]) &&
      (typeof answer["token"] === "string" || this.#cookieMode) &&
      typeof answer["expires_in"] === "number" &&
      /^(number|undefined)$/.test(typeof answer["refresh_expires_in"]);
    if (!sound) throw this.#unexpected(path);
    return answer as unknown as TokenAnswer;
  }

  async accessTokenFrom(options: CallOptions): Promise<AccessTokenAnswer> {
    const path = "/auth/access";
    const answer = await this.send(path, options);
    const { user, access_token, expires_in } = answer;
    const sound = isUser(user) && typeof access_token === "string" && typeof expires_in === "number";
    if (!sound) throw this.#unexpected(path);
    return answer as unknown as AccessTokenAnswer;
  }

  /** The sessions as the service lists them, and whose they are. */
  async sessions(options: CallOptions): Promise<{ user: User; sessions: SessionInfo[] }> {
    const path = "/auth/sessions";
    const { user, sessions } = await this.send(path, { ...options, method: "GET" });
    if (!isUser(user) || !Array.isArray(sessions)) throw this.#unexpected(path);
    return { user, sessions };
  }

  /** A call whose token is in the body or the cookie; where neither is, it rejects with `authorization_required`. */
  async withToken<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await call();
    } catch (problem) {
      // Said of a missing cookie and of much else. The list of sessions tells one from the other.
      if (this.#cookieMode && codeOf(problem) === "invalid_request") await this.sessions({ signal });
      throw problem;
    }
  }

  /** Sends one request, without a second try. Rejects with a LatchkeyError, or with what `signal` was aborted with. */
  async send(path: string, { method = "POST", body, bearer, signal }: CallOptions): Promise<Members> {
    signal?.throwIfAborted();
    const { base } = this;
    const giveUp = new AbortController();
    const abort = () => giveUp.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const stop = this.#environment.after(this.#timeout, () =>
      giveUp.abort(new LatchkeyError("timeout", "The service did not answer.")),
    );
    try {
      const response = await this.#environment.fetch(base.origin + base.pathname.replace(/\/+$/, "") + path, {
        method,
        headers: {
          ...(body && { "Content-Type": "application/json" }),
          ...(bearer && { Authorization: `Bearer ${bearer}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
        credentials: this.#cookieMode ? "include" : "omit",
        cache: "no-store",
        // A redirect would send the password or the token along.
        redirect: "error",
        signal: giveUp.signal,
      });
      const answer = parsed(await response.text());
      if (response.ok) return answer;
      const { code, message } = answer;
      const { status, headers } = response;
      // NaN where there is none, or a date.
      const seconds = parseInt(headers.get("Retry-After") ?? "");
      const retryAfter = seconds >= 0 ? seconds : null;
      if (typeof code !== "string" || typeof message !== "string") throw this.#unexpected(path, status, retryAfter);
      throw new LatchkeyError(code, message, { status, retryAfter });
    } catch (cause) {
      giveUp.signal.throwIfAborted();
      if (cause instanceof LatchkeyError) throw cause;
      throw new LatchkeyError("network_error", this.#unreachable(base), { cause });
    } finally {
      stop();
      signal?.removeEventListener("abort", abort);
    }
  }

  /** A browser does not tell a script why a request failed, so the likely causes are named. */
  #unreachable({ origin }: URL): string {
    const here = page()?.origin ?? origin;
    const blocked = here === origin ? "" : `, does not name ${here} in CORS_ALLOWED_ORIGINS, or baseUrl or mode is wrong`;
    return `The service at ${origin} cannot be reached${blocked}.`;
  }

  #unexpected(path: string, status = 200, retryAfter: number | null = null): LatchkeyError {
    const switchedOff = path === "/auth/access" && status === 404;
    const question = switchedOff ? "Is ACCESS_TOKEN_AUDIENCES set?" : "Is baseUrl right?";
    return new LatchkeyError(
      "unexpected_answer",
      `${this.#baseUrl} answers ${path} with status ${status} and not as the service. ${question}`,
      { status, retryAfter },
    );
  }
}

function page(): Location | undefined {
  return globalThis.location as Location | undefined;
}

function parsed(text: string): Members {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
