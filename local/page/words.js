// Durations and instants in words. All times are whole seconds since 1970.

const UNITS = [["d", 86400, "day"], ["h", 3600, "hour"], ["min", 60, "minute"], ["s", 1, "second"]];

function parts(seconds) {
  let rest = Math.abs(seconds);
  return UNITS.flatMap(([short, size, long]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? [[count, short, long]] : [];
  });
}

// 2 d 1 h
export function duration(seconds) {
  return parts(seconds).map(([count, short]) => `${count}\u00a0${short}`).join(" ") || "0\u00a0s";
}

// 2 days and 1 hour
export function spelled(seconds) {
  const words = parts(seconds).map(([count, , long]) => `${count} ${long}${count === 1 ? "" : "s"}`);
  const last = words.pop() ?? "0 seconds";
  return words.length ? `${words.join(", ")} and ${last}` : last;
}

const format = (options) => {
  const of = new Intl.DateTimeFormat("en-GB", options);
  return (seconds) => of.format(new Date(seconds * 1000));
};
export const time = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
export const shortTime = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const day = format({ weekday: "short", day: "numeric", month: "short" });
const fullDay = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });

export const instant = (seconds) => `${day(seconds)}, ${time(seconds)}`;
export const fullInstant = (seconds) => `${fullDay(seconds)}, ${time(seconds)}`;

// The time alone where the day is today's.
export const near = (seconds, now) => (day(seconds) === day(now) ? time(seconds) : instant(seconds));
