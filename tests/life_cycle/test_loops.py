"""Event loops that come and go: one auth serves them all, one after another (C19, C20, C21)."""

from __future__ import annotations

import asyncio
import gc

import anyio
import httpx
import pytest

from tests.life_cycle.support import OWNER, PATIENCE, World
from zoho_oauth import _held, _sources

LOOPS = 200


class OneLockSource(_sources.TokenSource):
    """A twin: one anyio.Lock for all event loops, and a check after it was taken."""

    lock = None

    async def awaited(self, rejected):
        if OneLockSource.lock is None:
            OneLockSource.lock = anyio.Lock()
        async with OneLockSource.lock:
            held = self.held(rejected)
            return held.token if held is not None else await super().awaited(rejected)


class HoardingEntry(_held.Entry):
    """A twin: whatever was in flight in any loop stays for ever."""

    class Hoard(dict):
        def pop(self, key, default=None):
            return default

    def __init__(self, clock) -> None:
        super().__init__(clock)
        self.attempts = self.Hoard()


async def call_once(world: World) -> None:
    with anyio.fail_after(PATIENCE):
        async with world.client() as client:
            assert (await client.get("/crm/v8/Leads")).status_code == 200


async def leave_with_one_in_flight(world: World) -> None:
    with world.fake.hold_tokens() as gate, anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            group.start_soon(world.zoho.source(OWNER).token)
            await gate.arrived()
            group.cancel_scope.cancel()


async def join_in_flight(world: World) -> None:
    """Waits within the lock of the twin, where there is one."""
    source = world.zoho.source(OWNER)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                for _ in range(3):
                    group.start_soon(source.token)
                await gate.arrived()
                await anyio.wait_all_tasks_blocked()


def check_many_loops(world: World, loops: int) -> None:
    anyio.run(world.adopt)
    entry = world.zoho.source(OWNER).entry
    for number in range(loops):
        world.clock.advance(3600)
        backend = ("asyncio", "trio")[number % 2]
        anyio.run((leave_with_one_in_flight, join_in_flight, call_once)[number % 3], world, backend=backend)
        assert not entry.attempts
    assert world.zoho.source(OWNER).entry is entry
    assert world.fake.requests.mints >= loops * 2 // 3


def test_two_hundred_loops_one_after_another_share_one_auth() -> None:
    check_many_loops(World(), LOOPS)


@pytest.mark.parametrize("twin", ["zoho_oauth._zoho.TokenSource", "zoho_oauth._held.Entry"])
def test_the_check_finds_a_lock_for_all_loops_and_entries_that_stay(
    twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    OneLockSource.lock = None
    monkeypatch.setattr(twin, OneLockSource if twin.endswith("Source") else HoardingEntry)
    with pytest.raises((RuntimeError, TimeoutError, AssertionError, BaseExceptionGroup)):
        check_many_loops(World(), LOOPS)


def close_during_refresh(world: World, *, politely: bool) -> None:
    """As programs do that end while they refresh; without `politely` nothing is cancelled."""
    loop = asyncio.new_event_loop()
    gate = world.fake.hold_tokens()

    async def begin() -> None:
        task = asyncio.create_task(world.zoho.source(OWNER).token())
        await gate.arrived()
        if politely:
            task.cancel()

    loop.run_until_complete(asyncio.wait_for(begin(), PATIENCE))
    if politely:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    gate.release()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_closed_during_a_refresh_leaves_a_reservation_that_runs_out(backend: str) -> None:
    world = World()
    anyio.run(world.adopt)
    world.clock.advance(3600)
    close_during_refresh(world, politely=True)
    world.clock.advance(10)
    anyio.run(call_once, world, backend=backend)
    assert world.fake.token_requests <= 3
    assert not world.zoho.source(OWNER).entry.attempts


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_closed_without_cancelling_anything_is_forgotten(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    anyio.run(world.adopt)
    world.clock.advance(3600)
    close_during_refresh(world, politely=False)
    entry = world.zoho.source(OWNER).entry
    assert len(entry.attempts) == 1
    world.clock.advance(10)
    anyio.run(call_once, world, backend=backend)
    assert not entry.attempts
    assert world.fake.token_requests <= 3
    gc.collect()


def test_what_sends_token_requests_is_bound_to_no_loop() -> None:
    """A client kept between loops fails every second loop with 'Event loop is closed' (C21)."""
    world = World()
    with world.fake.serving():
        world.registration = world.fake.register_client()
        refresh_token = world.fake.consent(world.registration)
        from zoho_oauth import ZohoOAuth

        zoho = ZohoOAuth(world.registration, clock=world.clock)

        async def adopt() -> None:
            await zoho.adopt(refresh_token, OWNER)

        async def call() -> None:
            async with httpx.AsyncClient(
                auth=zoho.auth(OWNER), base_url=world.fake.data_center.api
            ) as client:
                assert (await client.get("/crm/v8/Leads")).status_code == 200

        anyio.run(adopt)
        for number in range(6):
            world.clock.advance(3600)
            anyio.run(call, backend=("asyncio", "trio")[number % 2])
    assert world.fake.requests.mints == 7
