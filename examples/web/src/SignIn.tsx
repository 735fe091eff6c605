import type { FormEvent } from "react";
import { useRef } from "react";
import { useLatchkey } from "latchkey-client/react";
import { accounts } from "./session";
import { useAction } from "./useAction";

/** For who has forgotten the password. What it says tells nobody who has an account. */
function Forgotten({ username }: { username: () => string }) {
  const { busy, run, said } = useAction(async () => {
    const name = username();
    if (name === "") throw new Error("Enter your username first.");
    await accounts.requestRecovery(name);
    return `If there is a user ${name}, a letter is on its way. Its link is good for an hour.`;
  });
  return (
    <>
      <button type="button" className="link" aria-disabled={busy} onClick={run}>
        {busy ? "One moment …" : "I have forgotten my password"}
      </button>
      {said}
    </>
  );
}

export function SignIn({ note }: { note: string | null }) {
  const session = useLatchkey();
  const form = useRef<HTMLFormElement>(null);
  const { busy, run, said } = useAction(async () => {
    const fields = new FormData(form.current!);
    await session.login(String(fields.get("username")), String(fields.get("password")));
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) run();
  };
  return (
    <main>
      <h1>Sign in</h1>
      {note !== null && <p role="status">{note}</p>}
      <form ref={form} onSubmit={submit}>
        <label>
          Username
          <input name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button aria-disabled={busy}>{busy ? "One moment …" : "Sign in"}</button>
      </form>
      {said}
      <Forgotten username={() => String(new FormData(form.current!).get("username")).trim()} />
    </main>
  );
}
