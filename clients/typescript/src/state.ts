import type { LatchkeyError } from "./errors.js";
import type { StoredSession } from "./storage.js";

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
  /** What was kept is not read yet. */
  | { readonly status: "restoring" }
  /** Signed in, and refreshed before `expiresAt`, again and again until `refreshableUntil`. */
  | {
      readonly status: "signed-in";
      readonly expiresAt: number;
      readonly refreshableUntil: number;
      /** Why the last refresh did not work; it is tried again. Null when all is well. */
      readonly problem: LatchkeyError | null;
    }
  /** Signed in until `expiresAt` and not longer: this token is the last one. A good moment to ask for the password. */
  | {
      readonly status: "ending";
      readonly expiresAt: number;
      readonly reason: "refresh_limit" | "refresh_disabled";
    }
  | { readonly status: "signed-out"; readonly reason: SignedOutReason };

/** A refresh comes after 70 to 90 % of a token's life: early enough for some tries, jittered so that clients spread. */
const EARLIEST = 0.7;
const SPREAD = 0.2;
/** The last refresh comes this much of a token's life before the limit, or up to twice as much. */
const BEFORE_LIMIT = 0.02;

/** When to refresh `session` next, or null when no refresh would gain anything: its token is the last one. */
export function nextRefresh(session: StoredSession, random: number): number | null {
  const { since, expiresAt, refreshableUntil } = session;
  if (refreshableUntil === null) return null;
  const life = expiresAt - since;
  const ordinary = since + life * (EARLIEST + SPREAD * random);
  const last = refreshableUntil - life * BEFORE_LIMIT * (1 + random);
  // A token that was issued this close before the limit is the last one: another would live hardly longer.
  if (refreshableUntil - since <= 2 * BEFORE_LIMIT * life) return null;
  return Math.min(ordinary, last);
}
