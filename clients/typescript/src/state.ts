import type { LatchkeyError } from "./errors.js";
import type { StoredSession } from "./storage.js";

/** Somebody who signs in. */
export interface User {
  /** The identity: stays the same for good, and is never given to anybody else. Compare this one. */
  readonly sub: string;
  /** The name, for people. */
  readonly username: string;
}

/** Why nobody is signed in. */
export type SignedOutReason =
  /** Nobody has signed in yet, or what was kept is gone. */
  | "none"
  /** `logout` was called. */
  | "logout"
  /** Another tab signed out. */
  | "elsewhere"
  /** The token died before it was refreshed, most often because the machine slept. */
  | "expired"
  /** The session reached its refresh limit, and its last token has died. */
  | "refresh_limit"
  /** Refreshing is switched off, and the token has died. */
  | "refresh_disabled"
  /** It was ended: on another device, by a new password, or the user is gone. */
  | "session_ended"
  | "user_disabled"
  /** The service does not know the token: it was altered, or is of another service. */
  | "invalid_token";

/** What a user interface needs to know. Instants are milliseconds of this machine's `Date.now()`. */
export type SessionState =
  /** It is not known yet whether somebody is signed in. */
  | {
      readonly status: "restoring";
      /** `initialUser`, if that was given. */
      readonly user: User | null;
      /** Why the service could not be asked; it is asked again. */
      readonly problem: LatchkeyError | null;
    }
  /** Signed in, and refreshed before `expiresAt`, again and again until `refreshableUntil`. */
  | {
      readonly status: "signed-in";
      readonly user: User;
      readonly expiresAt: number;
      readonly refreshableUntil: number;
      /** Why the last refresh did not work, which is tried again, or why the storage keeps nothing. Null when all is well. */
      readonly problem: LatchkeyError | null;
    }
  /** Signed in until `expiresAt` and not longer: this token is the last one. A good moment to ask for the password. */
  | {
      readonly status: "ending";
      readonly user: User;
      readonly expiresAt: number;
      readonly reason: "refresh_limit" | "refresh_disabled";
    }
  | { readonly status: "signed-out"; readonly user: null; readonly reason: SignedOutReason };

/** One change of the state. */
export interface SessionEvent {
  readonly type:
    | "signed-in"
    | "refreshed"
    /** Somebody else is signed in now, most often by another tab: forget what the page knows of the one before. */
    | "user-changed"
    | "ending"
    | "problem"
    | "signed-out";
  readonly state: SessionState;
  readonly previous: SessionState;
}

export function eventOf(previous: SessionState, state: SessionState): SessionEvent {
  return { type: typeOf(previous, state), state, previous };
}

function typeOf(previous: SessionState, state: SessionState): SessionEvent["type"] {
  const known = "expiresAt" in previous;
  if (state.status === "signed-out") return state.status;
  if (known && state.user?.sub !== previous.user.sub) return "user-changed";
  if ("problem" in state && state.problem) return "problem";
  if (!known) return "signed-in";
  return state.status === "ending" ? state.status : "refreshed";
}

/** A refresh comes after 70 to 90 % of a token's life: early enough for some tries, jittered so that clients spread. */
const EARLIEST = 0.7;
const SPREAD = 0.2;
/** The last refresh comes this much of a token's life before the limit, or up to twice as much. */
const BEFORE_LIMIT = 0.02;

/** The age of its token at which to refresh `session`, or null when that would gain nothing: its token is the last one. */
export function nextRefresh(session: StoredSession, random: number): number | null {
  const { since, expiresAt, refreshableUntil } = session;
  if (refreshableUntil === null) return null;
  const life = expiresAt - since;
  const limit = refreshableUntil - since;
  // A token that was issued this close before the limit is the last one: another would live hardly longer.
  if (limit <= 2 * BEFORE_LIMIT * life) return null;
  return Math.min(life * (EARLIEST + SPREAD * random), limit - life * BEFORE_LIMIT * (1 + random));
}
