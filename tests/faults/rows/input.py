"""Rows and events that nobody should send."""

import base64
import json
import random

import events
from report import tally
from rows.registry import row
from world import PASSWORD


def text(value):
    return {"S": value}


#: Attributes of a user's row as another program might leave them; None takes one away.
MALFORMED = {
    "no user_id": {"user_id": None}, "another user_id": {"user_id": text("nonsense")}, "user_id 5": {"user_id": {"N": "5"}},
    "no username": {"username": None}, "another's username": {"username": text("somebody")},
    "no enabled": {"enabled": None}, "enabled as text": {"enabled": text("true")},
    "no hash": {"password_hash": None}, "hash 5": {"password_hash": {"N": "5"}}, "hash of nonsense": {"password_hash": text("x")},
    "hash of 4 GiB": {"password_hash": text("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43)},
    "hash of 2^31 bcrypt": {"password_hash": text("$2b$31$" + "A" * 53)},
    "no claims": {"claims": None}, "claims of no JSON": {"claims": text("{oops")}, "claims that are a list": {"claims": text("[]")},
    "claims 5": {"claims": {"N": "5"}}, "no created_at": {"created_at": None}, "created_at -1": {"created_at": {"N": "-1"}},
    "no sessions": {"sessions": None}, "sessions as text": {"sessions": text("x")}, "sessions as a list": {"sessions": {"L": []}},
    "a session that is text": {"sessions": {"M": {"AAAAAAAAAAAAAAAAAAAAAA": text("x")}}},
    "a session of another id": {"sessions": {"M": {"not an id!": {"M": {"iat": {"N": "1"}}}}}},
}
#: What a next version may add.
NEWER = {"a newer row": {"second_factor": {"M": {"totp": text("x")}}, "version": {"N": "2"}},
         "a newer session": {"sessions": {"M": {"AAAAAAAAAAAAAAAAAAAAAA": {"M": {
             "iat": {"N": "1700000000"}, "device": {"M": {"name": text("phone")}}, "acr": {"N": "2"}}}}}}}


@row("F15", "a user's row is malformed, or of a newer version")
def malformed_rows(world, row):
    login, refresh = world.start("login"), world.start("refresh")
    good = world.user()
    slowest, nameless = 0, []
    for label, attributes in MALFORMED.items():
        name = world.user()
        token = login.call(events.login(name)).token
        stored = world.stand_in.row(name)
        changed = {key: value for key, value in (stored | attributes).items() if value is not None}
        world.stand_in.put(changed)
        replies = {"login": login.call(events.login(name)), "refresh": refresh.call(events.refresh(token))}
        for each, reply in replies.items():
            row.must(f"{label}: {each} is 200, 400 or 503", reply.status in (200, 400, 503), reply)
            slowest = max(slowest, reply.seconds)
            function = login if each == "login" else refresh
            if reply.status == 503:
                last = function.log_lines("ERROR")[-1]
                subject = stored["user_id"]["S"]
                if "user_id" not in attributes and last.get("sub") != subject:
                    nameless.append(f"{label}, {each}: {json.dumps(last)[:200]}")
    row.must("an ERROR in the log names the sub of the row", not nameless, nameless[:3])
    for label, attributes in NEWER.items():
        name = world.user(**attributes)
        reply = login.call(events.login(name))
        row.must_be(f"{label}: login", reply.status, 200)
        row.must_be(f"{label}: refresh", refresh.call(events.refresh(reply.token)).status, 200)
        kept = world.stand_in.row(name)
        row.must(f"{label}: login keeps what it does not know", all(
            kept[key] == value for key, value in attributes.items() if key != "sessions"), kept)
    row.must_be("nobody else notices", login.call(events.login(good)).status, 200)
    row.must_be("no function ended", login.restarts + refresh.restarts, 0)
    row.figure(f"{len(MALFORMED)} malformed rows, the slowest answer after {slowest * 1000:.0f} ms")


def mutations(seed, count):
    """Bodies of JSON and tokens, spoiled."""
    draw = random.Random(seed)
    body = json.dumps({"username": "demo", "password": PASSWORD}).encode()
    for _ in range(count):
        spoiled = bytearray(body)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(spoiled))
            kind = draw.randrange(4)
            if kind == 0:
                spoiled[place] ^= 1 << draw.randrange(8)
            elif kind == 1:
                del spoiled[place:place + draw.randint(1, 8)]
            elif kind == 2:
                spoiled[place:place] = spoiled[:draw.randint(1, 30)]
            else:
                spoiled[place:place] = draw.choice([b"\\ud800", b"\xff", b"\x00", b"[[[[", b"1e999", b'"\\', b"{}", b"\xef\xbb\xbf"])
        yield bytes(spoiled or b" ")


@row("F17", "hostile bodies and tokens")
def hostile(world, row):
    name = world.user()
    functions = {each: world.start(each) for each in ("login", "refresh", "verify")}
    token = functions["login"].call(events.login(name)).token
    replies = []
    for index, body in enumerate(mutations(17, 2000 if world.long else 400)):
        function = list(functions.values())[index % 3]
        encoded = base64.b64encode(body).decode()
        path = f"/auth/{list(functions)[index % 3]}"
        replies.append(function.call(events.http_api(
            "POST", path, encoded, isBase64Encoded=True, address=f"192.0.2.{index % 250}")))
    draw = random.Random(18)
    letters = "ABCabc019-_.=+/ \u00e9"
    for index in range(2000 if world.long else 400):
        place = draw.randrange(len(token))
        forged = token[:place] + draw.choice(letters) + token[place + draw.randint(0, 2):]
        if forged != token:
            reply = functions[("refresh", "verify")[index % 2]].call(events.verify(forged))
            row.must("no changed token is accepted", reply.status == 400, reply)
            replies.append(reply)
    row.must("every answer is 200 or 4xx", all(
        isinstance(reply.status, int) and reply.status < 500 for reply in replies), tally(replies))
    row.must_be("no function ended", sum(function.restarts for function in functions.values()), 0)
    row.figure(f"{len(replies)} of them: {tally(replies)}")
    row.not_here("the corpora of others (JSONTestSuite, Wycheproof): none is in this repository, and no test may need "
                 "the internet; tests/scenarios/hostile.rs and fuzz have vectors of their own")


def spoiled_events():
    good = events.login()
    data = json.dumps(good).encode()
    http = good["requestContext"]["http"]
    return {
        "no JSON": b"hello", "nothing": b"", "null": b"null", "a list": b"[]", "a string": b'"x"', "a number": b"1",
        "{}": b"{}", "no UTF-8": data.replace(b"curl", b"caf\xe9"), "a byte order mark": b"\xef\xbb\xbf" + data,
        "a lone surrogate": data.replace(b"curl", b"\\ud800"), "10,000 lists": b"[" * 10_000 + b"]" * 10_000,
        "cut off": data[:-20], "two events": data + data, "3,000 lists in it": data[:-1] + b',"x":' + b"[" * 3000 + b"]" * 3000 + b"}",
        "a warm-up": {"source": "serverless-plugin-warmup"}, "a schedule": {"source": "aws.events", "detail-type": "Scheduled Event"},
        "a queue": {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        "a WebSocket": {"requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "x"}},
        "no requestContext.http": good | {"requestContext": {**good["requestContext"], "http": None}},
        "no method": good | {"requestContext": {**good["requestContext"], "http": http | {"method": "\u0000"}}},
        "a body that is no base64": good | {"body": "###", "isBase64Encoded": True},
        "a Host of two words": events.login(headers={"host": "a b"}),
        "a header with a line break": events.login(headers={"x-a": "a\nb"}),
        "a header name with a space": events.login(headers={"x a": "b"}),
        "24,575 headers": events.login(headers={f"x-{index}": "v" for index in range(24_575)}),
        "40,000 headers": events.login(headers={f"x-{index}": "v" for index in range(40_000)}),
    }


@row("F19", "an event that cannot be read gets an answer, whatever it holds")
def unreadable_events(world, row):
    login, authorizer, jwks = (world.start(each) for each in ("login", "authorizer", "jwks"))
    spoiled = spoiled_events()
    for label, event in spoiled.items():
        for function in (login, jwks):
            reply = function.call(event)
            each = function.environment["AWS_LAMBDA_FUNCTION_NAME"]
            row.must(f"{label}: {each} answers", isinstance(reply.status, int) and reply.status < 500, reply)
        reply = authorizer.call(event)
        row.must(f"{label}: the authorizer allows nothing and does not fail",
                 isinstance(reply.payload, dict) and not reply.payload.get("isAuthorized"), reply)
    spoiled_body = {"body": "###", "isBase64Encoded": True}
    for label, kind in events.KINDS.items():
        reply = login.call(kind("POST", "/auth/login") | spoiled_body)
        row.must_be(f"{label}: a body that is no base64", (reply.status, reply.code), (400, "invalid_request"))
        lists = "multiValueHeaders" in (reply.payload or {})
        row.must(f"{label}: the headers are in the caller's form", lists == (label == "ALB with lists") or label == "1.0",
                 reply.payload)
        row.must_be(f"{label}: the next one is served", login.call(events.login(kind=kind)).status, 200)
    row.must_be("no function ended", login.restarts + authorizer.restarts + jwks.restarts, 0)
    row.figure(f"{len(spoiled)} events to 3 functions, 4 kinds of caller")
    row.not_here("a panic in a handler: no function has one to call; tests/scenarios/faults.rs makes one in process")


@row("F22", "large requests")
def large(world, row):
    name = world.user()
    functions = {each: world.start(each) for each in ("login", "refresh", "verify")}
    big = json.dumps({"username": "x" * 5_900_000})
    encoded = base64.b64encode(b"x" * 4_400_000).decode()
    for each, function in functions.items():
        path = f"/auth/{each}"
        row.must_be(f"{each}: 6 MB", function.call(events.http_api("POST", path, big)).status, 413)
        row.must_be(f"{each}: 6 MB of base64", function.call(
            events.http_api("POST", path, encoded, isBase64Encoded=True)).status, 413)
    login = functions["login"]
    row.must_be("500 headers", login.call(events.login(name, headers={f"x-{i}": "v" for i in range(500)})).status, 200)
    row.must_be("a User-Agent of 5 MB", login.call(events.login(name, headers={"user-agent": "x" * 5_000_000})).status, 200)
    agents = [entry["M"].get("user_agent", text(""))["S"] for entry in world.stand_in.row(name)["sessions"]["M"].values()]
    row.must("200 characters of it are kept", all(len(agent) <= 200 for agent in agents), [len(a) for a in agents])
    peak = max(function.memory() for function in functions.values())
    row.must("128 MB hold it", peak < 128, f"{peak} MB")
    row.must_be("no function ended", sum(function.restarts for function in functions.values()), 0)
    row.figure(f"peak {peak} MB")
    row.not_here("what API Gateway itself rejects before a function sees it (10 MB, 10 KB of headers)")
