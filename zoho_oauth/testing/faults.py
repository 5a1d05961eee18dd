"""
What can go wrong on the way: `fake.fail_next(…)` for token requests, `fake.answer_next(…)` for API requests.

On a socket each does what it says, byte for byte. In process a cut connection is a `ConnectionError`, which
`FakeZoho.transport` turns into the `RemoteProtocolError` that a socket would have given.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from ._gates import Gate

if TYPE_CHECKING:
    from ._asgi import Exchange

_JSON: Final = ("content-type", "application/json;charset=UTF-8")
_BLOCK: Final = 65_536
_MEGABYTE: Final = 1_048_576


@frozen
class CutBeforeHeaders:
    """The connection closes and nothing was said."""

    async def send_to(self, exchange: Exchange) -> None:
        """Cut."""
        await exchange.cut()


@frozen
class CutAfterHeaders:
    """Headers that promise a body, a first piece of it, and the connection closes."""

    status: int = 200
    piece: bytes = b'{"access_token": "1000.fake-acc'

    async def send_to(self, exchange: Exchange) -> None:
        """Begin, then cut."""
        await exchange.start(self.status, (_JSON, ("content-length", str(len(self.piece) + 100))))
        await exchange.write(self.piece, more=True)
        await exchange.cut()


@frozen
class Drip:
    """A whole answer, `chunk` bytes at a time with `pause` real seconds between: no single read is slow."""

    pause: float = 1.0
    body: bytes = b'{"access_token": "1000.fake-access-dripped", "expires_in": 3600}'
    chunk: int = 1

    async def send_to(self, exchange: Exchange) -> None:
        """Drip."""
        await exchange.start(200, (_JSON, ("content-length", str(len(self.body)))))
        for begin in range(0, len(self.body), self.chunk):
            await exchange.write(self.body[begin : begin + self.chunk], more=True)
            await exchange.line.pause(self.pause)
        await exchange.write(b"")


@frozen
class HugeBody:
    """`size` bytes of JSON string, without a Content-Length to warn of them."""

    size: int = 10 * _MEGABYTE

    async def send_to(self, exchange: Exchange) -> None:
        """Send them all."""
        await exchange.start(200, (_JSON,))
        await exchange.write(b'{"access_token": "', more=True)
        for begin in range(0, self.size, _BLOCK):
            await exchange.write(b"a" * min(_BLOCK, self.size - begin), more=True)
        await exchange.write(b'"}')


@frozen
class GzipBomb:
    """A few kilobytes with Content-Encoding gzip that become `size` bytes."""

    size: int = 50 * _MEGABYTE

    async def send_to(self, exchange: Exchange) -> None:
        """Send it."""
        body = _compressed(self.size)
        headers = (_JSON, ("content-encoding", "gzip"), ("content-length", str(len(body))))
        await exchange.start(200, headers)
        await exchange.write(body)


@lru_cache(maxsize=4)
def _compressed(size: int) -> bytes:
    gzip_container = 16 + zlib.MAX_WBITS
    compressor = zlib.compressobj(wbits=gzip_container)
    blocks = [compressor.compress(b" " * min(_BLOCK, size - begin)) for begin in range(0, size, _BLOCK)]
    return b"".join(blocks) + compressor.flush()


@frozen
class Hang:
    """No answer at all until `gate.release()`, then the connection closes."""

    gate: Gate = field(factory=Gate)

    async def send_to(self, exchange: Exchange) -> None:
        """Wait, then cut."""
        await exchange.line.gates.close("hangs", self.gate).passed()
        await exchange.cut()
