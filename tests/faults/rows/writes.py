"""A write of DynamoDB is applied and its response is lost, or it meets another one."""

import time

import events
import proxy
from report import tally
from rows.registry import row

NEW = "a much newer passphrase"
WRONG = "wrong"
LOST = {"one response lost": 1, "two lost": 2, "all lost": None}
#: What DynamoDB is documented to say once, and the embedded store never says.
REJECTIONS = {
    "InternalServerError": proxy.internal_error, "ProvisionedThroughputExceededException": proxy.throttled,
    "ThrottlingException": proxy.throttled_otherwise, "RequestLimitExceeded": proxy.error("RequestLimitExceeded"),
}
TRANSACTIONS = ("TransactWriteItems",)
OTHER_WRITES = ("UpdateItem", "PutItem", "DeleteItem")


def rejections():
    """Policies by name. A write that meets a transaction is told so in another way than a transaction that meets a write."""
    conflict = proxy.on_writes(proxy.conflict, 1, OTHER_WRITES)
    canceled = proxy.on_writes(proxy.canceled_by_conflict, 1, TRANSACTIONS)
    return {
        "a conflict": lambda exchange: conflict(exchange) or canceled(exchange),
        "TransactionInProgressException": proxy.on_writes(proxy.in_progress, 1, TRANSACTIONS),
        **{label: proxy.on_writes(fault, 1) for label, fault in REJECTIONS.items()},
    }


class Writes:
    """The functions that write, and a user in the state that a call needs."""

    def __init__(self, world):
        self.world = world
        self.login, self.sessions, self.password, self.refresh = (
            world.start(each) for each in ("login", "sessions", "password", "refresh"))
        self.functions = (self.login, self.sessions, self.password)

    def user(self, failures=0):
        self.world.forget_failures()
        self.name = self.world.user()
        self.token = self.login.call(events.login(self.name)).token
        for _ in range(failures):
            self.login.call(events.login(self.name, WRONG))

    def call(self, function, event, policy):
        function.proxy.policy = policy
        reply = function.call(event)
        function.proxy.policy = None
        return reply

    def count(self):
        return len(self.world.sessions(self.name))


def calls(writes):
    """Every call that writes: its function, its event, its success, and whether its effect is there."""
    other = next(iter(writes.world.sessions(writes.name)))
    return {
        "login": (writes.login, events.login(writes.name), 200, lambda: writes.count() == 2),
        "logout": (writes.sessions, events.logout(writes.token), 204, lambda: writes.count() == 0),
        "logout everywhere": (writes.sessions, events.logout(writes.token, True), 204, lambda: writes.count() == 0),
        "end a session": (writes.sessions, events.end_session(other, writes.token), 204, lambda: writes.count() == 0),
        "change the password": (
            writes.password, events.change_password(writes.token, events.PASSWORD, NEW), 200,
            lambda: writes.login.call(events.login(writes.name, NEW)).status == 200),
        "wrong password": (
            writes.login, events.login(writes.name, WRONG), 400, lambda: writes.world.failures() == 1),
    }


@row("F5", "a write is applied and its response lost, or DynamoDB rejects it once")
def lost_responses(world, row):
    writes = Writes(world)
    writes.user()
    names = list(calls(writes))
    for lost, times in LOST.items():
        for name in names:
            writes.user()
            function, event, success, effect = calls(writes)[name]
            reply = writes.call(function, event, proxy.on_writes(proxy.applied_and_reset, times))
            case = f"{name}, {lost}"
            if times is None:
                row.must(case, reply.status in (success, 503), reply)
            else:
                row.must_be(case, reply.status, success)
            # A login that is 503 may leave a session; F18 shows that it evicts nobody.
            if reply.status == success or name != "login":
                row.must(f"{case}: the effect is there once", effect(), reply)
    for label in rejections():
        for name in names:
            writes.user()
            function, event, success, effect = calls(writes)[name]
            reply = writes.call(function, event, rejections()[label])
            row.must_be(f"{name}, {label} once", reply.status, success)
            row.must(f"{name}, {label} once: the effect is there once", effect(), reply)
    after_failures(writes, row)
    password_applied(writes, row)
    claimed(writes, row)
    counted_once(writes, row)
    row.figure(f"{len(names)} calls, {len(LOST)} losses, {len(rejections())} rejections")


