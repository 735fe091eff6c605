// Everything on the page that says how the session and the clock stand.
import * as clock from "/page/clock.js";
import { byId, make, prose } from "/page/dom.js";
import { latest } from "/page/exchange.js";
import { events, isLive, isThere, limits, newest, session } from "/page/session.js";
import { tokenView } from "/page/token-view.js";
import { duration, fullInstant, instant, near, spelled } from "/page/words.js";

export function all(now) {
  document.querySelector("[data-longest]").textContent = spelled(clock.refreshExpiration() + clock.expiration());
  settings();
  loginProblem();
  countdowns(now);
  if (!isThere()) return;
  older(now);
  byId("token").replaceChildren(...tokenView(newest(), session.tokens.at(-2)?.claims));
  table(now);
}

// What this server was started with, by the names that deployments use.
function settings() {
  byId("settings").replaceChildren(...prose(
    `This server: refresh is on; a token lives \`JWT_EXPIRATION_DELTA\` = ${duration(clock.expiration())}; ` +
    `refreshing stops \`JWT_REFRESH_EXPIRATION_DELTA\` = ${duration(clock.refreshExpiration())} after the login. ` +
    "Try others: `cargo run -p local -- --expiration 5m --refresh-expiration 7d`."));
}

// A rejected login is also told where it was tried, until the next call.
function loginProblem() {
  const call = latest();
  const isRejected = call?.kind === "login" && call.status !== 200;
  byId("login-problem").hidden = !isRejected;
  byId("login-problem").textContent = isRejected ? call.json.message ?? "No answer." : "";
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
  byId("token-countdown").replaceChildren(...headline(now, limits()));
  byId("session-countdown").replaceChildren(...outlook(now, { exp, refresh, end }));
}

function headline(now, { iat, exp }) {
  if (now >= exp) return ["This token expired ", make("strong", {}, now === exp ? "this second" : `${duration(now - exp)} ago`), "."];
  if (now < iat) return ["This token is from the future: it was issued ", make("strong", {}, duration(iat - now)), " from now, and the server rejects it."];
  const left = make("strong", {}, duration(exp - now));
  if (session.ended !== null) return ["Logged out. The signature stays valid for ", left, "; a check of the session fails at once."];
  return ["This token expires in ", left, "."];
}

function outlook(now, { exp, refresh, end }) {
  const at = (seconds) => make("strong", {}, near(seconds, now));
  if (session.ended !== null) return ["Logged out at ", at(session.ended), ": no token of this session can be refreshed."];
  if (now >= exp) return ["An expired token cannot be refreshed. Log in again."];
  if (now > refresh) return ["The refresh limit passed ", make("strong", {}, `${duration(now - refresh)} ago`), "; the session ends with this token, at ", at(exp), "."];
  return ["You can refresh until ", at(refresh), ", each time before the token expires; the session ends by ", at(end), "."];
}

function ahead() {
  const offset = clock.offset();
  return Math.abs(offset) < 2 ? "" : `${duration(offset)} ${offset > 0 ? "ahead of" : "behind"} this machine`;
}

function older(now) {
  const select = byId("older");
  const chosen = select.value;
  const list = session.tokens.slice(0, -1).map((token, index) =>
    make("option", { value: index }, `token ${index + 1}, ${isLive(token, now) ? "expires" : "expired"} ${near(token.claims.exp, now)}`));
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
