"""What a row of the table found."""

import time
import traceback


class Row:
    def __init__(self, number, title, run):
        self.number, self.title, self.run = number, title, run
        self.failed, self.held, self.figures, self.elsewhere = [], 0, [], []
        self.seconds = 0.0

    def must(self, claim, holds, seen=""):
        """Records whether `claim` holds; `seen` is what was seen if it does not."""
        if holds:
            self.held += 1
        else:
            self.failed.append(f"{claim}: {seen}"[:500] if seen != "" else claim)

    def must_be(self, claim, seen, wanted):
        self.must(claim, seen == wanted, f"{seen}, not {wanted}")

    def figure(self, text):
        self.figures.append(text)

    def not_here(self, text):
        """What cannot be shown on this machine, and why."""
        self.elsewhere.append(text)

    def take(self, world):
        began = time.monotonic()
        try:
            self.run(world, self)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.failed.append(f"ended by {type(error).__name__}: {error} ({place.filename}:{place.lineno})")
        finally:
            world.stop_started()
            world.forget_failures()
            self.seconds = time.monotonic() - began

    @property
    def verdict(self):
        if self.failed:
            return "FAILS"
        return "holds" if self.held else "not here"


def table(rows):
    """The rows as Markdown."""
    lines = ["| F | verdict | what | checks | s | figures |", "| --- | --- | --- | ---: | ---: | --- |"]
    for row in rows:
        checks = f"{row.held} of {row.held + len(row.failed)}"
        figures = "; ".join(row.figures)
        lines.append(f"| {row.number} | {row.verdict} | {row.title} | {checks} | {row.seconds:.0f} | {figures} |")
    elsewhere = [(row.number, text) for row in rows for text in row.elsewhere]
    if elsewhere:
        lines += ["", "Not shown here:"] + [f"- {number}: {text}" for number, text in elsewhere]
    failed = [(row.number, text) for row in rows for text in row.failed]
    if failed:
        lines += ["", "Failed:"] + [f"- {number}: {text}" for number, text in failed]
    return "\n".join(lines)


def percentile(seconds, share):
    """In milliseconds."""
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000)


def tally(replies):
    """How many replies there were of each status, in words."""
    counts = {}
    for reply in replies:
        counts[str(reply.status)] = counts.get(str(reply.status), 0) + 1
    return ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))
