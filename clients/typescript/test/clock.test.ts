import assert from "node:assert/strict";
import { test } from "node:test";
import type { Latchkey } from "../src/index.js";
import { BASE, HOUR, MINUTE, setBack, TestStorage, TestWorld } from "./world.js";

/** An authorised call each five minutes, and every answer is the one of somebody who is signed in. */
async function busy(world: TestWorld, client: Latchkey, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 5 * MINUTE) {
    await world.pass(5 * MINUTE);
    assert.equal((await client.fetch(`${BASE}/orders`)).status, 200, `after ${passed / MINUTE} minutes`);
  }
}

for (const [minutes, at] of [[120, 10], [20, 10], [24 * 60, 1], [20, 30], [10, 10], [1, 40]] as const) {
  test(`a clock set back by ${minutes} minutes at +${at} minutes keeps an active user signed in`, async () => {
    const world = new TestWorld();
    const client = await world.signedIn();
    await world.pass(at * MINUTE);
    setBack(world, minutes * MINUTE);
    await busy(world, client, 3 * HOUR);
    const state = client.getState();
    assert(state.status === "signed-in" && state.expiresAt - world.now <= HOUR && state.problem === null);
  });

  test(`the same without a call: the refresh comes in time (${minutes}, ${at})`, async () => {
    const world = new TestWorld();
    const client = await world.signedIn();
    await world.pass(at * MINUTE);
    setBack(world, minutes * MINUTE);
    await world.pass(3 * HOUR);
    assert.equal(client.getState().status, "signed-in");
  });
}

test("a clock set back is seen at the next call, and the instants of the state are right again", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await world.pass(10 * MINUTE);
  setBack(world, 2 * HOUR);
  await client.fetch(`${BASE}/orders`);
  await world.pass(0);
  const state = client.getState();
  assert(state.status === "signed-in" && state.expiresAt === world.now + HOUR);
  assert.equal(world.service.count("/auth/refresh"), 1);
});

test("while the service is away a clock set back is no reason to ask without end", async () => {
  const world = new TestWorld();
  const client = await world.signedIn();
  await world.pass(10 * MINUTE);
  setBack(world, 2 * HOUR);
  world.service.failNext(1_000);
  await world.wake();
  await world.pass(10 * MINUTE);
  const tries = world.service.count("/auth/refresh");
  assert(tries >= 3 && tries <= 36, `${tries} tries in 10 minutes`);
  assert.equal(client.getState().status, "signed-in");
});

test("what was kept by a clock that was ahead is refreshed at once", async () => {
  const world = new TestWorld();
  const storage = new TestStorage();
  (await world.signedIn({ storage: storage.tab() })).close();
  setBack(world, 24 * HOUR);
  const client = world.client({ storage: storage.tab() });
  assert.equal((await client.restore()).status, "signed-in");
  await world.pass(0);
  const state = client.getState();
  assert(state.status === "signed-in" && state.expiresAt === world.now + HOUR);
});

test("a token that nobody may refresh dies after its life, whatever the date says", async () => {
  const world = new TestWorld();
  world.service.allowRefresh = false;
  const client = await world.signedIn();
  await world.pass(10 * MINUTE);
  setBack(world, 24 * HOUR);
  await world.pass(50 * MINUTE);
  assert.deepEqual(client.getState(), { status: "signed-out", user: null, reason: "refresh_disabled" });
});
