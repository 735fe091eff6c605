/** What a code is for: to become a user, or to set a new password. */
export type CodePurpose = "invitation" | "recovery";

/** The code of a link. It sets a password, so write it to no log and no address. */
export interface AccountCode {
  readonly purpose: CodePurpose;
  readonly code: string;
}

const KEY = "latchkey-code";

/** For browsers that deny the page its `sessionStorage`. A reload then forgets the code. */
let inMemory: string | null = null;

/**
 * Takes the code out of the link that led to this page, `#invitation=K7QD-…` or `#recovery=K7QD-…`; undefined without one.
 *
 * Call it before any other script runs. It moves the code from the address to `sessionStorage`, where a reload of this
 * tab still finds it, and out of reach of scripts and a history that record addresses. It stays there until it has set the
 * password or `forgetCode` is called.
 */
export function takeCode(): AccountCode | undefined {
  // A server has no address, and no code either.
  const page = globalThis.location as Location | undefined;
  if (page === undefined) return undefined;
  if (codeIn(page.hash)) {
    keep(page.hash);
    history.replaceState(history.state, "", page.pathname + page.search);
  }
  return codeIn(kept());
}

/** Forgets the code of a link, for a page that goes on without it. */
export function forgetCode(): void {
  keep(null);
}

/** The code is the first parameter. Anything behind it was added on the way, by a link tracker for example. */
function codeIn(fragment: string | null): AccountCode | undefined {
  const [, purpose, code] = /^#(invitation|recovery)=([^&]*)/.exec(fragment ?? "") ?? [];
  return code === undefined ? undefined : { purpose: purpose as CodePurpose, code };
}

function keep(fragment: string | null): void {
  inMemory = fragment;
  try {
    if (fragment === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, fragment);
  } catch {}
}

function kept(): string | null {
  try {
    return inMemory ?? sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
