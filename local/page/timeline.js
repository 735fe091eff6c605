// The session drawn to scale: all of it, and the hours around now.
import * as clock from "/page/clock.js";
import { draw, make } from "/page/dom.js";
import { isLive, limits, newest, session } from "/page/session.js";
import { day, duration, instant, shortTime, time } from "/page/words.js";

const LANES = 4;
const LABELS = 52;
const STEPS = [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000];

export function timeline(width, now) {
  const { iat, end } = limits();
  const whole = end - iat;
  const around = Math.ceil(clock.expiration() * 1.5);
  // Now may be long before or after the session: then it waits at the edge.
  const overview = { from: Math.min(iat, Math.max(now, iat - whole * 0.1)), to: Math.max(end, Math.min(now, end + whole * 0.1)) };
  const closeup = { from: now - around, to: now + around };
  const figures = [figure("The whole session, to scale", strip(width, now, { ...overview, lane: 10, lens: closeup, brackets: true }))];
  if (closeup.to - closeup.from < whole) {
    figures.push(figure(`Around now, magnified: ${instant(closeup.from)} to ${instant(closeup.to)}`,
      strip(width, now, { ...closeup, lane: 17, named: true })));
  }
  return figures;
}

const figure = (caption, image) => make("figure", {}, make("figcaption", {}, caption), image);

function strip(width, now, { from, to, lane, lens, brackets, named }) {
  const pad = { left: 8, right: 30 };
  const scale = (width - pad.left - pad.right) / (to - from);
  const x = (seconds) => Math.round((pad.left + (seconds - from) * scale) * 10) / 10;
  const inside = (seconds) => seconds >= from && seconds <= to;
  const axis = LABELS + LANES * (lane + 2) + 4;
  const height = axis + (brackets ? 48 : 20);
  const parts = [];
  if (lens) {
    const left = x(Math.max(lens.from, from));
    parts.push(draw("rect", { class: "lens", x: left, y: LABELS - 2, width: Math.max(2, x(Math.min(lens.to, to)) - left), height: axis - LABELS + 2, rx: 3 }));
  }
  parts.push(...ticks(from, to, x, scale, axis, named), ...bars(from, to, x, lane, now, named), ...marks(inside, x, width / 2, axis, now));
  if (brackets) parts.push(...sums(x, axis + 24));
  const image = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": summary(now) });
  image.append(...parts);
  return image;
}

// Each token a bar from its issue to its exp, in the first lane that is free.
function bars(from, to, x, lane, now, named) {
  const free = Array(LANES).fill(-Infinity);
  return session.tokens.flatMap((token, index) => {
    const { exp } = token.claims;
    let row = free.findIndex((until) => until <= token.issued);
    if (row < 0) row = LANES - 1;
    free[row] = Math.max(free[row], exp);
    if (exp < from || token.issued > to) return [];
    const left = x(Math.max(token.issued, from));
    const width = Math.max(1.5, x(Math.min(exp, to)) - left - 1);
    const y = LABELS + row * (lane + 2);
    const state = !isLive(token, now) ? "dead" : token === newest() ? "newest" : "live";
    const said = `Token ${index + 1}: ${instant(token.issued)} to ${instant(exp)}`;
    const bar = draw("rect", { class: `token ${state}`, x: left, y, width, height: lane, rx: 2 }, draw("title", {}, said));
    const name = named && width > 64 && draw("text", { class: `name ${state}`, x: left + 6, y: y + lane - 4.5 }, `token ${index + 1}`);
    return name ? [bar, name] : [bar];
  });
}

