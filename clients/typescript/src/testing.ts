import type { Environment, Locks } from "./environment.js";
import { Latchkey, type LatchkeyOptions } from "./latchkey.js";
import type { SessionStorage, StoredSession } from "./storage.js";

// Kept from a test's own fake timers.
const later = (globalThis as { setImmediate?: (task: () => void) => unknown }).setImmediate ?? globalThis.setTimeout;

/** A clock that tests turn, the timers that hang on it, and a service and a browser that live by it. */
export class TestWorld {
  /** The date in milliseconds. Not a round number, as in life. Assign to it to set the clock. */
  now = 1_685_728_800_123;
  /** What `Math.random` gives, for the jitter. */
  random = 0.5;
  /** Web Locks: `new TestLocks()`, or null for a browser without. */
  locks: Locks | null = null;
  readonly service: TestService = new TestService(this);
  #steady = 5_000;
  readonly #timers = new Map<number, { at: number; task: () => void }>();
  #nextTimer = 0;
  readonly #wakers = new Set<() => void>();

  /** What a client of this world lives in. */
  environment(): Environment {
    return {
      fetch: (input, init) => this.service.answer(new Request(input, init)),
      now: () => this.now,
      steady: () => this.#steady,
      random: () => this.random,
      locks: this.locks,
      after: (milliseconds, task) => {
        const id = (this.#nextTimer += 1);
        this.#timers.set(id, { at: this.#steady + milliseconds, task });
        return () => this.#timers.delete(id);
      },
      onWake: (task) => {
        this.#wakers.add(task);
        return () => this.#wakers.delete(task);
      },
    };
  }

  /** A client of `https://auth.example.com`: one tab. */
  client(options: Partial<LatchkeyOptions> = {}): Latchkey {
    return new Latchkey({ baseUrl: "https://auth.example.com", environment: this.environment(), ...options });
  }

  /** A client with which `ada` has signed in. */
  async signedIn(options: Partial<LatchkeyOptions> = {}): Promise<Latchkey> {
    const client = this.client(options);
    await client.login("ada", "correct horse");
    return client;
  }

  /** Lets time go by, with every timer at its moment. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#steady + milliseconds;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [id, { at, task }] = due;
      this.#timers.delete(id);
      this.#goOnTo(Math.max(this.#steady, at));
      task();
      await settled();
    }
    this.#goOnTo(end);
  }

  /** The machine sleeps: the date goes on, the steady clock stands still, and no timer fires. */
  sleep(milliseconds: number): void {
    this.now += milliseconds;
  }

  /** The page is seen again, was restored, or the network is back. */
  async wake(): Promise<void> {
    this.#wakers.forEach((task) => task());
    await settled();
  }

  /** How many timers are waiting. */
  get timers(): number {
    return this.#timers.size;
  }

  /** How many clients listen to `wake`. */
  get wakers(): number {
    return this.#wakers.size;
  }

  #goOnTo(steady: number): void {
    this.now += steady - this.#steady;
    this.#steady = steady;
  }
}

/** Lets everything that waits for nothing but other promises come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise<void>((resolve) => void later(() => resolve()));
}

interface Token {
  username: string;
  session: number;
  iat: number;
  exp: number;
}

/** A request as the service saw it. */
export interface TestCall {
  method: string;
  path: string;
  body: Record<string, unknown>;
  authorization: string | null;
  credentials: string;
  redirect: string;
}

/** The service's rules of sessions, by a clock that is not the client's, and the browser's cookie. */
export class TestService {
  /** Seconds. */
  expiration = 3600;
  /** Seconds. */
  refreshExpiration = 172_800;
  allowRefresh = true;
  /** Sets and takes the cookie. */
  cookieMode = false;
  /** The browser throws the service's cookie away. */
  dropsCookies = false;
  /** The token in the browser's cookie. */
  cookie: string | null = null;
  /** Who can sign in, and with which password. */
  readonly passwords = new Map([
    ["ada", "correct horse"],
    ["grace", "correct horse"],
  ]);
  /** What the next requests get instead of an answer. */
  readonly failures: (() => Promise<Response>)[] = [];
  /** Every request so far. */
  readonly calls: TestCall[] = [];
  /** The numbers of the sessions that were ended. */
  readonly ended = new Set<number>();
  /** Every token that was issued. */
  readonly tokens = new Map<string, Token>();
  readonly #world: TestWorld;
  #sessions = 0;

  constructor(world: TestWorld) {
    this.#world = world;
  }

  /** How many requests `path` had. */
  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  /** The next request is rejected so. */
  answerNext(status: number, code: string, retryAfter?: number): void {
    this.failures.push(async () => rejection(status, code, retryAfter));
  }

  /** The next requests get no answer, as without a network. */
  failNext(times: number): void {
    for (let time = 0; time < times; time += 1) {
      this.failures.push(() => Promise.reject(new TypeError("fetch failed")));
    }
  }

