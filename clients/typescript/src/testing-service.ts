import type { CodePurpose } from "./account-code.js";

interface Token {
  username: string;
  session: number;
  iat: number;
  exp: number;
}

/** An access token as the service issued it. */
export interface TestAccessToken {
  username: string;
  audience: string;
  /** Separated by spaces. */
  scope: string;
  /** Seconds of the service's clock. */
  exp: number;
}

/** A code that sets a password, as the service made it. */
export interface TestCode {
  purpose: CodePurpose;
  username: string;
  /** Seconds of the service's clock. */
  exp: number;
}

/** A request as the service saw it. */
export interface TestCall {
  method: string;
  origin: string;
  path: string;
  body: Record<string, unknown>;
  authorization: string | null;
  credentials: string;
  redirect: string;
}

/** The service's rules of sessions, by a clock that is not the client's, and the browser's cookie. */
export class TestService {
  /** Seconds. */
  expiration = 3600;
  /** Seconds. */
  refreshExpiration = 172_800;
  allowRefresh = true;
  /** Sets and takes the cookie. */
  cookieMode = false;
  /** The browser throws the service's cookie away. */
  dropsCookies = false;
  /** The token in the browser's cookie. */
  cookie: string | null = null;
  /** Who can sign in, and with which password. */
  readonly passwords = new Map([
    ["ada", "correct horse"],
    ["grace", "correct horse"],
  ]);
  /** The APIs that there are access tokens for, and the scopes of each. Without one `/auth/access` is not there. */
  readonly audiences = new Map<string, readonly string[]>();
  /** The claim `scope` of each user who has one. */
  readonly scopes = new Map<string, string>();
  /** Seconds that an access token lives. */
  accessExpiration = 900;
  /** The codes that are good, if they have not expired. */
  readonly codes = new Map<string, TestCode>();
  /** The letters that were sent, the oldest first: to whom, and the code in each. */
  readonly letters: { username: string; code: string }[] = [];
  /** What the next requests get instead of an answer. */
  readonly failures: (() => Promise<Response>)[] = [];
  /** Every request so far. */
  readonly calls: TestCall[] = [];
  /** The numbers of the sessions that were ended. */
  readonly ended = new Set<number>();
  /** Every session token that was issued. */
  readonly tokens = new Map<string, Token>();
  /** Every access token that was issued. */
  readonly accessTokens = new Map<string, TestAccessToken>();
  /** Where the time comes from. */
  readonly #world: { readonly now: number };
  #sessions = 0;
  #codes = 0;

  constructor(world: { readonly now: number }) {
    this.#world = world;
  }

