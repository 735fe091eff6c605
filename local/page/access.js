// What this page knows of access tokens. In memory alone, as the session.
import { session } from "/page/session.js";
import { decode } from "/page/token.js";

// `scopes` are those of the server; null where it gives no access tokens.
export const access = { scopes: null, token: null, asked: [], granted: [] };

const list = (scopes) => scopes?.split(" ").filter(Boolean) ?? [];

// Discovery has the scopes. It names no audience.
export async function learn() {
  const discovery = await fetch("/.well-known/openid-configuration", { cache: "no-store" });
  const { scopes_supported: scopes } = await discovery.json();
  access.scopes = scopes ?? ((await fetch("/auth/access", { method: "POST" })).status === 404 ? null : []);
}

// Takes the token of an answer to `asked`; returns the second in which it was issued.
export function receive(answer, asked) {
  access.token = decode(answer.access_token);
  access.asked = list(asked);
  access.granted = list(answer.scope);
  return access.token.claims.iat;
}

export function forget() {
  access.token = null;
}

export const lifetime = () => access.token.claims.exp - access.token.claims.iat;

// The scopes that were asked for in vain.
export const missing = () => access.asked.filter((scope) => !access.granted.includes(scope));

export const named = (scopes) => scopes.map((scope) => `\`${scope}\``).join(", ") || "none";

// The user’s claim, with `scope` in it.
export const withScope = (scope) => [...new Set([...list(session.tokens.at(-1)?.claims.scope), scope])].join(" ");
