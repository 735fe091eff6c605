import { Latchkey, type Environment, type LatchkeyOptions, type Locks, type SessionStorage, type StoredSession } from "../src/index.js";

export const BASE = "https://auth.example.com";
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A clock that tests turn, the timers that hang on it, and a service that lives by it. */
export class World {
  /** Not a round number, as in life. */
  now = 1_685_728_800_123;
  random = 0.5;
  locks: Locks | null = null;
  readonly service = new Service(this);
  readonly #timers = new Map<number, { at: number; task: () => void }>();
  #nextTimer = 0;
  readonly #wakers = new Set<() => void>();

  environment(): Environment {
    return {
      fetch: (input, init) => this.service.answer(new Request(input, init)),
      now: () => this.now,
      random: () => this.random,
      locks: this.locks,
      after: (milliseconds, task) => {
        const id = (this.#nextTimer += 1);
        this.#timers.set(id, { at: this.now + milliseconds, task });
        return () => this.#timers.delete(id);
      },
      onWake: (task) => {
        this.#wakers.add(task);
        return () => this.#wakers.delete(task);
      },
    };
  }

  client(options: Partial<LatchkeyOptions> = {}): Latchkey {
    return new Latchkey({ baseUrl: BASE, environment: this.environment(), ...options });
  }

  async signedIn(options: Partial<LatchkeyOptions> = {}): Promise<Latchkey> {
    const client = this.client(options);
    await client.login("ada", "correct horse");
    return client;
  }

  /** Lets time go by, with every timer at its moment. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [id, { at, task }] = due;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      task();
      await settled();
    }
    this.now = end;
  }

  /** The machine sleeps: time goes by, and no timer fires. */
  sleep(milliseconds: number): void {
    this.now += milliseconds;
  }

  async wake(): Promise<void> {
    this.#wakers.forEach((task) => task());
    await settled();
  }

  get timers(): number {
    return this.#timers.size;
  }

  get wakers(): number {
    return this.#wakers.size;
  }
}

/** Lets everything that waits for nothing but other promises come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Token {
  session: number;
  iat: number;
  exp: number;
}

export interface Call {
  path: string;
  body: Record<string, unknown>;
  authorization: string | null;
  credentials: RequestCredentials;
  redirect: RequestRedirect;
}

/** The rules of sessions, in seconds of a clock that is not the client's. */
export class Service {
  expiration = 3600;
  refreshExpiration = 172_800;
  allowRefresh = true;
  cookieMode = false;
  cookie: string | null = null;
  /** What the next requests get instead of an answer. */
  readonly failures: (() => Promise<Response>)[] = [];
  readonly calls: Call[] = [];
  readonly ended = new Set<number>();
  readonly tokens = new Map<string, Token>();
  readonly #world: World;
  #sessions = 0;

  constructor(world: World) {
    this.#world = world;
  }

  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  refuseNext(status: number, code: string, retryAfter?: number): void {
    this.failures.push(async () => refusal(status, code, retryAfter));
  }

  failNext(times: number): void {
    for (let time = 0; time < times; time += 1) {
      this.failures.push(() => Promise.reject(new TypeError("fetch failed")));
    }
  }

  /** The next request is answered when the test says so. */
  holdNext(): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const last = () => this.#handle(this.calls[this.calls.length - 1]!);
    this.failures.push(async () => {
      const answer = last();
      await held;
      return answer;
    });
    return release;
  }

