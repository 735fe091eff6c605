import { abortable } from "./abortable.js";
import { Age, tooNear } from "./age.js";
import type { Api } from "./api.js";
import type { Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { SessionKeeper } from "./keeper.js";
import { reasonIn } from "./rejections.js";
import { withRetries, worthAnotherTry } from "./retry.js";

/** The service counts whole seconds: a token may live this much less than it says. */
const ROUNDING = 1_000;

/** Which API an access token is for, and what it allows there. */
export interface Purpose {
  audience: string;
  scope?: string | undefined;
}

/** An access token that the service has issued. */
export interface Grant {
  readonly token: string;
  /** The `sub` of its user. */
  readonly user: string;
  readonly age: Age;
  /** At this age it is too near to its end to be handed out. */
  readonly usableUntil: number;
}

/** One request for an access token, and what came of it. */
interface Asked {
  readonly answer: Promise<Grant>;
  /** Null while the request is under way. */
  grant: Grant | null;
}

/** The requests of one login, by their purpose. */
export type Grants = Map<string, Asked>;

/** The access tokens of the signed-in user. They are in memory only, and dropped with the login. */
export class AccessTokens {
  readonly #api: Api;
  readonly #keeper: SessionKeeper;
  readonly #environment: Environment;

  constructor(api: Api, keeper: SessionKeeper, environment: Environment) {
    this.#api = api;
    this.#keeper = keeper;
    this.#environment = environment;
  }

  /** A token that lives for a while yet, for `user` or the signed-in user. Calls at the same time share one request. */
  async grant(purpose: Purpose, signal: AbortSignal | undefined, user?: string): Promise<Grant> {
    const keeper = this.#keeper;
    const key = keyOf(purpose);
    for (;;) {
      signal?.throwIfAborted();
      await keeper.usable(signal);
      const { grants, session } = keeper;
      user ??= session?.user.sub;
      if (user === undefined || session?.user.sub !== user) throw gone();
      let asked = grants.get(key);
      if (!asked || (asked.grant && asked.grant.age.milliseconds >= asked.grant.usableUntil)) {
        asked = this.#ask(purpose, grants, user);
      }
      try {
        const grant = await abortable(asked.answer, signal);
        // Else the answer came after another login, and is thrown away.
        if (keeper.grants === grants) return grant;
      } catch (problem) {
        if (keeper.grants === grants || keeper.session?.user.sub !== user) throw problem;
      }
    }
  }

  /** After `old` was rejected with 401: another token for the same purpose and user, or null. */
  newerThan(old: Grant, purpose: Purpose, signal: AbortSignal): Promise<Grant | null> {
    const { grants } = this.#keeper;
    const key = keyOf(purpose);
    if (grants.get(key)?.grant === old) grants.delete(key);
    return this.grant(purpose, signal, old.user).catch(() => {
      signal.throwIfAborted();
      return null;
    });
  }

  #ask(purpose: Purpose, grants: Grants, user: string): Asked {
    const key = keyOf(purpose);
    const asked: Asked = { answer: this.#answer(purpose, grants, user), grant: null };
    asked.answer.then(
      (grant) => {
        asked.grant = grant;
      },
      () => {
        if (grants.get(key) === asked) grants.delete(key);
      },
    );
    grants.set(key, asked);
    return asked;
  }

  async #answer(purpose: Purpose, grants: Grants, user: string): Promise<Grant> {
    const keeper = this.#keeper;
    const attempt = async () => {
      const { session } = keeper;
      // Another login may have come before a second try.
      if (keeper.grants !== grants || session === null) throw gone();
      // Counted from the request: the token was issued after it, so it does not die before we think so.
      const age = new Age(this.#environment, this.#environment.now());
      try {
        const answer = await this.#api.accessTokenFrom({ body: purpose, bearer: session.token, signal: keeper.closing });
        return { answer, age };
      } catch (problem) {
        if (reasonIn(problem)) await keeper.rejected(problem as LatchkeyError, session);
        throw problem;
      }
    };
    const { answer, age } = await withRetries(this.#environment, worthAnotherTry, keeper.closing, attempt);
    if (answer.user.sub !== user && keeper.grants === grants) {
      // The cookie is another user's by now, and a refresh tells the page.
      await keeper.renew();
      throw gone();
    }
    const life = answer.expires_in * 1000;
    return { token: answer.access_token, user, age, usableUntil: life - Math.max(ROUNDING, tooNear(life)) };
  }
}

function keyOf({ audience, scope }: Purpose): string {
  return JSON.stringify([audience, scope]);
}

function gone(): LatchkeyError {
  return new LatchkeyError("signed_out", "The user who made this call is no longer signed in.");
}
