import { codeOf } from "./errors.js";
import type { SignedOutReason } from "./state.js";

/** The rejections that say something of the session whose token was rejected, and why nobody is signed in any more. */
const REASONS = new Map<string | undefined, SignedOutReason>([
  // In cookie mode: the cookie is gone.
  ["authorization_required", "none"],
  ["token_expired", "expired"],
  ["session_ended", "session_ended"],
  ["user_disabled", "user_disabled"],
  ["invalid_token", "invalid_token"],
  // With these two the token still lives, and is the last one.
  ["refresh_expired", "refresh_limit"],
  ["refresh_disabled", "refresh_disabled"],
]);

/** Why the session of a rejected token is over, or ending; undefined where `problem` says nothing of it. */
export function reasonIn(problem: unknown): SignedOutReason | undefined {
  return REASONS.get(codeOf(problem));
}
