// Your own API, in 40 lines of Node.js: it takes the token of the service from the header or, for its own pages, the cookie.
import { createRemoteJWKSet, jwtVerify } from "jose";

const COOKIE = "__Host-latchkey";

// A handler for `node:http`. `service` is the base URL of Latchkey, `pages` the origins of pages on other hosts.
export function api({ service, audience = "latchkey", pages = [] }) {
  let trusted;
  const known = () => {
    trusted ??= discover(service).catch((error) => {
      trusted = undefined;
      throw error;
    });
    return trusted;
  };

  return async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
      response.end(JSON.stringify(body));
    };
    const token = tokenOf(request, pages);
    if (token === undefined) return answer(401, { message: "Sign in first." });
    let service;
    try {
      service = await known();
    } catch {
      return answer(503, { message: "The keys of the service cannot be read." });
    }
    try {
      const { payload } = await jwtVerify(token, service.keys, { issuer: service.issuer, audience, algorithms: ["RS256", "ES256", "EdDSA"], typ: "JWT" });
      return answer(200, { message: `Hello, ${payload.username}.` });
    } catch {
      return answer(401, { message: "The token is not valid." });
    }
  };
}

async function discover(service) {
  const response = await fetch(`${service}/.well-known/openid-configuration`);
  if (!response.ok) throw new Error(`the discovery document answers ${response.status}`);
  const { issuer, jwks_uri } = await response.json();
  return { issuer, keys: createRemoteJWKSet(new URL(jwks_uri)) };
}

function tokenOf({ headers }, pages) {
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  // A browser adds the cookie to what any page asks for, so it must say that ours did.
  const ours = headers["sec-fetch-site"] === "same-origin" || pages.includes(headers.origin);
  if (!ours) return undefined;
  // Cut at "; " alone: a name that begins with another kind of blank is a neighbour's cookie.
  const sent = (headers.cookie ?? "").split("; ").filter((cookie) => cookie.startsWith(`${COOKIE}=`));
  return sent.length === 1 ? sent[0].slice(COOKIE.length + 1) : undefined;
}
