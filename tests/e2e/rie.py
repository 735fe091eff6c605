"""Invokes every function in the Runtime Interface Emulator: rie.py EMULATOR FOLDER [RUNNER...].

One invocation at a time: the emulator dies of several.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.request

emulator, folder, *runner = sys.argv[1:]
events = pathlib.Path(__file__).parent.parent / "events"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(function):
    address = f"127.0.0.1:{free_port()}"
    command = [emulator, "--runtime-interface-emulator-address", address, "--runtime-api-address",
               f"127.0.0.1:{free_port()}", "--log-level", "error", *runner, f"{folder}/{function}/bootstrap"]
    limits = {"AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
              "AWS_LAMBDA_FUNCTION_TIMEOUT": "30", "MACHINE_CLIENTS": "true",
              "ACCESS_TOKEN_AUDIENCES": "https://orders.example.com=orders:read orders:write",
              "CODES_TABLE": "latchkey-users-codes", "ACCOUNT_LINK": f"{os.environ['JWT_ISSUER']}/account",
              "OUTBOX_TABLE": "latchkey-users-outbox", "MAIL_FROM": "no-reply@latchkey.example"}
    process = subprocess.Popen(command, env=os.environ | limits, stdout=subprocess.DEVNULL)
    url = f"http://{address}/2015-03-31/functions/function/invocations"
    try:
        wait(address)
        yield lambda event: call(url, event)
    finally:
        process.terminate()
        process.wait()


def wait(address):
    host, port = address.split(":")
    for _ in range(2000):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
            return
        time.sleep(0.05)
    raise SystemExit(f"the emulator does not listen on {address}")


def call(url, event):
    request = urllib.request.Request(url, json.dumps(event).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def http(method, path, body=None, token=None):
    event = json.loads((events / "http_api.json").read_text())
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    event["body"], event["isBase64Encoded"] = json.dumps(body) if body else None, False
    if token:
        event["headers"]["authorization"] = f"Bearer {token}"
    return event


def form(path, body):
    event = http("POST", path)
    event["headers"]["content-type"] = "application/x-www-form-urlencoded"
    return event | {"body": body}


def one(function, event, expected):
    with running(function) as invoke:
        answer = invoke(event)
        check(function, answer, expected)
        # Whatever comes, the process goes on and says no in its own words.
        odd = invoke({"nothing": "known"})
        says_no = "errorMessage" in (odd or {}) if function == "rotate-keys" else "errorType" not in (odd or {})
        assert odd is None or says_no, odd
        if "statusCode" in (answer or {}):
            # The parser panics at this, which must be caught: a build that aborts loses the process.
            panics = invoke(event | {"body": "%", "isBase64Encoded": True})
            assert panics.get("statusCode") in (200, 400), panics
        check(function, invoke(event), expected)
        return answer


def check(function, answer, expected):
    said = ("statusCode", "isAuthorized", "batchItemFailures")
    found = next((answer[member] for member in said if member in answer), None) if answer else answer
    assert found == expected, f"{function}: {answer}"
    print(f"{function}: {found}")


def token_of(answer):
    return json.loads(answer["body"])["token"]


login = http("POST", "/auth/login", {"username": "demo", "password": "latchkey demo password"})
token = token_of(one("login", login, 200))
token = token_of(one("refresh", http("POST", "/auth/refresh", {"token": token}), 200))
one("verify", http("POST", "/auth/verify", {"token": token, "check_session": True}), 200)
asked = json.loads((events / "authorizer_http_api_2.json").read_text())
asked["identitySource"] = [f"Bearer {token}"]
asked["headers"]["authorization"] = f"Bearer {token}"
one("authorizer", asked, True)
one("access-token", http("POST", "/auth/access", {"audience": "https://orders.example.com"}, token), 200)
one("client-token", form("/oauth2/token", "grant_type=client_credentials&client_id=lkc_x&client_secret=x"), 400)
one("redeem", http("POST", "/auth/code", {"code": "0" * 24}), 400)
one("request-letter", http("POST", "/auth/recovery", {"username": "demo"}), 202)
one("mailer", {"Records": []}, [])
one("jwks", http("GET", "/.well-known/jwks.json"), 200)
one("rotate-keys", {"Step": "publish"}, None)
one("prune-sessions", {}, None)
change = {"current_password": "wrong", "new_password": "seven green umbrellas"}
one("password", http("POST", "/auth/password", change, token), 400)
one("sessions", http("POST", "/auth/logout", {"token": token}), 204)
