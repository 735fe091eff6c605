// A JWT (RFC 7519), read without checking its signature: that is the server's business.
import { fullInstant, spelled } from "/page/words.js";

function fromBase64Url(text) {
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

function toBase64Url(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

export function decode(raw) {
  const [header, claims] = raw.split(".", 2).map((part) => JSON.parse(fromBase64Url(part)));
  return { raw, header, claims };
}

// The same signature under claims that it was not made for.
export function tamper({ raw, claims }) {
  const [header, , signature] = raw.split(".");
  const forged = { ...claims, exp: claims.exp + 365 * 86400 };
  return `${header}.${toBase64Url(JSON.stringify(forged))}.${signature}`;
}

// Enough to tell two tokens apart.
export const abbreviate = (text) =>
  text.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, (raw) => `${raw.slice(0, 10)}…${raw.slice(-8)}`);

const HEADER = {
  typ: "What this is: a JSON Web Token.",
  alg: "How it is signed. The server takes this from its key and never from here.",
  kid: "Which key signed it. The public half is at /.well-known/jwks.json.",
};

const CLAIMS = {
  iss: "Who issued it: this server. Verifiers compare it to the letter.",
  aud: "Whom it is meant for.",
  sub: "The user’s id. It never changes and is never given to another user.",
  username: "The user’s name, for people.",
  iat: "The login. No refresh changes it, and the refresh limit is counted from here.",
  exp: "From this second on the token is expired.",
  jti: "The id of this one token: each refresh draws another.",
  sid: "The session. Logging out ends it, and with it every refresh.",
};

// What an access token says otherwise, or more (RFC 9068).
const ACCESS_TYP = "What this is: an access token. A service demands it, so that no session token passes for one.";

const ACCESS_CLAIMS = {
  aud: "The one service it is for. All others reject it, Latchkey included.",
  scope: "What it allows there.",
  iat: "When it was issued.",
  exp: "From this second on the service rejects it.",
  jti: "The id of this one token.",
  sid: "The session that it came from. The service does not look it up.",
  client_id: "Who asked for it: the page that the user logged in to.",
  auth_time: "The login: `iat` of the session token.",
  amr: "How the user logged in: with a password.",
  token_use: "The same as `typ`, for a library that shows claims alone.",
};

export const isAccess = ({ header }) => header.typ === "at+jwt";

export const meaningInHeader = (token, name) => (isAccess(token) && name === "typ" ? ACCESS_TYP : HEADER[name] ?? "Not one of ours.");
export const meaningInClaims = (token, name) =>
  (isAccess(token) && ACCESS_CLAIMS[name]) || (CLAIMS[name] ?? "A claim of this user, set by an administrator.");

// What is worth saying of a number of seconds beside it.
export function gloss(name, claims) {
  if (name === "iat" || name === "auth_time") return fullInstant(claims[name]);
  if (name === "exp") return `${fullInstant(claims.exp)}: ${spelled(claims.exp - claims.iat)} after iat`;
  return null;
}
