"""One real function binary, and the Lambda Runtime API that it talks to."""

import json
import queue
import subprocess
import threading
import time

from wire import Server

LAMBDA = {
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    "AWS_LAMBDA_LOG_FORMAT": "JSON",
}
REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


class Reply:
    """What came of an event: `status` is a number, or "error" (a function error), "ended" or "hangs"."""

    def __init__(self, status, seconds=0.0, payload=None):
        self.status, self.seconds, self.payload = status, seconds, payload
        body = payload.get("body") if isinstance(payload, dict) else None
        try:
            self.body = json.loads(body)
        except (TypeError, ValueError):
            self.body = {}

    @property
    def code(self):
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def token(self):
        return self.body["token"]

    def header(self, name):
        headers = (self.payload or {}).get("headers") or {}
        return next((value for key, value in headers.items() if key.lower() == name), None)

    def __repr__(self):
        return f"{self.status} {self.code or ''}".strip()


class Function:
    """Starts again when it ends, as Lambda would start it, and counts that."""

    def __init__(self, program, environment, output=None, wait=True, prepare=None):
        self.program, self.output, self.prepare = str(program), output, prepare
        self.events, self.replies = queue.Queue(), queue.Queue()
        self.asked, self.lines, self.restarts = threading.Event(), [], -1
        self.api = Server(self._serve)
        self.environment = LAMBDA | environment | {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.port}"}
        self.sent_at = 0.0
        self._spawn()
        if wait:
            self.wait()

    def wait(self):
        """Waits until it asks for its first event."""
        if not self.asked.wait(30):
            raise RuntimeError(f"{self.program} asks for no event: {self.log()[-500:]}")

    def call(self, event, left=10.0, patience=30.0):
        """Sends one event, which may take `left` seconds by the deadline that it carries."""
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        self.events.put((data, left))
        give_up = time.monotonic() + patience
        while time.monotonic() < give_up:
            try:
                return self.replies.get(timeout=0.05)
            except queue.Empty:
                if self.process.poll() is not None and self.replies.empty():
                    self._spawn()
                    return Reply("ended")
        return Reply("hangs", patience)

    def log(self):
        """What it has printed so far."""
        time.sleep(0.05)
        return "\n".join(self.lines)

    def log_lines(self, level=None):
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if level is None or line.get("level") == level]

    def memory(self, name="VmHWM"):
        """The most memory it has had resident, in megabytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith(name))
        return int(line.split()[1]) // 1000

    def stop(self):
        self.api.stop()
        self.process.kill()
        self.process.wait()

    def _spawn(self):
        self.restarts += 1
        self.asked.clear()
        self.process = subprocess.Popen(
            [self.program], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=self.output or subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=self.prepare)
        if self.output is None:
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream):
        # All the time: a full pipe is a fault of its own.
        for line in stream:
            self.lines.append(line.decode("utf-8", "replace").rstrip())

    def _serve(self, connection):
        while (request := connection.read()) is not None:
            path = request.head.split(b" ")[1]
            if path.endswith(b"/next"):
                self.asked.set()
                event, left = self.events.get()
                deadline = int((time.time() + left) * 1000)
                head = (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        f"Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\n"
                        f"Lambda-Runtime-Deadline-Ms: {deadline}\r\n"
                        f"Lambda-Runtime-Invoked-Function-Arn: {ARN}\r\nContent-Length: {len(event)}\r\n\r\n")
                self.sent_at = time.perf_counter()
                connection.send(head.encode() + event)
            else:
                seconds = time.perf_counter() - self.sent_at
                connection.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                self.replies.put(reply(request.body, path.endswith(b"/error"), seconds))


def reply(body, failed, seconds):
    if failed:
        return Reply("error", seconds, body)
    try:
        payload = json.loads(body)
    except ValueError:
        return Reply("unreadable", seconds, body)
    status = payload.get("statusCode") if isinstance(payload, dict) else None
    return Reply(status, seconds, payload)
