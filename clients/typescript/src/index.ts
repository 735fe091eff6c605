export { Latchkey, type Abortable, type AccessTokenOptions, type LatchkeyOptions } from "./latchkey.js";
export { LatchkeyError, type ClientCode, type ErrorCode, type RejectionCode } from "./errors.js";
export type { SessionEvent, SessionState, SignedOutReason, User } from "./state.js";
export type { Claims, SessionInfo } from "./sessions.js";
export type { FetchInit, FetchInput } from "./authorized-fetch.js";
export { localStorageStorage, memoryStorage, type SessionStorage, type StoredSession } from "./storage.js";
export type { Environment, Locks } from "./environment.js";
