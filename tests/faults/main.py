"""Runs the rows of the table: main.py BINARIES [--long] [F5 F8 ...]"""

import pathlib
import sys
import time

import report
from rows import input, keys, load, outages, rotation, writes  # noqa: F401, each registers its rows
from rows.registry import ROWS
from world import World


def main(arguments):
    binaries, *wanted = arguments
    long = "--long" in wanted
    wanted = {name.upper() for name in wanted if name != "--long"}
    rows = sorted(ROWS, key=lambda row: int(row.number[1:]))
    unknown = wanted - {row.number for row in rows}
    if unknown:
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}")
    rows = [row for row in rows if not wanted or row.number in wanted]
    world = World(pathlib.Path(binaries).resolve(), long)
    began = time.monotonic()
    try:
        for row in rows:
            print(f"{row.number} {row.title} ...", end=" ", flush=True)
            row.take(world)
            print(f"{row.verdict} ({row.seconds:.0f} s)", flush=True)
    finally:
        world.stop()
    print(f"\n{report.table(rows)}\n\n{time.monotonic() - began:.0f} s")
    return any(row.failed for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
