"""
The first refresh of a fresh process, with a ticker that watches the event loop: prints the largest gap in ms.

    python -m benchmarks.watched_refresh asyncio refresh

Instead of `refresh`: `warm`, the same after anyio has loaded its backend, as any httpx request makes it do; `idle`,
nothing; `blocking`, the CA certificates are loaded in the event loop: the control, which must show.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
from anyio import lowlevel

from zoho_oauth import DataCenter, ZohoAuth

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TICK = 0.001
IDLE = 0.3


class Watch:
    """Wakes up every millisecond and notes when it was late."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.largest_gap = 0.0
        self._sleep = sleep
        self._is_over = False

    async def tick(self) -> None:
        before = time.perf_counter()
        while not self._is_over:
            await self._sleep(TICK)
            now = time.perf_counter()
            self.largest_gap = max(self.largest_gap, now - before - TICK)
            before = now

    async def over(self, action: Callable[[], Awaitable[object]], *, warm: bool) -> None:
        if warm:
            await lowlevel.checkpoint()
        await self._sleep(0.05)
        self.largest_gap = 0.0
        await action()
        await self._sleep(0.01)
        self._is_over = True


def auth() -> ZohoAuth:
    """As the accounts server of the environment knows it."""
    server = json.loads(os.environ["ACCOUNTS_SERVER"])
    home = DataCenter(code="loopback", accounts=server["origin"], api=server["origin"])
    return ZohoAuth.from_refresh_token(
        client_id=server["client_id"],
        client_secret=server["client_secret"],
        refresh_token=server["refresh_token"],
        data_center=home,
    )


async def _blocking() -> None:
    httpx.create_ssl_context()


def main(loop: str, what: str) -> None:
    """Run one of the three and print the gap."""
    refreshing = auth()
    # As an application does, before its event loop runs.
    refreshing_client = httpx.AsyncClient(auth=refreshing)
    actions: dict[str, Callable[[Watch], Any]] = {
        "refresh": lambda _: refreshing.source.token(),
        "warm": lambda _: refreshing.source.token(),
        "idle": lambda watch: watch._sleep(IDLE),
        "blocking": lambda _: _blocking(),
    }
    watch = Watch(asyncio.sleep if loop != "trio" else __import__("trio").sleep)
    _run(loop, watch, lambda: actions[what](watch), warm=what == "warm")
    del refreshing_client
    print(json.dumps(watch.largest_gap * 1e3))


def _run(loop: str, watch: Watch, action: Callable[[], Any], *, warm: bool) -> None:
    if loop == "trio":
        import trio

        async def in_trio() -> None:
            async with trio.open_nursery() as tasks:
                tasks.start_soon(watch.tick)
                await watch.over(action, warm=warm)

        return trio.run(in_trio)

    async def in_asyncio() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch.tick())
            await watch.over(action, warm=warm)

    if loop == "uvloop":
        import uvloop

        return uvloop.run(in_asyncio())
    return asyncio.run(in_asyncio())


if __name__ == "__main__":
    main(*sys.argv[1:])