// The lines first, so that no label is crossed out.
function marks(inside, x, middle, axis, now) {
  const { iat, refresh, end } = limits();
  const when = (seconds) => `${day(seconds).split(" ")[0]} ${shortTime(seconds)}`;
  const known = [[iat, 2, "login", "login"], [refresh, 1, "refresh limit", "refresh"], [end, 2, "latest end", "end"]]
    .filter(([at]) => inside(at));
  const line = (at, kind) => draw("line", { class: `limit ${kind}`, x1: x(at), x2: x(at), y1: 14, y2: axis });
  const label = ([at, row, name, kind]) => {
    // Towards the middle, where there is room.
    const left = x(at) > middle;
    return draw("text", { class: `label ${kind}`, x: x(at) + (left ? -5 : 5), y: 12 + row * 16, "text-anchor": left ? "end" : "start" }, `${name} ${when(at)}`);
  };
  const parts = known.map(([at, , , kind]) => line(at, kind));
  if (session.ended !== null && inside(session.ended)) parts.push(line(session.ended, "ended"));
  for (const { issued } of session.tokens.filter((token) => inside(token.issued))) {
    parts.push(draw("circle", { class: "issue", cx: x(issued), cy: axis, r: 2.5 }));
  }
  for (const { at } of session.rejections.filter((rejection) => inside(rejection.at))) {
    parts.push(draw("path", { class: "rejection", d: `M${x(at) - 4} ${axis - 4}l8 8m0-8l-8 8` }));
  }
  return [...parts, ...hand(inside, x, middle, axis, now), ...known.map(label)];
}

function hand(inside, x, middle, axis, now) {
  const { iat, end } = limits();
  if (!inside(now)) {
    const words = now < iat ? `◂ now is ${duration(iat - now)} before the login` : `now is ${duration(now - end)} after the end ▸`;
    return [draw("text", { class: "label now", x: now < iat ? 0 : 2 * middle, y: 11, "text-anchor": now < iat ? "start" : "end" }, words)];
  }
  const at = x(now);
  return [
    draw("line", { class: "now", x1: at, x2: at, y1: 14, y2: axis + 4 }),
    draw("text", { class: "label now", x: at, y: 11, "text-anchor": at < 24 ? "start" : "middle" }, "now"),
  ];
}

// Time since the login, or the time of day where one knows the hour better.
function ticks(from, to, x, scale, axis, ofDay) {
  const { iat } = limits();
  const zone = -60 * new Date(from * 1000).getTimezoneOffset();
  const origin = ofDay ? -zone : iat;
  const step = STEPS.find((seconds) => seconds * scale >= 58) ?? STEPS.at(-1);
  const parts = [draw("line", { class: "axis", x1: x(from), x2: x(to), y1: axis, y2: axis })];
  for (let at = origin + Math.ceil((from - origin) / step) * step; at <= to; at += step) {
    const words = ofDay ? timeOfDay(at, step) : at === iat ? "0" : `${at > iat ? "+" : "−"}${duration(at - iat)}`;
    parts.push(draw("line", { class: "axis", x1: x(at), x2: x(at), y1: axis, y2: axis + 4 }));
    parts.push(draw("text", { class: "tick", x: x(at), y: axis + 16, "text-anchor": at - from < step / 3 ? "start" : "middle" }, words));
  }
  return parts;
}

// Midnight has the name of the day that begins.
function timeOfDay(at, step) {
  const words = (step < 60 ? time : shortTime)(at);
  return /^00:00(:00)?$/.test(words) ? day(at).split(",")[0] : words;
}

// refresh limit + one token = the longest session.
function sums(x, y) {
  const { iat, refresh, end } = limits();
  const bracket = (from, to, words, kind) => [
    draw("path", { class: `bracket ${kind}`, d: `M${x(from)} ${y}v5H${x(to)}v-5` }),
    draw("text", { class: `sum ${kind}`, x: (x(from) + x(to)) / 2, y: y + 19, "text-anchor": "middle" }, words),
  ];
  return [...bracket(iat, refresh, duration(refresh - iat), "refresh"), ...bracket(refresh, end, `+ ${duration(end - refresh)}`, "end")];
}

function summary(now) {
  const { iat, exp, refresh, end } = limits();
  return `Login ${instant(iat)}; ${session.tokens.length} tokens; the newest expires ${instant(exp)}; refresh limit ${instant(refresh)}; ` +
    `latest end ${instant(end)}; now ${instant(now)}. The same as a table follows.`;
}
