import { type FormEvent, useState } from "react";
import { LatchkeyError } from "latchkey-client";
import { LatchkeyProvider, useSession } from "latchkey-client/react";
import { session } from "./session.js";

export default function App() {
  return (
    <LatchkeyProvider client={session}>
      <Page />
    </LatchkeyProvider>
  );
}

function Page() {
  const state = useSession();
  switch (state.status) {
    case "restoring":
      return <p role="status">{state.problem === null ? "One moment …" : `${state.problem.message} It is tried again.`}</p>;
    case "signed-out":
      return <SignIn note={NOTES[state.reason]} />;
    // The key: another user, in another tab perhaps, gets a page of their own and nothing of the one before.
    case "signed-in":
      return <SignedIn key={state.user.sub} name={state.user.username} note={state.problem && state.problem.message} />;
    case "ending":
      return <SignedIn key={state.user.sub} name={state.user.username} note={`Please sign in again by ${time(state.expiresAt)}.`} />;
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

function SignedIn({ name, note }: { name: string; note: string | null }) {
  const [problem, setProblem] = useState<string | null>(null);
  const signOut = (everywhere: boolean) => () => {
    session.logout({ everywhere }).catch((problem: unknown) => setProblem(sentence(problem)));
  };
  return (
    <main>
      <h1>Hello, {name}</h1>
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
  refresh_disabled: "It is time for your password again.",
  session_ended: "You were signed out on another device.",
  elsewhere: "You signed out in another tab.",
  user_disabled: "Your account is switched off.",
  invalid_token: "Please sign in again.",
};

const time = (instant: number) => new Date(instant).toLocaleTimeString();

function sentence(problem: unknown): string {
  if (!(problem instanceof LatchkeyError)) return String(problem);
  return problem.retryAfter === null ? problem.message : `${problem.message} Try again in ${problem.retryAfter} s.`;
}
