"""A month's bill for 1, 10 and 100 million refreshes, beside Cognito's for the same users: the tables in docs/cost.md.

    python3 docs/bill.py            prints them
    python3 docs/bill.py --check    fails where docs/cost.md shows others, or README another price

Change a figure to your own: each is named with its source. Dollars in us-east-1, without any free allowance but Cognito's.
"""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
BEGIN, END = "<!-- bill:begin -->\n", "<!-- bill:end -->"

# How people use it: assumed.
REFRESHES_OF_A_USER = 60
LOGINS_OF_A_USER = 4
# One line: 373 bytes for a refresh by the longest IPv6 address, and 26 that CloudWatch adds to each; a login has a user agent of
# 200 characters at most. tests/scenarios measures them, in binaries.rs and access_tokens/binaries.rs.
REFRESH_LOG_KB = 0.399
LOGIN_LOG_KB = 0.577
ACCESS_LOG_KB = 0.440
CLIENT_LOG_KB = 0.406
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
    "CloudWatch, logs": (REFRESH_LOG_KB * 0.50, LOGIN_LOG_KB * 0.50),
    # $0.05 for 10,000 reads.
    "Secrets Manager, reads": (COLD_PERCENT / 100 * 5.00, COLD_PERCENT / 100 * 5.00),
}
# The same for a million access tokens, of sessions and of machine clients, whose tokens take two reads: the client, and how
# many wrong secrets came from the address.
PER_MILLION_ACCESS_TOKENS = {
    name: {"DynamoDB": (0.125, 2 * 0.125), "CloudWatch, logs": (ACCESS_LOG_KB * 0.50, CLIENT_LOG_KB * 0.50)}.get(
        name, (of_refresh, of_refresh)
    )
    for name, (of_refresh, _) in PER_MILLION_CALLS.items()
}
# Somebody who works 40 hours a month with a page that asks every 15 minutes, as access tokens live.
ACCESS_TOKENS_OF_A_USER = 40 * 4
# Cognito's price of a token of a machine client, and of the client itself, a month.
COGNITO_CLIENT_TOKEN, COGNITO_CLIENT = 0.00225, 6.00
# A million letters with a code, from the request to SES: the price of SES is that of its page, read in 2026, without attachments.
# The mailer has 128 MB and waits for DynamoDB and SES, some 200 ms; the one that asks takes 20 ms. Both are assumed. Writes: the
# row, the transaction of three rows that counts double, the code, the outcome. Reads, strongly consistent: the row, the user, two rows
# of what may be sent. Lambda does not bill its reading of a table's stream.
PER_MILLION_LETTERS = {
    "SES": 100.00,
    "HTTP API": 1.00,
    "Lambda, requests": 2 * 0.20,
    "Lambda, compute": 128 / 1024 * (0.020 + 0.200) * 13.3334,
    "DynamoDB": 9 * 0.625 + 4 * 0.125,
    "CloudWatch, logs": 2 * REFRESH_LOG_KB * 0.50,
}
# Of a million users so many ask for a letter in a month. Assumed.
LETTERS_OF_A_MILLION_USERS = 30_000
# The most that a stack may cost before its first request.
MOST_IDLE = 1.00
# The most that the logs of 100 million refreshes may cost.
MOST_LOGS = 20.00
TEMPLATE = DOCS.parent / "template.yaml"
# $0.10 for each metric that an alarm looks at. Metrics that functions tell only where something is wrong cost nothing before.
PER_ALARM_METRIC = 0.10
RUNS_A_MONTH = 12 * 24 * 30
# Those of the level full that are told all the time, at $0.30: the age of the key; and some ten codes of rejections.
METRICS_OF_FULL = 11


