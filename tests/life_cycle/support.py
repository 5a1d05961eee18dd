"""What the tests of the life cycle share: one fake and its clients, stores that misbehave, clocks that are wrong."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx

from zoho_oauth import MemoryStore, Record, RefreshPolicy, TokenEndpoint, TokenSource, ZohoOAuth
from zoho_oauth._documents import Document, read_document
from zoho_oauth.testing import FakeZoho, ManualClock, Rules

OWNER = "owner"
DAY = 86_400.0
#: Real seconds: what is right is done long before, and a twin that hangs is given up after `BRIEFLY`.
PATIENCE = 5.0
BRIEFLY = 0.4


class World:
    """One fake in process, one client of it, one refresh token, one store."""

    def __init__(
        self, store: Any = None, *, rules: Rules | None = None, policy: RefreshPolicy | None = None
    ) -> None:
        self.fake = FakeZoho("eu", rules=rules)
        self.clock = self.fake.clock
        self.registration = self.fake.register_client()
        self.refresh_token = self.fake.consent(self.registration)
        self.store = MemoryStore() if store is None else store
        self.policy = policy
        self.events: list[Any] = []
        self.zoho = self.connect(self.store)

    def connect(self, store: Any, *, clock: Any = None) -> ZohoOAuth:
        """A `ZohoOAuth`; on a `View` of the same store it has a memory of its own, as another process has."""
        return ZohoOAuth(
            self.registration,
            store,
            policy=self.policy,
            endpoint=TokenEndpoint(transport=self.fake.transport),
            clock=clock or self.clock,
            on_event=self.events.append,
        )

    def other_process(self, *, clock: Any = None) -> ZohoOAuth:
        return self.connect(View(self.store), clock=clock)

    def client(self, zoho: ZohoOAuth | None = None, owner: str = OWNER) -> httpx.AsyncClient:
        auth = (zoho or self.zoho).auth(owner)
        return httpx.AsyncClient(transport=self.fake.transport, auth=auth, base_url=self.fake.data_center.api)

    async def adopt(self, owner: str = OWNER) -> TokenSource:
        """Connect the owner, by one token request."""
        await self.zoho.adopt(self.refresh_token, owner)
        return self.zoho.source(owner)

    async def stored(self, owner: str = OWNER) -> Record | None:
        store = self.store
        while isinstance(store, View):
            store = store.store
        return await store.load(f"{self.registration.client_id}/{owner}")

    async def document(self, owner: str = OWNER) -> Document:
        """What is stored, read; there must be something."""
        record = await self.stored(owner)
        assert record is not None
        return read_document(record, client_id=self.registration.client_id, owner=owner)

    def is_alive(self, token: Any, refresh_token: str | None = None) -> bool:
        """Whether Zoho would take it."""
        living = self.fake.access_tokens(refresh_token or self.refresh_token)
        return token.access_token.reveal() in living


class View:
    """The same store for another process: memory is kept by the store's identity."""

    def __init__(self, store: Any) -> None:
        self.store = store

    async def load(self, owner: str) -> Record | None:
        return await self.store.load(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        return await self.store.save(owner, text, replacing=replacing)

    async def delete(self, owner: str) -> None:
        await self.store.delete(owner)


class FaultyStore(View):
    """Does what it is told to instead of loading or saving: `on_load` and `on_save` raise, wait or do nothing."""

    def __init__(self, store: Any = None) -> None:
        super().__init__(MemoryStore() if store is None else store)
        self.on_load: Callable[[], Awaitable[None]] | None = None
        self.on_save: Callable[[str], Awaitable[None]] | None = None
        self.loads = 0
        self.saves = 0

    async def load(self, owner: str) -> Record | None:
        self.loads += 1
        if self.on_load is not None:
            await self.on_load()
        return await super().load(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        self.saves += 1
        if self.on_save is not None:
            await self.on_save(text)
        return await super().save(owner, text, replacing=replacing)

    def break_down(self, error: type[Exception] = ConnectionError) -> None:
        """From now on nothing works."""

        async def fail(*_: object) -> None:
            raise error("no route")

        self.on_load = self.on_save = fail

    def come_back(self) -> None:
        self.on_load = self.on_save = None


class Skewed:
    """A host's wrong wall clock, next to the right one."""

    def __init__(self, clock: ManualClock, offset: float) -> None:
        self._clock = clock
        self._offset = offset

    def wall(self) -> float:
        return self._clock.wall() + self._offset

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def jitter(self) -> float:
        return self._clock.jitter()


async def together(count: int, call: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What `count` calls at the same time return; an exception is among the results."""
    results: list[Any] = []

    async def one() -> None:
        try:
            results.append(await call())
        except Exception as error:
            results.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return results


def in_threads(functions: list[Callable[[], Any]], *, seconds: float = 30.0) -> list[Any]:
    """What the functions return, each in a thread of its own; an exception is among the results."""
    results: list[Any] = []

    def one(function: Callable[[], Any]) -> None:
        try:
            results.append(function())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=one, args=(each,), daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return results


async def until(condition: Callable[[], object]) -> None:
    """Return when it is so."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it has no event
            await anyio.sleep(0.001)
