import type { Api, TokenAnswer } from "./api.js";
import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import { withRetries } from "./retry.js";
import { nextRefresh, type SessionState, type SignedOutReason } from "./state.js";
import { same, type SessionStorage, type StoredSession } from "./storage.js";
import { inTurn } from "./turns.js";

/** The token is too near to its end to be sent when less than this is left, or a tenth of its life. */
const TOO_NEAR = 30_000;
/** After a refresh that did not work the next one comes after a quarter of what is left, within these bounds. */
const SOONEST_NEXT_TRY = 5_000;
const LATEST_NEXT_TRY = 60_000;

/** The session of this page: its state, its place in the storage, and its refresh in time. */
export class SessionKeeper {
  readonly #api: Api;
  readonly #cookieMode: boolean;
  readonly #storage: SessionStorage;
  readonly #environment: Environment;
  readonly #listeners = new Set<() => void>();
  /** What ends with `close`. */
  readonly #closing = new AbortController();
  #state: SessionState = { status: "restoring" };
  #session: StoredSession | null = null;
  /** When the next refresh is due; null for never. */
  #due: number | null = null;
  #problem: LatchkeyError | null = null;
  #begun: Promise<void> | null = null;
  #flight: Promise<void> | null = null;
  /** The last save that was begun: until it is done the storage holds what is older than we are. */
  #saved: Promise<unknown> = Promise.resolve();
  #cancelTimer = (): void => {};

  constructor(api: Api, cookieMode: boolean, storage: SessionStorage, environment: Environment) {
    this.#api = api;
    this.#cookieMode = cookieMode;
    this.#storage = storage;
    this.#environment = environment;
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): StoredSession | null {
    return this.#session;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#cancelTimer();
    this.#closing.abort();
    this.#listeners.clear();
  }

