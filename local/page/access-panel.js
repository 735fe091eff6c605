// The panel that asks for access tokens and calls a service with them.
import { access, lifetime, missing, named } from "/page/access.js";
import { isOfAccess } from "/page/access-reasons.js";
import * as clock from "/page/clock.js";
import { byId, make, prose } from "/page/dom.js";
import { latest, status } from "/page/exchange.js";
import { isLive, isThere, newest, session } from "/page/session.js";
import { claims, header, tokenView } from "/page/token-view.js";
import { duration, spelled } from "/page/words.js";

// Latchkey's default; the page is not told another.
const LIFETIME = 15 * 60;

// Once: what the server has.
export function begin() {
  byId("access").hidden = access.scopes === null;
  byId("access-scopes").value = access.scopes?.join(" ") ?? "";
  document.querySelector("[data-access-life]").textContent = spelled(Math.min(LIFETIME, clock.expiration()));
}

export function all(now) {
  for (const id of ["access-get", "orders-session"]) byId(id).disabled = !isThere();
  for (const id of ["orders-read", "orders-write", "access-refresh"]) byId(id).disabled = access.token === null;
  outcome();
  countdown(now);
  byId("access-whole").hidden = access.token === null;
  byId("access-granted").replaceChildren(...(access.token ? prose(granted()) : []));
  byId("access-fields").replaceChildren(...(access.token ? [header(access.token, ["typ"]), claims(access.token, null, ["aud", "scope", "exp"])] : []));
  byId("access-whole").querySelector("div").replaceChildren(...(access.token ? tokenView(access.token) : []));
}

// What changes as time passes.
export function countdown(now) {
  const { token } = access;
  byId("access-logout").hidden = session.ended === null || token === null || !isLive(token, now);
  if (token === null) {
    byId("access-countdown").textContent = isThere() ? "No access token yet." : "Log in, then get one.";
    return;
  }
  const { exp } = token.claims;
  byId("access-countdown").replaceChildren(...(now < exp
    ? ["This access token expires in ", make("strong", {}, duration(exp - now)), "."]
    : ["This access token has ", make("strong", {}, "expired"), "."]));
  byId("access-logout").textContent = "You are logged out and can get no further access token. A service that checks signatures alone " +
    `goes on accepting this one until it expires, at most ${spelled(lifetime())}.`;
}

function granted() {
  const asked = access.asked.length ? named(access.asked) : "all scopes";
  const lacking = missing().length ? ` The user has no ${named(missing())}.` : "";
  return `Asked for ${asked}; granted ${named(access.granted)}.${lacking}`;
}

// The answer beside the button, as the panel with the whole exchange may be off the screen.
function outcome() {
  const exchange = latest();
  byId("access-outcome").replaceChildren(...(exchange && isOfAccess(exchange.kind)
    ? [make("p", {}, `${exchange.title} `, status(exchange)), make("p", { class: "reason" }, prose(exchange.reason)),
      make("p", { class: "small" }, make("a", { href: "#answer-title" }, "The request and the answer"))]
    : []));
}
