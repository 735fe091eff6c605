import { TestWorld } from "../src/testing.js";

export { settled, TestLocks, TestStorage, TestWorld } from "../src/testing.js";

export const BASE = "https://auth.example.com";
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

// The service's clock follows the date, so the date is set back by moving the service forward.
export function setBack(world: TestWorld, milliseconds: number): void {
  world.now -= milliseconds;
  for (const token of world.service.tokens.values()) {
    token.iat -= milliseconds / 1000;
    token.exp -= milliseconds / 1000;
  }
  for (const token of world.service.accessTokens.values()) token.exp -= milliseconds / 1000;
}

export const ORDERS = "https://orders.example.com";
export const BILLING = "https://billing.example.com";

/** A world whose service issues access tokens. */
export function worldOfApis(): TestWorld {
  const world = new TestWorld();
  world.service.audiences.set(ORDERS, ["orders:read", "orders:write"]);
  world.service.audiences.set(BILLING, []);
  world.service.scopes.set("ada", "orders:read");
  return world;
}
