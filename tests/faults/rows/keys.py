"""The keys cannot be read, are bad, or are of another version; functions start all at once; clocks differ."""

import json
import time

import events
import proxy
from report import percentile, tally
from rows.outages import at_once
from rows.registry import row
from world import FAKETIME, Clock

SIGNERS, VERIFIERS = ("login", "refresh"), ("verify", "jwks", "sessions")
#: Keys are read again after 5 minutes, and serve for `SIGNING_KEYS_MAX_STALE` longer while they cannot be.
CACHED, MAX_STALE = 300, 600
#: What a row that moves a clock says without Debian's package libfaketime.
NO_CLOCK = ("libfaketime is installed", False)


def asked(world):
    name = world.user()
    token = world.start("login", settings={"JWT_EXPIRATION_DELTA": "4h"}).call(events.login(name)).token
    return {"login": events.login(name), "refresh": events.refresh(token), "verify": events.verify(token),
            "jwks": events.key_set(), "sessions": events.list_sessions(token)}


@row("F6", "the source of the keys is out of order while keys are cached")
def stale_keys(world, row):
    if not FAKETIME:
        row.must(*NO_CLOCK)
        return
    ask = asked(world)
    settings = {"SIGNING_KEYS_MAX_STALE": f"{MAX_STALE}s", "JWT_EXPIRATION_DELTA": "4h"}
    for label, fault in {"no reply": proxy.no_reply, "500": proxy.internal_error,
                         "AccessDeniedException": proxy.error("AccessDeniedException"),
                         "garbage": proxy.garbage}.items():
        clock = Clock()
        functions = {each: world.start(each, settings=settings | clock.settings) for each in ask}
        everywhere = lambda: at_once({each: lambda each=each: functions[each].call(ask[each]) for each in ask})
        everywhere()
        for function in functions.values():
            function.proxy.policy = proxy.on_keys(fault)
        slowest = 0
        for ahead in (290, 310, 345, 600, CACHED + MAX_STALE - 10):
            clock.set(ahead)
            for each, reply in everywhere().items():
                row.must_be(f"{label}: {each} after {ahead} s", reply.status, 200)
                # The source would be given up on after 2.5 s.
                row.must(f"{label}: {each} after {ahead} s waits for nobody", reply.seconds < 1,
                         f"{reply.seconds:.1f} s")
                slowest = max(slowest, reply.seconds)
        clock.set(CACHED + MAX_STALE + 10)
        for each, reply in everywhere().items():
            row.must_be(f"{label}: {each} when the keys are too old", (reply.status, reply.code),
                        (503, "temporarily_unavailable"))
        for function in functions.values():
            function.proxy.policy = None
        for each, reply in everywhere().items():
            row.must_be(f"{label}: {each} when the source is back", reply.status, 200)
        row.figure(f"{label}: slowest {slowest * 1000:.0f} ms")
        for function in functions.values():
            function.stop()


@row("F7", "a cold start while AWS is out of order")
def cold_start(world, row):
    ask = asked(world)
    began = time.monotonic()
    world.start("jwks").stop()
    usual = time.monotonic() - began
    for label, fault in {"no reply": proxy.no_reply, "reset": proxy.reset, "500": proxy.internal_error,
                         "AccessDeniedException": proxy.error("AccessDeniedException")}.items():
        slowest = 0
        for each in ask:
            behind = world.proxy()
            behind.policy = proxy.always(fault)
            began = time.monotonic()
            function = world.start(each, behind)
            reply = function.call(ask[each])
            seconds = time.monotonic() - began
            slowest = max(slowest, seconds)
            row.must_be(f"{label}: {each} is 503", (reply.status, reply.code), (503, "temporarily_unavailable"))
            row.must(f"{label}: {each} is 503 within 3.5 s of its start", seconds < 3.5 + usual, f"{seconds:.1f} s")
            behind.policy = None
            row.must_be(f"{label}: {each} after it", function.call(ask[each]).status, 200)
            row.must_be(f"{label}: {each} never ended", function.restarts, 0)
            function.stop()
        row.figure(f"{label}: at most {slowest:.1f} s from the start")