  /** How many requests `path` had. */
  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  /** Makes a code, as an administrator does, and ends the one before. */
  makeCode(purpose: CodePurpose, username: string, seconds = 86_400): string {
    for (const [code, made] of this.codes) if (made.purpose === purpose && made.username === username) this.codes.delete(code);
    this.#codes += 1;
    const code = `K7QD-2M9P-0WXE-J4TB-5RVC-${String(this.#codes).padStart(4, "0")}`;
    this.codes.set(code, { purpose, username, exp: this.#seconds() + seconds });
    return code;
  }

  /** The next request is rejected so. */
  answerNext(status: number, code: string, retryAfter?: number): void {
    this.failures.push(async () => rejection(status, code, retryAfter));
  }

  /** The next requests get no answer, as without a network. */
  failNext(times: number): void {
    for (let time = 0; time < times; time += 1) {
      this.failures.push(() => Promise.reject(new TypeError("fetch failed")));
    }
  }

  /** The next request is answered when the test calls what this returns. */
  holdNext(): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.failures.push(async () => {
      const answer = this.#handle(this.calls.at(-1)!);
      await held;
      return answer;
    });
    return release;
  }

  /** The `fetch` of this world. */
  async answer(request: Request): Promise<Response> {
    const text = await request.text();
    const { origin, pathname } = new URL(request.url);
    const call: TestCall = {
      method: request.method,
      origin,
      path: pathname,
      body: text === "" ? {} : JSON.parse(text),
      authorization: request.headers.get("Authorization"),
      credentials: request.credentials,
      redirect: request.redirect,
    };
    this.calls.push(call);
    // While the body was read.
    request.signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
    });
    return Promise.race([aborted, this.failures.shift()?.() ?? this.#handle(call)]);
  }

  async #handle(sent: TestCall): Promise<Response> {
    const { method, path, body } = sent;
    if (!path.startsWith("/auth/")) return this.#answerOfApi(sent);
    const [, , call, id] = path.split("/");
    switch (`${method} /auth/${call}`) {
      case "POST /auth/login": {
        const username = String(body["username"]);
        const right = this.passwords.get(username) === body["password"];
        return right ? this.#opened(username) : rejection(400, "invalid_credentials");
      }
      case "POST /auth/refresh":
        return this.#refreshed(body["token"] ?? this.#sent);
      case "POST /auth/logout": {
        const token = this.tokens.get(String(body["token"] ?? this.#sent));
        if (token === undefined) return rejection(400, body["token"] === undefined ? "invalid_request" : "invalid_token");
        this.#end(token.session);
        this.cookie = null;
        return new Response(null, { status: 204 });
      }
      case "POST /auth/verify": {
        const token = this.tokens.get(String(body["token"]));
        if (token === undefined) return rejection(400, "invalid_token");
        if (body["check_session"] === true && this.ended.has(token.session)) return rejection(400, "session_ended");
        return Response.json({ claims: { ...userOf(token), iat: token.iat, exp: token.exp, sid: String(token.session) } });
      }
      case "POST /auth/access":
        return this.#access(sent);
      case "POST /auth/code":
      case "POST /auth/registration":
      case "POST /auth/recovery":
        if (call === "recovery" && id === undefined) return this.#letter(String(body["username"]));
        return this.#redeem(call, body);
    }
    const claims = this.#claimsOf(bearerOf(sent) ?? this.#sent, 401);
    if (claims instanceof Response) return claims;
    switch (`${method} /auth/${call}`) {
      case "POST /auth/password":
        this.ended.add(claims.session);
        return this.#opened(claims.username);
      case "GET /auth/sessions":
        return Response.json({ user: userOf(claims), sessions: this.#sessionsOf(claims) });
      case "DELETE /auth/sessions":
        this.#end(Number(id));
        return new Response(null, { status: 204 });
      default:
        return Response.json({ echo: body });
    }
  }

  /** The answer is the same for everybody; a user of this service gets a letter. */
  #letter(username: string): Response {
    if (this.passwords.has(username)) {
      this.#codes += 1;
      const code = `K7QD-2M9P-0WXE-J4TB-5RVC-${String(this.#codes).padStart(4, "0")}`;
      this.codes.set(code, { purpose: "recovery", username, exp: this.#seconds() + 3600 });
      this.letters.push({ username, code });
    }
    return new Response(null, { status: 202 });
  }

  #redeem(call: string | undefined, { code, password, new_password }: TestCall["body"]): Response {
    const made = this.codes.get(String(code));
    const wanted = { registration: "invitation", recovery: "recovery" }[call ?? ""] ?? made?.purpose;
    const now = this.#seconds();
    if (made === undefined || made.purpose !== wanted || now > made.exp) return rejection(400, "invalid_code");
    const { purpose, username, exp } = made;
    if (call === "code") return Response.json({ purpose, username, expires_in: exp - now });
    this.codes.delete(String(code));
    this.passwords.set(username, String(password ?? new_password));
    if (purpose === "invitation") return Response.json({ user: userOf(made) }, { status: 201 });
    for (const token of this.tokens.values()) if (token.username === username) this.#end(token.session);
    return new Response(null, { status: 204 });
  }

  #access(sent: TestCall): Response {
    if (this.audiences.size === 0) return Response.json({ message: "Not Found" }, { status: 404 });
    const { token, audience, scope } = sent.body;
    const bearer = bearerOf(sent);
    const presented = bearer ?? token ?? this.#sent;
    if (presented === null) return rejection(401, "authorization_required");
    // One space between scopes.
    const sound = scope === undefined || /^[^ ]+( [^ ]+)*$/.test(String(scope));
    const twice = bearer !== null && token !== undefined;
    if (typeof audience !== "string" || !sound || twice) return rejection(400, "invalid_request");
    const claims = this.#claimsOf(presented, bearer === null ? 400 : 401);
    if (claims instanceof Response) return claims;
    const offered = this.audiences.get(audience);
    if (offered === undefined) return rejection(400, "audience_unknown");
    const wanted = scope === undefined ? offered : [...new Set(String(scope).split(" "))];
    if (!wanted.every((each) => offered.includes(each))) return rejection(400, "scope_unknown");
    const own = (this.scopes.get(claims.username) ?? "").split(" ");
    const granted = wanted.filter((each) => own.includes(each)).join(" ");
    const now = this.#seconds();
    const exp = Math.min(now + this.accessExpiration, claims.exp);
    const text = `access-token-${this.accessTokens.size + 1}`;
    this.accessTokens.set(text, { username: claims.username, audience, scope: granted, exp });
    const user = userOf(claims);
    return Response.json({ user, access_token: text, token_type: "Bearer", expires_in: exp - now, scope: granted });
  }

  /** An API whose origin is an audience takes access tokens for it and nothing else. Any other takes session tokens too. */
  #answerOfApi(sent: TestCall): Response {
    const bearer = bearerOf(sent);
    const guarded = this.audiences.has(sent.origin);
    const access = this.accessTokens.get(bearer ?? "");
    if (access === undefined && !guarded) {
      const claims = this.#claimsOf(bearer ?? this.#sent, 401);
      if (claims instanceof Response) return claims;
    } else if (access === undefined || (guarded && access.audience !== sent.origin)) {
      return rejection(401, "invalid_token");
    } else if (this.#seconds() >= access.exp) {
      return rejection(401, "token_expired");
    }
    return Response.json({ echo: sent.body });
  }

  /** Whose live session token this is, or the answer that rejects it. */
  #claimsOf(token: unknown, status: number): Token | Response {
    if (token === null) return rejection(401, "authorization_required");
    const claims = this.tokens.get(String(token));
    if (claims === undefined) return rejection(status, "invalid_token");
    if (this.#seconds() >= claims.exp) return rejection(status, "token_expired");
    return this.ended.has(claims.session) ? rejection(status, "session_ended") : claims;
  }

  get #sent(): string | null {
    return this.cookieMode ? this.cookie : null;
  }

  #end(session: number): void {
    this.ended.add(session);
  }

