// The worked example, a button press a step.
import { announce } from "/page/exchange.js";
import * as actions from "/page/actions.js";
import * as clock from "/page/clock.js";
import { byId, make, prose } from "/page/dom.js";
import { limits, newest, session } from "/page/session.js";
import { duration, near, spelled } from "/page/words.js";

// More refreshes in a row than this would try a person’s patience.
const MOST_REFRESHES = 500;

let done = 0;
let outcomes = [];

const life = () => clock.expiration();
const at = (seconds) => near(seconds, clock.now());

// Half a token's life between two refreshes, unless that were too many.
function pace() {
  const few = Math.ceil(clock.refreshExpiration() / MOST_REFRESHES);
  return Math.max(1, Math.min(Math.max(Math.floor(life() / 2), few), Math.max(1, life() - 1)));
}

// A token of one second is dead before anything can be shown of it.
const isTooLong = () => life() < 2 || clock.refreshExpiration() / pace() > MOST_REFRESHES;
const soon = () => Math.min(600, Math.max(1, Math.floor(life() / 6)), clock.refreshExpiration());
const demoLogin = async () => {
  await actions.stopClockAt(clock.now());
  return actions.logIn(byId("username").value, byId("password").value);
};

const STEPS = () => [
  {
    title: "Log in",
    text: `The token says when: \`iat\`. It dies ${spelled(life())} later: \`exp\` = \`iat\` + ${duration(life())}.`,
    run: demoLogin,
    outcome: () => `iat = ${at(limits().iat)}, exp = ${at(limits().exp)}.`,
  },
  {
    title: `Refresh ${spelled(soon())} later`,
    text: "The token cannot be changed, so there is a second one: the same `iat`, a later `exp`. The first one stays good until its own `exp`.",
    run: async () => {
      await actions.stopClockAt(limits().iat + soon());
      return actions.refresh();
    },
    outcome: () => `iat is still ${at(limits().iat)}; exp moved to ${at(limits().exp)}.`,
  },
  {
    title: `Go on refreshing, every ${spelled(pace())}`,
    text: "As long as somebody refreshes while the newest token lives, the session slides on. Watch the bars.",
    run: keepAlive,
    outcome: () => `Refreshed so far: ${session.tokens.length - 1} times. iat is still ${at(limits().iat)}.`,
  },
  {
    title: `Refresh in the last possible second`,
    text: `The refresh limit is \`iat\` + ${duration(clock.refreshExpiration())}, that second included.`,
    run: async () => {
      await actions.stopClockAt(limits().refresh);
      return actions.refresh();
    },
    outcome: () => `Allowed. exp = ${at(limits().exp)}: a whole ${duration(life())} from now, past the limit.`,
  },
  {
    title: "Refresh one second after that",
    text: "The login is too long ago now. But look at the newest token: it lives.",
    run: async () => {
      await actions.stopClockAt(limits().refresh + 1);
      return actions.refresh();
    },
    outcome: () => `Rejected: refresh_expired. There will be no further token.`,
  },
  {
    title: "Use the last token in its last second",
    text: "The limit bounds refreshing, not the life of a token.",
    run: async () => {
      await actions.stopClockAt(newest().claims.exp - 1);
      return actions.verify();
    },
    outcome: () => `Still good, ${duration(clock.now() - limits().iat)} after the login.`,
  },
  {
    title: "And one second later",
    text: "Nothing of the session is left.",
    run: async () => {
      await actions.stopClockAt(newest().claims.exp);
      return actions.verify();
    },
    outcome: () => `Dead, ${duration(clock.now() - limits().iat)} after the login: ${duration(clock.refreshExpiration())} + ${duration(life())}.`,
  },
  {
    title: "Last: a session that nobody refreshes",
    text: "Log in anew, do nothing until `exp`, then refresh. Only a live token can be refreshed.",
    run: async () => {
      await demoLogin();
      await actions.stopClockAt(limits().exp);
      return actions.refresh();
    },
    outcome: () => `Rejected: token_expired. Unattended, a session is over after ${duration(life())}.`,
  },
];

async function keepAlive() {
  let exchange;
  // The last of them leaves the token alive at the limit.
  for (let next = limits().iat + pace(); next < limits().refresh; next += pace()) {
    if (next <= clock.now()) continue;
    await actions.stopClockAt(next);
    exchange = await actions.refresh();
    if (exchange.status !== 200) return exchange;
  }
  return exchange;
}

export async function next() {
  const steps = STEPS();
  if (done === steps.length) return restart();
  const step = steps[done];
  const exchange = await step.run();
  const rejectedBefore = exchange && ["invalid_credentials", "too_many_attempts"].includes(exchange.json.code);
  if (rejectedBefore || exchange?.status === 0) return;
  outcomes.push(step.outcome());
  done += 1;
  announce(`${byId("announcement").textContent} ${outcomes.at(-1)}`);
  render();
}

export function restart() {
  done = 0;
  outcomes = [];
  render();
}

export function render() {
  if (isTooLong()) {
    byId("tour").replaceChildren(make("li", { class: "next" }, `With tokens of ${spelled(life())} and a limit of ${spelled(clock.refreshExpiration())} this walk ` +
      "takes too many refreshes. Start the server with other durations, for example its own, or use the clock and the buttons below."));
    byId("tour-next").disabled = true;
    return;
  }
  const steps = STEPS();
  byId("tour").replaceChildren(...steps.map((step, index) => {
    const isNext = index === done;
    return make("li", { class: index < done ? "done" : isNext ? "next" : "later", "aria-current": isNext && "step" },
      make("strong", {}, step.title),
      isNext ? make("span", { class: "text" }, prose(step.text)) : null,
      index < done ? make("span", { class: "outcome" }, outcomes[index]) : null);
  }));
  byId("tour-next").textContent = done === steps.length ? "Start over" : `${done + 1}. ${steps[done].title}`;
  const over = byId("tour-end");
  over.hidden = done < 7;
  over.replaceChildren(make("p", { class: "formula" }, `${duration(clock.refreshExpiration())} + ${duration(life())} = ${duration(clock.refreshExpiration() + life())}`),
    make("p", {}, `The last refresh may come ${spelled(clock.refreshExpiration())} after the login, and the token that it gives lives ${spelled(life())}.`));
}
