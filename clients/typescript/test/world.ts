export { settled, TestLocks, TestStorage, TestWorld } from "../src/testing.js";

export const BASE = "https://auth.example.com";
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
