import { abortable } from "./abortable.js";
import type { Grants } from "./access-tokens.js";
import { Age, tooNear } from "./age.js";
import type { Api, TokenAnswer } from "./api.js";
import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { Kept } from "./kept.js";
import { reasonIn } from "./rejections.js";
import { withRetries, worthAnotherTry } from "./retry.js";
import { eventOf, nextRefresh, type SessionEvent, type SessionState, type SignedOutReason, type User } from "./state.js";
import { same, type StoredSession } from "./storage.js";

/** After a refresh that did not work the next one comes after a quarter of what is left, within these bounds. */
const SOONEST_NEXT_TRY = 5_000;
const LATEST_NEXT_TRY = 60_000;
/** What counts as left while nobody knows whether somebody is signed in: a person waits before the page. */
const LEFT_TO_RESTORE = 40_000;

/**
 * The session of this page: its state, and its refresh in time.
 *
 * | what happens | then the page | and the storage |
 * | --- | --- | --- |
 * | a login, a refresh, a new password | holds the answer's session | keeps it |
 * | another tab has saved a live session | holds that one | |
 * | another tab has forgotten it, or what it saved is dead | drops its own | |
 * | the token is rejected, or dies, and the storage has no newer one | drops it | forgets it |
 * | a refresh is rejected as the last | holds the same session without another refresh | keeps that |
 * | a refresh does not get through | goes on, with a problem, and tries again | |
 * | a logout | drops it | forgets it |
 *
 * `#hold`, `#drop` and `#troubled` are the only three that change the state.
 */
export class SessionKeeper {
  readonly #api: Api;
  readonly #cookieMode: boolean;
  readonly #kept: Kept;
  readonly #environment: Environment;
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  /** What ends with `close`. */
  readonly #closing = new AbortController();
  #state: SessionState;
  #session: StoredSession | null = null;
  /** Another map for every login. A token that another tab has saved may be of another login, and counts as one. */
  #grants: Grants = new Map();
  /** Of the session's token; before there is one, of this object. */
  #age: Age;
  /** At which age the next refresh is due; null for never. */
  #due: number | null = null;
  /** Before which age the service does not want to be asked again; null while no refresh has failed. */
  #notBefore: number | null = null;
  #dateDoubted = false;
  #begun: Promise<void> | null = null;
  #flight: Promise<void> | null = null;
  #cancelTimer = (): void => {};
  #stops: (void | (() => void))[] = [];

  constructor(api: Api, cookieMode: boolean, kept: Kept, environment: Environment, initialUser: User | null) {
    this.#api = api;
    this.#cookieMode = cookieMode;
    this.#kept = kept;
    this.#environment = environment;
    this.#age = new Age(environment, environment.now());
    this.#state = { status: "restoring", user: initialUser, problem: null };
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): StoredSession | null {
    return this.#session;
  }

  get grants(): Grants {
    return this.#grants;
  }

