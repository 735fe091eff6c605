import { forgetCode } from "../src/accounts.js";

// What `takeCode` touches of a browser: the address, the history and the storage of one tab.
interface Page {
  readonly href: string;
  /** The states that `replaceState` was called with. */
  readonly replaced: unknown[];
}

const items = new Map<string, string>();
const NAMES = ["location", "history", "sessionStorage"];
let url = "";

/** Opens `address`; `reopened` in the same tab, `closed` with site data blocked. */
export function openPage(address: string, { reopened = false, closed = false } = {}): Page {
  if (!reopened) items.clear();
  url = address;
  const page = { get href() { return url; }, replaced: [] as unknown[] };
  const history = {
    state: { kept: "by a router" },
    replaceState: (state: unknown, _: string, to: string) => {
      page.replaced.push(state);
      url = new URL(to, url).href;
    },
  };
  const part = (name: "hash" | "pathname" | "search") => new URL(url)[name];
  const location = { get hash() { return part("hash"); }, get pathname() { return part("pathname"); }, get search() { return part("search"); } };
  const storage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => items.set(key, text),
    removeItem: (key: string) => items.delete(key),
  };
  const sessionStorage = () => {
    if (closed) throw new DOMException("The operation is insecure.", "SecurityError");
    return storage;
  };
  Object.defineProperty(globalThis, "location", { configurable: true, value: location });
  Object.defineProperty(globalThis, "history", { configurable: true, value: history });
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get: sessionStorage });
  return page;
}

/** Leaves the page, and with it what its scripts had in memory. */
export function leavePage(): void {
  forgetCode();
  for (const name of NAMES) Reflect.deleteProperty(globalThis, name);
}
