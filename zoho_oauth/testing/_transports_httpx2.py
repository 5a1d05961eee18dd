"""The fake as an httpx2 transport: no socket, no thread."""

from __future__ import annotations

from ._asgi import ConnectionCut

try:
    import httpx2
except ImportError as missing:
    raise ImportError("httpx2 is needed for this: pip install 'zoho-oauth[httpx2]'") from missing


class FakeTransport(httpx2.ASGITransport):
    """`httpx2.ASGITransport`, except that a cut connection is the error that a socket would have given."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Let the fake answer."""
        try:
            return await super().handle_async_request(request)
        except ConnectionCut:
            pass
        raise httpx2.RemoteProtocolError("Server disconnected without sending a response.", request=request)
