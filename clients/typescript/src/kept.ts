import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import { same, sessionIn, type SessionStorage, type StoredSession } from "./storage.js";
import { inTurn } from "./turns.js";

/** The session's place in the storage, and what this page knows of it. */
export class Kept {
  readonly #storage: SessionStorage;
  readonly #environment: Environment;
  /** What the storage held when it was last read or written with success. What differs from it was written by others. */
  #known: StoredSession | null = null;
  /** The last save that was begun: until it is done the storage holds what is older than we are. */
  saved: Promise<unknown> = Promise.resolve();

  constructor(storage: SessionStorage, environment: Environment) {
    this.#storage = storage;
    this.#environment = environment;
  }

  subscribe(changed: () => void): void | (() => void) {
    return this.#storage.subscribe?.(changed);
  }

  /** What somebody else has saved, null for a session that was forgotten; undefined if nothing, or it cannot be read. */
  async news(): Promise<StoredSession | null | undefined> {
    try {
      const found = sessionIn(await this.#storage.load());
      if (same(found, this.#known)) return undefined;
      return (this.#known = found);
    } catch {
      return undefined;
    }
  }

  /** Runs `task` while no other tab that shares the storage runs one. */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    return inTurn(this.#environment, this.#storage.lockName, task);
  }

  async save(session: StoredSession | null): Promise<void> {
    try {
      await this.#storage.save(session);
      this.#known = session;
    } catch (cause) {
      throw new LatchkeyError("storage_failed", "The session cannot be kept.", { cause });
    }
  }

  /** Saves, but not before a refresh of another tab is through, which would save its token over this. */
  saveInTurn(session: StoredSession | null): Promise<void> {
    const saved = this.inTurn(() => this.save(session));
    this.saved = saved.catch(() => {});
    return saved;
  }
}
