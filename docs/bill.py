"""A month's bill for 1, 10 and 100 million refreshes, beside Cognito's for the same users: the tables in README.md and docs/cost.md.

    python3 docs/bill.py            prints both
    python3 docs/bill.py --check    fails where one of the two shows others

Change a figure to your own: each is named with its source. Dollars in us-east-1, without any free allowance but Cognito's.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BEGIN, END = "<!-- bill:begin -->\n", "<!-- bill:end -->"

# How people use it: assumed.
REFRESHES_OF_A_USER = 60
LOGINS_OF_A_USER = 4
# Five lines in two log groups: the call's own and its metric, Lambda's start and report, the access log's. Estimated.
LOG_KB = 1.5
# Of a hundred calls so many find no running function and read the secret. Assumed.
COLD_PERCENT = 1

# Dollars for a million refreshes and a million logins, at AWS's public prices as read in 2026. Compute is the one figure that
# is more than a price: docs/cost.md says what of it is measured and what assumed.
PER_MILLION_CALLS = {
    "HTTP API": (1.00, 1.00),
    "Lambda, requests": (0.20, 0.20),
    # arm64 at $0.0000133334 a GB-second: 9 ms with 384 MB for a refresh, 60 ms with 1,024 MB for a login.
    "Lambda, compute": (384 / 1024 * 0.009 * 13.3334, 1024 / 1024 * 0.060 * 13.3334),
    # Strongly consistent reads of a row up to 4 KB at $0.125 a million: one; three, and a write at $0.625.
    "DynamoDB": (0.125, 3 * 0.125 + 0.625),
    # $0.50 a GB taken in.
    "CloudWatch, logs": (LOG_KB * 0.50, LOG_KB * 0.50),
    # $0.05 for 10,000 reads.
    "Secrets Manager, reads": (COLD_PERCENT / 100 * 5.00, COLD_PERCENT / 100 * 5.00),
}
A_MONTH = {
    "Secrets Manager, one secret and a look every 5 minutes": 0.40 + 12 * 24 * 30 * 5.00 / 1e6,
    # The alarms of template.yaml look at 25 metrics, at $0.10 each.
    "CloudWatch, alarms": 25 * 0.10,
    # The functions' own metrics, at $0.30 each: about 20 are in use.
    "CloudWatch, metrics": 20 * 0.30,
    "CloudWatch, dashboard": 3.00,
}
# Cognito: users a month beyond so many, at so much each. The first 10,000 are free.
LITE = [(10_000, 0.0055), (100_000, 0.0046), (1_000_000, 0.00325)]
ESSENTIALS = [(10_000, 0.015)]


def ours(refreshes: float) -> dict[str, float]:
    logins = refreshes / REFRESHES_OF_A_USER * LOGINS_OF_A_USER
    lines = {name: (refreshes * a + logins * b) / 1e6 for name, (a, b) in PER_MILLION_CALLS.items()}
    return lines | A_MONTH


def cognito(users: float, tiers: list[tuple[int, float]]) -> float:
    bounds = [beyond for beyond, _ in tiers[1:]] + [float("inf")]
    return sum(max(0.0, min(users, bound) - beyond) * price for (beyond, price), bound in zip(tiers, bounds))


def table() -> str:
    rows = ["| refreshes a month | users | Latchkey | of it fixed | Cognito Lite | Cognito Essentials |", "| ---: " * 6 + "|"]
    for refreshes in (1e6, 10e6, 100e6):
        users = refreshes / REFRESHES_OF_A_USER
        dollars = (sum(ours(refreshes).values()), sum(A_MONTH.values()), cognito(users, LITE), cognito(users, ESSENTIALS))
        rows.append(f"| {refreshes / 1e6:.0f} million | {users:,.0f} | " + " | ".join(f"${sum_:,.0f}" for sum_ in dollars) + " |")
    return "\n".join(rows) + "\n"


def lines() -> str:
    rows = ["| dollars a month, with refreshes | 1 million | 10 million | 100 million |", "| --- " + "| ---: " * 3 + "|"]
    bills = [ours(refreshes) for refreshes in (1e6, 10e6, 100e6)]
    for name in bills[0]:
        rows.append(f"| {name} | " + " | ".join(f"{bill[name]:,.2f}" for bill in bills) + " |")
    return "\n".join(rows) + "\n"


def main() -> int:
    if sys.argv[1:] != ["--check"]:
        print(table(), lines(), sep="\n", end="")
        return 0
    wrong = [
        document.name
        for document, printed in ((DOCS.parent / "README.md", table()), (DOCS / "cost.md", lines()))
        if document.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0] != printed
    ]
    if wrong:
        print(f"docs/bill.py prints another bill than {' and '.join(wrong)} shows", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
