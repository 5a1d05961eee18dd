"""Answers that try whoever looks at them, and a transport that counts what was taken of each."""

from __future__ import annotations

import json
import zlib
from functools import lru_cache

from attrs import define, field, frozen

from tests.auth import LEADS
from zoho_oauth.testing.answers import SCOPE_MISMATCH

MEGABYTE = 1_048_576
JSON = ("content-type", "application/json;charset=UTF-8")
WORKDRIVE = "/workdrive/api/v1/files"

#: Status → path and body of an answer that is looked at and handed back, since another token does not help.
HANDED_BACK = {
    401: (LEADS, SCOPE_MISMATCH.body),
    400: (LEADS, json.dumps({"code": "INVALID_DATA", "message": "größer", "status": "error"}).encode()),
    500: (WORKDRIVE, b'{"errors": [{"id": "F000",\n"title": "a parameter is missing"}]}'),
}


@frozen
class Sent:
    """A body with its Content-Length, or in chunks of 7 bytes."""

    status: int
    body: bytes
    coding: str = ""
    in_chunks: bool = False
    content_type: str = JSON[1]

    async def send_to(self, exchange):
        headers = [("content-type", self.content_type)]
        if self.coding:
            headers.append(("content-encoding", self.coding))
        if not self.in_chunks:
            headers.append(("content-length", str(len(self.body))))
        await exchange.start(self.status, headers)
        step = 7 if self.in_chunks and len(self.body) < 10_000 else 65_536
        for begin in range(0, len(self.body), step):
            await exchange.write(self.body[begin : begin + step], more=True)
        await exchange.write(b"")


@frozen
class Promised:
    """Says that a gigabyte comes, sends the first piece of it, and waits until the client has gone."""

    status: int = 401

    async def send_to(self, exchange):
        await exchange.start(self.status, (JSON, ("content-length", str(1024 * MEGABYTE))))
        await exchange.write(b" " * 65_536, more=True)
        while (await exchange._receive())["type"] != "http.disconnect":
            pass


@lru_cache
def bomb(megabytes: int) -> bytes:
    """A thousandth of what it becomes; one block of the deflate format, again and again."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = compressor.compress(b" " * MEGABYTE) + compressor.flush(zlib.Z_FULL_FLUSH)
    # RFC 1952 section 2.3: a header without a name. The end is missing, which decoders forgive.
    return b"\x1f\x8b\x08" + b"\0" * 6 + b"\xff" + block * megabytes


@define
class Tap:
    """How much of each answer was taken, and how often its stream was closed."""

    taken: list[int] = field(factory=list)
    closed: list[int] = field(factory=list)

    def transport(self, module, **limits):
        """For an async client."""
        tap, inner = self, module.AsyncHTTPTransport(limits=module.Limits(**limits))

        class Stream(module.AsyncByteStream):
            def __init__(self, stream):
                self.stream, self.parts, self.number = stream, None, tap._opened()

            def __aiter__(self):
                self.parts = aiter(self.stream)
                return self

            async def __anext__(self):
                part = await anext(self.parts)
                tap.taken[self.number] += len(part)
                return part

            async def aclose(self):
                tap.closed[self.number] += 1
                await self.stream.aclose()

        class Transport(module.AsyncBaseTransport):
            async def handle_async_request(self, request):
                response = await inner.handle_async_request(request)
                response.stream = Stream(response.stream)
                return response

            async def aclose(self):
                await inner.aclose()

        return Transport()

    def blocking_transport(self, module, **limits):
        """For a sync client."""
        tap, inner = self, module.HTTPTransport(limits=module.Limits(**limits))

        class Stream(module.SyncByteStream):
            def __init__(self, stream):
                self.stream, self.number = stream, tap._opened()

            def __iter__(self):
                for part in self.stream:
                    tap.taken[self.number] += len(part)
                    yield part

            def close(self):
                tap.closed[self.number] += 1
                self.stream.close()

        class Transport(module.BaseTransport):
            def handle_request(self, request):
                response = inner.handle_request(request)
                response.stream = Stream(response.stream)
                return response

            def close(self):
                inner.close()

        return Transport()

    def _opened(self):
        self.taken.append(0)
        self.closed.append(0)
        return len(self.taken) - 1


def greedy_auth(library, source):
    """An Auth that reads whatever is an error."""

    class Greedy(library.module.Auth):
        async def async_auth_flow(self, request):
            token = await source.token()
            request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
            response = yield request
            if response.status_code >= 400:
                await response.aread()

    return Greedy()


async def renewal_ended(world):
    """The renewal that nobody waits for."""
    for attempt in list(world.source().entry.attempts.values()):
        await attempt.done.wait()
