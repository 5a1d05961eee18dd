"""Somebody else's transport, one event loop after another, and cancellation from outside."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

import anyio
import httpx
import pytest
import trustme

from tests import endpoint_servers as servers
from tests.endpoint_servers import OK, Server, reply
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenResponse

from .sending import SECRET, Recorder, answering, certified, posted, send


async def _post_with_httpx(url: str, transport: httpx.AsyncBaseTransport) -> None:
    async with httpx.AsyncClient(transport=transport) as client:
        await client.post(url, content=posted(url).body())


@pytest.mark.anyio
@pytest.mark.parametrize(("post", "closed"), [(send, False), (_post_with_httpx, True)])
async def test_a_transport_is_never_closed(post: Callable[..., Awaitable[object]], closed: bool) -> None:
    """The control is httpx's own client."""
    transport = Recorder(answering(content=OK))

    await post("https://accounts.zoho.example/", transport=transport)

    assert (transport.requests, transport.closed) == (1, closed)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_endpoint_serves_one_event_loop_after_another(backend: str, ca: trustme.CA, ca_file: str) -> None:
    endpoint = TokenEndpoint(verify=ca_file)

    async def once(url: str) -> TokenResponse | Refusal:
        return await endpoint.send(posted(url), seconds=5)

    with Server(reply(), tls=certified(ca)) as server:
        answers = [anyio.run(once, server.url, backend=backend) for _ in range(3)]

    assert [type(answer) for answer in answers] == [TokenResponse] * 3


# Cancellation from outside


@pytest.mark.anyio
async def test_a_cancellation_passes_through_and_closes_the_socket() -> None:
    with Server(servers.say_nothing) as server, anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(send, server.url)
            await anyio.to_thread.run_sync(server.arrived.wait, 5)
            group.cancel_scope.cancel()
        left = await anyio.to_thread.run_sync(server.left.wait, 5)

    assert left
    assert server.connections == 1


def locals_of(error: BaseException | None) -> str:
    """Of every frame of an exception and of all that it came from."""
    frames = []
    while error is not None:
        frames += [repr(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__)]
        error = error.__cause__ or error.__context__
    return "\n".join(frames)


class HalfAToken(httpx.AsyncByteStream):
    """Sends the first half of an answer and waits for ever."""

    def __init__(self) -> None:
        self.sent = anyio.Event()

    async def __aiter__(self):
        yield OK[:40]
        self.sent.set()
        await anyio.sleep_forever()


class HalfATokenThenAnError(HalfAToken):
    """Breaks off after the first half and takes for ever to close."""

    async def __aiter__(self):
        yield OK[:40]
        raise httpx.ReadError("")

    async def aclose(self) -> None:
        self.sent.set()
        await anyio.sleep_forever()


@pytest.mark.anyio
@pytest.mark.parametrize(("post", "leaks"), [(send, False), (_post_with_httpx, True)])
@pytest.mark.parametrize("half", [HalfAToken, HalfATokenThenAnError])
async def test_a_cancellation_carries_no_secret_in_its_frames(
    half: type[HalfAToken], post: Callable[..., Awaitable[object]], leaks: bool
) -> None:
    """The control is a client without our clearing."""
    held: list[str] = []
    answer = half()

    async def call() -> None:
        try:
            await post("https://accounts.zoho.example/", transport=answering(stream=answer))
        except BaseException as cancellation:
            held.append(locals_of(cancellation))
            raise

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await answer.sent.wait()
            group.cancel_scope.cancel()

    assert (SECRET in held[0] or "fake-access" in held[0]) is leaks


@pytest.mark.asyncio
async def test_a_native_cancellation_stays_one() -> None:
    answer = HalfAToken()
    task = asyncio.create_task(send("https://accounts.zoho.example/", transport=answering(stream=answer)))
    await answer.sent.wait()

    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert task.cancelled()
