"""One HTTP request and its answer, over ASGI 3."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

import anyio
from attrs import define, field

from ._gates import Gates, Tally

if TYPE_CHECKING:
    from ._hosts import Place

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[str, str]]


#: The ASGI extension by which the loopback server lends its connections: called with `scope["client"]`.
CUT: Final = "zoho_oauth.cut"


class ConnectionCut(ConnectionError):
    """In process there is no connection to cut: the transport sees this instead."""


@define(eq=False)
class Line:
    """What all exchanges of one fake share: its gates, and whether the server is stopping."""

    gates: Gates = field(factory=Gates)
    stopping: Tally = field(factory=Tally)

    def restart(self) -> None:
        """A server carries the exchanges from now on."""
        self.stopping = Tally()

    def stop(self) -> None:
        """Let everything go that waits."""
        self.stopping.add()
        self.gates.release_all()

    async def pause(self, seconds: float) -> None:
        """Let real seconds pass, fewer if the server stops."""
        with anyio.move_on_after(seconds):
            await self.stopping.reached()


class Exchange:
    """A request as the fake's servers read it, and the ways to answer it."""

    __slots__ = ("_receive", "_scope", "_send", "headers", "line", "method", "path", "place", "query")

    def __init__(
        self,
        scope: Message,
        receive: Receive,
        send: Send,
        *,
        headers: dict[bytes, bytes],
        place: Place,
        line: Line,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.headers = headers
        self.place = place
        self.line = line
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("ascii", "replace")

    async def read_body(self) -> bytes:
        """The whole request body."""
        parts: list[bytes] = []
        more = True
        while more:
            message = await self._receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def read_digest(self) -> tuple[int, str]:
        """Length and SHA-256 of the request body, without keeping it."""
        length, digest = 0, hashlib.sha256()
        more = True
        while more:
            message = await self._receive()
            part = message.get("body", b"")
            length += len(part)
            digest.update(part)
            more = message.get("more_body", False)
        return length, digest.hexdigest()

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, part: bytes, *, more: bool = False) -> None:
        """Send a part of the body, or the end of it."""
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def cut(self) -> None:
        """Close the connection without another byte."""
        cut_connection = self._scope.get("extensions", {}).get(CUT)
        if cut_connection is None:
            raise ConnectionCut("the fake cut the connection")
        cut_connection(self._scope["client"])
        # Returning earlier would make the server answer 500 to what it takes for a living connection.
        while (await self._receive())["type"] != "http.disconnect":
            pass
