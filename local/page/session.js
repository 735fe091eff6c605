// What this page knows of one session. In memory alone: a token is a credential.
import * as clock from "/page/clock.js";
import { decode } from "/page/token.js";

export const session = { username: null, tokens: [], rejections: [], ended: null };

export function begin(raw) {
  session.tokens = [];
  session.rejections = [];
  session.ended = null;
  add(raw);
  session.username = newest().claims.username;
}

export function add(raw) {
  const token = decode(raw);
  // Login and refresh both give a token that lives for the set time from now on.
  token.issued = token.claims.exp - clock.expiration();
  session.tokens.push(token);
}

export const reject = (at, code) => session.rejections.push({ at, code });

export const end = (at) => {
  session.ended ??= at;
};

export const has = (token) => session.tokens.includes(token);
export const isThere = () => session.tokens.length > 0;
export const newest = () => session.tokens.at(-1);
export const isLive = (token, now) => now < token.claims.exp;

// The instants that bound the session: all of them follow from the login.
export function limits() {
  const iat = newest().claims.iat;
  const refresh = iat + clock.refreshExpiration();
  return { iat, exp: newest().claims.exp, refresh, end: refresh + clock.expiration() };
}

// Everything that happened or will, for the table: when, what, and how it stands.
export function events(now) {
  const { iat, refresh, end: latest } = limits();
  const list = session.tokens.flatMap((token, index) => [
    { at: token.issued, what: index ? `Refresh ${index}: token ${index + 1}` : "Login: token 1" },
    { at: token.claims.exp, what: `Token ${index + 1} expires (exp)` },
  ]);
  list.push(...session.rejections.map(({ at, code }) => ({ at, what: `Rejected: ${code}` })));
  if (session.ended !== null) list.push({ at: session.ended, what: "Logged out" });
  list.push({ at: refresh, what: "Refresh limit: the last second of refreshing" });
  list.push({ at: latest, what: "Latest end of the session" });
  list.push({ at: now, what: "Now", isNow: true });
  return list.sort((a, b) => a.at - b.at).map((event) => ({ ...event, since: event.at - iat }));
}
