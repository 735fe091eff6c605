import { type FormEvent, useEffect, useRef, useState } from "react";
import { LatchkeyError } from "latchkey-client";
import type { AccountCode, ShownCode } from "latchkey-client/accounts";
import { useLatchkey, useSession } from "latchkey-client/react";
import { accounts } from "./session";
import { useAction } from "./useAction";
import { sentence } from "./words";

interface End {
  title: string;
  text: string;
}

const DEAD: End = {
  title: "This link no longer works",
  text: "It was used or replaced, or it has expired. If you have set your password with it, sign in. If not, ask for a new link.",
};

/** The page of an invitation and of a recovery link. `leave` goes on without it. */
export function SetPassword({ link, leave }: { link: AccountCode; leave: () => void }) {
  const [shown, setShown] = useState<ShownCode | null>(null);
  const [end, setEnd] = useState<End | null>(null);
  const show = useAction(async () => {
    try {
      setShown(await accounts.showCode(link.code));
    } catch (problem) {
      if (!isDead(problem)) throw problem;
      setEnd(DEAD);
    }
  });
  useEffect(show.run, []);

  if (end !== null) return <Ended end={end} leave={leave} />;
  if (shown !== null) return <Form code={link.code} shown={shown} leave={leave} setEnd={setEnd} />;
  return (
    <main>
      <h1>Set a password</h1>
      {show.said}
      <button aria-disabled={show.busy} onClick={show.run}>
        {show.busy ? "One moment …" : "Try again"}
      </button>
    </main>
  );
}

interface FormProps {
  code: string;
  shown: ShownCode;
  leave: () => void;
  setEnd: (end: End) => void;
}

function Form({ code, shown: { purpose, username }, leave, setEnd }: FormProps) {
  const session = useLatchkey();
  const form = useRef<HTMLFormElement>(null);
  const { busy, run, said } = useAction(async () => {
    const password = String(new FormData(form.current!).get("password"));
    try {
      if (purpose === "invitation") await accounts.completeRegistration(code, password);
      else await accounts.completeRecovery(code, password);
    } catch (problem) {
      if (!isDead(problem)) throw problem;
      return setEnd(DEAD);
    }
    try {
      await session.login(username, password);
    } catch (problem) {
      return setEnd({ title: "Your password is set", text: sentence(problem) });
    }
    leave();
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) run();
  };
  return (
    <main>
      <h1>{purpose === "invitation" ? "Set a password" : "Set a new password"}</h1>
      {purpose === "recovery" && <p>This signs you out everywhere else.</p>}
      <form ref={form} onSubmit={submit}>
        <label>
          Username
          {/* Read-only, and yet a field: a password manager saves the password under this name. */}
          <input name="username" autoComplete="username" value={username} readOnly />
        </label>
        <label>
          New password
          <input name="password" type="password" autoComplete="new-password" aria-describedby="hint" required />
        </label>
        <p id="hint">Four or five random words are easy to remember and hard to guess.</p>
        <button aria-disabled={busy}>{busy ? "One moment …" : "Set the password"}</button>
      </form>
      {said}
    </main>
  );
}

function Ended({ end, leave }: { end: End; leave: () => void }) {
  const { user } = useSession();
  const heading = useRef<HTMLHeadingElement>(null);
  // The form that had the focus is gone.
  useEffect(() => heading.current?.focus(), []);
  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        {end.title}
      </h1>
      <p>{end.text}</p>
      <button onClick={leave}>{user === null ? "Sign in" : `Go on as ${user.username}`}</button>
    </main>
  );
}

const isDead = (problem: unknown) => problem instanceof LatchkeyError && problem.code === "invalid_code";
