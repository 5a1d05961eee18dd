"""`ZohoAuth` for httpx2: `pip install 'zoho-oauth[httpx2]'`."""

from __future__ import annotations

from typing import TYPE_CHECKING

try:
    import httpx2
except ImportError as error:
    raise ImportError("zoho_oauth.httpx2 needs httpx2: pip install 'zoho-oauth[httpx2]'") from error

from ._auth import FlowAuth
from ._bodies import Begun

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

__all__ = ["ZohoAuth"]


class _Begun(Begun, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """As httpx2 wants it."""


class ZohoAuth(FlowAuth, httpx2.Auth):
    """`auth=` for `httpx2.AsyncClient` and `httpx2.Client`; otherwise what `zoho_oauth.ZohoAuth` is for httpx."""

    _begun = _Begun

    def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """For httpx2."""
        return self._flow.run(request, httpx2.Response)

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """For httpx2."""
        return self._flow.run_blocking(request, httpx2.Response)
