"""Context variables and task factories of the program around an attempt."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.life_cycle.world import (
    SlowStore,
    TinyEndpoint,
    connected,
    give_way,
    no_noise,
)
from zoho_oauth import MemoryStore

WHO = contextvars.ContextVar("WHO", default="nobody")


class Nosy(MemoryStore):
    """A store that notes whose context it is called in."""

    def __init__(self) -> None:
        super().__init__()
        self.saw: list[str] = []

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        self.saw.append(WHO.get())
        return await super().save(owner, text, replacing=replacing)


@pytest.mark.anyio
async def test_the_first_callers_context_is_not_seen_by_the_attempt() -> None:
    store, saw = Nosy(), []

    async def note() -> None:
        saw.append(WHO.get())

    zoho = await connected(TinyEndpoint(note), store=store)
    WHO.set("the first caller")
    store.saw.clear()
    await zoho.source().token()
    assert saw == ["nobody"]
    assert store.saw == ["nobody", "nobody"]
    await store.save("control", "", replacing=None)
    assert store.saw[-1] == "the first caller"


@contextmanager
def task_factory(factory: Any) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        yield
    finally:
        loop.set_task_factory(None)


def old_factory(loop: asyncio.AbstractEventLoop, coroutine: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop)


def own_eager_factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, eager_start=True, **more)


NEEDS_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
FACTORIES = [
    pytest.param(lambda: asyncio.eager_task_factory, id="eager", marks=NEEDS_312),
    pytest.param(lambda: own_eager_factory, id="own eager", marks=NEEDS_312),
    pytest.param(
        lambda: old_factory,
        id="two arguments",
        marks=pytest.mark.skipif(sys.version_info >= (3, 13, 3), reason="create_task passes keywords there"),
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("steps", [0, 1, 5])
async def test_task_factories_make_no_difference(factory: Callable[[], Any], steps: int) -> None:
    endpoint = TinyEndpoint(lambda: give_way(steps))
    zoho = await connected(endpoint, store=SlowStore(steps, steps))
    with no_noise(), task_factory(factory()):
        async with asyncio.timeout(2):
            found = await asyncio.gather(*(zoho.source().token() for _ in range(50)))
        await zoho.aclose()
    assert endpoint.requests == 1
    assert len({each.access_token for each in found}) == 1
    assert zoho.source().entry.attempts == {}
