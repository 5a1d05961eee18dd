"""What these tests share: both libraries, a fake with an owner, and an Auth as one writes it at first."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import httpx2
from attrs import define, field, frozen

import zoho_oauth.httpx2
from zoho_oauth import (
    ClientRegistration,
    Family,
    MemoryStore,
    TokenEndpoint,
    TokenSource,
    ZohoAuth,
    ZohoOAuth,
    events,
)
from zoho_oauth.testing import FakeZoho

LEADS = "/crm/v8/Leads"
OWNER = "owner"


@frozen
class Library:
    """httpx or httpx2, and the Auth class that goes with it."""

    name: str
    module: Any
    auth_class: Any

    def transport(self, fake: FakeZoho) -> Any:
        return fake.transport if self.module is httpx else fake.httpx2_transport

    def request(
        self, method: str = "GET", url: str = f"https://www.zohoapis.eu{LEADS}", **options: Any
    ) -> Any:
        return self.module.Request(method, url, **options)

    def response(self, status: int, request: Any, body: bytes = b"") -> Any:
        return self.module.Response(status, request=request, content=body)


LIBRARIES = (Library("httpx", httpx, ZohoAuth), Library("httpx2", httpx2, zoho_oauth.httpx2.ZohoAuth))


@define
class World:
    """A fake, one client registration, and an owner who has consented."""

    fake: FakeZoho
    library: Library
    store: Any = field(factory=MemoryStore)
    events: list[Any] = field(factory=list)
    registration: ClientRegistration = field(init=False)
    refresh_token: str = field(init=False)
    zoho: ZohoOAuth = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.registration = self.fake.register_client()
        self.refresh_token = self.fake.consent(self.registration)
        self.zoho = self.other_process(self.store)
        self.connect(OWNER, self.refresh_token)

    def other_process(self, store: Any) -> ZohoOAuth:
        """Shares no memory with the others if `store` is another object."""
        in_process = self.fake.data_center.api.startswith("https:")
        return ZohoOAuth(
            self.registration,
            store,
            clock=self.fake.clock,
            endpoint=TokenEndpoint(transport=self.fake.transport) if in_process else None,
            on_event=self.events.append,
            allow_hosts=["https://files.example:8443"],
        )

    def connect(self, owner: str, refresh_token: str) -> None:
        in_a_thread(lambda: self.zoho.adopt(refresh_token, owner, verify=False))

    @property
    def api(self) -> str:
        return self.fake.data_center.api

    @property
    def is_served(self) -> bool:
        return self.api.startswith("http:")

    def source(self, owner: str = OWNER) -> TokenSource:
        return self.zoho.source(owner)

    def auth(self, owner: str = OWNER) -> Any:
        return self.library.auth_class(self.source(owner))

    def client(self, auth: Any = None, **options: Any) -> Any:
        if not self.is_served:
            options.setdefault("transport", self.library.transport(self.fake))
        return self.library.module.AsyncClient(
            **{"auth": auth or self.auth(), "base_url": self.api} | options
        )

    def sync_client(self, auth: Any = None, **options: Any) -> Any:
        return self.library.module.Client(**{"auth": auth or self.auth(), "base_url": self.api} | options)

    def rejections(self) -> list[tuple[str, Family]]:
        """What `on_event` was told about rejected tokens."""
        told = [each for each in self.events if isinstance(each, events.TokenRejected)]
        return [(each.host, each.meaning.family) for each in told]


@frozen
class SameStore:
    """Another process's view of a store: the same records, and nothing of this process's memory."""

    store: Any

    async def load(self, owner: str) -> Any:
        return await self.store.load(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        return await self.store.save(owner, text, replacing=replacing)

    async def delete(self, owner: str) -> None:
        await self.store.delete(owner)


def in_a_thread(call: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine function to its end, also where an event loop runs."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(anyio.run(call)))
    thread.start()
    thread.join()
    return results[0]


def signed(request: Any) -> str:
    """The token that a request carries."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    assert scheme == "Zoho-oauthtoken"
    return text


def echoed(response: Any) -> tuple[int, str]:
    """Length and SHA-256 of the body that arrived."""
    assert response.status_code == 200
    seen = response.json()["data"][0]
    return seen["length"], seen["sha256"]


def digest(body: bytes) -> tuple[int, str]:
    return len(body), hashlib.sha256(body).hexdigest()


def naive_auth(library: Library, source: TokenSource) -> Any:
    """An Auth as one writes it at first: any host, any 401, any body."""

    class Naive(library.module.Auth):
        async def async_auth_flow(self, request):
            token = await source.token()
            request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
            response = yield request
            if response.status_code == 401:
                await response.aread()
                token = await source.token(token)
                request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
                yield request

    return Naive()