  /** The next request is answered when the test calls what this returns. */
  holdNext(): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.failures.push(async () => {
      const answer = this.#handle(this.calls.at(-1)!);
      await held;
      return answer;
    });
    return release;
  }

  /** The `fetch` of this world. */
  async answer(request: Request): Promise<Response> {
    const text = await request.text();
    const call: TestCall = {
      method: request.method,
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

  async #handle({ method, path, body, authorization }: TestCall): Promise<Response> {
    const [, , call, id] = path.split("/");
    const bearer = authorization?.replace("Bearer ", "") ?? this.#sent;
    const claims = this.tokens.get(bearer ?? "");
    switch (`${method} /auth/${call}`) {
      case "POST /auth/login": {
        const username = String(body["username"]);
        const right = this.passwords.get(username) === body["password"];
        return right ? this.#opened(username) : rejection(400, "invalid_credentials");
      }
      case "POST /auth/refresh":
        return this.#refreshed(body["token"] ?? this.#sent);
      case "POST /auth/logout": {
        const token = this.tokens.get(String(body["token"] ?? this.#sent));
        if (token === undefined) return rejection(400, body["token"] === undefined ? "invalid_request" : "invalid_token");
        this.#end(token.session);
        this.cookie = null;
        return new Response(null, { status: 204 });
      }
      case "POST /auth/verify": {
        const token = this.tokens.get(String(body["token"]));
        if (token === undefined) return rejection(400, "invalid_token");
        if (body["check_session"] === true && this.ended.has(token.session)) return rejection(400, "session_ended");
        return Response.json({ claims: { ...userOf(token), iat: token.iat, exp: token.exp, sid: String(token.session) } });
      }
    }
    if (bearer === null) return rejection(401, "authorization_required");
    if (claims === undefined) return rejection(401, "invalid_token");
    if (this.#seconds() >= claims.exp) return rejection(401, "token_expired");
    if (this.ended.has(claims.session)) return rejection(401, "session_ended");
    switch (`${method} /auth/${call}`) {
      case "POST /auth/password":
        this.ended.add(claims.session);
        return this.#opened(claims.username);
      case "GET /auth/sessions":
        return Response.json({ user: userOf(claims), sessions: this.#sessionsOf(claims) });
      case "DELETE /auth/sessions":
        this.#end(Number(id));
        return new Response(null, { status: 204 });
      default:
        return Response.json({ echo: body });
    }
  }

  get #sent(): string | null {
    return this.cookieMode ? this.cookie : null;
  }

  #end(session: number): void {
    this.ended.add(session);
  }

  #sessionsOf(caller: Token): object[] {
    const live = [...this.tokens.values()].filter(({ username, session }) => username === caller.username && !this.ended.has(session));
    return [...new Map(live.map((token) => [token.session, token])).values()].reverse().map((token) => ({
      session_id: String(token.session),
      current: token.session === caller.session,
      issued_at: token.iat,
      user_agent: "a browser",
      source_ip: "192.0.2.7",
      session_expires_in: token.iat + this.refreshExpiration + this.expiration - this.#seconds(),
      ...(this.allowRefresh && { refresh_expires_in: token.iat + this.refreshExpiration - this.#seconds() }),
    }));
  }

  #seconds(): number {
    // The service's clock is a day and some seconds off.
    return Math.floor(this.#world.now / 1000) + 90_007;
  }

  #opened(username: string): Response {
    const now = this.#seconds();
    this.#sessions += 1;
    return this.#issued({ username, session: this.#sessions, iat: now, exp: now + this.expiration }, false);
  }

  #refreshed(presented: unknown): Response {
    if (presented === null) return rejection(400, "invalid_request");
    const old = this.tokens.get(String(presented));
    const now = this.#seconds();
    if (!this.allowRefresh) return rejection(400, "refresh_disabled");
    if (old === undefined) return rejection(400, "invalid_token");
    if (now >= old.exp) return rejection(400, "token_expired");
    if (now > old.iat + this.refreshExpiration) return rejection(400, "refresh_expired");
    if (this.ended.has(old.session)) return rejection(400, "session_ended");
    return this.#issued({ ...old, exp: now + this.expiration }, presented === this.#sent);
  }

  #issued(token: Token, hidden: boolean): Response {
    const text = `token-${this.tokens.size + 1}`;
    this.tokens.set(text, token);
    if (this.cookieMode && !this.dropsCookies) this.cookie = text;
    const now = this.#seconds();
    const left = Math.max(0, token.iat + this.refreshExpiration - now);
    return Response.json({
      ...(hidden ? {} : { token: text, token_type: "Bearer" }),
      user: userOf(token),
      expires_in: token.exp - now,
      ...(this.allowRefresh ? { refresh_expires_in: left } : {}),
    });
  }
}

function userOf({ username }: Token): { sub: string; username: string } {
  return { sub: `id-of-${username}`, username };
}

function rejection(status: number, code: string, retryAfter?: number): Response {
  const headers = retryAfter === undefined ? undefined : { "Retry-After": String(retryAfter) };
  return Response.json({ code, message: `It is rejected: ${code}.` }, { status, ...(headers && { headers }) });
}

/** One `localStorage`, as several tabs see it: each hears of what the others save. */
export class TestStorage {
  /** What is in it. */
  kept: string | null = null;
  /** While this is set, saving throws it. */
  full: Error | null = null;
  /** While this is set, loading throws it. */
  denied: Error | null = null;
  readonly #tabs = new Map<object, () => void>();

  /** The storage of one more tab. */
  tab(): SessionStorage {
    const me = {};
    return {
      lockName: "latchkey",
      load: () => {
        if (this.denied !== null) throw this.denied;
        return JSON.parse(this.kept ?? "null") as StoredSession | null;
      },
      save: (session) => {
        if (this.full !== null) throw this.full;
        this.kept = session === null ? null : JSON.stringify(session);
        for (const [tab, changed] of this.#tabs) if (tab !== me) later(changed);
      },
      subscribe: (changed) => {
        this.#tabs.set(me, changed);
        return () => this.#tabs.delete(me);
      },
    };
  }
}

/** The browser's lock manager: exclusive, first come first served. */
export class TestLocks implements Locks {
  readonly #last = new Map<string, Promise<unknown>>();
  /** How many locks were given so far. */
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