  /** Aborted by `close`. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get age(): number {
    return this.#age.milliseconds;
  }

  subscribe(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#cancelTimer();
    this.#closing.abort(new LatchkeyError("closed", "The client is closed."));
    this.#listeners.clear();
    this.#stops.forEach((stop) => stop?.());
  }

  /** Reads the storage and listens to it, once. */
  async begin(): Promise<void> {
    this.#closing.signal.throwIfAborted();
    await (this.#begun ??= this.#begin());
  }

  /** As `begin`, and in cookie mode asks the service where the storage does not know. */
  async restore(): Promise<void> {
    await this.begin();
    if (this.#state.status !== "restoring") return;
    await this.renew().catch((problem: unknown) => {
      if (this.#state.status === "restoring") throw problem;
    });
  }

  /** A session that can be used right now. */
  async usable(signal?: AbortSignal): Promise<StoredSession> {
    await this.restore();
    // Browsers do not tell a page that was restored from their cache what other tabs have saved meanwhile.
    await this.#readAgain();
    if (this.age >= this.life) await this.#over(this.#session, this.#reasonOfDeath);
    if (this.#due !== null && this.life - this.age < tooNear(this.life)) {
      // When it does not work the token is good for a moment yet.
      await abortable(this.renew(), signal).catch(() => signal?.throwIfAborted());
    } else {
      this.#tick();
    }
    if (this.#session === null) throw signedOut();
    return this.#session;
  }

  /** After `old` was rejected with 401: another session of the same user to try with, or null. */
  async newerThan(old: StoredSession): Promise<StoredSession | null> {
    if (same(this.#session, old)) await this.renew().catch(() => {});
    return same(this.#session, old) || this.#session?.user.sub !== old.user.sub ? null : this.#session;
  }

  /** Refreshes; calls at the same time share one request. */
  renew(): Promise<void> {
    return (this.#flight ??= this.#refreshWithRetries().finally(() => {
      this.#flight = null;
      this.#tick();
    }));
  }

  /** Goes on with the session of a login. */
  async enter(answer: TokenAnswer, sentAt: number): Promise<void> {
    const session = this.#sessionOf(answer, sentAt);
    this.#hold(session);
    await this.#keep(session, this.#kept.saveInTurn(session));
  }

  async end(reason: SignedOutReason): Promise<void> {
    this.#drop(reason);
    // What is left in a storage that forgets nothing is worth nothing.
    await this.#kept.saveInTurn(null).catch(() => {});
  }

  /** Does what it means that the service has rejected the token of `old`, or did not answer a refresh. */
  async rejected(problem: LatchkeyError, old: StoredSession | null): Promise<void> {
    if (!same(this.#session, old)) return;
    const reason = reasonIn(problem);
    if (reason === undefined) return this.#troubled(problem);
    const limit = { refresh_limit: old?.since, refresh_disabled: null }[reason as string];
    if (old === null || limit === undefined) return this.#over(old, reason);
    const session = { ...old, refreshableUntil: limit };
    this.#hold(session, this.#grants);
    await this.#keep(session, this.#kept.saveInTurn(session));
  }

  async #begin(): Promise<void> {
    this.#stops = [this.#environment.onWake(() => void this.#wake()), this.#kept.subscribe(() => void this.#readAgain())];
    const kept = await this.#kept.news();
    if (kept && kept.expiresAt <= this.#environment.now()) {
      await this.end("expired");
    } else if (kept) {
      this.#hold(kept);
    } else if (!this.#cookieMode) {
      this.#drop("none");
    }
    // In cookie mode the service knows what the storage does not.
  }

  /** Timers stand still in a sleep, the network comes and goes, and a page may have been away while others were not. */
  async #wake(): Promise<void> {
    await this.#readAgain();
    if (this.#notBefore !== null && this.#due !== null) this.#due = Math.min(this.#due, Math.max(this.#notBefore, this.age));
    this.#tick();
  }

  async #refreshWithRetries(): Promise<void> {
    const old = this.#session;
    const attempt = async (): Promise<void> => {
      await this.#kept.saved;
      await this.#kept.inTurn(() => this.#refreshOnce(old));
    };
    const { signal } = this.#closing;
    try {
      signal.throwIfAborted();
      await withRetries(this.#environment, worthAnotherTry, signal, attempt);
    } catch (problem) {
      if (problem instanceof LatchkeyError && !signal.aborted) await this.rejected(problem, old);
      throw problem;
    }
  }

  async #refreshOnce(old: StoredSession | null): Promise<void> {
    const news = await this.#kept.news();
    // Signed in or out here meanwhile.
    if (!same(this.#session, old)) return;
    // Another tab was faster.
    if (news !== undefined) return this.#follow(news);
    const { signal } = this.#closing;
    // Without a cookie this is one request that needs no preflight, and says so.
    if (old === null) await this.#api.sessions({ signal });
    const sentAt = this.#environment.now();
    const body = { token: old?.token };
    const answer = await this.#api.withToken(() => this.#api.tokenFrom("/auth/refresh", { body, signal }), signal);
    if (!same(this.#session, old)) return;
    const session = this.#sessionOf(answer, sentAt);
    this.#hold(session, session.user.sub === old?.user.sub ? this.#grants : undefined);
    await this.#keep(session, this.#kept.save(session));
  }

  #sessionOf({ user, token, expires_in, refresh_expires_in }: TokenAnswer, since: number): StoredSession {
    return {
      // Login's answer has the token in cookie mode too. It goes no further than here.
      token: this.#cookieMode ? undefined : token,
      user: { sub: user.sub, username: user.username },
      // Counted from the question: the answer was made after it, so the token does not die before we think so.
      since,
      expiresAt: since + expires_in * 1000,
      refreshableUntil: refresh_expires_in === undefined ? null : since + refresh_expires_in * 1000,
    };
  }

  /** A storage that cannot keep `session` is a problem, and no reason to lose it. */
  #keep(session: StoredSession, saved: Promise<void>): Promise<void> {
    return saved.catch((problem: LatchkeyError) => {
      if (same(this.#session, session)) this.#show(problem);
    });
  }

  /** Another tab may have saved. */
  async #readAgain(): Promise<void> {
    await this.#kept.saved;
    const before = this.#session;
    const news = await this.#kept.news();
    if (news !== undefined && this.#session === before) this.#follow(news);
  }

  #follow(news: StoredSession | null): void {
    if (same(news, this.#session)) return;
    if (news !== null && this.#environment.now() < news.expiresAt) return this.#hold(news);
    const dead = this.#session !== null && this.age >= this.life;
    this.#drop(dead ? this.#reasonOfDeath : "elsewhere");
  }

  /** `old` is worth nothing any more; another tab may have a newer one. */
  async #over(old: StoredSession | null, reason: SignedOutReason): Promise<void> {
    const news = await this.#kept.news();
    if (!same(this.#session, old)) return;
    if (news && news.expiresAt > this.#environment.now()) this.#hold(news);
    else await this.end(reason);
  }

  get #reasonOfDeath(): SignedOutReason {
    return this.#state.status === "ending" ? this.#state.reason : "expired";
  }

  /** How old the token may become. */
  get life(): number {
    return this.#session === null ? Infinity : this.#session.expiresAt - this.#session.since;
  }

  #hold(session: StoredSession, grants: Grants = new Map()): void {
    this.#session = session;
    this.#grants = grants;
    this.#age = new Age(this.#environment, session.since);
    this.#due = nextRefresh(session, this.#environment.random());
    this.#notBefore = null;
    this.#dateDoubted = false;
    this.#show(null);
    this.#tick();
  }

  #drop(reason: SignedOutReason): void {
    this.#session = null;
    this.#grants = new Map();
    this.#due = null;
    this.#notBefore = null;
    this.#cancelTimer();
    this.#change({ status: "signed-out", user: null, reason });
  }

  /** A refresh did not get through; the next one comes when there is a chance. */
  #troubled(problem: LatchkeyError): void {
    const { status, retryAfter } = problem;
    if (this.#state.status === "signed-out") return;
    const { age } = this;
    const left = this.#session === null ? LEFT_TO_RESTORE : this.life - age;
    const soonest = Math.max(250, Math.min(SOONEST_NEXT_TRY, left / 2));
    const wait = Math.min(Math.max(left / 4, soonest), LATEST_NEXT_TRY);
    this.#notBefore = age + (retryAfter === null ? (status === 429 ? wait : 0) : retryAfter * 1000);
    this.#due = Math.max(age + wait, this.#notBefore);
    this.#show(problem);
  }

  #show(problem: LatchkeyError | null): void {
    if (this.#session === null) return this.#change({ status: "restoring", user: this.#state.user, problem });
    const { user, expiresAt, refreshableUntil } = this.#session;
    this.#change(
      refreshableUntil === null
        ? { status: "ending", user, expiresAt, reason: "refresh_disabled" }
        : this.#due === null
          ? { status: "ending", user, expiresAt, reason: "refresh_limit" }
          : { status: "signed-in", user, expiresAt, refreshableUntil, problem },
    );
  }

  #change(state: SessionState): void {
    const event = eventOf(this.#state, state);
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (problem) {
        // Reported as any uncaught error, and no reason to stop halfway.
        queueMicrotask(() => {
          throw problem;
        });
      }
    }
  }

  /** Does what is due, and waits for what is next. Timers fire late after a sleep, so it looks at the clocks alone. */
  #tick(): void {
    this.#cancelTimer();
    if (this.#closing.signal.aborted) return;
    const { age, life } = this;
    if (age >= life) {
      void this.#over(this.#session, this.#reasonOfDeath);
      return;
    }
    if (!this.#dateDoubted && this.#due !== null && this.#age.setBack) {
      // The dates that the page and other tabs go by are wrong now, and those of a new token are not.
      this.#dateDoubted = true;
      this.#due = age;
    }
    if (this.#due !== null && age >= this.#due && this.#flight === null) void this.renew().catch(() => {});
    const next = Math.min(this.#flight === null ? (this.#due ?? life) : life, life);
    if (next < Infinity) this.#cancelTimer = this.#environment.after(next - age, () => this.#tick());
  }
}

export function signedOut(): LatchkeyError {
  return new LatchkeyError("signed_out", "Nobody is signed in.");
}
