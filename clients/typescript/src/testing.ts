import { Accounts, type AccountsOptions } from "./accounts.js";
import type { Environment, Locks } from "./environment.js";
import { Latchkey, type LatchkeyOptions } from "./latchkey.js";
import type { SessionStorage, StoredSession } from "./storage.js";
import { TestService } from "./testing-service.js";

export { TestService, type TestAccessToken, type TestCall, type TestCode } from "./testing-service.js";

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

  /** The account calls of `https://auth.example.com`. */
  accounts(options: Partial<AccountsOptions> = {}): Accounts {
    return new Accounts({ baseUrl: "https://auth.example.com", environment: this.environment(), ...options });
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