def secret(value):
    """A response of Secrets Manager with this value."""
    answer = {"Name": "signing", "ARN": "arn", "VersionId": "v"} | (
        {"SecretBinary": "AAAA"} if value is None else {"SecretString": value})
    return proxy.says(200, answer, "application/x-amz-json-1.1")


def bad_secrets(keys):
    key = keys["keys"][0]

    def with_key(**members):
        return secret(json.dumps({"keys": [key | members]}))
    pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    invalid = "InvalidRequestException"
    return {
        "an empty string": secret(""), "spaces": secret("   "), "no keys": secret('{"keys":[]}'),
        "no JSON": secret("{oops"), "a short string": secret("short"), "64 KB": secret("x" * 65536),
        "binary": secret(None), "another shape": secret('{"foo":1}'), "a list": secret("[]"),
        "one kid twice": secret(json.dumps({"keys": [key, key]})), "an unknown alg alone": with_key(alg="PS256"),
        "signs from 2100 on": with_key(signs_from=4102444800), "published in 2100": with_key(published=4102444800),
        "retired": with_key(retires=1), "a PEM that is none": with_key(private_key=pem),
        "one letter 32 times": secret("k" * 32), "a phrase": secret("correct horse battery staple, again"),
        "a public key of ssh": secret("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLxVWqG5yJ4bDk7yQvZ0cKcY8X9w9w user@host"),
        "AccessDeniedException": proxy.error("AccessDeniedException"),
        "ResourceNotFoundException": proxy.error("ResourceNotFoundException"),
        "DecryptionFailure": proxy.error("DecryptionFailure"),
        "marked for deletion": proxy.error(invalid, message="it was marked for deletion."),
        "KMS is off": proxy.error(invalid, message="KMS key is disabled"),
        "InternalServiceError": proxy.error("InternalServiceError", 500),
        "a body of nothing": proxy.says(200, b""), "9 MB": secret('{"keys":["' + "a" * 9_000_000 + '"]}'),
    }


def newer_secrets(keys):
    """What a next version may write and this one has to read."""
    key = keys["keys"][0]
    return {
        "a member more in a key": secret(json.dumps({"keys": [key | {"use": "sig", "future": {"a": [1]}}]})),
        "a member more in the set": secret(json.dumps(keys | {"version": 2})),
        "a key more of an unknown alg": secret(json.dumps({"keys": [key, key | {"kid": "new", "alg": "ML-DSA-44"}]})),
    }


@row("F8", "the secret or the table of public keys is bad, or of a newer version")
def bad_keys(world, row):
    if not FAKETIME:
        row.must(*NO_CLOCK)
        return
    ask = asked(world)
    keys = json.loads(world.stand_in.secret()["SecretString"])
    settings = {"JWT_EXPIRATION_DELTA": "4h"}
    bad = bad_secrets(keys)
    for label, fault in bad.items():
        cold = world.proxy()
        cold.policy = proxy.on_keys(fault)
        function = world.start("refresh", cold, settings=settings)
        reply = function.call(ask["refresh"])
        row.must_be(f"{label}: cold", (reply.status, reply.code), (503, "temporarily_unavailable"))
        row.must_be(f"{label}: never ended", function.restarts, 0)
        row.must(f"{label}: no key in the log", keys["keys"][0]["private_key"][60:100] not in function.log())
        function.stop()
        clock = Clock()
        warm = world.start("refresh", settings=settings | clock.settings)
        warm.call(ask["refresh"])
        warm.proxy.policy = proxy.on_keys(fault)
        for ahead in (400, 440):
            clock.set(ahead)
            row.must_be(f"{label}: warm, {ahead} s later", warm.call(ask["refresh"]).status, 200)
        warm.stop()
    newer = newer_secrets(keys)
    for label, fault in newer.items():
        for each in SIGNERS:
            behind = world.proxy()
            behind.policy = proxy.on_keys(fault)
            row.must_be(f"{label}: {each}", world.start(each, behind, settings=settings).call(ask[each]).status, 200)
    published(world, row, ask)
    row.figure(f"{len(bad)} bad secrets, {len(newer)} newer ones")


