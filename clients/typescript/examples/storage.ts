import type { SessionStorage } from "latchkey-client";

// Outlives a reload, and is shared with no other tab.
export const tabStorage: SessionStorage = {
  load: () => JSON.parse(sessionStorage.getItem("session") ?? "null"),
  save: (session) => sessionStorage.setItem("session", JSON.stringify(session)),
};
