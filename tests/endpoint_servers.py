"""Servers that misbehave on purpose: raw sockets in threads, the same for asyncio and trio."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from attrs import field, frozen

#: First byte of a TLS connection (RFC 8446 section 5.1).
TLS_HANDSHAKE = b"\x16"

OK = b'{"access_token": "1000.fake-access-1", "expires_in": 3600}'


@frozen
class Received:
    """One request as it came: head and body."""

    head: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        lines = self.head.split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


Answer = Callable[["Connection"], None]


@frozen
class Connection:
    """What an answer gets: the open socket, the request and the moment to stop."""

    socket: socket.socket
    request: Received
    over: threading.Event

    def write(self, status: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def reply(body: bytes = OK, *, status: str = "200 OK", **headers: str) -> Answer:
    """The whole answer at once; `set_cookie="a=b"` sends `set-cookie: a=b`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda connection: connection.write(
        status, {"content-length": str(len(body)), "connection": "close", **named}, body
    )


def say_nothing(connection: Connection) -> None:
    """Reads the request, and nothing more happens until the client leaves."""
    while not connection.over.is_set():
        if select.select([connection.socket], [], [], 0.05)[0] and not connection.socket.recv(1):
            return


def hang_up(connection: Connection) -> None:
    """Closes the connection after the request."""


def break_off(connection: Connection) -> None:
    """Promises more than it sends."""
    connection.write("200 OK", {"content-length": "1000"}, OK)


def drip(connection: Connection) -> None:
    """A byte every now and then, each in time for a read time-out."""
    connection.write("200 OK", {"content-length": "100000"}, OK)
    while not connection.over.wait(0.02):
        connection.socket.sendall(b" ")


def never_end(connection: Connection) -> None:
    """Chunks for as long as the client takes them."""
    connection.write("200 OK", {"transfer-encoding": "chunked"})
    while not connection.over.is_set():
        connection.socket.sendall(b"1000\r\n" + b" " * 0x1000 + b"\r\n")


class Server:
    """Answers as told, counts `connections`, keeps `requests`; `left` is set when a client has gone."""

    def __init__(self, answer: Answer, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.arrived = threading.Event()
        self.left = threading.Event()
        self._answer = answer
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        host, scheme = ("localhost", "https") if self._tls else ("127.0.0.1", "http")
        return f"{scheme}://{host}:{self.port}/oauth/v2/token"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            plain.settimeout(10)
            with self._wrapped(plain) as connection:
                self.requests.append(read_request(connection))
                self.arrived.set()
                self._answer(Connection(connection, self.requests[-1], self._over))
        self.left.set()

    def _wrapped(self, plain: socket.socket) -> socket.socket:
        return plain if self._tls is None else self._tls.wrap_socket(plain, server_side=True)


def read_request(connection: socket.socket) -> Received:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
        if received.startswith(TLS_HANDSHAKE):
            raise ConnectionError("TLS to a plain server")
    head, _, body = received.partition(b"\r\n\r\n")
    request = Received(head.decode("ascii"), body)
    while len(body) < int(request.headers.get("content-length", 0)):
        body += _some(connection)
    return Received(request.head, body)


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(65536)
    if not received:
        raise ConnectionError("the client left")
    return received


@frozen
class Tunnel:
    """The answer of a CONNECT proxy that leads every name to one port here; it keeps what was asked for."""

    port: int
    asked: list[str] = field(factory=list)

    def __call__(self, connection: Connection) -> None:
        self.asked.append(connection.request.head.split("\r\n")[0])
        connection.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as target:
            for source, sink in _readable(connection.socket, target, connection.over):
                received = source.recv(65536)
                if not received:
                    return
                sink.sendall(received)


def _readable(
    one: socket.socket, other: socket.socket, over: threading.Event
) -> Iterator[tuple[socket.socket, socket.socket]]:
    while not over.is_set():
        for source in select.select([one, other], [], [], 0.05)[0]:
            yield source, other if source is one else one
