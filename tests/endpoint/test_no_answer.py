"""No connection, which is tried twice, and no answer, which is not."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable, Callable

import anyio
import httpx
import pytest

from tests import endpoint_servers as servers
from tests.endpoint_servers import OK, Server
from zoho_oauth import _endpoint
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenResponse

from .sending import SECRET, Recorder, posted, send

# No connection


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/oauth/v2/token"


@pytest.mark.anyio
async def test_a_refused_connection_is_tried_twice() -> None:
    transport = Recorder(httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))

    answer = await send(closed_port(), transport=transport)

    assert answer == Refusal(kind="unavailable", detail="No complete answer (ConnectError).")
    assert transport.requests == 2


@pytest.mark.anyio
async def test_a_refused_connection_without_a_transport_is_unavailable() -> None:
    assert await send(closed_port()) == Refusal(
        kind="unavailable", detail="No complete answer (ConnectError)."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (httpx.ConnectError("Name or service not known"), 2),
        (httpx.ConnectTimeout(""), 2),
        (httpx.PoolTimeout(""), 2),
        (httpx.ReadTimeout(""), 1),
        (httpx.ReadError(""), 1),
        (httpx.WriteError(""), 1),
        (httpx.WriteTimeout(""), 1),
        (httpx.RemoteProtocolError(""), 1),
        (httpx.ProxyError("407 Proxy Authentication Required"), 1),
        (OSError("no route"), 1),
        (TimeoutError(), 1),
        (ExceptionGroup("several", [ValueError()]), 1),
        (RuntimeError(SECRET), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_only_a_failure_before_the_first_byte_is_tried_again(error: Exception, tries: int) -> None:
    transport = Recorder(error)

    answer = await send("https://accounts.zoho.example/", transport=transport)

    assert answer == Refusal(kind="unavailable", detail=f"No complete answer ({type(error).__name__}).")
    assert transport.requests == tries


@pytest.mark.anyio
async def test_the_second_try_can_succeed() -> None:
    class Hiccup(Recorder):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.requests += 1
            if self.requests == 1:
                raise httpx.ConnectError("once")
            return httpx.Response(200, content=OK)

    answer = await send("https://accounts.zoho.example/", transport=Hiccup(RuntimeError()))

    assert answer == TokenResponse(status=200, body=OK, retry_after=None)


@pytest.mark.anyio
@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 0.05), (0.5, 0.15), (0.999999, 0.25)])
async def test_the_pause_between_the_tries_comes_from_the_jitter(
    jitter: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(_endpoint.anyio, "sleep", sleep)
    endpoint = TokenEndpoint(transport=Recorder(httpx.ConnectError("")))

    await endpoint.send(posted("https://accounts.zoho.example/"), seconds=5, jitter=jitter)

    assert pauses == [pytest.approx(pause, abs=1e-5)]


@pytest.mark.anyio
async def test_the_second_try_is_inside_the_deadline() -> None:
    transport = Recorder(httpx.ConnectError(""))

    answer = await send("https://accounts.zoho.example/", transport=transport, seconds=0.01)

    assert answer == Refusal(kind="unavailable", detail="No complete answer within 0.01 s.")
    assert transport.requests == 1


# No answer


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [servers.hang_up, servers.break_off])
async def test_a_request_that_was_sent_is_not_sent_again(answer: servers.Answer) -> None:
    with Server(answer) as server:
        refusal = await send(server.url)

    assert refusal == Refusal(kind="unavailable", detail="No complete answer (RemoteProtocolError).")
    assert server.connections == 1


@pytest.mark.anyio
async def test_a_server_that_says_nothing_is_asked_once_and_left_by_the_deadline() -> None:
    with Server(servers.say_nothing) as server:
        before = anyio.current_time()
        answer = await send(server.url, seconds=0.4)
        took = anyio.current_time() - before
        left = await anyio.to_thread.run_sync(server.left.wait, 5)

    assert isinstance(answer, Refusal)
    assert answer.kind == "unavailable"
    assert took < 2
    assert (server.connections, left) == (1, True)


async def _post_with_a_read_timeout(url: str) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=bare, timeout=httpx.Timeout(0.4)) as client:
        await client.post(url)


async def _send_with_a_deadline(url: str) -> None:
    assert await send(url, seconds=0.4) == Refusal(
        kind="unavailable", detail="No complete answer within 0.4 s."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("post", "ends"), [(_send_with_a_deadline, True), (_post_with_a_read_timeout, False)]
)
async def test_a_slow_drip_ends_by_the_deadline(post: Callable[[str], Awaitable[None]], ends: bool) -> None:
    """The control has a read time-out, which every drop restarts."""
    with Server(servers.drip) as server:
        with anyio.move_on_after(1.5) as patience:
            await post(server.url)
        await anyio.to_thread.run_sync(server.left.wait, 5)

    assert patience.cancelled_caught is not ends
    assert server.connections == 1
