"""Transports that take requests for Zoho's https hosts to a loopback port, in clear: real hosts over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import Collection
from typing import Any

import httpx
import httpx2
from attrs import define, field

#: Nothing here is encrypted; httpx would load all CA certificates for each transport.
_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@define
class Line:
    """
    Where the requests go, and what happens to them on the way.

    What passes is another request, with the URL of the loopback port and the Host header of the real one, so that
    whoever sent it still sees the URL that was asked for.
    """

    origin: str
    #: Headers that a proxy takes away.
    drops: Collection[str] = ()
    sent: list[str] = field(factory=list)
    """The URLs that were asked for."""

    def taken(self, request: Any) -> Any:
        """The request that goes over the socket."""
        self.sent.append(str(request.url))
        headers = [(name, value) for name, value in request.headers.raw if not self._is_dropped(name)]
        there = type(request.url)(self.origin).copy_with(raw_path=request.url.raw_path)
        return type(request)(
            request.method, there, headers=headers, stream=request.stream, extensions=request.extensions
        )

    def _is_dropped(self, name: bytes) -> bool:
        return name.decode().lower() in self.drops


class AsyncElsewhere(httpx.AsyncHTTPTransport):
    """For `httpx.AsyncClient`."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(verify=_TRUST, **options)
        self._line = line

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(self._line.taken(request))


class Elsewhere(httpx.HTTPTransport):
    """For `httpx.Client`."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(verify=_TRUST, **options)
        self._line = line

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(self._line.taken(request))


class AsyncElsewhere2(httpx2.AsyncHTTPTransport):
    """For `httpx2.AsyncClient`."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(verify=_TRUST, **options)
        self._line = line

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await super().handle_async_request(self._line.taken(request))


class Elsewhere2(httpx2.HTTPTransport):
    """For `httpx2.Client`."""

    def __init__(self, line: Line, **options: Any) -> None:
        super().__init__(verify=_TRUST, **options)
        self._line = line

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return super().handle_request(self._line.taken(request))


def transport(module: Any, line: Line) -> Any:
    """For `AsyncClient` of httpx or httpx2."""
    return (AsyncElsewhere if module is httpx else AsyncElsewhere2)(line)


def sync_transport(module: Any, line: Line) -> Any:
    """For `Client` of httpx or httpx2."""
    return (Elsewhere if module is httpx else Elsewhere2)(line)


def endpoint_transport(line: Line) -> httpx.AsyncBaseTransport:
    """For `TokenEndpoint`, which never closes it: no connection is kept."""
    return AsyncElsewhere(line, limits=httpx.Limits(max_keepalive_connections=0))
