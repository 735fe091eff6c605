import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from "jose";
import { Latchkey, memoryStorage, type User } from "latchkey-client";

const COOKIE = "__Host-latchkey";

export interface Site {
  /** The service's base URL. */
  service: string;
  /** The origin of these pages, which the service names or which is its own. */
  origin: string;
}

let keys: JWTVerifyGetKey | undefined;

/** Whose page this is: the user of the cookie that came with the request. Asks nobody, but for the public keys. */
export async function userOf(request: Request, { service }: Site): Promise<User | null> {
  // Cut at "; " alone: a name that begins with another kind of blank is a neighbour's cookie.
  const cookies = (request.headers.get("Cookie") ?? "").split("; ").filter((cookie) => cookie.startsWith(`${COOKIE}=`));
  if (cookies.length !== 1) return null;
  keys ??= createRemoteJWKSet(new URL(`${service}/.well-known/jwks.json`));
  try {
    const { payload } = await jwtVerify(cookies[0]!.slice(COOKIE.length + 1), keys, {
      issuer: service,
      audience: "latchkey",
      algorithms: ["RS256", "ES256", "EdDSA"],
      typ: "JWT",
    });
    return { sub: String(payload.sub), username: String(payload["username"]) };
  } catch {
    return null;
  }
}

/** The browser that sent the request, towards the service. One for each request: a shared one would be everybody's. */
export function clientOf(request: Request, { service, origin }: Site): Latchkey {
  const forward: typeof fetch = (input, init) => {
    const forwarded = new Request(input, init);
    forwarded.headers.set("Cookie", request.headers.get("Cookie") ?? "");
    // The service takes the cookie from pages that it knows alone, so say which this is.
    forwarded.headers.set("Origin", origin);
    return fetch(forwarded);
  };
  return new Latchkey({ baseUrl: service, mode: "cookie", storage: memoryStorage(), environment: { fetch: forward } });
}
