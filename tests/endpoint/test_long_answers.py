"""Too much of an answer: endless, too long, compressed."""

from __future__ import annotations

import ssl
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable

import anyio
import httpx
import pytest

from tests import endpoint_servers as servers
from tests.endpoint_servers import OK, Server, reply
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenResponse
from zoho_oauth._policy import LONGEST_ANSWER

from .sending import answering, send


async def _read_all(url: str) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=bare) as client:
        await client.post(url)


async def _send_and_be_refused(url: str) -> None:
    assert await send(url) == Refusal(kind="malformed", detail="The answer is longer than 65536 bytes.")


@pytest.mark.anyio
@pytest.mark.parametrize(("post", "ends"), [(_send_and_be_refused, True), (_read_all, False)])
async def test_an_endless_answer_is_left(post: Callable[[str], Awaitable[None]], ends: bool) -> None:
    """The control reads to the end."""
    with Server(servers.never_end) as server, anyio.move_on_after(1) as patience:
        await post(server.url)

    assert patience.cancelled_caught is not ends


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "made with its content"])
@pytest.mark.parametrize(("length", "kind"), [(LONGEST_ANSWER, None), (LONGEST_ANSWER + 1, "malformed")])
async def test_the_longest_answer_is_64_kib(length: int, kind: str | None, streamed: bool) -> None:
    async def pieces():
        yield b" " * (length - 1)
        yield b" "

    content = pieces() if streamed else b" " * length
    answer = await send("https://accounts.zoho.example/", transport=answering(content=content))

    assert (answer.kind if isinstance(answer, Refusal) else None) == kind


@pytest.mark.asyncio
async def test_a_stream_that_cannot_be_closed_ends_by_the_deadline() -> None:
    """Not on trio, which complains about the generator that such a transport leaves behind."""

    async def pieces():
        while True:
            yield b" " * LONGEST_ANSWER

    answer = await send("https://a.example/", transport=answering(content=pieces()), seconds=0.1)

    assert answer == Refusal(kind="unavailable", detail="No complete answer within 0.1 s.")


def gzip_bomb(megabytes: int) -> bytes:
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(compress.compress(bytes(1 << 20)) for _ in range(megabytes)) + compress.flush()


async def _send_and_refuse_the_encoding(url: str) -> None:
    assert await send(url) == Refusal(
        kind="malformed", detail="The answer is compressed, which was not asked for."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(("post", "bounded"), [(_send_and_refuse_the_encoding, True), (_read_all, False)])
async def test_a_gzip_bomb_is_not_unpacked(post: Callable[[str], Awaitable[None]], bounded: bool) -> None:
    """The control is httpx's own reading."""
    bomb = gzip_bomb(megabytes=32)
    assert len(bomb) < LONGEST_ANSWER

    with Server(reply(bomb, content_encoding="gzip")) as server:
        tracemalloc.start()
        try:
            await post(server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert (peak < 8 << 20) is bounded


@pytest.mark.anyio
@pytest.mark.parametrize(("encoding", "taken"), [("identity", True), (" Identity", True), ("br", False)])
async def test_only_identity_is_a_content_encoding_here(encoding: str, taken: bool) -> None:
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(OK))
    )

    answer = await send("https://accounts.zoho.example/", transport=transport)

    assert isinstance(answer, TokenResponse) is taken


@pytest.mark.anyio
@pytest.mark.parametrize(
    "unreadable",
    [{"content": b" " * (LONGEST_ANSWER + 1)}, {"stream": httpx.ByteStream(b"\x1f\x8b")}],
    ids=["too long", "compressed"],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_an_error_keeps_its_status_and_retry_after_without_its_body(
    status: int, unreadable: dict[str, object]
) -> None:
    headers = {"retry-after": "7", **({"content-encoding": "gzip"} if "stream" in unreadable else {})}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=headers, **unreadable))

    answer = await send("https://accounts.zoho.example/", transport=transport)

    assert answer == TokenResponse(status=status, body=b"", retry_after="7")
