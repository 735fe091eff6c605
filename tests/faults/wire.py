"""HTTP/1.1 over plain sockets. A fault is made of bytes, so nothing here hides them."""

import contextlib
import socket
import struct
import threading


class Message:
    """A request or a response: its head without the empty line, and its body."""

    def __init__(self, head, body):
        self.head, self.body = head, body

    def header(self, name):
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.encode():
                return value.strip().decode("latin-1")
        return None

    def without(self, *names):
        """The lines of the head but for these headers."""
        unwanted = tuple(name.encode() + b":" for name in names)
        return [line for line in self.head.split(b"\r\n") if not line.lower().startswith(unwanted)]


class Connection:
    def __init__(self, client):
        self.client, self.rest = client, b""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self):
        """The next message, or None at the end of the stream."""
        if not self._fill(lambda: b"\r\n\r\n" in self.rest):
            return None
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        message = Message(head, b"")
        if "chunked" in (message.header("transfer-encoding") or ""):
            message.body = self._chunks()
        else:
            message.body = self._take(int(message.header("content-length") or 0))
        return None if message.body is None else message

    def send(self, data):
        self.client.sendall(data)

    def wait_for_end(self):
        """Waits until the other end closes the connection, without a word."""
        with contextlib.suppress(OSError):
            while self.client.recv(65536):
                pass

    def reset(self):
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()

    def close(self):
        self.client.close()

    def _fill(self, complete):
        while not complete():
            data = self.client.recv(65536)
            if not data:
                return False
            self.rest += data
        return True

    def _take(self, count):
        if not self._fill(lambda: len(self.rest) >= count):
            return None
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def _chunks(self):
        body = b""
        while True:
            if not self._fill(lambda: b"\r\n" in self.rest):
                return None
            size, _, self.rest = self.rest.partition(b"\r\n")
            chunk = self._take(int(size.split(b";")[0], 16) + 2)
            if chunk is None or chunk == b"\r\n":
                return None if chunk is None else body
            body += chunk[:-2]


class Server:
    """Runs `handle(connection)` on a thread for each connection to a free loopback port."""

    def __init__(self, handle):
        self.handle = handle
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(Connection(client),), daemon=True).start()

    def _run(self, connection):
        try:
            self.handle(connection)
        except OSError:
            pass  # The other end was killed, or a fault closed the socket.
        finally:
            connection.close()

    def stop(self):
        # Shutting down wakes the thread that accepts.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def response(status, body, content_type="application/x-amz-json-1.0"):
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nx-amzn-requestid: rig\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
