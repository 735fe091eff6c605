"""The stand-in for AWS, its users, and the functions that run against it."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse

import proxy
from function import Function
from wire import Connection

DEMO, PASSWORD = "demo", "latchkey demo password"
TABLE = "latchkey-users"
FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)


class StandIn:
    """`local --aws-only` over a folder of its own."""

    def __init__(self, binaries):
        self.folder = tempfile.mkdtemp(prefix="faults-")
        command = [binaries / "local", "--aws-only", "--data", self.folder + "/data", "--port", str(free_port())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        greeting = ""
        for line in self.process.stdout:
            greeting += line
            if "Ctrl-C" in line:
                break
        # It says what whoever calls it has to set.
        self.environment = dict(re.findall(r"\b([A-Z][A-Z0-9_]+)=(\S+)", greeting))
        if "AWS_ENDPOINT_URL" not in self.environment:
            raise RuntimeError(f"the stand-in for AWS does not start: {greeting}")
        url = urllib.parse.urlsplit(self.environment["AWS_ENDPOINT_URL"])
        self.address = (url.hostname, url.port)

    def call(self, target, **members):
        """A call of AWS without a fault, by its name: DynamoDB's unless another service is named."""
        target = target if "." in target else f"DynamoDB_20120810.{target}"
        body = json.dumps(members).encode()
        key = self.environment["AWS_ACCESS_KEY_ID"]
        head = [
            "POST / HTTP/1.1", "Host: {}:{}".format(*self.address), f"X-Amz-Target: {target}",
            "Content-Type: application/x-amz-json-1.0", "X-Amz-Date: 20260101T000000Z", "Connection: close",
            f"Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0", f"Content-Length: {len(body)}", "", ""]
        connection = Connection(socket.create_connection(self.address))
        connection.send("\r\n".join(head).encode() + body)
        answer = connection.read()
        connection.close()
        if b" 200 " not in answer.head.split(b"\r\n")[0]:
            raise RuntimeError(f"{target}: {answer.body[:300]}")
        return json.loads(answer.body or b"{}")

    def secret(self):
        return self.call("secretsmanager.GetSecretValue", SecretId=self.environment["SIGNING_SECRET"])

    def rows(self, prefix):
        rows = self.call("Scan", TableName=TABLE, ConsistentRead=True)["Items"]
        return [row for row in rows if row["pk"]["S"].startswith(prefix)]

    def row(self, name):
        return self.call("GetItem", TableName=TABLE, Key=user_key(name), ConsistentRead=True).get("Item")

    def put(self, row):
        self.call("PutItem", TableName=TABLE, Item=row)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class World:
    """What the rows of the table work with."""

    def __init__(self, binaries, long):
        self.binaries, self.long = binaries, long
        self.stand_in = StandIn(binaries)
        self.started, self.names = [], 0

    def another_stand_in(self):
        """One whose keys may be changed."""
        stand_in = StandIn(self.binaries)
        self.started.append(stand_in)
        return stand_in

    def proxy(self, stand_in=None):
        made = proxy.Proxy((stand_in or self.stand_in).address)
        self.started.append(made)
        return made

    def start(self, name, behind=None, stand_in=None, settings=None, **options):
        """A function that reaches AWS through the proxy `behind`, or through one of its own."""
        stand_in = stand_in or self.stand_in
        behind = behind or self.proxy(stand_in)
        environment = stand_in.environment | {
            "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_ENDPOINT_URL": behind.url,
            "METRICS_STACK": "latchkey", "JWT_ISSUER": "https://auth.example.com", "JWT_ALLOW_REFRESH": "true", **(settings or {})}
        function = Function(self.binaries / name, environment, **options)
        function.proxy = behind
        self.started.append(function)
        return function

    def user(self, stand_in=None, **attributes):
        """A new user with the demo user's password; its name."""
        stand_in = stand_in or self.stand_in
        self.names += 1
        name = f"user-{self.names}"
        row = stand_in.row(DEMO) | {
            "pk": {"S": f"user#{name}"}, "username": {"S": name}, "sessions": {"M": {}},
            "user_id": {"S": new_id()}, **attributes}
        stand_in.put({key: value for key, value in row.items() if value is not None})
        return name

    def sessions(self, name):
        return set(self.stand_in.row(name)["sessions"]["M"])

    def failures(self):
        """The failed logins that are counted, under every name."""
        rows = self.stand_in.rows("attempts")
        return sum(int(row.get("failures", {"N": "0"})["N"]) for row in rows)

    def forget_failures(self):
        for prefix in ("attempts", "address"):
            for row in self.stand_in.rows(prefix):
                self.stand_in.call("DeleteItem", TableName=TABLE, Key={"pk": row["pk"]})

    def stop_started(self):
        for started in reversed(self.started):
            started.stop()
        self.started.clear()

    def stop(self):
        self.stop_started()
        self.stand_in.stop()


class Clock:
    """A clock for functions that is `ahead` of this machine's; timers go on as they are."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="faults-clock-")
        self.file = pathlib.Path(self.folder.name, "clock")
        self.set(0)
        self.settings = {
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}

    def set(self, ahead):
        written = self.file.with_suffix(".new")
        written.write_text(f"{ahead:+d}\n")
        written.rename(self.file)


def user_key(name):
    return {"pk": {"S": f"user#{name}"}}


def new_id():
    """An id as users and sessions have one: 16 bytes of base64url."""
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def eventually(condition, seconds=5.0):
    """Whether `condition()` comes true."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True
