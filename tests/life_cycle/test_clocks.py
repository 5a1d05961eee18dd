"""Clocks that jump, stop or are wrong: the token states by numbers (K1 to K7)."""

from __future__ import annotations

import itertools
import statistics

import anyio
import pytest
from attrs import evolve

from tests.life_cycle.support import DAY, OWNER, PATIENCE, Skewed, World, together, until
from zoho_oauth import _attempts, _held, _requests, _tokens
from zoho_oauth.testing import ManualClock

pytestmark = pytest.mark.anyio


def by_wall_only(held, clock):
    return clock.wall()


def by_monotonic_only(held, clock):
    return clock.monotonic() - held.shift


def unmoved(token, *, born_after, now):
    return token


# --- jumps (K1, K2, K3) ----------------------------------------------------------------------------------


async def check_jump_back(world: World) -> None:
    source = await world.adopt()
    old = await source.token()
    world.clock.set_wall(world.clock.wall() - DAY)
    assert await together(20, source.token) == [old] * 20
    world.clock.advance(3541)
    found = await together(20, source.token)
    assert {token.generation for token in found} == {old.generation + 1}
    assert world.fake.token_requests == 2
    world.clock.advance(3541)
    assert world.is_alive(await source.token())
    await together(20, source.token)
    assert world.fake.token_requests == 3


async def test_a_token_still_expires_after_the_wall_clock_went_back_a_day() -> None:
    await check_jump_back(World())


async def test_the_check_finds_a_life_that_only_the_wall_clock_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_held.Held, "now", by_wall_only)
    with pytest.raises(AssertionError):
        await check_jump_back(World())


async def check_jump_forward(world: World, seconds: float) -> None:
    source = await world.adopt()
    old = await source.token()
    world.clock.set_wall(world.clock.wall() + seconds)
    for _ in range(5):
        found = await together(20, source.token)
        assert {token.generation for token in found} == {old.generation + 1}
    assert world.fake.token_requests == 2


@pytest.mark.parametrize("seconds", [DAY, 7200.0])
async def test_a_wall_clock_that_went_on_causes_one_refresh(seconds: float) -> None:
    """Also the suspended machine: its monotonic clock stood still for two hours (K3)."""
    await check_jump_forward(World(), seconds)


async def test_the_check_finds_a_life_that_only_the_monotonic_clock_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_held.Held, "now", by_monotonic_only)
    with pytest.raises(AssertionError):
        await check_jump_forward(World(), 7200.0)


