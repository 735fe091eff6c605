import { useState } from "react";
import { sentence } from "./words";

/** Something that a button does: whether it is under way, and what it came to. */
export function useAction(action: () => Promise<string | void>) {
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async () => {
    setBusy(true);
    setDone(null);
    setProblem(null);
    try {
      setDone((await action()) ?? null);
    } catch (error) {
      setProblem(sentence(error));
    } finally {
      setBusy(false);
    }
  };
  return { busy, run: () => void run(), said: <Said done={done} problem={problem} /> };
}

/** Both are there from the start, so that a screen reader hears what is put into them. */
function Said({ done, problem }: { done: string | null; problem: string | null }) {
  return (
    <>
      <p role="status">{done}</p>
      <p role="alert">{problem}</p>
    </>
  );
}
