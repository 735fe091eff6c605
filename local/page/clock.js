// The server's clock, as this page knows it.

let reading = null;
// How far the server's clock is ahead of this browser's, in seconds.
let ahead = 0;

const browser = () => Date.now() / 1000;

async function ask(method, body) {
  const response = await fetch("/local/clock", {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  reading = answer;
  // Both are whole seconds of one machine's clock, unless the server is reached through a tunnel.
  const apart = answer.machine - Math.floor(browser());
  ahead = answer.now - answer.machine + (Math.abs(apart) <= 1 ? 0 : apart);
}

export const read = () => ask("GET");
export const move = (change) => ask("POST", change);
export const reset = () => ask("DELETE");

export const isKnown = () => reading !== null;
export const isRunning = () => reading?.running ?? true;
export const isMoved = () => reading !== null && (!reading.running || reading.now !== reading.machine);
export const expiration = () => reading.expiration;
export const refreshExpiration = () => reading.refresh_expiration;

export function now() {
  return isRunning() ? Math.floor(browser() + ahead) : reading.now;
}

// How far the server is ahead of this machine.
export const offset = () => now() - Math.floor(browser());
