/** The codes of the service's own refusals. Others may be added, so treat an unknown one by its status. */
export type RefusalCode =
  | "authorization_required"
  | "body_too_large"
  | "csrf_refused"
  | "invalid_credentials"
  | "invalid_request"
  | "invalid_token"
  | "method_not_allowed"
  | "password_refused"
  | "refresh_disabled"
  | "refresh_expired"
  | "session_ended"
  | "temporarily_unavailable"
  | "token_expired"
  | "too_many_attempts"
  | "unsupported_media_type"
  | "user_disabled";

/** What this client says itself. */
export type ClientCode =
  /** No answer: offline, the name is unknown, or the browser blocked it (CORS). */
  | "network_error"
  /** No answer within `timeout`. */
  | "timeout"
  /** An answer that is not this service's: a gateway's own error, or a page of a proxy. */
  | "unexpected_answer"
  /** There is no token to do this with. */
  | "signed_out"
  /** `fetch` was asked to send the token to an origin that is not named in `sendTokenTo`. */
  | "origin_not_named"
  /** `token()` in cookie mode: the token is where no script reads it. */
  | "token_unreadable"
  /** The storage threw; `cause` is what it threw. */
  | "storage_failed";

export type ErrorCode = RefusalCode | ClientCode;

/** The answers after which the same request may succeed. */
const TEMPORARY = new Set<number>([429, 500, 502, 503, 504]);

/** Why something did not work: a refusal of the service, or no answer at all. Never holds a token or a password. */
export class LatchkeyError extends Error {
  override readonly name = "LatchkeyError";
  /** For programs: stays the same. `(string & {})` because a newer service may know more codes. */
  readonly code: ErrorCode | (string & {});
  /** The HTTP status, or null where there was no answer. */
  readonly status: number | null;
  /** Seconds to wait before the next try, where the service says so. */
  readonly retryAfter: number | null;

  constructor(
    code: ErrorCode | (string & {}),
    message: string,
    more: { status?: number | null; retryAfter?: number | null; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.status = more.status ?? null;
    this.retryAfter = more.retryAfter ?? null;
  }

  /** Whether the same request may succeed later. */
  get temporary(): boolean {
    return this.status === null
      ? this.code === "network_error" || this.code === "timeout"
      : TEMPORARY.has(this.status);
  }
}