def alarms(of_mail: bool = False) -> list[tuple[str, bool, float]]:
    """The alarms of template.yaml: name, whether only the level full has it, dollars a month. Those of letters are apart."""
    found = []
    for block in re.split(r"\n(?=  [A-Z]\w+:\n)", TEMPLATE.read_text(encoding="utf-8")):
        if "Type: AWS::CloudWatch::Alarm\n" not in block or ("Condition: MailIsOn\n" in block) != of_mail:
            continue
        # What is there only with access tokens, codes or letters is off by default, and not counted.
        block = re.sub(r"- !If\n +- (AccessTokensAreOn|MachineClientsAreOn|CodesAreOn|MailIsOn)\n +- \{Id: [^\n]*\n", "", block)
        # Of a choice between two lists of metrics the dearer one counts, which is the default's.
        metrics = max(part.count("MetricStat: ") for part in block.split("        - - Id: "))
        price = round(max(metrics, 1) * PER_ALARM_METRIC, 2)
        found.append((re.match(r"\s*(?:#[^\n]*\n\s*)*(\w+):", block)[1], "ObservabilityIsFull" in block, price))
    return found


def a_month(level: str) -> dict[str, float]:
    full = level == "full"
    lines = {
        "Secrets Manager, one secret and a look every 5 minutes": 0.40 + RUNS_A_MONTH * 5.00 / 1e6,
        # One read each time, and the key of its table: $0.03 for 10,000 calls of KMS.
        "DynamoDB and KMS, the published keys": RUNS_A_MONTH * (0.125 / 1e6 + 0.03 / 1e4),
        # 256 MB for some 50 ms.
        "Lambda, rotate-keys": RUNS_A_MONTH * (0.20 / 1e6 + 256 / 1024 * 0.050 * 13.3334 / 1e6),
        "CloudWatch, alarms": sum(price for _, of_full, price in alarms() if full or not of_full),
    }
    if full:
        lines |= {"CloudWatch, metrics": METRICS_OF_FULL * 0.30, "CloudWatch, dashboard": 3.00}
    return lines


# Cognito: users a month beyond so many, at so much each. The first 10,000 are free.
LITE = [(10_000, 0.0055), (100_000, 0.0046), (1_000_000, 0.00325)]
ESSENTIALS = [(10_000, 0.015)]


def ours(refreshes: float) -> dict[str, float]:
    logins = refreshes / REFRESHES_OF_A_USER * LOGINS_OF_A_USER
    lines = {name: (refreshes * a + logins * b) / 1e6 for name, (a, b) in PER_MILLION_CALLS.items()}
    return lines | a_month("basic")


def cognito(users: float, tiers: list[tuple[int, float]]) -> float:
    bounds = [beyond for beyond, _ in tiers[1:]] + [float("inf")]
    return sum(max(0.0, min(users, bound) - beyond) * price for (beyond, price), bound in zip(tiers, bounds))


def table() -> str:
    rows = ["| refreshes a month | users | Latchkey | of which fixed | Cognito Lite | Cognito Essentials |", "| ---: " * 6 + "|"]
    for refreshes in (1e6, 10e6, 100e6):
        users = refreshes / REFRESHES_OF_A_USER
        dollars = (sum(ours(refreshes).values()), sum(a_month("basic").values()), cognito(users, LITE), cognito(users, ESSENTIALS))
        rows.append(f"| {refreshes / 1e6:.0f} million | {users:,.0f} | " + " | ".join(f"${sum_:,.0f}" for sum_ in dollars) + " |")
    return "\n".join(rows) + "\n"


def lines() -> str:
    rows = ["| dollars a month, with refreshes | 1 million | 10 million | 100 million |", "| --- " + "| ---: " * 3 + "|"]
    bills = [ours(refreshes) for refreshes in (1e6, 10e6, 100e6)]
    for name in bills[0]:
        rows.append(f"| {name} | " + " | ".join(f"{bill[name]:,.2f}" for bill in bills) + " |")
    return "\n".join(rows) + "\n"


