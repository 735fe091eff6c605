/** One of the user's sessions, by the names that the service gives. */
export interface SessionInfo {
  /** For `endSession`. */
  readonly session_id: string;
  /** Whether it is this one. */
  readonly current: boolean;
  /** When it signed in, in seconds of the service's clock: `new Date(1000 * issued_at)`. */
  readonly issued_at: number;
  /** What the device called itself, at most 200 characters. Anybody can write anything there. */
  readonly user_agent: string | null;
  readonly source_ip: string | null;
  /** Seconds until its last possible token dies. */
  readonly session_expires_in: number;
  /** Seconds in which it can be refreshed; absent while refreshing is switched off. */
  readonly refresh_expires_in?: number;
}

/** The claims of a token, after the service has checked it. Instants are seconds. */
export interface Claims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly username: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly sid: string;
  /** What an administrator set for the user. */
  readonly [claim: string]: unknown;
}
