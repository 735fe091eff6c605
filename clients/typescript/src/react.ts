import { createContext, createElement, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import type { Latchkey } from "./latchkey.js";
import type { SessionState } from "./state.js";

const Context = createContext<Latchkey | null>(null);

/** Hands `client` on to what is inside of it, and restores its session. Make the client outside, in a file of its own. */
export function LatchkeyProvider({ client, children }: { client: Latchkey; children?: ReactNode }) {
  useEffect(() => {
    // The state says why not, and it is tried again.
    client.restore().catch(() => {});
  }, [client]);
  return createElement(Context.Provider, { value: client }, children);
}

/** The client of the nearest LatchkeyProvider. */
export function useLatchkey(): Latchkey {
  const client = useContext(Context);
  if (client === null) throw new Error("useLatchkey and useSession work inside of a LatchkeyProvider.");
  return client;
}

/** The state of the session; the component renders again whenever it changes. On a server it is the initial one. */
export function useSession(): SessionState {
  const client = useLatchkey();
  return useSyncExternalStore(client.subscribe, client.getState, () => client.initialState);
}
