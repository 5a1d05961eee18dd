"""The accounts server's misbehaviour and the network's, over real sockets."""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import socket
import ssl
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import anyio
import httpx
import pytest
import trustme

from zoho_oauth import _endpoint
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenRequest, TokenResponse
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth._secrets import Secret
from zoho_oauth.errors import ConfigurationError

from . import endpoint_servers as servers
from .endpoint_servers import OK, Server, Tunnel, reply

SECRET = "1000.fake-refresh-1"
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def posted(url: str) -> TokenRequest:
    return TokenRequest(url=url, form=(("refresh_token", Secret(SECRET)),))


async def send(url: str, *, seconds: float = 5.0, **endpoint: object) -> TokenResponse | Refusal:
    with anyio.fail_after(20):
        return await TokenEndpoint(**endpoint).send(posted(url), seconds=seconds)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXY_NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_endpoint, "_trusts", {})


class Recorder(httpx.AsyncBaseTransport):
    """Passes on to another transport, or raises, and counts."""

    def __init__(self, then: httpx.AsyncBaseTransport | Exception) -> None:
        self.requests = 0
        self.closed = False
        self._then = then

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if isinstance(self._then, Exception):
            raise self._then
        return await self._then.handle_async_request(request)

    async def aclose(self) -> None:
        self.closed = True


def answering(**response: object) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, **response))


# What is sent


@pytest.mark.anyio
async def test_the_answer_comes_back_with_status_body_and_retry_after() -> None:
    with Server(reply(b"slow down", status="429 Too Many Requests", retry_after="7")) as server:
        answer = await send(server.url)

    assert answer == TokenResponse(status=429, body=b"slow down", retry_after="7")


@pytest.mark.anyio
async def test_secrets_are_in_the_form_body_and_not_in_the_request_line_or_headers() -> None:
    with Server(reply()) as server:
        await send(server.url)

    (request,) = server.requests
    assert parse_qs(request.body.decode()) == {"refresh_token": [SECRET]}
    assert SECRET not in request.head


@pytest.mark.anyio
async def test_the_request_is_a_plain_http_1_1_form_post_of_this_library() -> None:
    with Server(reply()) as server:
        await send(server.url)

    (request,) = server.requests
    assert request.head.startswith("POST /oauth/v2/token HTTP/1.1\r\n")
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["user-agent"].startswith("zoho_oauth/")


@pytest.mark.anyio
async def test_no_netrc_entry_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    with Server(reply()) as server:
        await send(server.url)

    assert "authorization" not in server.requests[0].headers


async def _two_posts_of_one_client(url: str) -> None:
    async with httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
        await client.post(url)
        await client.post(url)


async def _two_sends_of_one_endpoint(url: str) -> None:
    endpoint = TokenEndpoint()
    for _ in range(2):
        await endpoint.send(posted(url), seconds=5)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("post_twice", "kept"), [(_two_sends_of_one_endpoint, False), (_two_posts_of_one_client, True)]
)
async def test_a_cookie_is_not_sent_back(post_twice: Callable[[str], Awaitable[None]], kept: bool) -> None:
    """The control is a client that is used twice."""
    with Server(reply(set_cookie="visitor=1; Path=/")) as server:
        await post_twice(server.url)

    assert [("cookie" in request.headers) for request in server.requests] == [False, kept]


@pytest.mark.anyio
async def test_no_log_record_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with Server(reply()) as server:
        await send(server.url)

    assert caplog.records
    assert SECRET not in caplog.text
    assert "fake-access" not in caplog.text


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


# Too much of an answer


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


# Redirects


async def _follow(url: str) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=bare, follow_redirects=True) as client:
        await client.post(url, content=f"refresh_token={SECRET}")


async def _send_and_get_the_redirect(url: str) -> None:
    answer = await send(url)
    assert isinstance(answer, TokenResponse)
    assert 300 <= answer.status < 400


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize(("post", "reached"), [(_send_and_get_the_redirect, 0), (_follow, 1)])
async def test_a_redirect_is_not_followed(
    post: Callable[[str], Awaitable[None]], reached: int, status: str
) -> None:
    """The control is a client that follows."""
    with Server(reply()) as target, Server(reply(b"", status=status, location=target.url)) as server:
        await post(server.url)

    assert len(target.requests) == reached
    assert len(server.requests) == 1


# Certificates


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def certified(ca: trustme.CA, name: str = "localhost", **dates: datetime.datetime) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **dates).configure_cert(tls)
    return tls


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    ca.configure_trust(trust)
    return trust


