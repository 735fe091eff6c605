import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";

/** One answer of the service that carries a token, or says that the cookie now has another one. */
export interface TokenAnswer {
  token: string | null;
  /** Seconds from the answer. */
  expiresIn: number;
  /** Null while refreshing is switched off. */
  refreshExpiresIn: number | null;
}

export interface CallOptions {
  body: object;
  /** For the calls that take it in the `Authorization` header. */
  bearer?: string | null;
  signal?: AbortSignal | undefined;
}

/** The service at one base URL: one request, one answer or one LatchkeyError. */
export class Api {
  readonly #base: string;
  readonly #credentials: RequestCredentials;
  readonly #timeout: number;
  readonly #environment: Environment;

  constructor(base: string, credentials: RequestCredentials, timeout: number, environment: Environment) {
    this.#base = base;
    this.#credentials = credentials;
    this.#timeout = timeout;
    this.#environment = environment;
  }

  async tokenFrom(path: string, options: CallOptions): Promise<TokenAnswer> {
    const { status, body } = await this.post(path, options);
    const { token, expires_in: expiresIn, refresh_expires_in: refreshExpiresIn } = (body ?? {}) as Record<string, unknown>;
    const sound =
      (token === undefined || typeof token === "string") &&
      typeof expiresIn === "number" &&
      (refreshExpiresIn === undefined || typeof refreshExpiresIn === "number");
    if (!sound) throw unexpected(status);
    return { token: token ?? null, expiresIn, refreshExpiresIn: refreshExpiresIn ?? null };
  }

  /** Sends one request, without a second try. Rejects with a LatchkeyError, or with what `signal` was aborted with. */
  async post(path: string, { body, bearer, signal }: CallOptions): Promise<{ status: number; body: unknown }> {
    signal?.throwIfAborted();
    const giveUp = new AbortController();
    const abort = () => giveUp.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    let late = false;
    const stop = this.#environment.after(this.#timeout, () => {
      late = true;
      giveUp.abort();
    });
    try {
      const response = await this.#environment.fetch(this.#base + path, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}),
        },
        body: JSON.stringify(body),
        credentials: this.#credentials,
        cache: "no-store",
        // A redirect would send the password or the token along.
        redirect: "error",
        signal: giveUp.signal,
      });
      const text = await response.text();
      if (response.ok) return { status: response.status, body: parsed(text) };
      throw refusal(response, parsed(text));
    } catch (problem) {
      signal?.throwIfAborted();
      if (problem instanceof LatchkeyError) throw problem;
      if (late) throw new LatchkeyError("timeout", "The service did not answer in time.");
      throw new LatchkeyError("network_error", "The service cannot be reached.", { cause: problem });
    } finally {
      stop();
      signal?.removeEventListener("abort", abort);
    }
  }
}

function refusal(response: Response, body: unknown): LatchkeyError {
  const { code, message } = (body ?? {}) as Record<string, unknown>;
  const seconds = response.headers.get("Retry-After") ?? "";
  const retryAfter = /^\d{1,9}$/.test(seconds) ? Number(seconds) : null;
  const { status } = response;
  if (typeof code !== "string" || typeof message !== "string") return unexpected(status, retryAfter);
  return new LatchkeyError(code, message, { status, retryAfter });
}

function unexpected(status: number, retryAfter: number | null = null): LatchkeyError {
  return new LatchkeyError(
    "unexpected_answer",
    `The answer, with status ${status}, is not this service's. Is baseUrl right?`,
    { status, retryAfter },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