def published(world, row, ask):
    table = world.stand_in.environment["PUBLIC_KEYS_TABLE"]
    key = {"pk": {"S": "public-keys"}}
    stored = world.stand_in.call("GetItem", TableName=table, Key=key)["Item"]
    public = json.loads(stored["keys"]["S"])
    first = public["keys"][0]

    def item(**members):
        return proxy.says(200, {"Item": key | members})

    def text(value):
        return {"S": json.dumps(value)}
    cases = {
        "no row": (proxy.says(200, {}), 503), "no keys in it": (item(), 503),
        "a list": (item(keys={"L": []}), 503), "a bare set of JWKs": (item(keys=text({"keys": [first["public_key"]]})), 503),
        "no table": (proxy.error("ResourceNotFoundException"), 503),
        "no access": (proxy.error("AccessDeniedException"), 503),
        "a newer row": (item(keys=stored["keys"], format={"N": "2"}, keys_v2={"S": "x"}), 200),
        "a member more in a key": (item(keys=text({"keys": [first | {"use": "sig"}]})), 200),
        "a member more in the set": (item(keys=text(public | {"version": 2})), 200),
        "a member more in the JWK": (
            item(keys=text({"keys": [first | {"public_key": first["public_key"] | {"x-new": 1}}]})), 200),
        "a key more of an unknown alg": (
            item(keys=text({"keys": [first, first | {"kid": "new", "alg": "ML-DSA-44"}]})), 200),
    }
    for label, (fault, status) in cases.items():
        for each in ("verify", "jwks"):
            behind = world.proxy()
            behind.policy = proxy.on_keys(fault)
            reply = world.start(each, behind).call(ask[each])
            row.must_be(f"public keys, {label}: {each}", reply.status, status)


@row("F9", "many functions start at the same instant")
def cold_at_once(world, row):
    ask = asked(world)
    count = 40 if world.long else 8
    names = [each for _, each in zip(range(count), [*ask] * count)]
    behind = [world.proxy() for _ in names]
    functions = [world.start(each, each_behind, wait=False) for each, each_behind in zip(names, behind)]
    replies = at_once({index: lambda index=index: functions[index].call(ask[names[index]]) for index in range(count)})
    row.must("all are 200", all(reply.status == 200 for reply in replies.values()), tally(replies.values()))
    readings = [each_behind.count("GetSecretValue") for each, each_behind in zip(names, behind) if each in SIGNERS]
    row.must_be("each that signs reads the secret once", set(readings), {1})
    row.figure(f"{count} at once, {percentile([reply.seconds for reply in replies.values()], 1)} ms at most")
    row.not_here("hundreds at once, and what Secrets Manager's own limit does: 2 cores, and its quota is AWS's")


@row("F14", "the clocks of the functions differ")
def clocks(world, row):
    if not FAKETIME:
        row.must(*NO_CLOCK)
        return
    name = world.user()
    ahead = Clock()
    login = world.start("login", settings=ahead.settings)
    refresh, verify = world.start("refresh"), world.start("verify")
    for seconds, status in ((3, 200), (30, 400), (-3, 200)):
        ahead.set(seconds)
        reply = login.call(events.login(name))
        row.must_be(f"a login {seconds} s ahead", reply.status, 200)
        if reply.status != 200:
            continue
        for each, event in ((verify, events.verify), (refresh, events.refresh)):
            row.must_be(f"its token at {each.environment['AWS_LAMBDA_FUNCTION_NAME']}, {seconds} s ahead",
                        each.call(event(reply.token)).status, status)
    ahead.set(0)
    token = login.call(events.login(name)).token
    moved = Clock()
    functions = {"refresh": world.start("refresh", settings=moved.settings),
                 "verify": world.start("verify", settings=moved.settings)}
    now = int(time.time())
    for label, seconds in {"a day back": -86400, "1970": -now + 5, "2038": 2**31 - now + 10, "2106": 2**32 - now + 10,
                           "the year 2250": 9_000_000_000 - now, "back again": 0}.items():
        moved.set(seconds)
        for each, event in (("refresh", events.refresh(token)), ("verify", events.verify(token))):
            reply = functions[each].call(event)
            allowed = (200,) if seconds == 0 else (200, 400, 503)
            row.must(f"{each} in {label}", reply.status in allowed, reply)
    row.must_be("no function ended", sum(function.restarts for function in functions.values()), 0)
    row.figure("up to 5 s ahead is accepted, more is 400, no clock ends a process")
