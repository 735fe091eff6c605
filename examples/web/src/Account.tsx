import { useEffect, useRef } from "react";
import type { SessionState } from "latchkey-client";
import { useLatchkey } from "latchkey-client/react";
import { ChangePassword } from "./ChangePassword";
import { Sessions } from "./Sessions";
import { TimeLeft } from "./TimeLeft";
import { useAction } from "./useAction";

type SignedIn = Extract<SessionState, { expiresAt: number }>;

export function Account({ state, note }: { state: SignedIn; note: string | null }) {
  const session = useLatchkey();
  const heading = useRef<HTMLHeadingElement>(null);
  // The form that had the focus is gone.
  useEffect(() => heading.current?.focus(), []);

  const hello = useAction(async () => {
    const response = await session.fetch("/api/hello");
    const { message } = (await response.json()) as { message: string };
    if (!response.ok) throw new Error(message);
    return message;
  });
  const leave = useAction(() => session.logout());
  const leaveEverywhere = useAction(() => session.logout({ everywhere: true }));

  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        {state.user.username}
      </h1>
      <p role="status">{note}</p>
      <TimeLeft state={state} />

      <section aria-labelledby="api">
        <h2 id="api">A protected call</h2>
        <button aria-disabled={hello.busy} onClick={hello.run}>
          Call the API
        </button>
        {hello.said}
      </section>

      <Sessions />
      <ChangePassword />

      <section aria-labelledby="leave">
        <h2 id="leave">Sign out</h2>
        <div className="row">
          <button onClick={leave.run}>Sign out</button>
          <button onClick={leaveEverywhere.run}>Sign out everywhere</button>
        </div>
        {leave.said}
        {leaveEverywhere.said}
      </section>
    </main>
  );
}
