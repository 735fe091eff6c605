import { abortable } from "./abortable.js";
import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";

/** Tries in all, the first one included. */
const TRIES = 3;
/** Nobody waits longer for the next try: the error says when to come back. */
const LONGEST_WAIT = 30_000;
const FIRST_WAIT = 500;

/** Whether to try again at once: what is temporary, but where too much was asked for only as long after as we are told. */
export function worthAnotherTry(problem: LatchkeyError): boolean {
  return problem.temporary && (problem.status !== 429 || problem.retryAfter !== null);
}

/** Runs `attempt` until it succeeds, three times at most, waiting as `Retry-After` says or, without it, a little. */
export async function withRetries<T>(
  environment: Environment,
  worthIt: (problem: LatchkeyError) => boolean,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (problem) {
      if (!(problem instanceof LatchkeyError) || !worthIt(problem) || tried === TRIES) throw problem;
      const wait = waitAfter(problem, tried, environment.random());
      if (wait > LONGEST_WAIT) throw problem;
      await pause(environment, wait, signal);
    }
  }
}

/** At least what the service asked for; jittered, so that a thousand clients do not come back at once. */
function waitAfter(problem: LatchkeyError, tried: number, random: number): number {
  const backoff = FIRST_WAIT * 2 ** (tried - 1);
  return (problem.retryAfter ?? 0) * 1000 + backoff * (0.5 + random);
}

function pause(environment: Environment, wait: number, signal: AbortSignal | undefined): Promise<void> {
  let stop = () => {};
  const over = new Promise<void>((resolve) => {
    stop = environment.after(wait, resolve);
  });
  return abortable(over, signal).finally(stop);
}
