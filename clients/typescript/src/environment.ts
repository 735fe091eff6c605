/** What the client needs of the world. Tests bring their own (`latchkey-client/testing`); everybody else leaves it alone. */
export interface Environment {
  fetch: typeof globalThis.fetch;
  /** The date in milliseconds, which goes on while the machine sleeps and may be set. */
  now(): number;
  /** Milliseconds of a clock that nobody can set; it may stand still while the machine sleeps. */
  steady(): number;
  /** Runs `task` once, later; the answer cancels it. */
  after(milliseconds: number, task: () => void): () => void;
  /** 0 to 1, for the jitter. */
  random(): number;
  /** The Web Locks of this origin, or null where there are none. */
  locks: Locks | null;
  /** Calls `task` when the page is seen again, was restored or the network is back; the answer stops it. */
  onWake(task: () => void): () => void;
}

/** The one form of `navigator.locks.request` that is used. */
export interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, task: () => Promise<T>): Promise<T>;
}

/** The longest time that a timer takes (2^31 - 1 ms); longer ones fire at once. */
export const LONGEST_TIMER = 2_147_483_647;

/** The browser's or Node's own. */
export function ambient(): Environment {
  return {
    // Looked up at each call, so that a page may wrap fetch after this module is loaded; bound, as browsers demand.
    fetch: (...request) => fetch(...request),
    now: () => Date.now(),
    steady: () => performance.now(),
    after: (milliseconds, task) => {
      const timer = setTimeout(task, Math.min(milliseconds, LONGEST_TIMER));
      // A waiting refresh keeps no Node program alive.
      (timer as unknown as { unref?: () => void }).unref?.();
      return () => clearTimeout(timer);
    },
    random: Math.random,
    locks: (globalThis.navigator as Navigator | undefined)?.locks ?? null,
    onWake,
  };
}

function onWake(task: () => void): () => void {
  const page = globalThis.document as Document | undefined;
  const world = globalThis as unknown as EventTarget;
  if (page === undefined) return () => {};
  const listening = new AbortController();
  const { signal } = listening;
  const seen = () => {
    if (page.visibilityState === "visible") task();
  };
  page.addEventListener("visibilitychange", seen, { signal });
  for (const event of ["pageshow", "online"]) world.addEventListener(event, task, { signal });
  return () => listening.abort();
}
