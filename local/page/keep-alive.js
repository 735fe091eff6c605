// Refreshing again and again while the clock moves on, as a front end would.
import * as actions from "/page/actions.js";
import * as clock from "/page/clock.js";
import { isLive, isThere, limits, newest } from "/page/session.js";

// More refreshes in a row than this take longer than anybody wants to wait.
const MOST_REFRESHES = 500;

// Half a token's life between two refreshes, unless that were too many.
export function pace() {
  const life = clock.expiration();
  const few = Math.ceil(clock.refreshExpiration() / MOST_REFRESHES);
  return Math.max(1, Math.min(Math.max(Math.floor(life / 2), few), Math.max(1, life - 1)));
}

export const isTooMany = (seconds) => seconds / pace() > MOST_REFRESHES;

// Refreshes until `until` or until it is rejected. The last refresh leaves a token that is valid at `until`.
export async function keepAlive(until) {
  let exchange;
  const now = clock.now();
  // The clock must not go back to when an expired token was valid.
  if (!isLive(newest(), now)) return exchange;
  // The newest token may be about to expire.
  const first = Math.min(now + pace(), newest().claims.exp - 1);
  for (let next = first; next < until; next += pace()) {
    await actions.stopClockAt(next);
    exchange = await actions.refresh();
    if (exchange.status !== 200) return exchange;
  }
  return exchange;
}

// Moves the clock as `actions.moveClock` does, and refreshes on the way where it goes forward.
export async function moveClockRefreshing(change) {
  if (!isThere()) return actions.moveClock(change);
  const to = change.to ?? clock.now() + change.by;
  const running = change.running ?? clock.isRunning();
  // After the limit there is nothing more to refresh.
  const until = Math.min(to, limits().refresh + pace());
  if (!isTooMany(until - clock.now())) await keepAlive(until);
  return actions.moveClock({ to, running });
}
