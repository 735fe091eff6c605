/** What has to be kept of a session. All instants are this machine's, in milliseconds. */
export interface StoredSession {
  /** Absent in cookie mode, where no script ever has it. */
  token?: string;
  /** When the token was asked for. */
  since: number;
  /** When it dies. */
  expiresAt: number;
  /** When its session can no longer be refreshed; null where refreshing is switched off. */
  refreshableUntil: number | null;
}

/** Where a session is kept. The choice is yours: see the README for what each costs. */
export interface SessionStorage {
  /** The session, or null where there is none or what is there cannot be read. */
  load(): StoredSession | null | Promise<StoredSession | null>;
  /** Keeps the session, or forgets it. */
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
    load: () => parse(localStorage.getItem(key)),
    save: (session) => {
      if (session === null) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify(session));
    },
    subscribe: (changed) => {
      const heard = (event: StorageEvent) => {
        // A null key says that everything was cleared.
        if (event.key === key || event.key === null) changed();
      };
      addEventListener("storage", heard);
      return () => removeEventListener("storage", heard);
    },
  };
}

/** The session in `text`, which anybody may have written: null if it is not one. */
export function parse(text: string | null): StoredSession | null {
  try {
    const { token, since, expiresAt, refreshableUntil } = JSON.parse(text ?? "null") ?? {};
    const sound =
      (token === undefined || typeof token === "string") &&
      Number.isFinite(since) &&
      Number.isFinite(expiresAt) &&
      (refreshableUntil === null || Number.isFinite(refreshableUntil));
    if (!sound) return null;
    return { ...(token === undefined ? {} : { token }), since, expiresAt, refreshableUntil };
  } catch {
    return null;
  }
}

export function same(one: StoredSession | null, other: StoredSession | null): boolean {
  if (one === null || other === null) return one === other;
  const members = ["token", "since", "expiresAt", "refreshableUntil"] as const;
  return members.every((member) => one[member] === other[member]);
}
