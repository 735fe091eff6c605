import { type CodePurpose, forgetCode } from "./account-code.js";
import { Api } from "./api.js";
import { ambient, type Environment } from "./environment.js";
import { LatchkeyError } from "./errors.js";
import type { Abortable, LatchkeyOptions } from "./latchkey.js";
import { withRetries, worthAnotherTry } from "./retry.js";
import type { User } from "./state.js";
import { isUser } from "./storage.js";

export { type AccountCode, type CodePurpose, forgetCode, takeCode } from "./account-code.js";

export type AccountsOptions = Pick<LatchkeyOptions, "baseUrl" | "timeout" | "environment">;

/** What a code does, by the names that the service gives. */
export interface ShownCode {
  readonly purpose: CodePurpose;
  /** The user whose password it sets. */
  readonly username: string;
  /** Seconds until it expires. It ends earlier when it is used or replaced. */
  readonly expires_in: number;
}

/**
 * The calls behind links that set a password, from a service with `ACCOUNT_LINK`.
 *
 * None of them opens a session: sign in with the name and the new password afterwards. Each rejects with `invalid_code`
 * when the code is mistyped, used, replaced or expired.
 */
export class Accounts {
  readonly #environment: Environment;
  readonly #api: Api;

  constructor({ baseUrl, timeout, environment }: AccountsOptions) {
    this.#environment = { ...ambient(), ...environment };
    // The code is all that these calls need, so no cookie is sent, whatever the mode of the session.
    this.#api = new Api(baseUrl, false, timeout ?? 15_000, this.#environment);
  }

  /**
   * Asks for a letter with which the user sets a new password, from a service that sends letters (`MailFrom`).
   *
   * It resolves whoever has the name, or nobody: say "If there is such a user, a letter is on its way." It is tried three times
   * in all.
   */
  async requestRecovery(username: string, { signal }: Abortable = {}): Promise<void> {
    const send = () => this.#send("/auth/recovery", { username }, signal, "MailFrom");
    await withRetries(this.#environment, worthAnotherTry, signal, send);
  }

  /** Returns what the code does, for the form that asks for the password. It changes nothing, so it is tried three times in all. */
  async showCode(code: string, { signal }: Abortable = {}): Promise<ShownCode> {
    const path = "/auth/code";
    const send = () => this.#send(path, { code }, signal);
    const { purpose, username, expires_in } = await withRetries(this.#environment, worthAnotherTry, signal, send);
    if (purpose !== "invitation" && purpose !== "recovery") throw unexpected(path);
    if (typeof username !== "string" || typeof expires_in !== "number") throw unexpected(path);
    return { purpose, username, expires_in };
  }

  /**
   * Makes the user whom an invitation names, with this password. Rejects with `password_refused` when the password is
   * too weak; the code is still good then.
   *
   * It is sent once. If the answer is lost, or is a 503, the user may exist all the same: another call then rejects with
   * `invalid_code`, and the password signs in.
   */
  async completeRegistration(code: string, password: string, { signal }: Abortable = {}): Promise<User> {
    const path = "/auth/registration/complete";
    const { user } = await this.#send(path, { code, password }, signal);
    if (!isUser(user)) throw unexpected(path);
    forgetCode();
    return user;
  }

  /** Sets a new password and ends every session of the user. Rejects, and is sent once, like `completeRegistration`. */
  async completeRecovery(code: string, newPassword: string, { signal }: Abortable = {}): Promise<void> {
    await this.#send("/auth/recovery/complete", { code, new_password: newPassword }, signal);
    forgetCode();
  }

  async #send(path: string, body: object, signal: AbortSignal | undefined, setting = "ACCOUNT_LINK"): Promise<Record<string, unknown>> {
    try {
      return await this.#api.send(path, { body, signal });
    } catch (problem) {
      const isAbsent = problem instanceof LatchkeyError && problem.code === "unexpected_answer" && problem.status === 404;
      if (!isAbsent) throw problem;
      throw new LatchkeyError(problem.code, `${problem.message} Is ${setting} set?`, { status: 404, cause: problem });
    }
  }
}

function unexpected(path: string): LatchkeyError {
  return new LatchkeyError("unexpected_answer", `The answer of ${path} is not the service's.`, { status: 200 });
}
