"""What a request with a good token asks of others: no store, no lock, nobody. Counted, not timed."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
from attrs import define

from zoho_oauth import MemoryStore
from zoho_oauth.testing import FakeZoho

from . import world
from .measures import Effort, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = 100
_LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()))


@define
class Counts:
    """How often each was asked for."""

    store_calls: int = 0
    locks: int = 0
    token_requests: int = 0


class CountingStore(MemoryStore):
    """A memory store that notes its calls."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self._counts = counts

    async def load(self, owner: str) -> Any:
        self._counts.store_calls += 1
        return await super().load(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        self._counts.store_calls += 1
        return await super().save(owner, text, replacing=replacing)


class CountingLock:
    """In the place of a lock that a module keeps."""

    def __init__(self, lock: Any, counts: Counts) -> None:
        self._lock, self._counts = lock, counts

    def __enter__(self) -> Any:
        self._counts.locks += 1
        return self._lock.__enter__()

    def __exit__(self, *error: object) -> None:
        self._lock.__exit__(*error)

    def __getattr__(self, name: str) -> Any:
        self._counts.locks += 1
        return getattr(self._lock, name)


@contextmanager
def counting_locks(counts: Counts) -> Iterator[None]:
    """Count every use of a lock that a module of the library keeps, and every new lock of threading or anyio."""
    replaced = [(module, name, lock) for module, name, lock in _kept_locks()]
    made = [
        (threading, "Lock"),
        (threading, "RLock"),
        (anyio, "Lock"),
        (anyio, "Event"),
        (anyio, "Semaphore"),
    ]
    replaced += [(module, name, getattr(module, name)) for module, name in made]
    for module, name, original in replaced:
        setattr(module, name, _counting(original, counts))
    try:
        yield
    finally:
        for module, name, original in replaced:
            setattr(module, name, original)


def _kept_locks() -> list[tuple[Any, str, Any]]:
    return [
        (module, name, value)
        for path, module in list(sys.modules.items())
        if path.partition(".")[0] == "zoho_oauth"
        for name, value in list(vars(module).items())
        if isinstance(value, _LOCK_TYPES)
    ]


def _counting(original: Any, counts: Counts) -> Any:
    if isinstance(original, _LOCK_TYPES):
        return CountingLock(original, counts)

    def made(*arguments: Any, **named: Any) -> Any:
        counts.locks += 1
        return original(*arguments, **named)

    return made


def measure(_: Effort) -> list[Figure]:
    """Calls per hundred requests with a good token."""
    counts = world.run("asyncio", fast_path, REQUESTS)
    limits = {
        "store calls": counts.store_calls,
        "locks": counts.locks,
        "token requests": counts.token_requests,
    }
    return [
        Figure(name=f"{name} in {REQUESTS} requests", value=count, limit=0, unit="")
        for name, count in limits.items()
    ]


async def fast_path(requests: int, wrap: Any = None) -> Counts:
    """What `requests` requests cost; `wrap` may put another auth in the place of ours."""
    counts, fake = Counts(), FakeZoho("eu")
    store = CountingStore(counts)
    zoho = await world.connected(store=store, clock=fake.clock, fake=fake)
    library = world.LIBRARIES["httpx"]
    auth, client = world.zoho_auth(zoho, library), world.client(library)
    auth = auth if wrap is None else wrap(auth, store)
    counts.store_calls, before = 0, fake.token_requests
    with counting_locks(counts):
        for _ in range(requests):
            await world.get_leads(client, auth)
    counts.token_requests = fake.token_requests - before
    return counts
