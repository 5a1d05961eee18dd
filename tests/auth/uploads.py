"""Bodies of every kind, and an ear at the server that hears what of them arrives."""

from __future__ import annotations

import hashlib
import io

from attrs import define, field

from tests.auth import LEADS
from tests.auth.answering import WORKDRIVE, Sent
from zoho_oauth.testing.answers import DEAD_TOKEN

MEGABYTE = 1_048_576
TEXT = b"0123456789" * 20_000


class Pipe(io.RawIOBase):
    """Can be read once, like a socket or standard input."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._rest.readinto(buffer)


class Progress:
    """A wrapper such as progress bars are: it reads, says that it could seek, and has no `seek`."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)

    def seekable(self) -> bool:
        return True


class Again:
    """Begins anew each time it is iterated."""

    async def __aiter__(self):
        yield TEXT
        yield TEXT


async def generated():
    yield TEXT
    yield TEXT


def generated_blocking():
    yield TEXT
    yield TEXT


def at(position: int) -> io.BytesIO:
    file = io.BytesIO(TEXT)
    file.seek(position)
    return file


IN_MEMORY = {
    "nothing": dict,
    "bytes": lambda: {"content": TEXT},
    "text": lambda: {"content": "größer " * 1_000},
    "json": lambda: {"json": {"data": [{"Last_Name": "Müller"}] * 100}},
    "form": lambda: {"data": {"a": "b c", "d": ["e", "f"]}},
}
REWINDABLE = {
    "a file at its beginning": lambda: {"files": {"file": at(0)}},
    "a file in the middle": lambda: {"files": {"file": at(1_000)}},
    "a file at its end": lambda: {"files": {"file": at(len(TEXT))}},
    "bytes": lambda: {"files": {"file": TEXT}},
    "named bytes with a field": lambda: {
        "files": {"file": ("a.txt", TEXT, "text/plain")},
        "data": {"x": "y"},
    },
    "two files": lambda: {"files": [("one", at(0)), ("two", at(7))]},
}
ONCE_ONLY = {
    "a pipe in multipart": lambda: {"files": {"file": ("a.bin", Pipe(TEXT))}},
    "a pipe beside a file": lambda: {"files": [("one", at(0)), ("two", ("a.bin", Pipe(TEXT)))]},
    "a wrapper that cannot seek": lambda: {"files": {"file": ("a.bin", Progress(TEXT))}},
    "a generator": lambda: {"content": generated()},
    "an object that begins anew": lambda: {"content": Again()},
}
ONCE_ONLY_BLOCKING = {
    "a pipe in multipart": ONCE_ONLY["a pipe in multipart"],
    "a generator": lambda: {"content": generated_blocking()},
    "an open file": lambda: {"content": at(0)},
    "a list": lambda: {"content": [TEXT, TEXT]},
}


#: Status → where it is answered and how: CRM's and WorkDrive's ways to say that the token is dead.
REJECTIONS = {
    401: (LEADS, DEAD_TOKEN),
    400: (LEADS, Sent(400, DEAD_TOKEN.body)),
    500: (WORKDRIVE, Sent(500, b'{"errors": [{"id": "F7003", "title": "Invalid OAuth token."}]}')),
}


@define
class Ear:
    """Stands before the fake and notes length and SHA-256 of each body, and what Content-Length promised."""

    fake: object
    heard: list[tuple[int, str]] = field(factory=list)
    promised: list[int | None] = field(factory=list)

    async def __call__(self, scope, receive, send):
        if scope["path"].startswith("/oauth/"):
            return await self.fake(scope, receive, send)
        length, digest = 0, hashlib.sha256()
        promise = dict(scope["headers"]).get(b"content-length")

        async def heard():
            nonlocal length
            message = await receive()
            part = message.get("body", b"")
            length += len(part)
            digest.update(part)
            if message["type"] == "http.request" and not message.get("more_body", False):
                self.heard.append((length, digest.hexdigest()))
                self.promised.append(None if promise is None else int(promise))
            return message

        return await self.fake(scope, heard, send)
