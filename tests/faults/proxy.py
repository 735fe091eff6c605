"""A proxy in front of the stand-in for AWS, which fails on demand. A fault is a function of one exchange."""

import json
import os
import socket
import threading
import time

from wire import Connection, Server, response

WRITES = ("UpdateItem", "TransactWriteItems", "PutItem", "DeleteItem")


class Exchange:
    """One call of AWS, under way."""

    def __init__(self, proxy, connection, request):
        self.proxy, self.connection, self.request = proxy, connection, request
        self.operation = (request.header("x-amz-target") or "?").split(".")[-1]
        self.body = request.body

    @property
    def is_write(self):
        return self.operation in WRITES

    @property
    def reads_keys(self):
        return self.operation == "GetSecretValue" or (self.operation == "GetItem" and b"public-keys" in self.body)

    def applied(self):
        """Lets the stand-in do it; its response."""
        host, port = self.proxy.upstream
        upstream = Connection(socket.create_connection((host, port)))
        lines = self.request.without("host", "connection", "content-length", "transfer-encoding")
        lines += [f"Host: {host}:{port}".encode(), b"Content-Length: %d" % len(self.body), b"Connection: close"]
        upstream.send(b"\r\n".join(lines) + b"\r\n\r\n" + self.body)
        answer = upstream.read()
        upstream.close()
        if answer is None:
            raise OSError("the stand-in for AWS is gone")
        lines = answer.without("connection", "content-length", "transfer-encoding")
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(answer.body)]) + b"\r\n\r\n" + answer.body


class Proxy:
    """`policy(exchange)` is the fault of a call, or None."""

    def __init__(self, upstream):
        self.upstream, self.policy = upstream, None
        self.calls, self.lock = [], threading.Lock()
        self.connections, self.silent = set(), set()
        self.server = Server(self._serve)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def count(self, *operations):
        """Calls since `calls` was cleared, of these operations or of all."""
        return sum(not operations or operation in operations for operation in self.calls)

    def stop(self):
        self.server.stop()

    def _serve(self, connection):
        self.connections.add(connection)
        try:
            while (request := connection.read()) is not None:
                exchange = Exchange(self, connection, request)
                with self.lock:
                    self.calls.append(exchange.operation)
                    fault = self.policy(exchange) if self.policy else None
                if connection in self.silent:
                    fault = no_reply
                if fault is None:
                    connection.send(exchange.applied())
                elif fault(exchange) == "closed":
                    return
        finally:
            self.connections.discard(connection)


# Faults of the network.

def no_reply(exchange):
    exchange.connection.wait_for_end()
    return "closed"


def reset(exchange):
    exchange.connection.reset()
    return "closed"


def close(exchange):
    exchange.connection.close()
    return "closed"


def applied_and_reset(exchange):
    exchange.applied()
    return reset(exchange)


def applied_without_reply(exchange):
    exchange.applied()
    return no_reply(exchange)


def truncated(exchange):
    answer = exchange.applied()
    exchange.connection.send(answer[:-max(1, len(answer) // 8)])
    return close(exchange)


def too_long_a_length(exchange):
    exchange.connection.send(exchange.applied().replace(b"Content-Length: ", b"Content-Length: 9"))
    return no_reply(exchange)


def drip(exchange):
    for byte in exchange.applied():
        exchange.connection.send(bytes([byte]))
        time.sleep(0.02)


def garbage(exchange):
    exchange.connection.send(os.urandom(300))
    return close(exchange)


def endless_head(exchange):
    exchange.connection.send(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 2_000_000 + b"\r\n\r\n")


def slow(seconds):
    def fault(exchange):
        answer = exchange.applied()
        time.sleep(seconds)
        exchange.connection.send(answer)
    return fault


# Faults that AWS says in so many words.

def says(status, body, content_type="application/x-amz-json-1.0"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda exchange: exchange.connection.send(response(status, data, content_type))


def error(name, status=400, message="injected", **members):
    return says(status, {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": message, **members})


html = says(502, b"<html>bad gateway</html>", "text/html")
broken_json = says(200, b'{"Item":{"pk":{"S":')
internal_error = error("InternalServerError", 500)
throttled = error("ProvisionedThroughputExceededException")
throttled_otherwise = error("ThrottlingException")
conflict = error("TransactionConflictException")
canceled_by_conflict = error(
    "TransactionCanceledException", message="Transaction cancelled [TransactionConflict, None]",
    CancellationReasons=[{"Code": "TransactionConflict", "Message": "injected"}, {"Code": "None"}])
in_progress = error("TransactionInProgressException")


def unprocessed(exchange):
    """A BatchGetItem that reads nothing, as DynamoDB answers when it throttles a part of a batch."""
    left = json.loads(exchange.body)["RequestItems"]
    return says(200, {"Responses": {}, "UnprocessedKeys": left})(exchange)


# When they strike.

def always(fault):
    return lambda exchange: fault


def on_writes(fault, times=None, operations=WRITES):
    """Every write, or the first ones."""
    left = [times]

    def policy(exchange):
        if exchange.operation not in operations or left[0] == 0:
            return None
        if left[0] is not None:
            left[0] -= 1
        return fault
    return policy


def on_keys(fault):
    return lambda exchange: fault if exchange.reads_keys else None


def at_random(random, shares):
    """`shares` are pairs of a probability and a fault; keys are spared."""
    def policy(exchange):
        if exchange.reads_keys:
            return None
        drawn = random.random()
        for share, fault in shares:
            if drawn < share:
                return fault
            drawn -= share
        return None
    return policy
