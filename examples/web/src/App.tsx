import { useState } from "react";
import { forgetCode } from "latchkey-client/accounts";
import { useSession } from "latchkey-client/react";
import { Account } from "./Account";
import { link } from "./link";
import { SetPassword } from "./SetPassword";
import { SignIn } from "./SignIn";
import { NOTES, time } from "./words";

export function App() {
  const state = useSession();
  const [code, setCode] = useState(link);
  if (code) {
    const leave = () => {
      forgetCode();
      setCode(undefined);
    };
    return <SetPassword link={code} leave={leave} />;
  }
  switch (state.status) {
    case "restoring":
      return (
        <main>
          <p role="status">{state.problem === null ? "One moment …" : `${state.problem.message} It is tried again.`}</p>
        </main>
      );
    case "signed-out":
      return <SignIn note={NOTES[state.reason]} />;
    // The key: another user, in another tab perhaps, gets a page of their own and nothing of the one before.
    case "signed-in":
      return <Account key={state.user.sub} state={state} note={state.problem && `${state.problem.message} You are signed in until ${time(state.expiresAt)}.`} />;
    case "ending":
      return <Account key={state.user.sub} state={state} note={`You will be asked for your password at ${time(state.expiresAt)}.`} />;
  }
}
