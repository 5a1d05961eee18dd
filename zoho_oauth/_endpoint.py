"""
The only module that sends token requests.

Rules for its editors:

1. Only a `TokenResponse`, a `Refusal` or a cancellation leaves `TokenEndpoint.send`. What is caught here may
   hold wire data: it is not raised on, not chained and not printed; a refusal names its class and no more.
2. A request of which one byte may have left is not sent again: it may have made a token; those are rationed.
3. Everything happens inside one deadline, and nothing blocks the event loop; loading CA certificates would.
4. Secrets travel in the form body, to the URL that was asked for. No redirect is followed, no cookie kept, no
   answer decompressed.
"""

from __future__ import annotations

import os
import ssl
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio
import httpx
from anyio import lowlevel
from attrs import frozen

from ._failures import Refusal
from ._messages import TokenRequest, TokenResponse
from ._policy import LONGEST_ANSWER
from ._version import VERSION
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Half of the default deadline, so that the second try has time too.
CONNECT_TIMEOUT: Final = 5.0
#: Below the default deadline, so that the refusal can say what was waited for.
READ_TIMEOUT: Final = 8.0
#: Before the second try: long enough for a load balancer to drop a dead member, short enough to go unnoticed.
SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.25

#: Failures before the first byte of a request; ConnectError covers DNS and the TLS handshake.
NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": f"zoho_oauth/{VERSION}",
}


