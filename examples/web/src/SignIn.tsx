import type { FormEvent } from "react";
import { useRef } from "react";
import { useLatchkey } from "latchkey-client/react";
import { useAction } from "./useAction";

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
    </main>
  );
}
