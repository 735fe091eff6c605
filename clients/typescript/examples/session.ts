import { Latchkey, localStorageStorage } from "latchkey-client";

// One for the whole page, in a file without components: hot reload leaves it alone, and the session goes on.
export const session = new Latchkey({
  baseUrl: "http://localhost:3000",
  mode: "cookie",
  storage: localStorageStorage(),
});
