"""Owners that come and go, made-up ones too, leave nothing behind in memory."""

from __future__ import annotations

import anyio
import pytest

from tests.life_cycle.support import World, together
from tests.scale import count
from zoho_oauth import _held, errors

OWNERS = 100_000
#: As many as are within the second that a failure is remembered, twice over, and those with a living token.
MOST = 400


@pytest.fixture(autouse=True)
def entries(monkeypatch: pytest.MonkeyPatch) -> dict:
    """What a process holds, without what other tests left there."""
    fresh: dict = {}
    monkeypatch.setattr(_held, "_entries", fresh)
    return fresh


async def check_owners(world: World, entries: dict, owners: int) -> None:
    connected, refused, largest = [], 0, 0
    for number in range(owners):
        source = world.zoho.source(f"customer {number}")
        if number % 2_000 == 0:
            world.refresh_token = world.fake.consent(world.registration, owner=f"customer {number}")
            await world.adopt(f"customer {number}")
            connected.append(source)
        elif number % 5 == 0:
            refused += [type(each) for each in await together(1, source.token)] == [errors.NotConnected]
        world.clock.advance(0.02)
        largest = max(largest, len(entries))
        assert largest < MOST
    assert refused >= owners // 6
    assert len(connected) == owners // 2_000
    await check_old_handles(world, entries, connected)


async def check_old_handles(world: World, entries: dict, connected: list) -> None:
    before, old = world.fake.token_requests, [source._entry for source in connected]
    world.clock.advance(3600)
    for number in range(4 * MOST):
        world.zoho.source(f"latecomer {number}")
        world.clock.advance(0.02)
    assert all(entry.is_gone for entry in old)
    assert len(entries) < MOST
    for source in connected:
        found = await together(5, source.token)
        assert {token.generation for token in found} == {2}
        assert source.entry in entries.values()
    assert world.fake.token_requests == before + len(connected)


def test_a_hundred_thousand_owners_come_and_go(entries: dict) -> None:
    anyio.run(check_owners, World(), entries, count(OWNERS))


def test_owners_come_and_go_on_trio(entries: dict) -> None:
    anyio.run(check_owners, World(), entries, count(OWNERS) // 5, backend="trio")


def test_the_check_finds_entries_that_nobody_looks_at(entries: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_held, "_look_at_the_oldest", lambda: None)
    with pytest.raises(AssertionError):
        anyio.run(check_owners, World(), entries, OWNERS)


def test_an_entry_with_a_living_token_or_a_refresh_in_flight_stays(entries: dict) -> None:
    world = World()

    async def main() -> None:
        living = await world.adopt("living")
        stuck = await world.adopt("stuck")
        world.clock.advance(1800)
        await living.refresh()
        world.clock.advance(1800)
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                group.start_soon(stuck.token)
                await gate.arrived()
                for number in range(50):
                    world.zoho.source(f"customer {number}")
                assert {living.entry, stuck.entry} <= set(entries.values())
                assert not living.entry.is_gone
                assert not stuck.entry.is_gone
        assert world.is_alive(await stuck.token())

    anyio.run(main)
    assert world.fake.token_requests == 4