def access() -> str:
    rows = ["| dollars a million | access tokens | tokens of machine clients |", "| --- | ---: | ---: |"]
    prices = PER_MILLION_ACCESS_TOKENS
    rows += [f"| {name} | {of_users:.2f} | {of_clients:.2f} |" for name, (of_users, of_clients) in prices.items()]
    together = [sum(column) for column in zip(*prices.values())]
    rows.append(f"| together | **{together[0]:.2f}** | **{together[1]:.2f}** |")
    rows.append(f"| Cognito | | {COGNITO_CLIENT_TOKEN * 1e6:,.2f}, and {COGNITO_CLIENT:.2f} a month for each client |")
    users = 1e6 / REFRESHES_OF_A_USER
    calls = users * ACCESS_TOKENS_OF_A_USER
    rows += ["", f"The {users:,.0f} users of a million refreshes, who work 40 hours a month with a page that asks every 15 minutes, ask for"]
    rows.append(f"{calls / 1e6:.1f} million access tokens: ${calls / 1e6 * together[0]:.2f} a month more.")
    return "\n".join(rows) + "\n"


def levels() -> str:
    basic, full = a_month("basic"), a_month("full")
    rows = ["| dollars a month before the first request | basic | full |", "| --- | ---: | ---: |"]
    rows += [f"| {name} | {basic.get(name, 0):.2f} | {price:.2f} |" for name, price in full.items()]
    rows.append(f"| together | **{sum(basic.values()):.2f}** | {sum(full.values()):.2f} |")
    rows += ["", "| alarm | level | dollars a month |", "| --- | --- | ---: |"]
    rows += [f"| `{name}` | {'full' if of_full else 'basic'} | {price:.2f} |" for name, of_full, price in alarms()]
    return "\n".join(rows) + "\n"


def letters() -> str:
    rows = ["| dollars a million letters with a code | |", "| --- | ---: |"]
    rows += [f"| {name} | {price:.2f} |" for name, price in PER_MILLION_LETTERS.items()]
    together = sum(PER_MILLION_LETTERS.values())
    rows.append(f"| together | **{together:.2f}** |")
    of_alarms = sum(price for *_, price in alarms(of_mail=True))
    month = LETTERS_OF_A_MILLION_USERS / 1e6 * together + of_alarms
    rows += ["", f"Of a million users {LETTERS_OF_A_MILLION_USERS:,} ask for a letter in a month, as assumed: ${month:.2f} with the"]
    rows.append(f"alarms `LettersFail` and `MailReputation`, which cost ${of_alarms:.2f} a month from the beginning.")
    return "\n".join(rows) + "\n"


def broken_promises() -> list[str]:
    """What README promises and these prices do not keep."""
    idle, logs = sum(a_month("basic").values()), 100 * PER_MILLION_CALLS["CloudWatch, logs"][0]
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    million = (sum(ours(100e6).values()) - sum(ours(0).values())) / 100
    template = TEMPLATE.read_text(encoding="utf-8")
    return [
        *([f"an idle stack costs ${idle:.2f}"] if idle > MOST_IDLE else []),
        *([f"the logs of 100 million refreshes cost ${logs:.2f}"] if logs > MOST_LOGS else []),
        *[f"README does not say ${price:.2f}" for price in (idle, million) if f"${price:.2f}" not in readme],
        *[
            f"the comment above {name} does not say ${price:.2f}"
            for name, _, price in alarms() + alarms(of_mail=True)
            if not re.search(rf"  # \${price:.2f}\b[^\n]*\n(  #[^\n]*\n)*  {name}:\n", template)
        ],
    ]


def main() -> int:
    if sys.argv[1:] != ["--check"]:
        print(table(), lines(), access(), letters(), levels(), sep="\n", end="")
        return 0
    if broken := broken_promises():
        print("\n".join(broken), file=sys.stderr)
        return 1
    wrong = [
        document.name
        for document, begin, end, printed in (
            (DOCS / "cost.md", BEGIN, END, lines()),
            (DOCS / "cost.md", BEGIN.replace("bill", "cognito"), END.replace("bill", "cognito"), table()),
            (DOCS / "cost.md", BEGIN.replace("bill", "access"), END.replace("bill", "access"), access()),
            (DOCS / "cost.md", BEGIN.replace("bill", "letters"), END.replace("bill", "letters"), letters()),
            (DOCS / "cost.md", BEGIN.replace("bill", "idle"), END.replace("bill", "idle"), levels()),
        )
        if document.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0] != printed
    ]
    if wrong:
        print(f"docs/bill.py prints another bill than {' and '.join(wrong)} shows", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
