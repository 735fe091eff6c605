import { useEffect, useState } from "react";
import type { SessionState } from "latchkey-client";
import { duration } from "./words";

/** Counts down, and is not read out each second. */
export function TimeLeft({ state }: { state: Extract<SessionState, { expiresAt: number }> }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = (instant: number) => duration(Math.max(0, (instant - now) / 1000));
  return (
    <dl>
      <div>
        <dt>This token lives for</dt>
        <dd>{left(state.expiresAt)}</dd>
      </div>
      {state.status === "signed-in" && (
        <div>
          <dt>It is refreshed for another</dt>
          <dd>{left(state.refreshableUntil)}</dd>
        </div>
      )}
    </dl>
  );
}
