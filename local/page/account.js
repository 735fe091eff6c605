// The code of a link. The page's first script: those after it find no code in the address.
const KEY = "latchkey-code";

// A code that sets a password, and what it is for; null without one.
export const account = { link: null };

const read = (fragment) => /^#(invitation|recovery)=([^&]*)/.exec(fragment ?? "");

// Of this tab alone. A browser that closes it to the page forgets the code at a reload.
let storage = null;
try {
  storage = sessionStorage;
} catch {}

// Until it has set the password.
function keep(fragment) {
  storage?.setItem(KEY, fragment);
  history.replaceState(null, "", location.pathname + location.search);
}

export function forget() {
  storage?.removeItem(KEY);
  account.link = null;
}

const here = read(location.hash);
if (here) keep(location.hash);
const [, purpose, code] = here ?? read(storage?.getItem(KEY)) ?? [];
if (purpose) account.link = { purpose, code };

// A link that is pasted while the page is open loads nothing by itself.
addEventListener("hashchange", () => {
  if (!read(location.hash)) return;
  keep(location.hash);
  location.reload();
});