  async answer(request: Request): Promise<Response> {
    const text = await request.text();
    const call: Call = {
      path: new URL(request.url).pathname,
      body: text === "" ? {} : JSON.parse(text),
      authorization: request.headers.get("Authorization"),
      credentials: request.credentials,
      redirect: request.redirect,
    };
    this.calls.push(call);
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    });
    return Promise.race([aborted, this.failures.shift()?.() ?? this.#handle(call)]);
  }

  async #handle({ path, body, authorization }: Call): Promise<Response> {
    switch (path) {
      case "/auth/login":
        if (body["password"] !== "correct horse") return refusal(400, "invalid_credentials");
        return this.#opened();
      case "/auth/refresh":
        return this.#refreshed(body["token"] ?? this.cookie);
      case "/auth/logout": {
        const token = this.tokens.get(String(body["token"] ?? this.cookie));
        if (token === undefined) return refusal(400, body["token"] === undefined ? "invalid_request" : "invalid_token");
        this.ended.add(token.session);
        this.cookie = null;
        return new Response(null, { status: 204 });
      }
      case "/auth/password": {
        const token = this.tokens.get(authorization?.replace("Bearer ", "") ?? String(this.cookie));
        if (token === undefined || this.ended.has(token.session)) return refusal(401, "session_ended");
        this.ended.add(token.session);
        return this.#opened();
      }
      default: {
        const token = this.tokens.get(authorization?.replace("Bearer ", "") ?? "");
        const live = token !== undefined && this.#seconds() < token.exp && !this.ended.has(token.session);
        return live ? Response.json({ echo: body }) : new Response(null, { status: 401 });
      }
    }
  }

  #seconds(): number {
    // The service's clock is a day and some seconds off.
    return Math.floor(this.#world.now / 1000) + 90_007;
  }

  #opened(): Response {
    const now = this.#seconds();
    this.#sessions += 1;
    return this.#issued({ session: this.#sessions, iat: now, exp: now + this.expiration }, false);
  }

  #refreshed(presented: unknown): Response {
    if (presented === null) return refusal(400, "invalid_request");
    const old = this.tokens.get(String(presented));
    const now = this.#seconds();
    if (!this.allowRefresh) return refusal(400, "refresh_disabled");
    if (old === undefined) return refusal(400, "invalid_token");
    if (now >= old.exp) return refusal(400, "token_expired");
    if (now > old.iat + this.refreshExpiration) return refusal(400, "refresh_expired");
    if (this.ended.has(old.session)) return refusal(400, "session_ended");
    return this.#issued({ ...old, exp: now + this.expiration }, presented === this.cookie);
  }

  #issued(token: Token, hidden: boolean): Response {
    const text = `token-${this.tokens.size + 1}`;
    this.tokens.set(text, token);
    if (this.cookieMode) this.cookie = text;
    const now = this.#seconds();
    const left = Math.max(0, token.iat + this.refreshExpiration - now);
    return Response.json({
      ...(hidden ? {} : { token: text, token_type: "Bearer" }),
      expires_in: token.exp - now,
      ...(this.allowRefresh ? { refresh_expires_in: left } : {}),
    });
  }
}

function refusal(status: number, code: string, retryAfter?: number): Response {
  const headers = retryAfter === undefined ? {} : { "Retry-After": String(retryAfter) };
  return Response.json({ code, message: `It is refused: ${code}.` }, { status, headers });
}

/** One localStorage, as several tabs see it: each hears of what the others save. */
export class SharedStorage {
  kept: string | null = null;
  readonly #tabs = new Map<object, () => void>();

  tab(): SessionStorage {
    const me = {};
    return {
      lockName: "latchkey",
      load: () => JSON.parse(this.kept ?? "null") as StoredSession | null,
      save: (session) => {
        this.kept = session === null ? null : JSON.stringify(session);
        for (const [tab, changed] of this.#tabs) if (tab !== me) setImmediate(changed);
      },
      subscribe: (changed) => {
        this.#tabs.set(me, changed);
        return () => this.#tabs.delete(me);
      },
    };
  }
}

/** The browser's lock manager: exclusive, first come first served. */
export class FakeLocks implements Locks {
  readonly #last = new Map<string, Promise<unknown>>();
  granted = 0;

  async request<T>(name: string, { signal }: { signal: AbortSignal }, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = new Promise<T>((resolve, reject) => {
      let gone = false;
      signal.addEventListener("abort", () => {
        gone = true;
        reject(signal.reason);
      });
      void before.then(() => {
        if (gone) return;
        this.granted += 1;
        task().then(resolve, reject);
      });
    });
    this.#last.set(name, Promise.allSettled([before, mine]));
    return mine;
  }
}