  #sessionsOf(caller: Token): object[] {
    const live = [...this.tokens.values()].filter(({ username, session }) => username === caller.username && !this.ended.has(session));
    return [...new Map(live.map((token) => [token.session, token])).values()].reverse().map((token) => ({
      session_id: String(token.session),
      current: token.session === caller.session,
      issued_at: token.iat,
      user_agent: "a browser",
      source_ip: "192.0.2.7",
      session_expires_in: token.iat + this.refreshExpiration + this.expiration - this.#seconds(),
      ...(this.allowRefresh && { refresh_expires_in: token.iat + this.refreshExpiration - this.#seconds() }),
    }));
  }

  #seconds(): number {
    // The service's clock is a day and some seconds off.
    return Math.floor(this.#world.now / 1000) + 90_007;
  }

  #opened(username: string): Response {
    const now = this.#seconds();
    this.#sessions += 1;
    return this.#issued({ username, session: this.#sessions, iat: now, exp: now + this.expiration }, false);
  }

  #refreshed(presented: unknown): Response {
    if (presented === null) return rejection(400, "invalid_request");
    const old = this.tokens.get(String(presented));
    const now = this.#seconds();
    if (!this.allowRefresh) return rejection(400, "refresh_disabled");
    if (old === undefined) return rejection(400, "invalid_token");
    if (now >= old.exp) return rejection(400, "token_expired");
    if (now > old.iat + this.refreshExpiration) return rejection(400, "refresh_expired");
    if (this.ended.has(old.session)) return rejection(400, "session_ended");
    return this.#issued({ ...old, exp: now + this.expiration }, presented === this.#sent);
  }

  #issued(token: Token, hidden: boolean): Response {
    const text = `token-${this.tokens.size + 1}`;
    this.tokens.set(text, token);
    if (this.cookieMode && !this.dropsCookies) this.cookie = text;
    const now = this.#seconds();
    const left = Math.max(0, token.iat + this.refreshExpiration - now);
    return Response.json({
      ...(hidden ? {} : { token: text, token_type: "Bearer" }),
      user: userOf(token),
      expires_in: token.exp - now,
      ...(this.allowRefresh ? { refresh_expires_in: left } : {}),
    });
  }
}

function bearerOf({ authorization }: TestCall): string | null {
  return authorization?.replace("Bearer ", "") ?? null;
}

function userOf({ username }: { username: string }): { sub: string; username: string } {
  return { sub: `id-of-${username}`, username };
}

function rejection(status: number, code: string, retryAfter?: number): Response {
  const headers = retryAfter === undefined ? undefined : { "Retry-After": String(retryAfter) };
  return Response.json({ code, message: `It is rejected: ${code}.` }, { status, ...(headers && { headers }) });
}
