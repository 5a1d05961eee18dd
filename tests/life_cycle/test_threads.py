"""Threads with an event loop each: one token request (C22)."""

from __future__ import annotations

import threading
from functools import partial

import anyio
import pytest

from tests.life_cycle.support import OWNER, FaultyStore, World, in_threads, together
from tests.scale import count
from zoho_oauth import _turns

THREADS = 8


class BlindTurn(_turns.Turn):
    """A twin: its save is not a compare-and-swap."""

    async def __aenter__(self):
        self._begun = self._setup.clock.monotonic()
        while self._version is None:
            replacing = (await self._records.stored()).version
            self._version = await self._records.save(self.reserved, replacing=replacing)
        return self


def slow_world() -> World:
    """Its store takes its time, so that every thread has looked before the first one saves."""
    store = FaultyStore()
    store.on_load = partial(anyio.sleep, 0.01)
    return World(store)


def check_threads(world: World, *, rounds: int, callers: int) -> None:
    anyio.run(world.adopt)
    sources = [world.zoho.source(OWNER) for _ in range(THREADS)]
    barrier = threading.Barrier(THREADS)

    async def ask(number: int) -> list:
        barrier.wait(10)
        return await together(callers, sources[number].token)

    def run(number: int) -> list:
        return anyio.run(ask, number, backend=("asyncio", "trio")[number % 2])

    for turn in range(rounds):
        world.clock.advance(3600)
        results = in_threads([lambda number=number: run(number) for number in range(THREADS)])
        found = [each for result in results for each in result]
        assert {each.generation for each in found} == {turn + 2}, results
        assert len(found) == THREADS * callers
        assert world.fake.token_requests == turn + 2
        assert not sources[0].entry.attempts


def test_eight_threads_with_a_loop_each_make_one_token_request() -> None:
    check_threads(slow_world(), rounds=count(30, least=5), callers=25)


def test_the_check_finds_a_turn_that_is_taken_without_compare_and_swap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoho_oauth._attempts.Turn", BlindTurn)
    with pytest.raises(AssertionError):
        check_threads(slow_world(), rounds=30, callers=25)


def test_threads_and_their_loops_overlap_while_one_request_is_held() -> None:
    world = World()
    anyio.run(world.adopt)
    world.clock.advance(3600)
    began = threading.Barrier(THREADS + 1)
    source = world.zoho.source(OWNER)

    async def ask() -> object:
        async with anyio.create_task_group() as group:
            group.start_soon(source.token)
            await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(began.wait, 10)
        return await source.token()

    def release() -> int:
        began.wait(10)
        gate.wait_arrived()
        in_flight = len(source.entry.attempts)
        gate.release()
        return in_flight

    with world.fake.hold_tokens() as gate:
        results = in_threads([lambda: anyio.run(ask)] * THREADS + [release])
    assert THREADS in results, results
    assert world.fake.token_requests == 2
