// Why Latchkey or the service said what it said about an access token; null where it is said of every token.
import { access, lifetime, named, withScope } from "/page/access.js";
import { quoted } from "/page/api.js";
import { session } from "/page/session.js";
import { duration, near, spelled } from "/page/words.js";

const NEEDED = { "orders-read": "orders:read", "orders-write": "orders:write" };

export const isOfAccess = (kind) => kind in NEEDED || ["access", "orders-session", "access-refresh"].includes(kind);

export function accessReason(kind, exchange, about, now) {
  const { status, code } = exchange;
  if (kind === "access") return asked(status, code, about, now);
  if (kind === "access-refresh" && code === "invalid_token") {
    return "Latchkey refreshes session tokens alone. This one has the `typ` of an access token and the `aud` of a service. " +
      "Whoever steals it has it until its `exp` and no longer; for the next one ask with the session token.";
  }
  if (kind === "orders-session" && status === 401) {
    return `The \`aud\` of the session token is \`${about.claims.aud}\`, and this service takes tokens for itself alone. ` +
      "So no page has a reason to send it the token that can be refreshed.";
  }
  return kind in NEEDED ? ofService(NEEDED[kind], status, about.claims, now) : null;
}

function asked(status, code, about, now) {
  if (code === "token_expired") {
    return `The session token expired at ${near(about.claims.exp, now)}. Only a token that has not expired gets an access token: log in again.`;
  }
  if (status !== 200) return null;
  const { aud, exp } = access.token.claims;
  const bound = exp === about.claims.exp ? ", no longer than the session token" : "";
  return `The session goes on, so there is a token for \`${aud}\` alone. It lives ${spelled(lifetime())}${bound}. ` +
    `It has the scopes that you asked for and that the user has: ${named(access.granted)}.`;
}

function ofService(scope, status, { iat, exp, aud }, now) {
  switch (status) {
    case 200:
      return `The signature is Latchkey’s, \`aud\` is this service, \`exp\` is ${duration(exp - now)} away, and \`scope\` has \`${scope}\`. ` +
        "The service asked nobody: the public keys suffice.";
    case 403:
      return `The token is good, but its \`scope\` lacks \`${scope}\`. ${remedy(scope)}`;
    case 401:
      if (now >= exp) return `Now, ${near(now, now)}, is not before \`exp\`, ${near(exp, now)}. It cannot be refreshed: get another access token.`;
      if (now < iat) return `\`iat\`, ${near(iat, now)}, is in the future: the clock was set back.`;
      return `The token is for \`${aud}\`. This service takes tokens for the first audience of \`--access-audiences\` alone.`;
    default:
      return null;
  }
}

function remedy(scope) {
  if (!access.scopes.includes(scope)) return "No audience of this server has it: that is up to `--access-audiences`.";
  if (access.asked.length && !access.asked.includes(scope)) return "You did not ask for it.";
  const few = access.granted.length ? `only ${named(access.granted)}` : "none";
  const whose = access.asked.length
    ? `Of the scopes that you asked for, the user ${session.username} has ${few}.`
    : `The audience and the user ${session.username} have ${few} in common.`;
  const command = `latchkey user set-claims ${word(session.username)} ${quoted(JSON.stringify({ scope: withScope(scope) }))} --local`;
  return `${whose} To give it to the user, run \`${command}\` and get another access token.`;
}

const word = (text) => (/^[\w.@+-]+$/.test(text) ? text : quoted(text));
