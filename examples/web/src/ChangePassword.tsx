import type { FormEvent } from "react";
import { useRef } from "react";
import { useLatchkey, useSession } from "latchkey-client/react";
import { useAction } from "./useAction";

export function ChangePassword() {
  const session = useLatchkey();
  const { user } = useSession();
  const form = useRef<HTMLFormElement>(null);
  const { busy, run, said } = useAction(async () => {
    const fields = new FormData(form.current!);
    await session.changePassword(String(fields.get("current")), String(fields.get("next")));
    form.current?.reset();
    return "Your password is changed. Every other session has ended.";
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy) run();
  };
  return (
    <section aria-labelledby="password">
      <h2 id="password">Change the password</h2>
      <form ref={form} onSubmit={submit}>
        {/* Tells a password manager whose password it is. */}
        <input type="hidden" name="username" autoComplete="username" value={user?.username ?? ""} readOnly />
        <label>
          Current password
          <input name="current" type="password" autoComplete="current-password" required />
        </label>
        <label>
          New password
          <input name="next" type="password" autoComplete="new-password" required />
        </label>
        <button aria-disabled={busy}>Change it</button>
      </form>
      {said}
    </section>
  );
}
