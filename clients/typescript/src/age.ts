import type { Environment } from "./environment.js";

/** A token is too near to its end to be sent when less than this is left, or a tenth of its life. */
const TOO_NEAR = 30_000;

export function tooNear(life: number): number {
  return Math.min(TOO_NEAR, life / 10);
}

/** The two clocks may differ by this much without one having been set. */
const JITTER = 1_000;

/**
 * How old something is, by two clocks. The date goes on while the machine sleeps, but can be set; the steady clock
 * cannot be set, but may stand still in a sleep. Whichever says more is right, unless the date was set forward.
 */
export class Age {
  readonly #environment: Environment;
  readonly #since: number;
  /** What the steady clock says at an age of 0, as far as this object knows. */
  readonly #start: number;

  /** `since` is a date; one in the future says that the date was set back since, and counts as now. */
  constructor(environment: Environment, since: number) {
    this.#environment = environment;
    this.#since = since;
    this.#start = environment.steady() - Math.max(0, environment.now() - since);
  }

  get milliseconds(): number {
    return Math.max(this.#byDate, this.#steadily);
  }

  /** Whether the date was set back: instants that were told as dates are too late now. */
  get setBack(): boolean {
    return this.#byDate + JITTER < this.#steadily;
  }

  get #byDate(): number {
    return this.#environment.now() - this.#since;
  }

  get #steadily(): number {
    return this.#environment.steady() - this.#start;
  }
}
