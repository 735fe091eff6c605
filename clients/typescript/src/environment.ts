/** What the client needs of the world. Tests bring their own; everybody else leaves it alone. */
export interface Environment {
  fetch: typeof globalThis.fetch;
  /** Milliseconds that go on while the machine sleeps. Only differences count, never the date. */
  now(): number;
  /** Runs `task` once, later; the answer cancels it. */
  after(milliseconds: number, task: () => void): () => void;
  /** 0 to 1, for the jitter. */
  random(): number;
  /** The Web Locks of this origin, or null where there are none. */
  locks: Locks | null;
  /** Calls `task` when the page is seen again or the network is back; the answer stops it. */
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
    fetch: (input, init) => globalThis.fetch(input, init),
    now: () => Date.now(),
    after: (milliseconds, task) => {
      const timer = setTimeout(task, Math.min(milliseconds, LONGEST_TIMER));
      // A waiting refresh keeps no Node program alive.
      (timer as unknown as { unref?: () => void }).unref?.();
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    locks: (globalThis.navigator as Navigator | undefined)?.locks ?? null,
    onWake,
  };
}

function onWake(task: () => void): () => void {
  const page = globalThis.document as Document | undefined;
  const world = globalThis as unknown as EventTarget;
  if (page === undefined || typeof world.addEventListener !== "function") return () => {};
  const seen = () => {
    if (page.visibilityState === "visible") task();
  };
  page.addEventListener("visibilitychange", seen);
  for (const event of ["pageshow", "online"]) world.addEventListener(event, task);
  return () => {
    page.removeEventListener("visibilitychange", seen);
    for (const event of ["pageshow", "online"]) world.removeEventListener(event, task);
  };
}
