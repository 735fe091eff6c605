/** The codes of the service's own rejections. Others may be added, so treat an unknown one by its status. */
export type RejectionCode =
  | "audience_unknown"
  | "authorization_required"
  | "body_too_large"
  | "csrf_refused"
  | "direct_call_rejected"
  | "invalid_code"
  | "invalid_credentials"
  | "invalid_request"
  | "invalid_token"
  | "method_not_allowed"
  | "not_found"
  | "password_refused"
  | "refresh_disabled"
  | "refresh_expired"
  | "scope_unknown"
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
  /** `fetch` was asked to send a token to an origin that neither `sendTokenTo` nor the call's `audience` names. */
  | "origin_not_named"
  /** `token()` and `verify()` in cookie mode: the token is where no script reads it. */
  | "token_unreadable"
  /** Cookie mode: the login worked, and the browser did not keep its cookie. */
  | "cookie_not_kept"
  /** The storage threw; `cause` is what it threw. Told as a state's `problem` alone. */
  | "storage_failed"
  /** `baseUrl` is no URL, or a path where there is no page that it could belong to. */
  | "invalid_base_url"
  /** `close` was called. */
  | "closed";

export type ErrorCode = RejectionCode | ClientCode;

/** Why something did not work: a rejection of the service, or no answer at all. Never holds a token or a password. */
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
    // Of `more`, Error reads `cause` alone, and only where it is there.
    super(message, more);
    this.code = code;
    this.status = more.status ?? null;
    this.retryAfter = more.retryAfter ?? null;
  }

  /** Whether the same request may succeed later. */
  get temporary(): boolean {
    return /^(429|50[0234]|network_error|timeout)$/.test(String(this.status ?? this.code));
  }
}

/** The code of a LatchkeyError. What a signal was aborted with may be anything, and has none that is ours. */
export function codeOf(problem: unknown): string | undefined {
  return (problem as Partial<LatchkeyError> | null | undefined)?.code;
}