async def test_the_check_finds_tokens_dated_by_the_clock_before_the_jump(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    minted = _requests.minted

    def dated_before(granted, document, *, minted_at):
        late = document.token is not None
        return minted(granted, document, minted_at=minted_at - DAY if late else minted_at)

    monkeypatch.setattr(_requests, "minted", dated_before)
    with pytest.raises(AssertionError):
        await check_jump_forward(World(), DAY)


async def test_another_process_takes_a_token_over_after_both_jumps() -> None:
    for seconds in (DAY, -DAY):
        world = World()
        await world.adopt()
        world.clock.set_wall(world.clock.wall() + seconds)
        theirs = world.other_process().source(OWNER)
        assert world.is_alive(await theirs.token())
        world.clock.advance(3600)
        assert world.is_alive(await theirs.token())
        assert world.fake.token_requests <= 3


# --- clocks wrong from the start, one store (K4) ---------------------------------------------------------


@pytest.mark.parametrize("offset", [DAY, -DAY, 3700.0, -3700.0, 90.0, -90.0])
async def test_a_clock_wrong_from_the_start_costs_two_requests_a_life_at_most(offset: float) -> None:
    world = World()
    await world.adopt()
    theirs = world.other_process(clock=Skewed(world.clock, offset))
    asked = 0
    async with world.client() as one, world.client(theirs) as other:
        for life in range(1, 4):
            for _ in range(12):
                for client in (one, other):
                    assert (await client.get("/crm/v8/Leads")).status_code == 200
                    asked += 1
                    await until(lambda: not any(each.attempts for each in _held._entries.values()))
                world.clock.advance(300)
            # A host that is behind takes over what is already old and learns of its end by a 401.
            assert world.fake.token_requests <= 1 + 2 * life
    assert asked == 72


async def check_expiry_where_the_clock_is_behind(world: World) -> None:
    theirs = world.other_process(clock=Skewed(world.clock, -DAY)).source(OWNER)
    await world.adopt()
    assert world.is_alive(await theirs.token())
    world.clock.advance(3600)
    assert world.is_alive(await theirs.token())
    assert world.fake.token_requests == 2


async def test_a_host_a_day_behind_does_not_believe_in_a_token_for_a_day() -> None:
    await check_expiry_where_the_clock_is_behind(World())


async def check_handover_to_a_clock_ahead(world: World) -> None:
    mine = await world.adopt()
    theirs = world.other_process(clock=Skewed(world.clock, 3700.0)).source(OWNER)
    world.clock.advance(3600)
    found = []

    async def ask(source) -> None:
        found.append(await source.token())

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                group.start_soon(ask, mine)
                await gate.arrived()
                group.start_soon(ask, theirs)
                await anyio.sleep(0.1)
    assert [token.generation for token in found] == [found[0].generation] * 2
    assert world.fake.token_requests == 2


async def test_a_host_an_hour_ahead_takes_over_the_token_that_it_waited_for() -> None:
    await check_handover_to_a_clock_ahead(World())


@pytest.mark.parametrize("check", [check_expiry_where_the_clock_is_behind, check_handover_to_a_clock_ahead])
async def test_the_checks_find_expiries_that_are_believed_as_written(
    check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_tokens, "as_seen_here", unmoved)
    with pytest.raises(AssertionError):
        await check(World())


# --- a fleet (K7) ----------------------------------------------------------------------------------------

FLEET = 200


class NoJitter(ManualClock):
    """A twin: every process has the same."""

    def jitter(self) -> float:
        return 0.5


async def check_fleet(world: World, clock: ManualClock) -> None:
    await world.adopt()
    fleet = [world.other_process(clock=clock).source(OWNER) for _ in range(FLEET)]
    for source in fleet:
        await source.token()
    expires_at = fleet[0].entry.held.token.expires_at
    windows = sorted(expires_at - source.entry.held.stale_at for source in fleet)
    assert len(windows) == FLEET
    assert 180 <= windows[0] < windows[-1] <= 300
    assert all(max(tenth) - min(tenth) < 30 for tenth in _tenths(windows)), "a gap"
    assert all(before < after for before, after in itertools.pairwise(windows)), "two in step"
    assert 30 < statistics.stdev(windows) < 40
    assert {expires_at - source.entry.held.expired_at for source in fleet} == {60}


def _tenths(values: list[float]) -> list[list[float]]:
    size = len(values) // 10
    return [values[start : start + size] for start in range(0, len(values), size)]


async def test_no_two_of_two_hundred_processes_refresh_in_step() -> None:
    await check_fleet(World(), ManualClock(seed=1))


async def test_the_check_finds_a_fleet_without_jitter() -> None:
    with pytest.raises(AssertionError):
        await check_fleet(World(), NoJitter())


async def test_a_fleet_of_two_hundred_refreshes_once_a_life() -> None:
    world = World()
    await world.adopt()
    fleet = [world.other_process().source(OWNER) for _ in range(FLEET)]
    for source in fleet:
        await source.token()
    world.clock.advance(3600 - 300)
    for _ in range(15):
        for source in fleet:
            assert world.is_alive(await source.token())
        await until(lambda: not any(source.entry.attempts for source in fleet))
        world.clock.advance(9)
    assert {(await source.token()).generation for source in fleet} == {2}
    assert world.fake.token_requests == 2


async def test_an_expiry_by_this_hosts_clock_keeps_the_length_of_the_life() -> None:
    world = World()
    token = (await world.adopt()) and await world.zoho.source(OWNER).token()
    ahead = evolve(token, minted_at=token.minted_at + DAY, expires_at=token.expires_at + DAY)
    now = world.clock.wall()
    seen = _tokens.as_seen_here(ahead, born_after=None, now=now)
    assert (seen.minted_at, seen.expires_at) == (now, now + 3600)


async def check_start_with_an_old_token(world: World) -> None:
    await world.adopt()
    world.clock.advance(3600 + 1)
    source = world.other_process().source(OWNER)
    assert world.is_alive(await source.token())
    assert world.fake.token_requests == 2


async def test_a_process_that_starts_with_an_expired_token_in_the_store_renews_it() -> None:
    await check_start_with_an_old_token(World())


async def test_the_check_finds_a_stored_token_that_is_taken_for_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attempts.Attempt, "_born_after", lambda attempt, token: attempt._first_look[0])
    with pytest.raises(AssertionError):
        await check_start_with_an_old_token(World())
