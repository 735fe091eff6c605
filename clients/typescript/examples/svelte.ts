import { readable } from "svelte/store";
import { session } from "./session.js";

/** In a component: `{$sessionState.user?.username}`. */
export const sessionState = readable(session.getState(), (set) => {
  set(session.getState());
  return session.subscribe((event) => set(event.state));
});
// Not on a server, where nobody is signed in yet.
if (typeof document !== "undefined") session.restore().catch(() => {});
