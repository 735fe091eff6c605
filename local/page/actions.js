// Everything a person can do here, one function each. Tokens go into bodies and headers: never into a URL or a store.
import { access, forget, receive } from "/page/access.js";
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
  "access": "Get an access token",
  "orders-read": "Read orders",
  "orders-write": "Write an order",
  "orders-session": "Read orders with the session token",
  "access-refresh": "Refresh the access token",
  "ask-for-letter": "Ask for an email",
  "show-code": "Ask what the code is for",
  "register": "Set the password of a new user",
  "recover": "Set a new password",
};

const ORDERS = "/protected/orders";

export const changed = () => document.dispatchEvent(new Event("changed"));

// Sends a call and shows it; `about` is the token in it, which goes into the header where no body has it.
async function act(kind, method, path, { body = null, about = null, hidden = {} } = {}) {
  const exchange = await call(method, path, { body, hidden, bearer: body?.token ? null : about?.raw });
  if (!clock.isRunning()) exchange.now = clock.now();
  // The clock may have been moved elsewhere.
  await clock.read().catch(() => {});
  exchange.now ??= clock.now();
  const token = exchange.status === 200 && exchange.json.token;
  if (token && kind === "login") {
    sessions.begin(token);
    forget();
  } else if (token) sessions.add(token);
  if (token) exchange.now = sessions.newest().issued;
  if (exchange.json.access_token) exchange.now = receive(exchange.json, body.scope);
  if (exchange.status === 204 && about) sessions.end(exchange.now);
  if (sessions.has(about) && exchange.json.code) sessions.reject(exchange.now, exchange.json.code);
  exchange.kind = kind;
  exchange.title = TITLES[kind];
  exchange.reason = reason(kind, exchange, about, exchange.now);
  show(exchange);
  remember(exchange);
  changed();
  return exchange;
}

// A token in the body.
const send = (kind, path, token, more = {}) => act(kind, "POST", path, { body: { token: token.raw, ...more }, about: token });

export const logIn = (username, password) =>
  act("login", "POST", "/auth/login", { body: { username, password }, hidden: isDemo(username, password) ? {} : { password: "YOUR PASSWORD" } });

export const refresh = (token = sessions.newest()) =>
  send(token === sessions.newest() ? "refresh" : "refresh-older", "/auth/refresh", token);

export const verify = (token = sessions.newest()) =>
  send("verify", "/auth/verify", token, { check_session: true });

export const tamper = (token = sessions.newest()) =>
  send("tamper", "/auth/refresh", token, { token: tampered(token) });

export const logOut = (token = sessions.newest()) => send("logout", "/auth/logout", token);

export const logOutEverywhere = (token = sessions.newest()) =>
  send("logout-everywhere", "/auth/logout", token, { everywhere: true });

// Without scopes it asks for all that there are.
export function getAccess(audience, scopes) {
  const scope = scopes.trim().replace(/\s+/g, " ");
  const body = { audience: audience.trim(), ...(scope && { scope }) };
  return act("access", "POST", "/auth/access", { body, about: sessions.newest() });
}

export const readOrders = () => act("orders-read", "GET", ORDERS, { about: access.token });

export const writeOrder = () => act("orders-write", "POST", ORDERS, { about: access.token });

export const readOrdersWithSession = () => act("orders-session", "GET", ORDERS, { about: sessions.newest() });

export const refreshAccess = () => send("access-refresh", "/auth/refresh", access.token);

const hidden = { code: "THE CODE" };

export const showCode = (code) => act("show-code", "POST", "/auth/code", { body: { code }, hidden });

export const askForLetter = (username) => act("ask-for-letter", "POST", "/auth/recovery", { body: { username } });

// Of an invitation or of a recovery.
export async function setPassword(purpose, username, code, password) {
  if (purpose === "invitation") {
    return act("register", "POST", "/auth/registration/complete", { body: { code, password }, hidden: { ...hidden, password: "YOUR PASSWORD" } });
  }
  const body = { code, new_password: password };
  const exchange = await act("recover", "POST", "/auth/recovery/complete", { body, hidden: { ...hidden, new_password: "YOUR PASSWORD" } });
  if (exchange.status === 204 && username === sessions.session.username) sessions.end(exchange.now);
  return exchange;
}

// Moves the clock, or puts it back where there is nothing to move it to.
export async function moveClock(change) {
  const exchange = await call(change ? "POST" : "DELETE", "/local/clock", { body: change });
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