@pytest.mark.anyio
async def test_a_ca_file_given_as_verify_is_trusted(ca: trustme.CA, ca_file: str) -> None:
    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=ca_file), TokenResponse)


@pytest.mark.anyio
async def test_an_ssl_context_given_as_verify_is_used_as_it_is(ca: trustme.CA) -> None:
    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=trusting(ca)), TokenResponse)


@pytest.mark.anyio
@pytest.mark.parametrize("verify", [None, True])
async def test_a_ca_in_ssl_cert_file_is_trusted(
    verify: bool | None, ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)

    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=verify), TokenResponse)


@pytest.mark.anyio
async def test_a_later_ssl_cert_file_counts(
    ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = TokenEndpoint()
    with Server(reply(), tls=certified(ca)) as server:
        before = await endpoint.send(posted(server.url), seconds=5)
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        after = await endpoint.send(posted(server.url), seconds=5)

    assert [type(before), type(after)] == [Refusal, TokenResponse]


@pytest.mark.anyio
async def test_verify_wins_over_ssl_cert_file(ca: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.MonkeyPatch.context() as environment, Server(reply(), tls=certified(ca)) as server:
        environment.setenv("SSL_CERT_FILE", ca_file)
        answer = await send(server.url, verify=str(other))

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"


def _unknown_issuer(ca: trustme.CA) -> ssl.SSLContext:
    return certified(trustme.CA())


def _expired(ca: trustme.CA) -> ssl.SSLContext:
    start = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    return certified(ca, not_before=start, not_after=start + datetime.timedelta(days=1))


def _other_host(ca: trustme.CA) -> ssl.SSLContext:
    return certified(ca, "accounts.zoho.example")


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [_unknown_issuer, _expired, _other_host])
async def test_a_certificate_that_proves_nothing_stops_everything(
    broken: Callable[[trustme.CA], ssl.SSLContext], ca: trustme.CA, ca_file: str
) -> None:
    with Server(reply(), tls=broken(ca)) as server:
        answer = await send(server.url, verify=ca_file)

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"
    assert (server.connections, server.requests) == (1, [])


@pytest.mark.anyio
async def test_without_verification_the_secret_would_have_been_sent(ca: trustme.CA) -> None:
    """The control of the test above."""
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE

    with Server(reply(), tls=_unknown_issuer(ca)) as server:
        await send(server.url, transport=httpx.AsyncHTTPTransport(verify=careless))

    assert len(server.requests) == 1


@pytest.mark.anyio
async def test_a_server_that_does_not_speak_tls_is_unavailable(ca_file: str) -> None:
    with Server(servers.hang_up) as server:
        answer = await send(server.url.replace("http:", "https:"), verify=ca_file)

    assert isinstance(answer, Refusal)
    assert answer.kind == "unavailable"


@pytest.mark.anyio
async def test_a_certificate_error_that_the_caller_was_handling_is_not_ours() -> None:
    transport = Recorder(httpx.ReadError(""))

    try:
        raise ssl.SSLCertVerificationError
    except ssl.SSLCertVerificationError:
        answer = await send("https://accounts.zoho.example/", transport=transport)

    assert isinstance(answer, Refusal)
    assert answer.kind == "unavailable"


@pytest.mark.anyio
@pytest.mark.parametrize("present", [True, False])
async def test_ca_certificates_that_cannot_be_loaded_are_a_tls_refusal(present: bool, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if present:
        path.write_text("not a certificate")

    answer = await send("https://accounts.zoho.example/", verify=str(path))

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"
    assert str(path) not in str(answer.detail)


def _not_verifying() -> ssl.SSLContext:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    return careless


@pytest.mark.parametrize("verify", [False, 0, "", Path("ca.pem"), _not_verifying()])
def test_verification_cannot_be_turned_off(verify: object) -> None:
    with pytest.raises(ConfigurationError, match="CA file"):
        TokenEndpoint(verify=verify)


# When certificates are loaded


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which CA certificates were loaded."""
    threads: list[int] = []
    load = ssl.SSLContext.load_verify_locations

    def recording(trust: ssl.SSLContext, *places: str, **named: str) -> None:
        threads.append(threading.get_ident())
        load(trust, *places, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", recording)
    return threads


@pytest.mark.anyio
async def test_certificates_are_loaded_once_and_never_by_the_event_loop(loaders: list[int]) -> None:
    await send("https://127.0.0.1:1/")
    await send("https://127.0.0.1:1/")

    assert len(loaders) == 1
    assert threading.get_ident() not in loaders


@pytest.mark.anyio
async def test_a_client_without_our_certificates_loads_them_in_the_event_loop(loaders: list[int]) -> None:
    """The control of the test above."""
    async with httpx.AsyncClient():
        pass

    assert loaders == [threading.get_ident()]


@pytest.mark.anyio
async def test_concurrent_first_uses_load_certificates_once(loaders: list[int]) -> None:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(send, "https://127.0.0.1:1/")

    assert len(loaders) == 1


@pytest.mark.anyio
async def test_an_http_server_on_loopback_needs_no_certificates(loaders: list[int]) -> None:
    with Server(reply()) as server:
        assert isinstance(await send(server.url), TokenResponse)

    assert loaders == []


@pytest.mark.anyio
async def test_loading_certificates_is_inside_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()
    monkeypatch.setattr(_endpoint, "_load_trust", lambda _: disk.wait(10))

    answer = await send("https://accounts.zoho.example/", seconds=0.1)
    disk.set()

    assert answer == Refusal(kind="unavailable", detail="No complete answer within 0.1 s.")


# Proxies


@pytest.fixture
def accounts(ca: trustme.CA) -> Iterator[Server]:
    """An accounts server whose name only the proxy can resolve; `localhost` leads to it too."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("accounts.zoho.example", "localhost").configure_cert(tls)
    with Server(reply(), tls=tls) as server:
        yield server


@pytest.fixture
def tunnel(accounts: Server) -> Tunnel:
    return Tunnel(accounts.port)


@pytest.fixture
def proxy(tunnel: Tunnel) -> Iterator[Server]:
    with Server(tunnel) as server:
        yield server


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


HIDDEN = "https://accounts.zoho.example/oauth/v2/token"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
async def test_the_proxy_of_the_environment_is_used(
    name: str, proxy: Server, tunnel: Tunnel, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, address(proxy))

    answer = await send(HIDDEN, verify=ca_file)

    assert isinstance(answer, TokenResponse)
    assert tunnel.asked == ["CONNECT accounts.zoho.example:443 HTTP/1.1"]


@pytest.mark.anyio
async def test_the_proxy_sees_no_secret(
    proxy: Server, accounts: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))

    await send(HIDDEN, verify=ca_file)

    assert SECRET not in proxy.requests[0].head
    assert SECRET.encode() in accounts.requests[0].body


@pytest.mark.anyio
async def test_no_proxy_is_respected(
    proxy: Server, accounts: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))
    monkeypatch.setenv("NO_PROXY", "localhost")

    answer = await send(accounts.url, verify=ca_file)

    assert isinstance(answer, TokenResponse)
    assert proxy.connections == 0


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [str, httpx.URL, httpx.Proxy])
async def test_proxy_wins_over_the_environment(
    kind: Callable[[str], object], proxy: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(servers.hang_up) as unwanted:
        monkeypatch.setenv("HTTPS_PROXY", address(unwanted))
        answer = await send(HIDDEN, verify=ca_file, proxy=kind(address(proxy)))

    assert isinstance(answer, TokenResponse)
    assert (proxy.connections, unwanted.connections) == (1, 0)


@pytest.mark.anyio
async def test_a_transport_wins_over_proxy_and_environment(
    proxy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))

    answer = await send(HIDDEN, transport=answering(content=OK), proxy=address(proxy))

    assert isinstance(answer, TokenResponse)
    assert proxy.connections == 0


@pytest.mark.anyio
async def test_a_proxy_that_refuses_is_not_asked_again() -> None:
    with Server(reply(b"", status="407 Proxy Authentication Required")) as proxy:
        answer = await send(HIDDEN, proxy=address(proxy), verify=ssl.create_default_context())

    assert answer == Refusal(kind="unavailable", detail="No complete answer (ProxyError).")
    assert proxy.connections == 1


@pytest.mark.anyio
async def test_an_unusable_proxy_of_the_environment_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://somebody:password@proxy.example")

    answer = await send(HIDDEN, verify=ssl.create_default_context())

    assert answer == Refusal(kind="unavailable", detail="No complete answer (ValueError).")


@pytest.mark.parametrize(
    "proxy", ["gopher://somebody:password@proxy.example", "http://somebody:password@proxy:port", 7]
)
def test_an_unusable_proxy_is_refused_without_its_password(proxy: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpoint(proxy=proxy)

    assert "password" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


# Somebody else's transport


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


def test_the_environment_of_these_tests_names_no_proxy() -> None:
    assert not any(os.environ.get(name) for name in PROXY_NAMES)
