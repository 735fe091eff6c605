// Everything a person can do here, one function each. The token goes into bodies alone: never into a URL or a store.
import { call } from "/page/api.js";
import * as clock from "/page/clock.js";
import { announce, remember, show } from "/page/exchange.js";
import { reason } from "/page/reasons.js";
import * as sessions from "/page/session.js";
import { tamper as tampered } from "/page/token.js";

const TITLES = {
  "login": "Log in",
  "refresh": "Refresh",
  "refresh-older": "Refresh an older token",
  "verify": "Verify",
  "tamper": "Refresh with a token that was tampered with",
  "logout": "Log out",
  "logout-everywhere": "Log out everywhere",
  "clock": "Move the clock",
};

export const changed = () => document.dispatchEvent(new Event("changed"));

// Sends a call and shows it; `about` is the token in it.
async function act(kind, path, body, about = null, secret = null) {
  const exchange = await call("POST", path, body, secret);
  if (!clock.isRunning()) exchange.now = clock.now();
  // The clock may have been moved elsewhere.
  await clock.read().catch(() => {});
  exchange.now ??= clock.now();
  const token = exchange.status === 200 && exchange.json.token;
  if (token && kind === "login") sessions.begin(token);
  else if (token) sessions.add(token);
  if (token) exchange.now = sessions.newest().issued;
  if (exchange.status === 204) sessions.end(exchange.now);
  if (about && exchange.json.code && sessions.isThere()) sessions.reject(exchange.now, exchange.json.code);
  exchange.title = TITLES[kind];
  exchange.reason = reason(kind, exchange, about, exchange.now);
  show(exchange);
  remember(exchange);
  changed();
  return exchange;
}

export const logIn = (username, password) =>
  act("login", "/auth/login", { username, password }, null, isDemo(username, password) ? null : "password");

export const refresh = (token = sessions.newest()) =>
  act(token === sessions.newest() ? "refresh" : "refresh-older", "/auth/refresh", { token: token.raw }, token);

export const verify = (token = sessions.newest()) =>
  act("verify", "/auth/verify", { token: token.raw, check_session: true }, token);

export const tamper = (token = sessions.newest()) =>
  act("tamper", "/auth/refresh", { token: tampered(token) }, token);

export const logOut = (token = sessions.newest()) => act("logout", "/auth/logout", { token: token.raw }, token);

export const logOutEverywhere = (token = sessions.newest()) =>
  act("logout-everywhere", "/auth/logout", { token: token.raw, everywhere: true }, token);

// Moves the clock, or puts it back where there is nothing to move it to.
export async function moveClock(change) {
  const exchange = await call(change ? "POST" : "DELETE", "/local/clock", change);
  await clock.read().catch(() => {});
  exchange.now = clock.now();
  exchange.title = change ? TITLES.clock : "Back to this machine’s time";
  exchange.reason = reason("clock", exchange, null, exchange.now);
  show(exchange);
  remember(exchange);
  changed();
  return exchange;
}

// The same without showing it: a part of a larger step.
export async function stopClockAt(to) {
  await clock.move({ to, running: false });
  changed();
}

// The demo's password is printed in the README; anybody else's is nobody's business.
const isDemo = (username, password) => username === "demo" && password === "latchkey demo password";

let busy = false;

// Runs one thing at a time; what is pressed meanwhile does nothing.
export async function alone(action) {
  if (busy) return;
  busy = true;
  document.body.setAttribute("aria-busy", "true");
  try {
    await action();
  } catch (problem) {
    announce(problem.message);
  } finally {
    busy = false;
    document.body.removeAttribute("aria-busy");
    changed();
  }
}
