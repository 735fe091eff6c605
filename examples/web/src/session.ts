import { Latchkey, localStorageStorage } from "latchkey-client";
import { Accounts } from "latchkey-client/accounts";

const baseUrl = import.meta.env["VITE_LATCHKEY_URL"] ?? "http://localhost:3000";

// In a file without components: hot reload then leaves it alone, and the session goes on.
export const session = new Latchkey({
  baseUrl,
  mode: import.meta.env["VITE_LATCHKEY_MODE"] === "token" ? "token" : "cookie",
  storage: localStorageStorage(),
  // Your own API, which Vite serves here: see api.mjs.
  sendTokenTo: [location.origin],
});

/** The calls of links that set a password. */
export const accounts = new Accounts({ baseUrl });