class TokenEndpoint:
    """
    Sends token requests with a client of its own, never with yours.

    HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR count as they do for `httpx.AsyncClient`.
    `proxy` replaces the first three, `verify` (path of a CA file or directory, or an `ssl.SSLContext`) the
    other two, `transport` all of them; it is used as it is and never closed.

    Raises `ConfigurationError` for a proxy that httpx does not know, and for whatever would turn verification
    off (RFC 6749 section 10.9).
    """

    def __init__(
        self,
        *,
        proxy: str | httpx.URL | httpx.Proxy | None = None,
        verify: ssl.SSLContext | str | bool | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        usable = _usable_proxy(proxy)
        # It may hold a password, and a traceback shows the arguments of every frame in it.
        del proxy
        if isinstance(usable, ConfigurationError):
            raise usable
        if not _verifies(verify):
            raise ConfigurationError(
                "TokenEndpoint(verify=…) must verify the accounts server.",
                hint="Pass the path of a CA file, or an ssl.SSLContext that checks certificate and name.",
            )
        self._proxy = usable
        self._verify = verify
        self._transport = None if transport is None else _Borrowed(transport)

    async def send(
        self, request: TokenRequest, *, seconds: float, jitter: float = 0.0
    ) -> TokenResponse | Refusal:
        """
        Give the answer as it came, whatever its status, or say why there is none, within `seconds`.

        A redirect is an answer like any other and is not followed. `jitter` in [0, 1) sets the pause before
        the one retry, which happens only if no connection came about. Raises nothing but a cancellation.
        """
        try:
            with anyio.move_on_after(seconds):
                return await self._send_twice_at_most(request, seconds, jitter)
        except BaseException as cancellation:
            # Its frames, and those of what it interrupted, hold the request and a part of the answer.
            cancellation.__traceback__ = cancellation.__context__ = None
            raise
        return Refusal(kind="unavailable", detail=f"No complete answer within {seconds:g} s.")

    async def _send_twice_at_most(
        self, request: TokenRequest, seconds: float, jitter: float
    ) -> TokenResponse | Refusal:
        first = await self._send_once(request, seconds)
        if not isinstance(first, _Unsent):
            return first
        await anyio.sleep(SHORTEST_PAUSE + jitter * (LONGEST_PAUSE - SHORTEST_PAUSE))
        second = await self._send_once(request, seconds)
        return second.refusal if isinstance(second, _Unsent) else second

    async def _send_once(self, request: TokenRequest, seconds: float) -> TokenResponse | Refusal | _Unsent:
        of_the_caller = sys.exception()
        try:
            trust = await self._trust(request.url)
        except Exception as error:
            return Refusal(kind="tls", detail=f"The CA certificates could not be loaded ({_name(error)}).")
        try:
            async with self._client(trust, seconds) as client:
                return await _exchange(client, request)
        except Exception as error:
            return _failure(error, until=of_the_caller)

    async def _trust(self, url: str) -> ssl.SSLContext:
        if isinstance(self._verify, ssl.SSLContext):
            return self._verify
        if self._transport is not None or httpx.URL(url).scheme == "http":
            # httpx would load all CA certificates, only for not using them; this one trusts nobody.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return await _loaded_trust(self._verify if isinstance(self._verify, str) else None)

    def _client(self, trust: ssl.SSLContext, seconds: float) -> httpx.AsyncClient:
        at_most = min(READ_TIMEOUT, seconds)
        return httpx.AsyncClient(
            headers=HEADERS,
            verify=trust,
            # httpx would let `proxy` take over from `transport`.
            proxy=self._proxy if self._transport is None else None,
            transport=self._transport,
            follow_redirects=False,
            timeout=httpx.Timeout(at_most, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        )


@frozen
class _Unsent:
    """A refusal before anything was sent: the one sort that allows another try."""

    refusal: Refusal


class _Borrowed(httpx.AsyncBaseTransport):
    """Somebody else's transport: closing the client leaves it open."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


def _verifies(verify: object) -> bool:
    if isinstance(verify, ssl.SSLContext):
        return verify.verify_mode == ssl.CERT_REQUIRED and verify.check_hostname
    return verify is None or verify is True or (isinstance(verify, str) and verify != "")


def _usable_proxy(proxy: str | httpx.URL | httpx.Proxy | None) -> httpx.Proxy | ConfigurationError | None:
    if proxy is None or isinstance(proxy, httpx.Proxy):
        return proxy
    try:
        return httpx.Proxy(proxy)
    except Exception as error:
        reason = _name(error)
    # Not the URL: it may hold a password.
    return ConfigurationError(
        f"TokenEndpoint(proxy=…) is not the URL of a proxy ({reason}).",
        hint="httpx knows http://, https:// and, with its extra socks, socks5://.",
    )


async def _exchange(client: httpx.AsyncClient, request: TokenRequest) -> TokenResponse | Refusal:
    async with client.stream("POST", request.url, content=request.body()) as response:
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            return _without_body(response, "The answer is compressed, which was not asked for.")
        body = await _body(response)
    if body is None:
        return _without_body(response, f"The answer is longer than {LONGEST_ANSWER} bytes.")
    return _answer(response, body)


def _answer(response: httpx.Response, body: bytes) -> TokenResponse:
    retry_after = response.headers.get("retry-after")
    return TokenResponse(status=response.status_code, body=body, retry_after=retry_after)


def _without_body(response: httpx.Response, why: str) -> TokenResponse | Refusal:
    # The status of an error says enough: a throttle stays a throttle, and keeps its Retry-After.
    return _answer(response, b"") if response.is_error else Refusal(kind="malformed", detail=why)


async def _body(response: httpx.Response) -> bytes | None:
    """Everything, or None if that is too much. Raw: decoding turns 64 KiB of gzip into 67 MB at once."""
    if response.is_stream_consumed:  # an httpx.Response made with its content, as mocks do
        return response.content if len(response.content) <= LONGEST_ANSWER else None
    received = bytearray()
    chunks = response.aiter_raw()
    async for chunk in chunks:
        received += chunk
        if len(received) > LONGEST_ANSWER:
            await _leave(response, chunks)
            return None
    return bytes(received)


async def _leave(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    # Generators that are left half-way upset trio, and those below `chunks` cannot be closed from here; but
    # all of them end when they read from a closed connection.
    await response.aclose()
    with suppress(Exception):
        async for _ in chunks:
            await lowlevel.checkpoint()


def _failure(error: Exception, *, until: BaseException | None) -> Refusal | _Unsent:
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in _chain(error, until)):
        return Refusal(kind="tls", detail=f"The certificate was not accepted ({_name(error)}).")
    refusal = Refusal(kind="unavailable", detail=f"No complete answer ({_name(error)}).")
    return _Unsent(refusal) if isinstance(error, NOTHING_SENT) else refusal


def _chain(error: BaseException, until: BaseException | None) -> list[BaseException]:
    """What led to `error`, without what the caller was handling when he asked (`until`)."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link is not until and not any(link is other for other in links):
        links.append(link)
        # Also where it is suppressed: httpcore raises its ConnectError `from None`.
        link = link.__cause__ or link.__context__
    return links


def _name(error: BaseException) -> str:
    return type(error).__name__


#: Per setting: the CA path, SSL_CERT_FILE and SSL_CERT_DIR. Loading takes 57-260 ms of CPU.
_trusts: Final[dict[tuple[str | None, ...], ssl.SSLContext]] = {}
#: Per event loop: a thousand owners at start-up make one thread, and a CA file on a dead disk blocks one.
_loader: Final = lowlevel.RunVar["anyio.CapacityLimiter"]("zoho_oauth_trust_loader")


async def _loaded_trust(ca_path: str | None) -> ssl.SSLContext:
    setting = (ca_path, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    if setting not in _trusts:
        from anyio import to_thread  # only here: it costs import time

        await to_thread.run_sync(_load_trust, setting, abandon_on_cancel=True, limiter=_one_at_a_time())
    return _trusts[setting]


def _one_at_a_time() -> anyio.CapacityLimiter:
    limiter = _loader.get(None)
    if limiter is None:
        _loader.set(limiter := anyio.CapacityLimiter(1))
    return limiter


def _load_trust(setting: tuple[str | None, ...]) -> None:
    ca_path = setting[0]
    if setting in _trusts:
        return
    if ca_path is None:
        _trusts[setting] = httpx.create_ssl_context()
    elif os.path.isdir(ca_path):
        _trusts[setting] = ssl.create_default_context(capath=ca_path)
    else:
        _trusts[setting] = ssl.create_default_context(cafile=ca_path)
