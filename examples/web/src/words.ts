import { LatchkeyError, type SignedOutReason } from "latchkey-client";

/** Why somebody has to sign in again; nothing where they know. */
export const NOTES: Record<SignedOutReason, string | null> = {
  none: null,
  logout: null,
  elsewhere: "You signed out in another tab.",
  expired: "You were away for too long.",
  refresh_limit: "It is time for your password again.",
  refresh_disabled: "It is time for your password again.",
  session_ended: "You were signed out on another device.",
  user_disabled: "Your account is switched off. Ask whoever runs this.",
  invalid_token: "Please sign in again.",
};

/** What to show of an error. */
export function sentence(problem: unknown): string {
  if (!(problem instanceof LatchkeyError)) return problem instanceof Error ? problem.message : String(problem);
  return problem.retryAfter === null ? problem.message : `${problem.message} Try again in ${problem.retryAfter} s.`;
}

export const time = (instant: number) => new Date(instant).toLocaleTimeString();

/** 3,725 s are 1 h 2 min. */
export function duration(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return first < 0 ? "0 s" : parts.slice(first, first + 2).map(([count, unit]) => `${count} ${unit}`).join(" ");
}
