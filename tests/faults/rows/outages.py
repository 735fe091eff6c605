"""AWS fails, throttles, or is met by a function that was frozen."""

import os
import random
import signal
import threading
import time

import events
import proxy
from report import percentile, tally
from rows.registry import row

FAULTS = {
    "no reply": proxy.no_reply, "reset": proxy.reset, "closed": proxy.close, "garbage": proxy.garbage,
    "broken JSON": proxy.broken_json, "HTML": proxy.html, "truncated": proxy.truncated,
    "a length too long": proxy.too_long_a_length, "byte by byte": proxy.drip, "endless head": proxy.endless_head,
    "500": proxy.internal_error, "throttled": proxy.throttled, "RequestLimitExceeded": proxy.error("RequestLimitExceeded"),
    **{name: proxy.error(name) for name in (
        "AccessDeniedException", "ResourceNotFoundException", "ValidationException", "ExpiredTokenException",
        "UnrecognizedClientException", "InvalidSignatureException")},
}
#: The longest operation is 2.5 s; a login that reads and fails makes one. The rest is for a busy machine.
IN_TIME = 3.5


def at_once(calls):
    """Runs them side by side; their results by name."""
    results = {}
    threads = [threading.Thread(target=lambda name=name, call=call: results.update({name: call()}))
               for name, call in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@row("F1", "AWS fails in every way; keys are cached")
def outage(world, row):
    name = world.user()
    functions = {each: world.start(each) for each in ("login", "refresh", "verify", "jwks")}
    authorizer = functions["authorizer"] = world.start("authorizer", settings={"CHECK_SESSION": "true"})
    token = functions["login"].call(events.login(name)).token
    ask = {"login": events.login(name), "refresh": events.refresh(token), "verify": events.verify(token),
           "jwks": events.key_set(), "authorizer": events.authorize(token)}

    def everywhere():
        return at_once({each: lambda each=each: functions[each].call(ask[each]) for each in functions})
    everywhere()
    slowest = 0
    for label, fault in FAULTS.items():
        for function in functions.values():
            function.proxy.policy = proxy.always(fault)
        during = everywhere()
        for function in functions.values():
            function.proxy.policy = None
        after = everywhere()
        for each in ("login", "refresh"):
            reply = during[each]
            row.must_be(f"{label}: {each} is 503", (reply.status, reply.code), (503, "temporarily_unavailable"))
            row.must(f"{label}: {each} names Retry-After", reply.header("retry-after"))
            row.must(f"{label}: {each} in {IN_TIME} s", reply.seconds < IN_TIME, f"{reply.seconds:.1f} s")
            slowest = max(slowest, reply.seconds)
        for each in ("verify", "jwks"):
            row.must_be(f"{label}: {each} is 200", during[each].status, 200)
        row.must_be(f"{label}: the authorizer fails rather than denies", during["authorizer"].status, "error")
        for each in ("login", "refresh", "verify", "jwks"):
            row.must_be(f"{label}: {each} is 200 at once after it", after[each].status, 200)
        row.must(f"{label}: the authorizer allows after it", allows(after["authorizer"]), after["authorizer"].payload)
    for each, function in functions.items():
        row.must_be(f"{each} never ended", function.restarts, 0)
    errors = functions["refresh"].log_lines("ERROR")
    row.must("each outage is an ERROR in the log", len(errors) >= len(FAULTS), len(errors))
    row.must("and counts as Unavailable, which an alarm reads", all(line.get("Unavailable") == 1 for line in errors), errors[:1])
    deny = world.start("authorizer", behind=authorizer.proxy, settings={
        "CHECK_SESSION": "true", "AUTHORIZER_ON_FAILURE": "deny"})
    authorizer.proxy.policy = proxy.always(proxy.reset)
    row.must("the setting for it denies", not allows(deny.call(ask["authorizer"])) and deny.call(
        ask["authorizer"]).status != "error")
    row.figure(f"{len(FAULTS)} faults, the slowest 503 after {slowest:.1f} s")
    row.not_here("that the alarm fires, and that API Gateway caches no error of an authorizer: both are AWS's")


def allows(reply):
    return isinstance(reply.payload, dict) and reply.payload.get("isAuthorized") is True


def measured(world, row, label, shares, at_least, calls):
    """Logins and refreshes while calls of DynamoDB fail at random; what they cost."""
    name = world.user()
    functions = {each: world.start(each) for each in ("login", "refresh")}
    # Of another user: 50 logins later the session of the token would be gone.
    token = functions["login"].call(events.login(world.user())).token
    ask = {"login": lambda: functions["login"].call(events.login(name)),
           "refresh": lambda: functions["refresh"].call(events.refresh(token))}

    def many(each, count):
        return [ask[each]() for _ in range(count)]
    without = at_once({each: lambda each=each: many(each, 100) for each in ask})
    for each, function in functions.items():
        function.proxy.calls.clear()
        # The same faults in each run: the figure is a property of the settings, not of luck.
        function.proxy.policy = proxy.at_random(random.Random(f"{label} {each}"), shares)
    replies = at_once({each: lambda each=each: many(each, calls) for each in ask})
    for each, function in functions.items():
        function.proxy.policy = None
        good = sum(reply.status == 200 for reply in replies[each]) / calls
        added = (percentile([reply.seconds for reply in replies[each]], 0.99)
                 - percentile([reply.seconds for reply in without[each]], 0.99))
        per_request = function.proxy.count() / calls
        row.figure(f"{label}: {each} {good:.2%}, p99 {added:+} ms, {per_request:.2f} calls a request")
        row.must(f"{label}: {at_least:.1%} of {calls} {each} calls succeed", good >= at_least,
                 f"{good:.2%} ({tally(replies[each])})")
        if world.long:
            # Not on a machine that does something else too, whose own delays are of that size.
            row.must(f"{label}: {each} takes less than 400 ms more (p99)", added < 400, f"{added} ms")
        row.must_be(f"{label}: {each} is 200 after it", ask[each]().status, 200)
        row.must_be(f"{label}: {each} never ended", function.restarts, 0)
    row.must(f"{label}: the user has 50 sessions at most", len(world.sessions(name)) <= 50)


@row("F2", "one call in ten of DynamoDB fails")
def one_in_ten(world, row):
    shares = [(0.06, proxy.internal_error), (0.03, proxy.reset), (0.01, proxy.truncated)]
    measured(world, row, "10 %", shares, 0.995, 2000 if world.long else 500)


@row("F3", "DynamoDB throttles a third, or everything")
def throttling(world, row):
    shares = [(0.15, proxy.throttled), (0.15, proxy.throttled_otherwise)]
    measured(world, row, "30 %", shares, 0.97, 2000 if world.long else 400)
    name = world.user()
    token = world.start("login").call(events.login(name)).token
    for each in ("login", "refresh"):
        function = world.start(each)
        ask = events.login(name) if each == "login" else events.refresh(token)
        function.call(ask)
        function.proxy.policy = proxy.at_random(random.Random(1), [(1, proxy.throttled)])
        function.proxy.calls.clear()
        replies = [function.call(ask) for _ in range(200)]
        row.must(f"100 %: {each} is 503", all(reply.status == 503 for reply in replies), tally(replies))
        per_request = function.proxy.count() / len(replies)
        row.must(f"100 %: at most 1.5 calls a {each}", per_request <= 1.5, f"{per_request:.2f}")
        row.figure(f"100 %: {per_request:.2f} calls a {each}, p99 {percentile([r.seconds for r in replies], 0.99)} ms")
        function.proxy.policy = None
        row.must_be(f"100 %: {each} is 200 after it", function.call(ask).status, 200)


    login = world.start("login")
    for label, times, status in (("once", 1, 200), ("for ever", None, 503)):
        login.proxy.policy = proxy.on_writes(proxy.unprocessed, times, ("BatchGetItem",))
        row.must_be(f"a batch that is left unprocessed {label}", login.call(events.login(name)).status, status)


@row("F4", "a function is frozen, and its connections die meanwhile")
def frozen(world, row):
    name = world.user()
    token = world.start("login").call(events.login(name)).token
    ask = {"login": events.login(name), "refresh": events.refresh(token), "verify": events.verify(token, True)}
    running = [(how, each, world.start(each)) for how in ("closed", "reset", "silent", "alive") for each in ask]
    for _, each, function in running:
        function.call(ask[each])
    for _, _, function in running:
        os.kill(function.process.pid, signal.SIGSTOP)
    time.sleep(100 if world.long else 4)
    for how, _, function in running:
        if how == "silent":
            # What is sent on the old connections is never answered.
            function.proxy.silent |= function.proxy.connections
        elif how != "alive":
            for connection in list(function.proxy.connections):
                connection.reset() if how == "reset" else connection.client.shutdown(2)
    slowest = 0
    for how, each, function in running:
        os.kill(function.process.pid, signal.SIGCONT)
        reply = function.call(ask[each])
        slowest = max(slowest, reply.seconds)
        row.must_be(f"{how}: {each} after the thaw", reply.status, 200)
        row.must(f"{how}: {each} in {IN_TIME} s", reply.seconds < IN_TIME, f"{reply.seconds:.1f} s")
    row.figure(f"slowest {slowest:.2f} s, of silent connections 1 s a host")
    row.not_here("a pause of hours: hyper closes what is idle for 90 s, and --long waits for that once")
