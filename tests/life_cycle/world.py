"""What the tests of the life cycle share: a fake with one owner, other processes' memory, tiny endpoints."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.lowlevel
from attrs import define, field

from zoho_oauth import (
    ClientRegistration,
    MemoryStore,
    Record,
    RefreshPolicy,
    TokenEndpoint,
    TokenStore,
    ZohoOAuth,
)
from zoho_oauth._documents import Document, read_document
from zoho_oauth._messages import TokenResponse
from zoho_oauth.testing import FakeZoho, ManualClock, Rules

#: For tests that mint more often than the budget allows; one test per promise keeps the defaults.
ROOMY = RefreshPolicy(mints=10_000)
#: A caller that waits longer than this is stuck.
WATCHDOG = 10.0


class Elsewhere:
    """The same store as another process sees it: memory is kept by the store's identity."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    async def load(self, owner: str) -> Record | None:
        return await self._store.load(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        return await self._store.save(owner, text, replacing=replacing)

    async def delete(self, owner: str) -> None:
        await self._store.delete(owner)


class SlowStore(MemoryStore):
    """A memory store that gives way before and after each call: places where a caller can be cut."""

    def __init__(self, before: int = 1, after: int = 1) -> None:
        super().__init__()
        self._before, self._after = before, after
        self.calls = 0

    async def load(self, owner: str) -> Record | None:
        self.calls += 1
        await give_way(self._before)
        record = await super().load(owner)
        await give_way(self._after)
        return record

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        self.calls += 1
        await give_way(self._before)
        version = await super().save(owner, text, replacing=replacing)
        await give_way(self._after)
        return version


class TinyEndpoint:
    """A token endpoint in a dozen lines: counts, waits as long as it is told, and answers by number."""

    def __init__(self, waiting: Callable[[], Awaitable[object]] | None = None, *, life: float = 3600) -> None:
        self.requests = 0
        self.answers = 0
        self.life = life
        self.error: str | None = None
        self._waiting = waiting

    async def send(self, request: object, *, seconds: float, jitter: float = 0.0) -> TokenResponse:
        self.requests += 1
        number = self.requests
        if self._waiting is not None:
            await self._waiting()
        self.answers += 1
        answer: dict[str, Any] = {"access_token": f"1000.fake-access-{number}", "expires_in": self.life}
        if self.error is not None:
            answer = {"error": self.error}
        return TokenResponse(status=200, body=json.dumps(answer).encode())


async def give_way(times: int) -> None:
    for _ in range(times):
        await anyio.lowlevel.checkpoint()


async def until(happened: Callable[[], bool], seconds: float = WATCHDOG) -> None:
    """Return when it has happened; TimeoutError says that it did not."""
    with anyio.fail_after(seconds):
        while not happened():  # noqa: ASYNC110 - what happens, happens in another thread
            await anyio.sleep(0.002)


def tiny(
    endpoint: object, *, store: TokenStore | None = None, policy: RefreshPolicy = ROOMY, clock: object = None
) -> ZohoOAuth:
    """An application without a fake: nothing but the library and a tiny endpoint."""
    registration = ClientRegistration("1000.fake-client", "fake-secret", data_center="eu")
    return ZohoOAuth(
        registration, store or MemoryStore(), policy=policy, endpoint=endpoint, clock=clock or ManualClock()
    )


async def connected(endpoint: object, **more: Any) -> ZohoOAuth:
    """The same with a grant and no token."""
    zoho = tiny(endpoint, **more)
    await zoho.adopt("1000.fake-refresh", verify=False)
    return zoho


@define
class World:
    """One fake, one client, one owner with a refresh token in one store."""

    fake: FakeZoho
    policy: RefreshPolicy = ROOMY
    store: TokenStore = field(factory=MemoryStore)
    events: list[object] = field(factory=list)
    registration: ClientRegistration = field(init=False)
    refresh_token: str = field(init=False)
    zoho: ZohoOAuth = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.registration = self.fake.register_client()
        self.refresh_token = self.fake.consent(self.registration)
        self.zoho = self.process(self.store)

    def process(self, store: TokenStore | None = None, **changes: Any) -> ZohoOAuth:
        """Another process's application on the same store."""
        parts = {"policy": self.policy, "clock": self.fake.clock, "on_event": self.events.append}
        in_process = "loopback" not in self.fake.data_center.code
        endpoint = TokenEndpoint(transport=self.fake.transport) if in_process else TokenEndpoint()
        registration = changes.pop("registration", self.registration)
        return ZohoOAuth(
            registration, store or Elsewhere(self.store), **{"endpoint": endpoint, **parts, **changes}
        )

    async def connect(self, owner: str = "default") -> None:
        await self.zoho.adopt(self.refresh_token, owner)

    async def store_only(self, owner: str = "default") -> None:
        """The grant without a token: the first caller has to refresh."""
        await self.zoho.adopt(self.refresh_token, owner, verify=False)

    async def document(self, owner: str = "default") -> Document:
        key = f"{self.registration.client_id}/{owner}"
        record = await self.store.load(key)
        assert record is not None
        return read_document(record, client_id=self.registration.client_id, owner=owner)


def unthrottled(data_center: str = "eu") -> FakeZoho:
    return FakeZoho(data_center, rules=Rules(throttle_after=None, live_access_tokens=10_000))


@contextmanager
def no_noise() -> Iterator[list[dict[str, Any]]]:
    """Collects what asyncio would only log, and asserts that there was nothing."""
    import asyncio
    import gc

    loop, heard = asyncio.get_running_loop(), []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, about: heard.append(about))
    try:
        yield heard
        gc.collect()
    finally:
        loop.set_exception_handler(before)
    assert heard == []