def after_failures(writes, row):
    for label, policy in {"response lost": proxy.on_writes(proxy.applied_and_reset, 1), **rejections()}.items():
        writes.user(failures=2)
        reply = writes.call(writes.login, events.login(writes.name), policy)
        row.must_be(f"a login after failures, {label}", reply.status, 200)
        row.must_be(f"a login after failures, {label}: the failures are forgotten", writes.world.failures(), 0)
        row.must_be(f"a login after failures, {label}: its session is there once", writes.count(), 2)


def password_applied(writes, row):
    writes.user()
    event = events.change_password(writes.token, events.PASSWORD, NEW)
    first = writes.call(writes.password, event, proxy.on_writes(proxy.applied_and_reset))
    again = writes.call(writes.password, event, None)
    row.must("an applied change of the password is reported, by the call or by its retry",
             200 in (first.status, again.status), f"{first}, then {again}")
    row.must_be("the old password is the old one", writes.login.call(events.login(writes.name)).status, 400)
    row.must_be("the new password is in force", writes.login.call(events.login(writes.name, NEW)).status, 200)


def claimed(writes, row):
    for label, policy in {"response lost": proxy.on_writes(proxy.applied_and_reset, 1), **rejections()}.items():
        writes.user(failures=4)
        reply = writes.call(writes.login, events.login(writes.name), policy)
        row.must_be(f"the right password after 4 failures, {label} at its claim", reply.status, 200)


def counted_once(writes, row):
    writes.user()
    for expected in (1, 2):
        writes.call(writes.login, events.login(writes.name, WRONG), proxy.on_writes(proxy.applied_and_reset))
        row.must_be("a wrong password of which every response is lost is counted once",
                    writes.world.failures(), expected)
    reply = writes.call(writes.login, events.login(writes.name), None)
    row.must_be("the right password after 2 such failures", reply.status, 200)


@row("F18", "little time is left, or writes are too slow: nothing half-done has a consequence")
def little_time(world, row):
    writes = Writes(world)
    for label, policy, left in (
            ("every response lost", proxy.on_writes(proxy.applied_and_reset), 10),
            ("writes take 1.2 s", proxy.on_writes(proxy.slow(1.2)), 10),
            ("0.52 s left", None, 0.52)):
        writes.user()
        device = writes.refresh.call(events.refresh(writes.token))
        row.must_be(f"{label}: the device refreshes before", device.status, 200)
        # Logins are dated in whole seconds: the device's is to be the oldest.
        time.sleep(1.1)
        writes.login.proxy.policy = policy
        # 50 sessions are the most: one more than that evicts the oldest.
        times = 4 if "1.2" in label else 51
        replies = [writes.login.call(events.login(writes.name), left=left) for _ in range(times)]
        writes.login.proxy.policy = None
        row.must(f"{label}: 200 or 503", all(r.status in (200, 503) for r in replies), tally(replies))
        device = writes.refresh.call(events.refresh(device.token if device.status == 200 else writes.token))
        if all(reply.status == 503 for reply in replies):
            row.must_be(f"{label}: the device is still logged in after {times} logins", device.status, 200)
        row.figure(f"{label}: {tally(replies)}, {writes.count()} sessions")
    writes.user()
    for left in (0.3, 0.4, 0.5, 0.6, 1.0):
        replies = [writes.login.call(events.login(writes.name), left=left) for _ in range(3)]
        row.must(f"{left} s left: 200 or 503", all(r.status in (200, 503) for r in replies), tally(replies))


@row("F20", "a client sends each request twice")
def twice(world, row):
    writes = Writes(world)
    writes.user()
    token = writes.token
    refreshed = [writes.refresh.call(events.refresh(token)).status for _ in range(2)]
    row.must_be("two refreshes of one token", refreshed, [200, 200])
    writes.login.call(events.login(writes.name))
    row.must_be("a login twice is two sessions", writes.count(), 2)
    row.must_be("a logout twice", [writes.sessions.call(events.logout(token)).status for _ in range(2)], [204, 204])
    row.must_be("and ends one session", writes.count(), 1)
    writes.user()
    event = events.change_password(writes.token, events.PASSWORD, NEW)
    statuses = [writes.password.call(event).status for _ in range(2)]
    row.must("a change of the password twice", statuses[0] == 200 and statuses[1] in (200, 400, 401), statuses)
    row.must_be("the new password is in force", writes.login.call(events.login(writes.name, NEW)).status, 200)