  /** Reads the storage and listens to it, once. */
  begin(): Promise<void> {
    this.#begun ??= this.#open().catch((problem: unknown) => {
      this.#begun = null;
      throw problem;
    });
    return this.#begun;
  }

  /** As `begin`, and in cookie mode asks the service where the storage does not know. */
  async restore(): Promise<void> {
    await this.begin();
    if (this.#state.status !== "restoring") return;
    try {
      await this.renew();
    } catch (problem) {
      if (this.#state.status === "restoring") throw problem;
    }
  }

  /** A session that can be used right now. */
  async fresh(signal?: AbortSignal): Promise<StoredSession> {
    await this.restore();
    const now = this.#environment.now();
    if (this.#session !== null && now >= this.#session.expiresAt) await this.#expire();
    if (this.#session === null) throw signedOut();
    const { since, expiresAt } = this.#session;
    if (this.#due !== null && expiresAt - now < Math.min(TOO_NEAR, (expiresAt - since) / 10)) {
      // When it does not work the token is good for a moment yet.
      await abortable(this.renew(), signal).catch(() => signal?.throwIfAborted());
    } else {
      this.#tick();
    }
    if (this.#session === null) throw signedOut();
    return this.#session;
  }

  /** After `old` was refused with 401: another session to try with, or null. */
  async refreshed(old: StoredSession): Promise<StoredSession | null> {
    if (same(this.#session, old)) await this.renew().catch(() => {});
    return same(this.#session, old) ? null : this.#session;
  }

  /** Refreshes; calls at the same time share one request. */
  renew(): Promise<void> {
    this.#flight ??= this.#refreshWithRetries().finally(() => {
      this.#flight = null;
      this.#tick();
    });
    return this.#flight;
  }

  /** Goes on with the session of a login. */
  async enter(answer: TokenAnswer, sentAt: number): Promise<void> {
    const session = this.#sessionOf(answer, sentAt);
    this.#adopt(session);
    await this.#saveInTurn(session);
  }

  async forget(reason: SignedOutReason): Promise<void> {
    this.#leave(reason);
    await this.#saveInTurn(null);
  }

  /** Does what it means that the service has refused the token of `old`. */
  async heed(problem: LatchkeyError, old: StoredSession | null): Promise<void> {
    if (!same(this.#session, old)) return;
    switch (problem.code) {
      case "session_ended":
      case "user_disabled":
      case "invalid_token":
        return this.#lose(old, problem.code as SignedOutReason);
      case "token_expired":
        return this.#lose(old, "expired");
      case "refresh_expired":
        return this.#isLast(old, "refresh_limit");
      case "refresh_disabled":
        return this.#isLast(old, "refresh_disabled");
      case "invalid_request":
      case "authorization_required":
        // The cookie is gone.
        if (this.#cookieMode) return this.#lose(old, "none");
    }
    if (old === null) return;
    const now = this.#environment.now();
    const quarter = (old.expiresAt - now) / 4;
    const wait = Math.min(Math.max(quarter, SOONEST_NEXT_TRY), LATEST_NEXT_TRY);
    this.#due = now + Math.max(wait, (problem.retryAfter ?? 0) * 1000);
    this.#problem = problem;
    this.#show();
  }

  async #open(): Promise<void> {
    const kept = await this.#load();
    const stops = [
      this.#environment.onWake(() => this.#tick()),
      this.#storage.subscribe?.(() => void this.#catchUp().catch(() => {})),
    ];
    this.#closing.signal.addEventListener("abort", () => stops.forEach((stop) => stop?.()));
    if (kept !== null && kept.expiresAt <= this.#environment.now()) {
      this.#session = kept;
      await this.#expire();
    } else if (kept !== null) {
      this.#adopt(kept);
    } else if (!this.#cookieMode) {
      this.#leave("none");
    }
    // In cookie mode the service knows what the storage does not.
  }

  async #refreshWithRetries(): Promise<void> {
    const old = this.#session;
    const attempt = async (): Promise<void> => {
      await this.#saved;
      await inTurn(this.#environment, this.#storage.lockName, () => this.#refreshOnce(old));
    };
    try {
      await withRetries(this.#environment, (problem) => problem.temporary, this.#closing.signal, attempt);
    } catch (problem) {
      if (problem instanceof LatchkeyError) await this.heed(problem, old);
      throw problem;
    }
  }

  async #refreshOnce(old: StoredSession | null): Promise<void> {
    const kept = await this.#load();
    // Signed in or out here meanwhile.
    if (!same(this.#session, old)) return;
    // Another tab was faster.
    if (!same(kept, old)) return this.#follow(kept);
    const sentAt = this.#environment.now();
    const body = old?.token === undefined ? {} : { token: old.token };
    const answer = await this.#api.tokenFrom("/auth/refresh", { body, signal: this.#closing.signal });
    if (!same(this.#session, old)) return;
    const session = this.#sessionOf(answer, sentAt);
    this.#adopt(session);
    await this.#save(session);
  }

  #sessionOf({ token, expiresIn, refreshExpiresIn }: TokenAnswer, sentAt: number): StoredSession {
    if (token === null && !this.#cookieMode) {
      throw new LatchkeyError("unexpected_answer", "The answer has no token.", { status: 200 });
    }
    return {
      // Login's answer has the token in cookie mode too. It goes no further than here.
      ...(this.#cookieMode || token === null ? {} : { token }),
      // Counted from the question: the answer was made after it, so the token does not die before we think so.
      since: sentAt,
      expiresAt: sentAt + expiresIn * 1000,
      refreshableUntil: refreshExpiresIn === null ? null : sentAt + refreshExpiresIn * 1000,
    };
  }

  /** Another tab has saved. */
  async #catchUp(): Promise<void> {
    await this.#saved;
    const kept = await this.#load();
    if (!same(kept, this.#session)) this.#follow(kept);
  }

  #follow(kept: StoredSession | null): void {
    const now = this.#environment.now();
    if (kept !== null && now < kept.expiresAt) return this.#adopt(kept);
    const dead = this.#session !== null && now >= this.#session.expiresAt;
    this.#leave(dead ? this.#reasonOfExpiry() : "elsewhere");
  }

  #expire(): Promise<void> {
    return this.#lose(this.#session, this.#reasonOfExpiry());
  }

  #reasonOfExpiry(): SignedOutReason {
    return this.#state.status === "ending" ? this.#state.reason : "expired";
  }

  /** `old` is worth nothing any more; another tab may have a newer one. */
  async #lose(old: StoredSession | null, reason: SignedOutReason): Promise<void> {
    const kept = await this.#load().catch(() => null);
    if (!same(this.#session, old)) return;
    const newer = kept !== null && !same(kept, old) && kept.expiresAt > this.#environment.now();
    if (newer) this.#adopt(kept);
    else await this.forget(reason);
  }

  /** `old` can be used, but not refreshed. */
  async #isLast(old: StoredSession | null, reason: "refresh_limit" | "refresh_disabled"): Promise<void> {
    if (old === null) return this.forget(reason);
    const session = { ...old, refreshableUntil: reason === "refresh_limit" ? old.since : null };
    this.#adopt(session);
    await this.#saveInTurn(session);
  }

  #adopt(session: StoredSession): void {
    this.#session = session;
    this.#due = nextRefresh(session, this.#environment.random());
    this.#problem = null;
    this.#show();
    this.#tick();
  }

  #leave(reason: SignedOutReason): void {
    this.#session = null;
    this.#due = null;
    this.#problem = null;
    this.#cancelTimer();
    this.#change({ status: "signed-out", reason });
  }

  #show(): void {
    if (this.#session === null) return;
    const { expiresAt, refreshableUntil } = this.#session;
    if (this.#due === null || refreshableUntil === null) {
      const reason = refreshableUntil === null ? "refresh_disabled" : "refresh_limit";
      this.#change({ status: "ending", expiresAt, reason });
    } else {
      this.#change({ status: "signed-in", expiresAt, refreshableUntil, problem: this.#problem });
    }
  }

  #change(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (problem) {
        // Reported as any uncaught error, and no reason to stop halfway.
        queueMicrotask(() => {
          throw problem;
        });
      }
    }
  }

  /** Does what is due, and waits for what is next. Timers fire late after a sleep, so it looks at the clock alone. */
  #tick(): void {
    this.#cancelTimer();
    if (this.#session === null || this.#closing.signal.aborted) return;
    const now = this.#environment.now();
    const { expiresAt } = this.#session;
    if (now >= expiresAt) {
      void this.#expire().catch(() => {});
      return;
    }
    if (this.#due !== null && now >= this.#due && this.#flight === null) void this.renew().catch(() => {});
    const next = this.#flight !== null || this.#due === null ? expiresAt : Math.min(this.#due, expiresAt);
    this.#cancelTimer = this.#environment.after(next - now, () => this.#tick());
  }

  async #load(): Promise<StoredSession | null> {
    try {
      return await this.#storage.load();
    } catch (cause) {
      throw storageFailed(cause);
    }
  }

  /** Not before a refresh of another tab is through, which would save its token over this. */
  #saveInTurn(session: StoredSession | null): Promise<void> {
    const saved = inTurn(this.#environment, this.#storage.lockName, () => this.#save(session));
    this.#saved = saved.catch(() => {});
    return saved;
  }

  async #save(session: StoredSession | null): Promise<void> {
    try {
      await this.#storage.save(session);
    } catch (cause) {
      throw storageFailed(cause);
    }
  }
}

export function signedOut(): LatchkeyError {
  return new LatchkeyError("signed_out", "Nobody is signed in.");
}

function storageFailed(cause: unknown): LatchkeyError {
  return new LatchkeyError("storage_failed", "The session cannot be kept or read.", { cause });
}

/** `promise`, for as long as this caller waits: the others go on waiting. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
