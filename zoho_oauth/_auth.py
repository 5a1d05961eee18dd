"""The Auth classes: `ZohoAuth` for httpx, and what it shares with the one for httpx2."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

import httpx

from ._bodies import Begun
from ._flow import Flow
from ._secrets import wrapped
from ._seeded import seeded_source

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from ._data_centers import DataCenter
    from ._policy import RefreshPolicy
    from ._secrets import Secret
    from ._sources import TokenSource
    from .stores.base import TokenStore

Auth = TypeVar("Auth", bound="FlowAuth")


class FlowAuth:
    """What the Auth classes for httpx and httpx2 share: construction, and a repr without secrets."""

    _flow: Flow
    _begun: ClassVar[type[Begun]]
    requires_request_body: ClassVar[bool] = False
    requires_response_body: ClassVar[bool] = False

    def __init__(self, source: TokenSource) -> None:
        self._flow = Flow(source, self._begun)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(owner={self._flow.source.owner!r})"

    @property
    def source(self) -> TokenSource:
        """Where the tokens come from."""
        return self._flow.source

    @classmethod
    def from_refresh_token(
        cls: type[Auth],
        *,
        client_id: str,
        client_secret: str | Secret,
        refresh_token: str | Secret,
        data_center: str | DataCenter = "us",
        store: TokenStore | None = None,
        owner: str = "default",
        policy: RefreshPolicy | None = None,
    ) -> Auth:
        """
        An auth for one refresh token that you already have; nothing is sent before the first request.

        Build it once or anew for each request: all that were made from the same refresh token share one
        refresh. With a `store` the access token also survives the process and is shared with others.
        """
        client_secret, refresh_token = wrapped(client_secret), wrapped(refresh_token)
        source = seeded_source(
            client_id=client_id,
            client_secret=client_secret,
            refresh_token=refresh_token,
            data_center=data_center,
            store=store,
            owner=owner,
            policy=policy,
        )
        return cls(source)


class _Begun(Begun, httpx.SyncByteStream, httpx.AsyncByteStream):
    """As httpx wants it."""


class ZohoAuth(FlowAuth, httpx.Auth):
    """
    `auth=` for `httpx.AsyncClient` and `httpx.Client`.

    Sends the token to Zoho's hosts of the owner's data center only (`ForeignHostError` otherwise, before
    anything is sent; pass `auth=None` with a request that goes elsewhere). A request whose token is rejected
    is sent once more with a new one if its body can be sent again whole; a second 401 is returned as it is.
    """

    _begun = _Begun

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For httpx."""
        return self._flow.run(request, httpx.Response)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For httpx."""
        return self._flow.run_blocking(request, httpx.Response)
