"""Many calls at once, few resources, a log that nobody reads."""

import fcntl
import os
import random
import resource
import signal
import threading
import time

import events
import proxy
from report import percentile, tally
from rows.outages import at_once
from rows.registry import row
from rows.writes import WRONG
from world import TABLE, new_id, user_key


@row("F12", "one token is refreshed by many at once")
def concurrent_refreshes(world, row):
    name = world.user()
    token = world.start("login").call(events.login(name)).token
    functions = [world.start("refresh") for _ in range(4)]
    rounds = 80 if world.long else 16
    results = at_once({index: lambda function=function: [function.call(events.refresh(token)) for _ in range(rounds)]
                       for index, function in enumerate(functions)})
    replies = [reply for each in results.values() for reply in each]
    row.must("all are 200", all(reply.status == 200 for reply in replies), tally(replies))
    row.must_be("they are one session", len(world.sessions(name)), 1)
    row.figure(f"{len(replies)} refreshes on {len(functions)} environments")


@row("F13", "a session ends while its token is refreshed")
def ended_while_refreshed(world, row):
    login, sessions = world.start("login"), world.start("sessions")
    functions = [world.start("refresh") for _ in range(3)]
    rounds = 40 if world.long else 10
    survivors, before = 0, 0
    for index in range(rounds):
        name = world.user()
        token = login.call(events.login(name)).token
        ended = threading.Event()

        def refresh_on(function):
            latest, late = token, []
            while True:
                over = ended.is_set()
                reply = function.call(events.refresh(latest))
                if reply.status == 200:
                    latest = reply.token
                if over:
                    # It was sent after the response to the logout.
                    late.append(reply)
                    return late + [function.call(events.refresh(latest))]

        def end():
            time.sleep(0.01 * (index % 5))
            reply = sessions.call(events.logout(token, everywhere=index % 2 == 1))
            ended.set()
            return reply
        results = at_once({"end": end, **{place: lambda function=function: refresh_on(function)
                                          for place, function in enumerate(functions)}})
        row.must_be("the logout", results["end"].status, 204)
        late = [reply for place in range(len(functions)) for reply in results[place]]
        survivors += sum(reply.status == 200 for reply in late)
        before += len(late)
        row.must("each later refresh says that the session has ended",
                 all(reply.code == "session_ended" for reply in late), late)
    row.figure(f"{before} refreshes after {rounds} logouts, {survivors} survivors")


@row("F16", "little memory and little processor time")
def small_machine(world, row):
    name = world.user()
    megabytes = 96

    def limit():
        # What a process maps for itself to write, threads' stacks included: more than it ever has resident.
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
    functions = {each: world.start(each, prepare=limit) for each in ("login", "refresh", "verify")}
    token = functions["login"].call(events.login(name)).token
    ask = {"login": events.login(name), "refresh": events.refresh(token), "verify": events.verify(token)}
    for each, function in functions.items():
        replies = [function.call(ask[each]) for _ in range(20)]
        row.must(f"{each} in {megabytes} MB", all(reply.status == 200 for reply in replies), tally(replies))
        row.must_be(f"{each} never ended", function.restarts, 0)
    login = world.start("login")
    stopped, running = login.process.pid, [True]

    def throttle():
        # 5 of 70 ms: what 128 MB of memory buy of a processor.
        while running[0]:
            os.kill(stopped, signal.SIGCONT)
            time.sleep(0.005)
            os.kill(stopped, signal.SIGSTOP)
            time.sleep(0.065)
        os.kill(stopped, signal.SIGCONT)
    thread = threading.Thread(target=throttle)
    thread.start()
    replies = [login.call(ask["login"]) for _ in range(10)]
    running[0] = False
    thread.join()
    row.must("logins with 1/14 of a processor", all(reply.status == 200 for reply in replies), tally(replies))
    row.figure(f"peak {max(function.memory() for function in functions.values())} MB resident; "
               f"1/14 of a processor: {percentile([reply.seconds for reply in replies], 1)} ms at most")
    row.not_here("Lambda's own limit of memory, which counts its runtime too; the footprint step measures release builds")


