"""The stale window: a new token comes in the background, and nobody waits for it."""

from __future__ import annotations

import logging

import anyio
import pytest
from attrs import evolve

from tests.life_cycle.support import BRIEFLY, OWNER, PATIENCE, FaultyStore, World, together, until
from zoho_oauth import _attempts, _ledger, _policy, _sources, _tokens
from zoho_oauth._documents import read_document, write_document
from zoho_oauth.testing import Rules, answers

pytestmark = pytest.mark.anyio

#: After this many seconds of 3600 every token is stale (180 to 300 s are left) and none has expired (60 s).
STALE = 3600 - 150


class WaitingSource(_sources.TokenSource):
    """A twin that treats a stale token as an expired one."""

    def held(self, rejected=None, *, background=True):
        held = super().held(rejected, background=background)
        return held if held is not None and held.is_fresh(self.setup.clock) else None


class UncheckedFail(_attempts.Attempt):
    """A twin that remembers failures of background attempts too."""

    def _fail(self, error):
        self.purpose = _attempts.Purpose.EXPIRED
        super()._fail(error)


class QueueingAttempt(_attempts.Attempt):
    """A twin that waits for its turn in the background."""

    async def _renewed(self):
        while (held := await super()._renewed()) is None:  # noqa: ASYNC110
            await anyio.sleep(0.01)
        return held


class UndemandingAttempt(_attempts.Attempt):
    """A twin that takes a stale token over for a fresh one."""

    def _is_good(self, held):
        return held.is_usable(self._setup.clock)


# --- nobody waits, and once ------------------------------------------------------------------------------


async def check_that_nobody_waits(world: World, patience: float) -> None:
    source = await world.adopt()
    old = await source.token()
    world.clock.advance(STALE)
    with world.fake.hold_tokens() as gate:
        with anyio.fail_after(patience):
            found = await together(50, source.token)
        assert found == [old] * 50
        with anyio.fail_after(PATIENCE):
            await gate.arrived()
        assert await together(50, source.token) == [old] * 50
        assert gate.arrivals == 1
    await world.zoho.aclose()
    new = await source.token()
    assert new.generation == old.generation + 1
    assert world.fake.token_requests == 2
    assert [event.cause for event in world.events] == ["early"]


async def test_a_stale_token_is_renewed_once_and_nobody_waits() -> None:
    await check_that_nobody_waits(World(), PATIENCE)


async def test_the_check_finds_a_source_that_makes_callers_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_oauth._zoho.TokenSource", WaitingSource)
    world = World()
    with pytest.raises(TimeoutError):
        await check_that_nobody_waits(world, BRIEFLY)


async def test_requests_of_a_client_go_on_while_the_background_refresh_is_held() -> None:
    world = World()
    await world.adopt()
    world.clock.advance(STALE)
    async with world.client() as client:
        with world.fake.hold_tokens() as gate, anyio.fail_after(PATIENCE):
            found = await together(20, lambda: client.get("/crm/v8/Leads"))
            assert [response.status_code for response in found] == [200] * 20
            await gate.arrived()
    await world.zoho.aclose()
    assert world.fake.token_requests == 2


async def test_a_caller_whose_token_expires_meanwhile_joins_the_background_refresh() -> None:
    world = World()
    source = await world.adopt()
    world.clock.advance(STALE)
    with anyio.fail_after(PATIENCE), world.fake.hold_tokens() as gate:
        old = await source.token()
        await gate.arrived()
        world.clock.advance(145)
        async with anyio.create_task_group() as group:
            group.start_soon(together, 10, source.token)
            await anyio.wait_all_tasks_blocked()
            gate.release()
    assert (await source.token()).generation == old.generation + 1
    assert world.fake.token_requests == 2


# --- the pace --------------------------------------------------------------------------------------------


async def check_pace(world: World) -> None:
    source = await world.adopt()
    world.fake.fail_next(answers.html_page(), times=10)
    world.clock.advance(3600 - 175)
    for _ in range(5):
        await together(10, source.token)
        await world.zoho.aclose()
        assert world.fake.token_requests == 2
        world.clock.advance(10)
    world.clock.advance(11)
    await together(10, source.token)
    await world.zoho.aclose()
    assert world.fake.token_requests == 3


async def test_a_background_refresh_that_failed_is_tried_again_after_a_minute_not_before() -> None:
    await check_pace(World())


async def test_the_check_finds_a_background_without_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tokens, "background_pace", lambda token: 0.0)
    with pytest.raises(AssertionError):
        await check_pace(World())


async def test_the_pace_is_per_owner() -> None:
    world = World()
    sources = [await world.adopt(owner) for owner in ("one", "two")]
    world.clock.advance(STALE)
    for source in sources:
        await source.token()
    await world.zoho.aclose()
    assert world.fake.token_requests == 4


# --- what it takes over, and when it does not act --------------------------------------------------------


async def check_takeover(world: World) -> None:
    mine, theirs = await world.adopt(), world.other_process().source(OWNER)
    await theirs.token()
    world.clock.advance(STALE)
    old = await mine.token()
    await until(lambda: not mine.entry.attempts)
    assert world.fake.token_requests == 2
    assert await theirs.token() == old
    await until(lambda: not theirs.entry.attempts)
    assert (await theirs.token()).generation == old.generation + 1
    assert world.fake.token_requests == 2


async def test_the_background_takes_over_a_fresh_token_and_renews_a_stale_one() -> None:
    await check_takeover(World())


