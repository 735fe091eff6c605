"""Keys are rotated under load, and rotations are killed."""

import base64
import json

import events
import proxy
from report import tally
from rows.keys import NO_CLOCK
from rows.outages import at_once
from rows.registry import row
from world import FAKETIME, Clock, eventually


@row("F10", "keys are rotated while users log in and refresh")
def rotation_under_load(world, row):
    stand_in = world.another_stand_in()
    clock = Clock() if FAKETIME else None
    settings = {"JWT_EXPIRATION_DELTA": "1d", "SIGNING_ALGORITHM": "ES256", **(clock.settings if clock else {})}

    def start(each):
        return world.start(each, stand_in=stand_in, settings=settings)
    functions = {each: start(each) for each in ("login", "refresh", "verify")}
    rotation = start("rotate-keys")
    token = functions["login"].call(events.login()).token
    # Others log in, or the 51st login would end the session of the token.
    ask = {"login": events.login(world.user(stand_in)), "refresh": events.refresh(token), "verify": events.verify(token)}
    replies, running = [], [True]

    def load(each):
        while running[0]:
            replies.append(functions[each].call(ask[each]))
    def rotations():
        done = [rotate(stand_in, rotation) for _ in range(3)]
        running[0] = False
        return done
    results = at_once({"rotations": rotations, **{each: lambda each=each: load(each) for each in ask}})
    row.must_be("three rotations", results["rotations"], [True] * 3)
    errors = [line for function in functions.values() for line in function.log_lines("ERROR")]
    row.must("every call is 200", all(reply.status == 200 for reply in replies), f"{tally(replies)} {errors[:1]}")
    row.must_be("the first token in a function that starts now", start("verify").call(ask["verify"]).status, 200)
    row.figure(f"{len(replies)} calls during 3 rotations")
    if not clock:
        row.must(*NO_CLOCK)
        return
    # Twice: the first call may be served with the keys from before while the new ones are read.
    clock.set(4 * 3600)
    later = [functions["login"].call(events.login()) for _ in range(2)]
    signed = eventually(lambda: kid(functions["login"].call(events.login()).token) != kid(token))
    row.must("a new key signs 4 hours later", signed and all(reply.status == 200 for reply in later), later)
    fresh = functions["login"].call(events.login()).token
    row.must("its tokens are good in the old functions",
             eventually(lambda: functions["verify"].call(events.verify(fresh)).status == 200))
    row.must_be("the first token still is", functions["refresh"].call(ask["refresh"]).status, 200)


def kid(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


def begin(stand_in):
    return stand_in.call("secretsmanager.RotateSecret", SecretId=stand_in.environment["SIGNING_SECRET"])["VersionId"]


def steps(stand_in, rotation, version):
    """The four steps; whether all of them succeeded."""
    for step in STEPS:
        event = {"Step": step, "SecretId": stand_in.environment["SIGNING_SECRET"], "ClientRequestToken": version}
        if rotation.call(event).status in ("error", "ended", "hangs"):
            return False
    return True


def rotate(stand_in, rotation):
    return steps(stand_in, rotation, begin(stand_in))


@row("F11", "a rotation is killed after each of its calls")
def killed_rotation(world, row):
    stand_in = world.another_stand_in()
    rotation = world.start("rotate-keys", stand_in=stand_in, settings={"SIGNING_ALGORITHM": "ES256"})
    killed_after = 0
    while True:
        killed_after += 1
        left = [killed_after]

        def policy(exchange):
            left[0] -= 1
            return kill if left[0] == 0 else None

        def kill(exchange):
            exchange.applied()
            rotation.process.kill()
            return proxy.reset(exchange)
        version = begin(stand_in)
        rotation.proxy.policy = policy
        complete = steps(stand_in, rotation, version)
        rotation.proxy.policy = None
        if left[0] > 0 and complete:
            break
        row.must(f"killed after call {killed_after}: the same steps complete it", steps(stand_in, rotation, version))
        row.must_be(f"killed after call {killed_after}: its version is in force", stand_in.secret()["VersionId"], version)
        login = world.start("login", stand_in=stand_in)
        row.must_be(f"killed after call {killed_after}: login", login.call(events.login()).status, 200)
        login.stop()
        if killed_after >= 40:
            row.must("a rotation makes fewer than 40 calls", False)
            break
    row.figure(f"killed after each of {killed_after - 1} calls")
