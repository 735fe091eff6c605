import { useEffect, useState } from "react";
import type { SessionInfo } from "latchkey-client";
import { useLatchkey } from "latchkey-client/react";
import { useAction } from "./useAction";
import { duration } from "./words";

export function Sessions() {
  const session = useLatchkey();
  const [sessions, setSessions] = useState<SessionInfo[]>([]);
  const load = useAction(async () => setSessions(await session.sessions()));
  useEffect(load.run, []);
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Your sessions</h2>
      <ul>
        {sessions.map((each) => (
          <li key={each.session_id}>
            <strong>{each.current ? "This one" : (each.user_agent ?? "Another device")}</strong>
            <span>
              since {new Date(each.issued_at * 1000).toLocaleString()}, for {duration(each.session_expires_in)} at most
              {each.source_ip !== null && `, from ${each.source_ip}`}
            </span>
            {!each.current && <End session={each} ended={load.run} />}
          </li>
        ))}
      </ul>
      <button aria-disabled={load.busy} onClick={load.run}>
        Look again
      </button>
      {load.said}
    </section>
  );
}

function End({ session: { session_id, issued_at }, ended }: { session: SessionInfo; ended: () => void }) {
  const session = useLatchkey();
  const end = useAction(async () => {
    await session.endSession(session_id);
    ended();
  });
  return (
    <>
      <button aria-label={`End the session since ${new Date(issued_at * 1000).toLocaleString()}`} onClick={end.run}>
        End
      </button>
      {end.said}
    </>
  );
}