@row("F21", "a minute of ordinary load with 1 % of faults")
def soak(world, row):
    name = world.user()
    functions = {each: world.start(each) for each in ("login", "refresh", "verify")}
    # Of another user: 50 logins later the session of the token would be gone.
    token = functions["login"].call(events.login(world.user())).token
    ask = {"login": events.login(name), "refresh": events.refresh(token), "verify": events.verify(token, True)}
    for each, function in functions.items():
        function.proxy.policy = proxy.at_random(random.Random(each), [(0.005, proxy.internal_error), (0.005, proxy.reset)])
    seconds = 600 if world.long else 20
    files = lambda function: len(os.listdir(f"/proc/{function.process.pid}/fd"))
    at_once({each: lambda each=each: [functions[each].call(ask[each]) for _ in range(50)] for each in ask})
    began = {each: (function.memory("VmRSS"), files(function)) for each, function in functions.items()}
    end = time.monotonic() + seconds

    def load(each):
        replies = []
        while time.monotonic() < end:
            replies.append(functions[each].call(ask[each]))
        return replies
    results = at_once({each: lambda each=each: load(each) for each in ask})
    for each, function in functions.items():
        good = sum(reply.status == 200 for reply in results[each])
        row.must(f"{each}: 99.9 %", good >= 0.999 * len(results[each]), tally(results[each]))
        row.must(f"{each}: no more files", files(function) <= began[each][1] + 2, files(function))
        row.must(f"{each}: no more memory", function.memory("VmRSS") <= began[each][0] + 8,
                 f"{began[each][0]} to {function.memory('VmRSS')} MB")
        row.must_be(f"{each} never ended", function.restarts, 0)
    row.figure(f"{sum(len(replies) for replies in results.values())} calls in {seconds} s")
    row.not_here("hours of it: --long takes 10 minutes")


@row("F23", "nobody reads the log, or it cannot be written")
def blocked_log(world, row):
    name = world.user()
    asks = {"login": lambda: events.login(name), "jwks": events.key_set}
    for each, ask in asks.items():
        reader, writer = os.pipe()
        # The least that Linux gives: 4 KB.
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        function = world.start(each, output=writer)
        replies = [function.call(ask(), patience=5) for _ in range(40)]
        row.must(f"a full pipe: {each} answers", all(reply.status == 200 for reply in replies), tally(replies))
        slowest = max(reply.seconds for reply in replies)
        row.must(f"a full pipe: {each} answers within 1 s", slowest < 1, f"{slowest:.1f} s")
        row.figure(f"a full pipe: {each} {slowest * 1000:.0f} ms at most")
        lines = []
        thread = threading.Thread(target=lambda: lines.extend(open(reader, errors="replace")), daemon=True)
        thread.start()
        for _ in range(3):
            time.sleep(0.1)
            function.call(ask())
        function.process.kill()
        os.close(writer)
        thread.join(5)
        row.must(f"the log of {each} goes on when it is read again", any('"lost"' in line for line in lines), lines[-3:])
        row.must(f"no line of {each} is cut", all(line.startswith("{") and line.endswith("}\n") for line in lines), lines[:3])
    reader, writer = os.pipe()
    os.close(reader)
    closed = world.start("login", output=writer)
    full = world.start("login", output=os.open("/dev/full", os.O_WRONLY))
    for label, function in {"a closed pipe": closed, "a full disk": full}.items():
        replies = [function.call(asks["login"]()) for _ in range(5)]
        row.must(f"{label}: login answers", all(reply.status == 200 for reply in replies), tally(replies))
        row.must_be(f"{label}: login never ended", function.restarts, 0)


@row("F24", "the time of a rejected login tells nothing about the name")
def timing(world, row):
    unknown, crowded = "nobody-of-that-name", world.user()
    session = {"M": {"iat": {"N": str(int(time.time()))}, "user_agent": {"S": "x" * 200}, "source_ip": {"S": "192.0.2.1"}}}
    login = world.start("login", settings={"LOGIN_FAILURES_PER_ADDRESS": "0"})
    many = {new_id(): session for _ in range(50)}
    world.stand_in.call("UpdateItem", TableName=TABLE, Key=user_key(crowded),
                        UpdateExpression="SET sessions = :many", ExpressionAttributeValues={":many": {"M": many}})
    sizes, times = {}, {unknown: [], crowded: []}
    size = [0]

    def policy(exchange):
        if exchange.is_write:
            return None

        def measure(exchange):
            answer = exchange.applied()
            size[0] += len(answer)
            exchange.connection.send(answer)
        return measure
    login.proxy.policy = policy
    for index in range(600 if world.long else 120):
        if index % 4 == 0:
            world.forget_failures()
        for name in (unknown, crowded) if index % 2 else (crowded, unknown):
            size[0] = 0
            reply = login.call(events.login(name, WRONG))
            row.must("the answers are the same", reply.code == "invalid_credentials", reply)
            times[name].append(reply.seconds)
            sizes.setdefault(name, size[0])
    login.proxy.policy = None
    row.must("what is read before the password check does not grow with the sessions",
             sizes[crowded] - sizes[unknown] < 2000, f"{sizes[crowded] - sizes[unknown]} bytes more")
    pairs = [(one > other) + 0.5 * (one == other) for one in times[crowded] for other in times[unknown]]
    area = sum(pairs) / len(pairs)
    row.figure(f"50 sessions against an unknown name: area under the curve {area:.2f}, "
               f"{sizes[crowded] - sizes[unknown]} bytes more are read")
    if world.long:
        row.must("0.45 to 0.55", 0.45 <= area <= 0.55, f"{area:.2f}")
    row.not_here("the bound 0.45 to 0.55, on a machine that does something else too: --long measures it")
