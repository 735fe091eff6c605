import type { User } from "./state.js";

/** What has to be kept of a session. All instants are this machine's, in milliseconds. */
export interface StoredSession {
  /** Absent in cookie mode, where no script ever has it. */
  token?: string | undefined;
  /** Whose session it is. */
  user: User;
  /** When the token was asked for. */
  since: number;
  /** When it dies. */
  expiresAt: number;
  /** When its session can no longer be refreshed; null where refreshing is switched off. */
  refreshableUntil: number | null;
}

/** Where a session is kept. The choice is yours: see the README for what each costs. */
export interface SessionStorage {
  /** What was saved last, or null. It is checked, so it may come straight out of `JSON.parse`, and may throw. */
  load(): StoredSession | null | Promise<StoredSession | null>;
  /** Keeps the session, or forgets it. What it throws is told as the state's `problem`, and the page goes on. */
  save(session: StoredSession | null): void | Promise<void>;
  /** Calls `changed` when another tab has saved; the answer stops it. Leave it out where nobody else saves. */
  subscribe?(changed: () => void): () => void;
  /** What tabs that share this storage take turns by; leave it out where it is not shared. */
  readonly lockName?: string;
}

/** In memory: gone with the page, shared with nobody, out of reach for everything but the scripts of this page. */
export function memoryStorage(): SessionStorage {
  let kept: StoredSession | null = null;
  return {
    load: () => kept,
    save: (session) => {
      kept = session;
    },
  };
}

/**
 * In `localStorage`: outlives a reload, and all tabs share one session.
 *
 * Any script that runs in the page can read the token, also one that was injected, and use it elsewhere until its
 * session ends. In cookie mode there is no token in it, and nothing secret.
 */
export function localStorageStorage(key = "latchkey"): SessionStorage {
  return {
    lockName: key,
    load: () => JSON.parse(localStorage.getItem(key) ?? "null"),
    save: (session) => {
      if (session === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(session));
    },
    subscribe: (changed) => {
      const heard = (event: StorageEvent) => {
        // A null key says that everything was cleared.
        if ((event.key ?? key) === key) changed();
      };
      addEventListener("storage", heard);
      return () => removeEventListener("storage", heard);
    },
  };
}

/** The session in `found`, which anybody may have written: null if it is not one. */
export function sessionIn(found: unknown): StoredSession | null {
  const { token, user, since, expiresAt, refreshableUntil } = (found ?? {}) as Partial<StoredSession>;
  const sound =
    (token === undefined || typeof token === "string") &&
    isUser(user) &&
    [since, expiresAt, refreshableUntil === null ? 0 : refreshableUntil].every(Number.isFinite);
  if (!sound) return null;
  const { sub, username } = user;
  return { token, user: { sub, username }, since, expiresAt, refreshableUntil } as StoredSession;
}

export function isUser(user: unknown): user is User {
  const { sub, username } = (user ?? {}) as Partial<User>;
  return typeof sub === "string" && typeof username === "string";
}

/** Whether these are equal. Every session is made by `sessionIn` or by an answer, with its members in the same order. */
export function same(one: StoredSession | null, other: StoredSession | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
