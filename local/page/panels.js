// Everything on the page that says how the session and the clock stand.
import * as clock from "/page/clock.js";
import { byId, make } from "/page/dom.js";
import { events, isLive, isThere, limits, newest, session } from "/page/session.js";
import { tokenView } from "/page/token-view.js";
import { duration, fullInstant, instant, near, spelled } from "/page/words.js";

export function all(now) {
  document.querySelector("[data-longest]").textContent = spelled(clock.refreshExpiration() + clock.expiration());
  countdowns(now);
  if (!isThere()) return;
  older(now);
  byId("token").replaceChildren(...tokenView(newest(), session.tokens.at(-2)?.claims));
  table(now);
}

// The two countdowns in words, and the clock.
export function countdowns(now) {
  byId("clock-time").textContent = fullInstant(now);
  byId("clock-run").textContent = clock.isRunning() ? "Stop the clock" : "Let it run";
  const state = [clock.isRunning() ? "runs" : "stands still", ahead()].filter(Boolean).join(", ");
  byId("clock-state").textContent = state;
  byId("clock-line").textContent = clock.isMoved() ? `The server’s clock: ${fullInstant(now)}${clock.isRunning() ? "" : ", stands still"}.` : "";
  if (!isThere()) return;
  const { exp, refresh, end } = limits();
  byId("token-countdown").replaceChildren(...(now < exp
    ? ["This token dies in ", make("strong", {}, duration(exp - now)), "."]
    : ["This token died ", make("strong", {}, now === exp ? "this second" : `${duration(now - exp)} ago`), "."]));
  byId("session-countdown").replaceChildren(...outlook(now, { exp, refresh, end }));
}

function outlook(now, { exp, refresh, end }) {
  const at = (seconds) => make("strong", {}, near(seconds, now));
  if (session.ended !== null) return ["Logged out at ", at(session.ended), ": no token of this session is refreshed any more."];
  if (now >= exp) return ["Nobody can refresh it: only a live token can be. Log in again."];
  if (now > refresh) return ["The refresh limit passed ", make("strong", {}, `${duration(now - refresh)} ago`), "; the session ends with this token, at ", at(exp), "."];
  return ["You can refresh until ", at(refresh), ", each time before the token dies; the session ends by ", at(end), "."];
}

function ahead() {
  const offset = clock.offset();
  return Math.abs(offset) < 2 ? "" : `${duration(offset)} ${offset > 0 ? "ahead of" : "behind"} this machine`;
}

function older(now) {
  const select = byId("older");
  const chosen = select.value;
  const list = session.tokens.slice(0, -1).map((token, index) =>
    make("option", { value: index }, `token ${index + 1}, ${isLive(token, now) ? "lives until" : "died"} ${near(token.claims.exp, now)}`));
  select.replaceChildren(...(list.length ? list.reverse() : [make("option", {}, "none yet")]));
  if ([...select.options].some((option) => option.value === chosen)) select.value = chosen;
  byId("refresh-older").disabled = list.length === 0;
}

export function table(now) {
  if (!byId("timeline-table").open || !isThere()) return;
  const body = events(now).map(({ at, what, since, isNow }) => make("tr", { class: isNow && "now-row" },
    make("td", {}, instant(at)), make("td", {}, since < 0 ? `${duration(since)} before` : duration(since)), make("td", {}, what)));
  byId("timeline-table").querySelector("div").replaceChildren(make("table", {},
    make("thead", {}, make("tr", {}, ...["When", "Since the login", "What"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...body)));
}
