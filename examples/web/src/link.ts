import { takeCode } from "latchkey-client/accounts";

// The first thing that this page does: no script after it finds the code in the address.
export const link = takeCode();

// A link that is pasted into the address of this page loads nothing by itself.
addEventListener("hashchange", () => {
  if (takeCode()) location.reload();
});