async def test_the_check_finds_a_background_that_is_content_with_a_stale_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_attempts, "Attempt", UndemandingAttempt)
    with pytest.raises(AssertionError):
        await check_takeover(World())


async def check_that_it_does_not_queue(world: World, patience: float) -> None:
    mine, theirs = await world.adopt(), world.other_process().source(OWNER)
    await theirs.token()
    world.clock.advance(STALE)
    with world.fake.hold_tokens() as gate:
        await mine.token()
        with anyio.fail_after(PATIENCE):
            await gate.arrived()
        await theirs.token()
        assert theirs.entry.attempts
        with anyio.fail_after(patience):
            await until(lambda: not theirs.entry.attempts)
        assert gate.arrivals == 1
    await world.zoho.aclose()
    assert world.fake.token_requests == 2


async def test_the_background_ends_where_somebody_else_has_the_turn() -> None:
    await check_that_it_does_not_queue(World(), PATIENCE)


async def test_the_check_finds_a_background_that_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attempts, "Attempt", QueueingAttempt)
    with pytest.raises(TimeoutError):
        await check_that_it_does_not_queue(World(), BRIEFLY)


async def leave_reservation(world: World) -> None:
    """As a process does that was killed while it refreshed."""
    record = await world.stored()
    document = read_document(record, client_id=world.registration.client_id, owner=OWNER)
    sight = _ledger.look(document, {}, wall=world.clock.wall(), monotonic=world.clock.monotonic())
    policy = world.zoho._policy
    reserved = _ledger.reserved(document, holder="dead-1", cause="early", sight=sight, policy=policy)
    key = f"{world.registration.client_id}/{OWNER}"
    assert await world.store.save(key, write_document(reserved), replacing=record.version)


async def check_distance_from_a_dead_ones_reservation(world: World) -> None:
    await world.adopt()
    source = world.other_process().source(OWNER)
    world.clock.advance(3600 - 178)
    await leave_reservation(world)
    await source.token()
    await until(lambda: not source.entry.attempts)
    world.clock.advance(30)
    source.entry.background_at = None
    await source.token()
    await until(lambda: not source.entry.attempts)
    assert world.fake.token_requests == 1
    world.clock.advance(31)
    source.entry.background_at = None
    await source.token()
    await until(lambda: not source.entry.attempts)
    assert world.fake.token_requests == 2


async def test_the_background_keeps_a_minute_from_an_open_reservation() -> None:
    await check_distance_from_a_dead_ones_reservation(World())


async def test_the_check_finds_a_background_that_only_waits_out_the_send_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_policy, "BACKGROUND_PACE", 1.0)
    with pytest.raises(AssertionError):
        await check_distance_from_a_dead_ones_reservation(World())


async def check_silence(world: World, caplog: pytest.LogCaptureFixture, *, store_is_down: bool) -> None:
    source = await world.adopt()
    world.fake.fail_next(answers.html_page())
    world.clock.advance(STALE)
    if store_is_down:
        world.store.break_down()
    with caplog.at_level(logging.WARNING):
        old = await source.token()
        await world.zoho.aclose()
    assert world.fake.requests.faults == (0 if store_is_down else 1)
    assert not caplog.records
    assert source.entry.failure is None
    assert await together(10, source.token) == [old] * 10


@pytest.mark.parametrize("store_is_down", [False, True])
async def test_a_background_refresh_that_fails_ends_in_silence(
    store_is_down: bool, caplog: pytest.LogCaptureFixture
) -> None:
    await check_silence(World(FaultyStore()), caplog, store_is_down=store_is_down)


async def test_the_check_finds_a_background_whose_failure_is_remembered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attempts, "Attempt", UncheckedFail)
    with pytest.raises(AssertionError):
        await check_silence(World(FaultyStore()), caplog, store_is_down=True)


# --- lives that are shorter than the windows (K6) --------------------------------------------------------


async def check_shares(world: World, life: float) -> None:
    source = await world.adopt()
    first = await source.token()
    for share in (0.0, 0.35, 0.35):
        world.clock.advance(share * life)
        assert await together(20, source.token) == [first] * 20
        await world.zoho.aclose()
        assert world.fake.token_requests == 1
    world.clock.advance(0.18 * life)
    assert await together(20, source.token) == [first] * 20
    await world.zoho.aclose()
    assert world.fake.token_requests == 2
    world.clock.advance(0.95 * life)
    found = await together(20, source.token)
    assert {token.generation for token in found} == {first.generation + 2}
    assert world.fake.token_requests == 3


@pytest.mark.parametrize("life", [2, 30, 120, 600])
async def test_a_short_life_gets_windows_that_fit(life: int) -> None:
    await check_shares(World(rules=Rules(token_life=life)), life)


@pytest.mark.parametrize("window", ["EARLY_SHARE", "LEEWAY_SHARE"])
async def test_the_check_finds_windows_that_are_longer_than_the_life(
    window: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_policy, window, 1e9)
    with pytest.raises(AssertionError):
        await check_shares(World(rules=Rules(token_life=30)), 30)


async def test_a_held_token_keeps_its_windows_to_the_second() -> None:
    world = World()
    source = await world.adopt()
    entry = source.entry
    token = (await source.token()) and entry.held.token
    entry.jitter = 0.0
    entry.held = None
    held = entry.publish(evolve(token), world.zoho._policy, epoch=entry.epoch)
    assert token.expires_at - held.stale_at == 300
    assert token.expires_at - held.expired_at == 60
