// The worked example, a button press a step.
import { announce, latest, status } from "/page/exchange.js";
import * as actions from "/page/actions.js";
import * as clock from "/page/clock.js";
import { byId, make, prose } from "/page/dom.js";
import { isTooMany, keepAlive, pace } from "/page/keep-alive.js";
import { limits, newest, session } from "/page/session.js";
import { duration, near, spelled } from "/page/words.js";

let done = 0;
let outcomes = [];

const life = () => clock.expiration();
const at = (seconds) => near(seconds, clock.now());

// A token of one second expires before anything can be shown of it.
const isTooLong = () => life() < 2 || isTooMany(clock.refreshExpiration());
const soon = () => Math.min(600, Math.max(1, Math.floor(life() / 6)), clock.refreshExpiration());
const demoLogin = async () => {
  await actions.stopClockAt(clock.now());
  return actions.logIn(byId("username").value, byId("password").value);
};

const STEPS = () => [
  {
    title: "Log in",
    text: `The token says when: \`iat\`. It expires ${spelled(life())} later: \`exp\` = \`iat\` + ${duration(life())}.`,
    run: demoLogin,
    outcome: () => `iat = ${at(limits().iat)}, exp = ${at(limits().exp)}.`,
  },
  {
    title: `Refresh ${spelled(soon())} later`,
    text: "The token cannot be changed, so there is a second one: the same `iat`, a later `exp`. The first one stays valid until its own `exp`.",
    run: async () => {
      await actions.stopClockAt(limits().iat + soon());
      return actions.refresh();
    },
    outcome: () => `iat is still ${at(limits().iat)}; exp moved to ${at(limits().exp)}.`,
  },
  {
    title: `Go on refreshing, every ${spelled(pace())}`,
    text: "As long as you refresh before the newest token expires, the session goes on. Watch the bars.",
    run: () => keepAlive(limits().refresh),
    outcome: () => `Refreshed so far: ${session.tokens.length - 1} times. iat is still ${at(limits().iat)}.`,
  },
  {
    title: `Refresh in the last possible second`,
    text: `The refresh limit is \`iat\` + ${duration(clock.refreshExpiration())}, that second included.`,
    run: async () => {
      await actions.stopClockAt(limits().refresh);
      return actions.refresh();
    },
    outcome: () => `Allowed. exp = ${at(limits().exp)}: a full ${duration(life())} from now, past the limit.`,
  },
  {
    title: "Refresh one second after that",
    text: "The login is now too long ago. But the newest token has not expired.",
    run: async () => {
      await actions.stopClockAt(limits().refresh + 1);
      return actions.refresh();
    },
    outcome: () => `Rejected: refresh_expired. There will be no more tokens.`,
  },
  {
    title: "Use the last token in its last second",
    text: "The limit is on refreshing, not on how long a token lives.",
    run: async () => {
      await actions.stopClockAt(newest().claims.exp - 1);
      return actions.verify();
    },
    outcome: () => `Still valid, ${duration(clock.now() - limits().iat)} after the login.`,
  },
  {
    title: "And one second later",
    text: "Nothing of the session is left.",
    run: async () => {
      await actions.stopClockAt(newest().claims.exp);
      return actions.verify();
    },
    outcome: () => `Expired, ${duration(clock.now() - limits().iat)} after the login: ${duration(clock.refreshExpiration())} + ${duration(life())}.`,
  },
  {
    title: "Last: a session without refreshes",
    text: "Log in again, do nothing until `exp`, then refresh. An expired token cannot be refreshed.",
    run: async () => {
      await demoLogin();
      await actions.stopClockAt(limits().exp);
      return actions.refresh();
    },
    outcome: () => `Rejected: token_expired. Without a refresh, a session is over after ${duration(life())}.`,
  },
];

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
  keepInView();
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
  here(steps[done]);
  byId("tour-next").textContent = done === steps.length ? "Start over" : `${done + 1}. ${steps[done].title}`;
  const over = byId("tour-end");
  over.hidden = done < 7;
  over.replaceChildren(make("p", { class: "formula" }, `${duration(clock.refreshExpiration())} + ${duration(life())} = ${duration(clock.refreshExpiration() + life())}`),
    make("p", {}, `The last refresh can come ${spelled(clock.refreshExpiration())} after the login, and the token that it returns lives ${spelled(life())}.`));
}

// For a narrow screen, beside the button: the last answer, what it shows, and what comes next. The list says the same to a screen reader.
function here(step) {
  const last = done > 0 && latest();
  byId("tour-here").replaceChildren(
    ...(last ? [make("p", { class: "outcome" }, status(last), ` ${outcomes.at(-1)}`)] : []),
    ...(step ? [make("p", { class: "text" }, prose(step.text))] : []));
}

// On a narrow screen the countdowns and the timeline are what a step changes.
function keepInView() {
  if (!matchMedia("(max-width: 959px)").matches) return;
  const { top, bottom } = document.querySelector(".session").getBoundingClientRect();
  const bar = byId("tour-next").parentElement.getBoundingClientRect().top;
  if (top < 0 || bottom > bar) document.querySelector(".countdowns").scrollIntoView({ block: "start" });
}
