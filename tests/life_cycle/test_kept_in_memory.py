"""What a store did not take is kept in memory until it does."""

from __future__ import annotations

import logging
import threading

import anyio
import pytest
from attrs import evolve

from tests.life_cycle.support import OWNER, PATIENCE, FaultyStore, World, in_threads, together
from zoho_oauth import RefreshPolicy, _records, errors

pytestmark = pytest.mark.anyio

DEGRADE = RefreshPolicy(store_down="degrade")


# --- going on by memory ----------------------------------------------------------------------------------


async def check_degraded(world: World, caplog: pytest.LogCaptureFixture) -> None:
    source = await world.adopt()
    world.clock.advance(3600)
    world.store.break_down()
    with caplog.at_level(logging.WARNING, logger="zoho_oauth"):
        found = await together(20, source.token)
    assert {getattr(token, "generation", token) for token in found} == {2}
    assert any("store is down" in record.getMessage() for record in caplog.records)
    world.clock.advance(3600)
    assert {getattr(token, "generation", token) for token in await together(20, source.token)} == {3}
    assert world.fake.token_requests == 3
    assert (await world.document()).generation == 1
    world.store.come_back()
    world.clock.advance(3600)
    assert (await source.token()).generation == 4
    stored = await world.document()
    assert (stored.generation, stored.token.generation) == (4, 4)
    assert not any(each.is_open for each in stored.reservations)
    assert world.fake.token_requests == 4


async def test_degrade_goes_on_by_memory_with_a_warning_and_merges_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await check_degraded(World(FaultyStore(), policy=DEGRADE), caplog)


async def test_the_check_finds_a_strict_policy(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AssertionError):
        await check_degraded(World(FaultyStore()), caplog)


async def test_the_check_finds_reservations_that_live_nowhere(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_records.Records, "_kept", lambda records, document, replacing: replacing)
    with pytest.raises(AssertionError):
        await check_degraded(World(FaultyStore(), policy=DEGRADE), caplog)


async def test_degrade_keeps_the_budget_in_memory() -> None:
    world = World(FaultyStore(), policy=evolve(DEGRADE, mints=4))
    source = await world.adopt()
    world.store.break_down()
    found = []
    for _ in range(6):
        try:
            found.append(await source.refresh())
        except errors.Throttled as error:
            found.append(error)
    assert [type(each).__name__ for each in found] == ["Token"] * 3 + ["Throttled"] * 3
    assert world.fake.token_requests == 4


async def test_degrade_knows_nothing_of_an_owner_it_never_met() -> None:
    world = World(FaultyStore(), policy=DEGRADE)
    world.store.break_down()
    with pytest.raises(errors.StoreUnavailable, match="nothing of the owner"):
        await world.zoho.source(OWNER).token()
    assert world.fake.token_requests == 0


async def test_what_was_kept_does_not_come_back_over_a_new_consent() -> None:
    world = World(FaultyStore(), policy=DEGRADE)
    source = await world.adopt()
    world.clock.advance(3600)
    world.store.break_down()
    await source.token()
    world.store.come_back()
    consent = world.fake.consent(world.registration)
    await world.other_process().adopt(consent, OWNER)
    world.clock.advance(3600)
    assert world.is_alive(await source.token(), consent)
    assert (await world.document()).grant.refresh_token.reveal() == consent


async def test_two_loops_share_what_is_kept_in_memory() -> None:
    world = World(FaultyStore(), policy=DEGRADE)
    await world.adopt()
    world.clock.advance(3600)
    world.store.break_down()
    barrier = threading.Barrier(4)

    def ask(backend: str) -> int:
        barrier.wait(5)
        return anyio.run(world.zoho.source(OWNER).token, backend=backend).generation

    calls = [lambda backend=backend: ask(backend) for backend in ("asyncio", "trio") * 2]
    found = await anyio.to_thread.run_sync(in_threads, calls)
    assert found == [2] * 4, found
    assert world.fake.token_requests == 2


# --- down after the answer -------------------------------------------------------------------------------


async def check_save_after_answer(world: World) -> None:
    source = await world.adopt()
    world.clock.advance(3600)
    found: list = []

    async def ask() -> None:
        found.extend(await together(20, source.token))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                group.start_soon(ask)
                await gate.arrived()
                world.store.break_down()
    assert {getattr(token, "generation", token) for token in found} == {2}
    assert [type(event).__name__ for event in world.events] == ["StoreFailed", "TokenRefreshed"]
    assert (await world.document()).token.generation == 1
    world.store.come_back()
    assert (await source.token()).generation == 2
    world.clock.advance(3600 - 100)
    assert (await source.token()).generation == 2
    await world.zoho.aclose()
    stored = await world.document()
    assert [each.generation for each in stored.reservations] == [3]
    assert stored.token.generation == 3
    assert world.fake.token_requests == 3


async def test_a_token_whose_save_failed_is_used_and_saved_by_the_next_slow_path() -> None:
    await check_save_after_answer(World(FaultyStore()))


async def test_the_check_finds_a_token_that_is_lost_with_its_save(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unprotected(turn, outcome):
        return await turn._saved(_records._ledger.released(turn.reserved, outcome))

    monkeypatch.setattr("zoho_oauth._turns.Turn._released", unprotected)
    with pytest.raises(AssertionError):
        await check_save_after_answer(World(FaultyStore()))


async def test_another_process_sees_the_kept_token_once_the_store_is_back() -> None:
    world = World(FaultyStore())
    source = await world.adopt()
    world.clock.advance(3600)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                group.start_soon(source.token)
                await gate.arrived()
                world.store.break_down()
    world.store.come_back()
    await source.data_center()
    await _slow_path(source)
    theirs = await world.other_process().source(OWNER).token()
    assert theirs.generation == 2
    assert world.fake.token_requests == 2


async def _slow_path(source) -> None:
    source.entry.held = None
    await source.token()
