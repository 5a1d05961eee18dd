"""
Bodies: whether a request's can be sent again, and a look at an answer's that leaves it to the caller.

Rules for editors: nothing is read past the cap; what was read is given again, by whatever way the caller reads; an
answer that was read to its end has given its connection back; every stream is closed once.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import anyio

from ._policy import LONGEST_ANSWER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

#: Statuses that some product rejects a token with: no other answer is looked at. Never 403, 404 or 429.
REJECTING: Final = frozenset({400, 401, 500})
#: Compressed bytes are unpacked in pieces of this size: 16 bytes of Brotli can say 16 MB, and 16 of gzip 16 KB.
PIECE: Final = 16
#: What a connection has received and not yet handed out is fewer pieces than this.
MOST_PIECES: Final = 100_000


# --- requests --------------------------------------------------------------------------------------------


def is_replayable(request: Any) -> bool:
    """Whether a request's body can be sent again whole: it is in memory, or all its files can be rewound."""
    stream = request.stream
    # The stream is what is sent; one that a hook has put in place of httpx's own may be another than `content`.
    if type(stream).__module__.partition(".")[0] not in ("httpx", "httpx2"):
        return False
    fields = getattr(stream, "fields", None)
    if fields is not None:  # multipart: its parts have a `file` or a `value`
        return all(_is_rewindable(getattr(each, "file", getattr(each, "value", None))) for each in fields)
    try:
        request.content  # noqa: B018
    except Exception:  # RequestNotRead of either httpx: a stream that only its own iterator knows
        return False
    return True


def _is_rewindable(file: object) -> bool:
    if isinstance(file, str | bytes):
        return True
    # httpx rewinds by `seek(0)`, and sends what is left, which is nothing, where there is no `seek`.
    seekable = getattr(file, "seekable", None) if hasattr(file, "seek") else None
    try:
        return bool(seekable is not None and seekable())
    except ValueError:  # closed meanwhile
        return False


# --- answers ---------------------------------------------------------------------------------------------


class Begun:
    """
    The stream of an answer that was looked at: what was read, and then the rest, unless all was read.

    Each httpx asks for a class of its own beside this one.
    """

    def __init__(self, stream: Any, pieces: list[bytes], rest: Any = None) -> None:
        self._stream = stream
        self._pieces = pieces
        self._rest = rest

    @property
    def elapsed(self) -> Any:
        """For httpx2, which asks the stream."""
        return getattr(self._stream, "elapsed", None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self._rest is not None:
            async for piece in self._rest:
                yield piece

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._rest is not None:
            yield from self._rest

    async def aclose(self) -> None:
        """For httpx; a stream that was read to its end is closed already."""
        rest, self._rest = self._rest, None
        if rest is not None:
            await _unwind(rest)
            await self._stream.aclose()

    def close(self) -> None:
        """The same for a sync client."""
        rest, self._rest = self._rest, None
        if rest is not None:
            self._stream.close()


async def aseen(response: Any, kind: type[Begun]) -> bytes | None:
    """The body, if it is short; None if it is not, or is gone. The caller can still read it in every way."""
    if _is_left_alone(response):
        return content_of(response)
    stream, length = response.stream, 0
    pieces: list[bytes] = []
    rest = aiter(stream)
    with _about(response, pieces):
        async for piece in rest:
            pieces.append(piece)
            length += _weight(piece)
            if length > LONGEST_ANSWER:
                response.stream = kind(stream, pieces, rest)
                return None
            del piece
        await stream.aclose()
    response.stream = kind(stream, pieces)
    return _unpacked(response, b"".join(pieces))


def seen(response: Any, kind: type[Begun]) -> bytes | None:
    """The same for a sync client."""
    if _is_left_alone(response):
        return content_of(response)
    stream, length = response.stream, 0
    pieces: list[bytes] = []
    rest = iter(stream)
    with _about(response, pieces):
        for piece in rest:
            pieces.append(piece)
            length += _weight(piece)
            if length > LONGEST_ANSWER:
                response.stream = kind(stream, pieces, rest)
                return None
            del piece
        stream.close()
    response.stream = kind(stream, pieces)
    return _unpacked(response, b"".join(pieces))


def content_of(response: Any) -> bytes | None:
    """What was read of the answer already, by whoever; None if nothing was, or too much."""
    try:
        content: bytes = response.content
    except Exception:  # ResponseNotRead of either httpx
        return None
    return content if len(content) <= LONGEST_ANSWER else None


def _is_left_alone(response: Any) -> bool:
    """A hook may have read it, or have begun to; or it says itself that it is too long."""
    return bool(response.is_closed or response.is_stream_consumed or _is_large(response))


def _is_large(response: Any) -> bool:
    try:
        return int(response.headers.get("Content-Length", 0)) > LONGEST_ANSWER
    except ValueError:  # no number, or one with thousands of digits
        return False


def _weight(piece: bytes) -> int:
    """What a piece counts: one without a byte counts, too, or HTTP/2 could send them for ever."""
    return len(piece) or 1


@contextmanager
def _about(response: Any, pieces: list[bytes]) -> Iterator[None]:
    """Errors of httpx name the request, as they do when httpx itself reads; no traceback's locals hold the body."""
    try:
        yield
    except BaseException as error:
        pieces.clear()
        if hasattr(type(error), "request"):
            error.request = response.request  # type: ignore[attr-defined]
        raise


async def _unwind(rest: Any) -> None:
    """End what is half-way: httpx leaves its inner generators to the garbage collector, and trio warns of them."""
    with anyio.CancelScope() as scope, suppress(Exception):
        scope.cancel()
        for _ in range(MOST_PIECES):
            await anext(rest)


# --- codings ---------------------------------------------------------------------------------------------


def _unpacked(response: Any, raw: bytes) -> bytes | None:
    """The body as httpx unpacks it; None if it cannot be unpacked, or becomes too long."""
    coding = response.headers.get("Content-Encoding")
    if not coding:
        return raw
    if "," in coding:  # codings inside codings: each multiplies what a piece becomes
        return None
    body = bytearray()
    try:
        for piece in _decoded(response, coding, raw):
            body += piece
            if len(body) > LONGEST_ANSWER:
                return None
    except Exception:  # DecodingError of either httpx
        return None
    return bytes(body)


def _decoded(response: Any, coding: str, raw: bytes) -> Iterator[bytes]:
    pieces = (raw[begin : begin + PIECE] for begin in range(0, len(raw), PIECE))
    twin = type(response)(response.status_code, headers={"Content-Encoding": coding}, content=pieces)
    return twin.iter_bytes()  # type: ignore[no-any-return]
