import { shallowReadonly, shallowRef } from "vue";
import { session } from "./session.js";

const state = shallowRef(session.getState());
session.subscribe((event) => {
  state.value = event.state;
});
// Not on a server, where nobody is signed in yet.
if (typeof document !== "undefined") session.restore().catch(() => {});

/** In a component: `const state = useSession()`, and `{{ state.user?.username }}` in its template. */
export const useSession = () => shallowReadonly(state);
