"""What these tests share: one request, how it is sent, transports that count, and a certificate."""

from __future__ import annotations

import datetime
import ssl

import anyio
import httpx
import trustme

from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenRequest, TokenResponse
from zoho_oauth._secrets import Secret

SECRET = "1000.fake-refresh-1"
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def posted(url: str) -> TokenRequest:
    return TokenRequest(url=url, form=(("refresh_token", Secret(SECRET)),))


async def send(url: str, *, seconds: float = 5.0, **endpoint: object) -> TokenResponse | Refusal:
    with anyio.fail_after(20):
        return await TokenEndpoint(**endpoint).send(posted(url), seconds=seconds)


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


def certified(ca: trustme.CA, name: str = "localhost", **dates: datetime.datetime) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **dates).configure_cert(tls)
    return tls
