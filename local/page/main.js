// Wires the page. The state is in session.js, the time in clock.js, what happens in actions.js.
import * as access from "/page/access.js";
import * as accessPanel from "/page/access-panel.js";
import * as accountPanel from "/page/account-panel.js";
import * as lettersPanel from "/page/letters-panel.js";
import * as actions from "/page/actions.js";
import * as clock from "/page/clock.js";
import { byId, make } from "/page/dom.js";
import { moveClockRefreshing } from "/page/keep-alive.js";
import * as sessions from "/page/session.js";
import { timeline } from "/page/timeline.js";
import * as panels from "/page/panels.js";
import * as tour from "/page/tour.js";

const on = (id, action) => byId(id).addEventListener("click", () => actions.alone(action));
const moveClock = (change) => (byId("keep-refreshing").checked ? moveClockRefreshing(change) : actions.moveClock(change));
const WITH_TOKEN = ["refresh", "refresh-older", "verify", "tamper", "logout", "logout-everywhere"];

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  actions.alone(() => actions.logIn(byId("username").value, byId("password").value));
});
on("refresh", () => actions.refresh());
on("refresh-older", () => actions.refresh(sessions.session.tokens[Number(byId("older").value)]));
on("verify", () => actions.verify());
on("tamper", () => actions.tamper());
on("logout", () => actions.logOut());
on("logout-everywhere", () => actions.logOutEverywhere());
byId("access-form").addEventListener("submit", (event) => {
  event.preventDefault();
  actions.alone(() => actions.getAccess(byId("access-audience").value, byId("access-scopes").value));
});
on("orders-read", () => actions.readOrders());
on("orders-write", () => actions.writeOrder());
on("orders-session", () => actions.readOrdersWithSession());
on("access-refresh", () => actions.refreshAccess());
on("clock-run", () => actions.moveClock({ running: !clock.isRunning() }));
on("clock-reset", () => actions.moveClock(null));
on("tour-next", () => tour.next());
on("tour-restart", () => tour.restart());
for (const button of document.querySelectorAll("[data-by]")) {
  button.addEventListener("click", () => actions.alone(() => moveClock({ by: Number(button.dataset.by) })));
}
for (const row of document.querySelectorAll("#jumps tr")) {
  const name = row.querySelector("th").textContent;
  for (const [words, by] of [["1 s before", -1], ["at", 0], ["1 s after", 1]]) {
    const button = make("button", { type: "button", "aria-label": `${name}: ${words}`, "data-jump": by }, words);
    button.addEventListener("click", () =>
      actions.alone(() => moveClock({ to: sessions.limits()[row.dataset.limit] + by, running: false })));
    row.append(make("td", {}, button));
  }
}

function render() {
  if (!clock.isKnown()) return;
  const now = clock.now();
  panels.all(now);
  accessPanel.all(now);
  for (const button of document.querySelectorAll("#jumps button")) button.disabled = !sessions.isThere();
  for (const id of WITH_TOKEN) byId(id).disabled = !sessions.isThere();
  drawTimeline();
}

function drawTimeline() {
  if (!sessions.isThere()) return byId("timeline").replaceChildren();
  const width = Math.max(280, Math.floor(byId("timeline").clientWidth));
  byId("legend").hidden = false;
  byId("timeline").replaceChildren(...timeline(width, clock.now()));
}

// Once a second, at the second; a page in the background is not asked.
function tick() {
  if (!document.hidden && clock.isRunning() && clock.isKnown()) {
    panels.countdowns(clock.now());
    accessPanel.countdown(clock.now());
    drawTimeline();
  }
  setTimeout(tick, 1000 - (Date.now() % 1000));
}

byId("timeline-table").addEventListener("toggle", () => panels.table(clock.now()));
document.addEventListener("changed", render);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) clock.read().then(render, () => {});
});
new ResizeObserver(drawTimeline).observe(byId("timeline"));

await clock.read();
await access.learn().catch(() => {});
accessPanel.begin();
tour.render();
render();
tick();
await lettersPanel.begin();
await accountPanel.begin();
document.documentElement.dataset.ready = "true";
