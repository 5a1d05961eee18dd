"""The fake as an httpx transport: no socket, no thread."""

from __future__ import annotations

import httpx

from ._asgi import ConnectionCut


class FakeTransport(httpx.ASGITransport):
    """`httpx.ASGITransport`, except that a cut connection is the error that a socket would have given."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let the fake answer."""
        try:
            return await super().handle_async_request(request)
        except ConnectionCut:
            pass
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
