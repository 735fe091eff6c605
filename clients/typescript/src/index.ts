export { Latchkey, type Abortable, type LatchkeyOptions } from "./latchkey.js";
export { LatchkeyError, type ClientCode, type ErrorCode, type RefusalCode } from "./errors.js";
export type { SessionState, SignedOutReason } from "./state.js";
export { localStorageStorage, memoryStorage, type SessionStorage, type StoredSession } from "./storage.js";
export type { Environment, Locks } from "./environment.js";
