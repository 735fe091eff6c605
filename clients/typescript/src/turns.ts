import { abortable } from "./abortable.js";
import type { Environment, Locks } from "./environment.js";

/** Who waits longer goes on without its turn: two refreshes side by side harm nobody, a stuck tab must not stop all. */
const LONGEST_WAIT = 10_000;

/** Where there are no Web Locks: the last task of each name in this process. */
const lastOf = new Map<string, Promise<unknown>>();
const inProcess: Locks = {
  request(name, { signal }, task) {
    const turn = abortable(Promise.resolve(lastOf.get(name)), signal).then(task);
    lastOf.set(name, turn.catch(() => {}));
    return turn;
  },
};

/** Runs `task` while no other holder of `name` runs one: in any tab where there are Web Locks, else in this process. */
export async function inTurn<T>(
  environment: Environment,
  name: string | undefined,
  task: () => Promise<T>,
): Promise<T> {
  if (name === undefined) return task();
  const waiting = new AbortController();
  const stop = environment.after(LONGEST_WAIT, () => waiting.abort());
  let began = false;
  const granted = (): Promise<T> => {
    began = true;
    stop();
    return task();
  };
  try {
    return await (environment.locks ?? inProcess).request(name, { signal: waiting.signal }, granted);
  } catch (problem) {
    // Also where the browser forbids locks, as in a sandboxed frame.
    if (!began) return task();
    throw problem;
  } finally {
    stop();
  }
}
