"""Flows that nobody finishes, and programs that end while a refresh is under way."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import anyio
import httpx
import pytest

from tests.life_cycle import twins
from tests.life_cycle.world import (
    ROOMY,
    World,
    give_way,
    unthrottled,
)
from zoho_oauth import RefreshPolicy
from zoho_oauth.testing import FakeZoho


async def flow_at(world: World, moment: str) -> Any:
    """An auth flow driven by hand up to this moment."""
    flow = world.zoho.auth().async_auth_flow(
        httpx.Request("GET", f"{world.fake.data_center.api}/crm/v8/Leads")
    )
    if moment == "before the request":
        return flow
    request = await flow.__anext__()
    if moment == "after a 401":
        with pytest.raises(StopAsyncIteration):
            await flow.asend(httpx.Response(403, request=request))
    return flow


@pytest.mark.anyio
@pytest.mark.parametrize("moment", ["before the request", "while the request is on its way", "after a 401"])
@pytest.mark.parametrize("end", ["closed by another task", "collected"])
async def test_an_unfinished_flow_holds_nothing(moment: str, end: str) -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.connect()
    flow = await flow_at(world, moment)
    if end == "collected":
        with warnings.catch_warnings():
            # trio says so of every async generator that is collected; httpx closes them.
            warnings.simplefilter("ignore", ResourceWarning)
            del flow
            gc.collect()
            await give_way(5)
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(flow.aclose)
    world.fake.clock.advance(3_601)
    with anyio.fail_after(2):
        await world.zoho.source().token()
    assert world.fake.token_requests == 2


@pytest.mark.anyio
async def test_the_unfinished_flow_check_fails_for_a_lock_across_the_yield() -> None:
    world = World(FakeZoho("eu"), ROOMY)
    auth = twins.LockedAcrossTheYield(twins.PlainLock(world.zoho, world.refresh_token))
    flow = auth.async_auth_flow(httpx.Request("GET", "https://www.zohoapis.eu/crm/v8/Leads"))
    other = auth.async_auth_flow(httpx.Request("GET", "https://www.zohoapis.eu/crm/v8/Leads"))
    async with anyio.create_task_group() as group:
        await flow.__anext__()
        stuck = await group.start(_stuck_for_a_moment, other)
        await stuck.wait()
        await flow.aclose()


async def _stuck_for_a_moment(flow: Any, *, task_status: Any) -> None:
    stuck = anyio.Event()
    task_status.started(stuck)
    with pytest.raises(TimeoutError), anyio.fail_after(0.1):
        await flow.__anext__()
    stuck.set()


@pytest.mark.anyio
async def test_a_flow_that_waits_for_the_token_can_be_cancelled_from_another_task() -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.store_only()
    with anyio.fail_after(5), world.fake.hold_tokens() as gate:
        async with anyio.create_task_group() as group:
            flow = await flow_at(world, "before the request")
            group.start_soon(flow.__anext__)
            await gate.arrived()
            group.cancel_scope.cancel()
        await flow.aclose()
        gate.release()
        await world.zoho.source().token()
    assert world.fake.token_requests == 1


# --- programs that end ------------------------------------------------------------------------------------------


BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def stale_world() -> tuple[World, FakeZoho]:
    fake = unthrottled()
    world = World(fake, RefreshPolicy())
    asyncio.run(world.connect())
    fake.clock.advance(3_600 - 170)
    return world, fake


async def short_script(world: World, gate: Any, arrivals: int) -> None:
    """Uses the token and ends, while the refresh that it began is held at Zoho's door."""
    await world.zoho.source().token()
    with anyio.move_on_after(0.3 if gate.arrivals < arrivals else 0.02):
        await gate.arrived(arrivals)


@BACKENDS
def test_twelve_scripts_make_one_background_refresh_a_minute(backend: str) -> None:
    world, fake = stale_world()
    with fake.hold_tokens() as gate:
        for index in range(12):
            anyio.run(short_script, world, gate, 1, backend=backend)
            assert gate.arrivals == 1, index
            fake.clock.advance(4)
        fake.clock.advance(13)
        for _ in range(12):
            anyio.run(short_script, world, gate, 2, backend=backend)
        assert gate.arrivals == 2


@BACKENDS
def test_scripts_in_processes_of_their_own_respect_the_reservation_of_a_cut_one(backend: str) -> None:
    world, fake = stale_world()

    async def new_script(gate: Any) -> None:
        zoho = world.process()
        await zoho.source().token()
        await zoho.aclose()

    with fake.hold_tokens() as gate:
        anyio.run(short_script, world, gate, 1, backend=backend)
        for _ in range(12):
            anyio.run(new_script, gate, backend=backend)
            fake.clock.advance(4)
        assert gate.arrivals == 1


@BACKENDS
def test_the_script_check_fails_where_nothing_paces_the_background(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoho_oauth import _policy

    monkeypatch.setattr(_policy, "BACKGROUND_PACE", 0.0)
    world, fake = stale_world()
    with fake.hold_tokens() as gate:
        for _ in range(12):
            anyio.run(short_script, world, gate, gate.arrivals + 1, backend=backend)
            fake.clock.advance(4)
        assert gate.arrivals > 1


@BACKENDS
def test_scripts_that_end_at_once_leave_no_noise_and_no_lock(backend: str) -> None:
    """The background attempt is cut before its first step."""
    world, fake = stale_world()
    for _ in range(12):
        anyio.run(world.zoho.source().token, backend=backend)
    gc.collect()
    fake.clock.advance(170)
    anyio.run(world.zoho.source().token, backend=backend)
    assert fake.token_requests == 2


def test_a_script_after_a_cut_foreground_refresh_makes_one_request_more() -> None:
    """C19: the loop closed while a refresh was running."""
    fake = unthrottled()
    world = World(fake, RefreshPolicy())
    asyncio.run(world.store_only())

    async def impatient_script(gate: Any) -> None:
        with anyio.move_on_after(1):
            task = asyncio.ensure_future(world.zoho.source().token())
            await gate.arrived()
            task.cancel()

    async def next_script() -> None:
        task = asyncio.ensure_future(world.zoho.source().token())
        await asyncio.sleep(0.1)
        assert not task.done(), "the cut one's reservation still stands"
        fake.clock.advance(11)
        async with asyncio.timeout(2):
            await task

    with fake.hold_tokens() as gate:
        asyncio.run(impatient_script(gate))
    asyncio.run(next_script())
    assert fake.token_requests <= 2
