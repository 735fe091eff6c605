import type { Latchkey } from "latchkey-client";
import { type AccountCode, Accounts, takeCode } from "latchkey-client/accounts";

// Import this file first of all, so that no other script finds the code in the address.
export const link = takeCode();

const accounts = new Accounts({ baseUrl: "http://localhost:3000" });

/** The name to show in the form. Rejects with `invalid_code` when the link is used, replaced or expired. */
export async function ownerOf({ code }: AccountCode): Promise<string> {
  return (await accounts.showCode(code)).username;
}

/** Sets the password of `username`, and signs in with it. */
export async function setPassword(session: Latchkey, link: AccountCode, username: string, password: string): Promise<void> {
  if (link.purpose === "invitation") await accounts.completeRegistration(link.code, password);
  else await accounts.completeRecovery(link.code, password);
  await session.login(username, password);
}
