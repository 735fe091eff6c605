// For Jest with its defaults, which loads CommonJS alone.
const { Latchkey, LatchkeyError } = require("latchkey-client");
const { takeCode } = require("latchkey-client/accounts");
const { TestWorld } = require("latchkey-client/testing");

test("a session lives in a world of the test", async () => {
  const world = new TestWorld();
  const session = world.client();
  expect(session).toBeInstanceOf(Latchkey);
  expect((await session.login("ada", "correct horse")).user.username).toBe("ada");
  await world.pass(2 * 3_600_000);
  expect(session.getState().status).toBe("signed-in");
  expect(world.service.count("/auth/refresh")).toBe(2);
  await expect(session.login("ada", "wrong")).rejects.toBeInstanceOf(LatchkeyError);
});

test("a code sets a password in that world", async () => {
  const world = new TestWorld();
  await world.accounts().completeRecovery(world.service.makeCode("recovery", "ada"), "other words");
  expect((await world.client().login("ada", "other words")).status).toBe("signed-in");
  expect(takeCode()).toBeUndefined();
});
