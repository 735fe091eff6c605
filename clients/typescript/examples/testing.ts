import assert from "node:assert/strict";
import { TestStorage, TestWorld } from "latchkey-client/testing";

const world = new TestWorld();
const storage = new TestStorage();
const tab = await world.signedIn({ storage: storage.tab() });
const other = world.client({ storage: storage.tab() });
await other.restore();

// Two hours go by in a moment, and the tabs refresh the token as in life.
await world.pass(2 * 3_600_000);
assert.equal(other.getState().status, "signed-in");

// Grace signs in in the other tab.
const seen: string[] = [];
tab.subscribe((event) => seen.push(`${event.type}: ${event.state.user?.username}`));
await other.login("grace", "correct horse");
await world.pass(0);
assert.deepEqual(seen, ["user-changed: grace"]);

// The service is away for an hour.
world.service.failNext(1_000);
await world.pass(3_600_000);
assert.deepEqual(tab.getState(), { status: "signed-out", user: null, reason: "expired" });
