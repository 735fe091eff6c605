import type { Latchkey } from "latchkey-client";

const ORDERS = "https://orders.example.com";

/** Like fetch, with an access token for the orders API. */
export function placeOrder(session: Latchkey, order: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return session.fetch(`${ORDERS}/orders`, { method: "POST", headers, body: JSON.stringify(order), audience: ORDERS });
}

/** The access token itself, which can only read: for a worker, a WebSocket and whatever else does not use fetch. */
export function readOnlyToken(session: Latchkey): Promise<string> {
  return session.accessToken(ORDERS, { scope: "orders:read" });
}
