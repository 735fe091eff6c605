import { type FormEvent, useEffect, useState, useSyncExternalStore } from "react";
import { Latchkey, LatchkeyError, localStorageStorage } from "latchkey-client";

// One for the whole page, outside of every component.
const session = new Latchkey({
  baseUrl: "http://localhost:3000",
  mode: "cookie",
  storage: localStorageStorage(),
});

export function App() {
  const state = useSyncExternalStore(session.subscribe, session.getState);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    session.restore().catch((problem: unknown) => setProblem(sentence(problem)));
  }, []);

  switch (state.status) {
    case "restoring":
      return <p role="status">{problem ?? "One moment …"}</p>;
    case "signed-out":
      return <SignIn note={NOTES[state.reason]} />;
    case "ending":
      return <SignedIn note={`You will be asked for your password at ${time(state.expiresAt)}.`} />;
    case "signed-in":
      return <SignedIn note={state.problem && `Offline; you are signed in until ${time(state.expiresAt)}.`} />;
  }
}

function SignIn({ note }: { note: string | undefined }) {
  const [problem, setProblem] = useState<string | null>(null);
  const signIn = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    session
      .login(String(form.get("username")), String(form.get("password")))
      .catch((problem: unknown) => setProblem(sentence(problem)));
  };
  return (
    <form onSubmit={signIn}>
      {note && <p>{note}</p>}
      <input name="username" autoComplete="username" aria-label="Username" required />
      <input name="password" type="password" autoComplete="current-password" aria-label="Password" required />
      <button>Sign in</button>
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}

function SignedIn({ note }: { note: string | null }) {
  const [problem, setProblem] = useState<string | null>(null);
  const signOut = (everywhere: boolean) => () => {
    session.logout({ everywhere }).catch((problem: unknown) => setProblem(sentence(problem)));
  };
  return (
    <main>
      {note && <p role="status">{note}</p>}
      <button onClick={signOut(false)}>Sign out</button>
      <button onClick={signOut(true)}>Sign out everywhere</button>
      {problem && <p role="alert">{problem}</p>}
    </main>
  );
}

const NOTES: Record<string, string> = {
  expired: "You were away for too long.",
  refresh_limit: "It is time for your password again.",
  session_ended: "You were signed out on another device.",
  elsewhere: "You signed out in another tab.",
};

const time = (instant: number) => new Date(instant).toLocaleTimeString();

function sentence(problem: unknown): string {
  if (!(problem instanceof LatchkeyError)) return String(problem);
  return problem.retryAfter === null ? problem.message : `${problem.message} Try again in ${problem.retryAfter} s.`;
}
