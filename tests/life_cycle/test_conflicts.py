"""Who wins where two save: the grant that was given last, then the higher generation; never who saves last."""

from __future__ import annotations

import anyio
import pytest

from tests.life_cycle.support import OWNER, PATIENCE, FaultyStore, World, together
from zoho_oauth import ZohoOAuth, _ledger, _turns, errors
from zoho_oauth._seeded import seed_of

pytestmark = pytest.mark.anyio


class OverwritingTurn(_turns.Turn):
    """A twin: it stores what it brought, whatever is stored by then."""

    async def _saved(self, mine):
        version = self._version
        while await self._records.save(mine, replacing=version) is None:
            version = (await self._records.stored()).version
        return mine


class BlindTurn(_turns.Turn):
    """A twin: it goes on although it lost the swap."""

    taken = True


class TwoAtOnce(FaultyStore):
    """Lets the first save through when a second one has come."""

    def __init__(self) -> None:
        super().__init__()
        self.both = anyio.Event()
        self.here = 0
        self.on_save = self._meet

    async def _meet(self, _: str) -> None:
        self.here += 1
        if self.here == 2:
            self.both.set()
        await self.both.wait()


class Late:
    """An attempt that has its answer from Zoho and is held at its last save."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.may_save = anyio.Event()
        self.saves = anyio.Event()
        self.results: list = []

    async def begin(self, group, callers: int = 5) -> None:
        source = self.world.zoho.source(OWNER)
        with self.world.fake.hold_tokens() as gate:

            async def ask() -> None:
                self.results.extend(await together(callers, source.token))

            group.start_soon(ask)
            await gate.arrived()
            self.world.store.on_save = self._hold_one
        await self.saves.wait()

    async def _hold_one(self, _: str) -> None:
        self.world.store.on_save = None
        self.saves.set()
        await self.may_save.wait()

    def end(self) -> None:
        self.may_save.set()


# --- a new consent during a refresh ----------------------------------------------------------------------


async def adopt_here(world: World, refresh_token: str) -> None:
    await world.zoho.adopt(refresh_token, OWNER)


async def adopt_unproved(world: World, refresh_token: str) -> None:
    await world.zoho.adopt(refresh_token, OWNER, verify=False)


async def adopt_elsewhere(world: World, refresh_token: str) -> None:
    await world.other_process().adopt(refresh_token, OWNER)


async def delete_and_adopt(world: World, refresh_token: str) -> None:
    await world.store.delete(f"{world.registration.client_id}/{OWNER}")
    await world.zoho.adopt(refresh_token, OWNER)


WAYS = [adopt_here, adopt_unproved, adopt_elsewhere, delete_and_adopt]


async def check_new_consent(world: World, way) -> None:
    await world.adopt()
    world.clock.advance(3600)
    late, consent = Late(world), world.fake.consent(world.registration)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            await late.begin(group)
            await way(world, consent)
            late.end()
    assert len(late.results) == 5
    assert all(world.is_alive(token, consent) for token in late.results), late.results
    stored = await world.document()
    assert stored.grant.refresh_token.reveal() == consent
    assert world.is_alive(stored.token, consent)
    assert await world.zoho.source(OWNER).token() == late.results[0]
    assert world.fake.token_requests == 3


@pytest.mark.parametrize("way", WAYS)
async def test_a_new_consent_stays_when_an_old_refresh_saves_late(way) -> None:
    await check_new_consent(World(FaultyStore()), way)


@pytest.mark.parametrize("way", WAYS)
async def test_the_check_finds_a_late_save_that_overwrites(way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_oauth._attempts.Turn", OverwritingTurn)
    with pytest.raises(AssertionError):
        await check_new_consent(World(FaultyStore()), way)


async def test_a_consent_while_zoho_still_thinks_is_not_overwritten_either() -> None:
    world = World()
    await world.adopt()
    world.clock.advance(3600)
    source, consent, found = world.zoho.source(OWNER), world.fake.consent(world.registration), []

    async def ask() -> None:
        found.extend(await together(5, source.token))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens(at="answer") as gate:
                group.start_soon(ask)
                await gate.arrived()
                await world.zoho.adopt(consent, OWNER, verify=False)
    assert all(world.is_alive(token, consent) for token in found)
    assert (await world.document()).grant.refresh_token.reveal() == consent


# --- a record that goes meanwhile ------------------------------------------------------------------------


async def check_deletion(world: World) -> None:
    await world.adopt()
    world.clock.advance(3600)
    late = Late(world)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            await late.begin(group)
            await world.store.delete(f"{world.registration.client_id}/{OWNER}")
            late.end()
    assert [type(each) for each in late.results] == [errors.ReauthorizationRequired] * 5
    assert await world.stored() is None
    world.clock.advance(2)
    with pytest.raises(errors.NotConnected):
        await world.zoho.source(OWNER).token()
    assert world.fake.token_requests == 2


async def test_a_record_deleted_during_a_refresh_stays_deleted() -> None:
    await check_deletion(World(FaultyStore()))


async def test_the_check_finds_a_save_that_brings_a_deleted_record_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoho_oauth._attempts.Turn", OverwritingTurn)
    with pytest.raises(AssertionError):
        await check_deletion(World(FaultyStore()))


async def test_with_a_seed_a_record_deleted_during_a_refresh_begins_again() -> None:
    world = World(FaultyStore())
    await world.adopt()
    world.clock.advance(3600)
    seeded = world.connect(world.store)
    seeded._seed = seed_of(world.refresh_token, world.registration.data_center)
    world.zoho = ZohoWithSeedForEveryOwner(seeded)
    late = Late(world)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            await late.begin(group)
            await world.store.delete(f"{world.registration.client_id}/{OWNER}")
            late.end()
    assert all(world.is_alive(token) for token in late.results)
    stored = await world.document()
    assert stored.token == late.results[0]
    assert world.fake.token_requests == 3


class ZohoWithSeedForEveryOwner:
    """A seed serves the owner "default"; here it serves the one that is asked for."""

    def __init__(self, zoho: ZohoOAuth) -> None:
        self._zoho = zoho

    def source(self, owner: str):
        from attrs import evolve

        from zoho_oauth import TokenSource

        return TokenSource(evolve(self._zoho._setup(owner), seed=self._zoho._seed))


# --- the swap that takes the turn ------------------------------------------------------------------------


async def check_two_in_step(world: World, store: TwoAtOnce) -> None:
    await world.adopt()
    world.clock.advance(3600)
    store.store, world.store = world.store, store
    found: list = []

    async def ask(source) -> None:
        found.append(await source.token())

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for zoho in (world.other_process(), world.other_process()):
                group.start_soon(ask, zoho.source(OWNER))
    assert store.here >= 2
    assert [token.generation for token in found] == [2, 2]
    assert world.fake.token_requests == 2


async def test_whoever_loses_the_swap_sends_nothing() -> None:
    await check_two_in_step(World(), TwoAtOnce())


async def test_the_check_finds_a_turn_that_goes_on_after_a_lost_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_oauth._attempts.Turn", BlindTurn)
    with pytest.raises(AssertionError):
        await check_two_in_step(World(), TwoAtOnce())


# --- generations -----------------------------------------------------------------------------------------


async def check_generations(world: World) -> None:
    await world.adopt()
    world.clock.advance(3600)
    late, theirs, found = Late(world), world.other_process().source(OWNER), []

    async def ask() -> None:
        found.append(await theirs.token())

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            await late.begin(group)
            async with anyio.create_task_group() as others:
                others.start_soon(ask)
                await anyio.sleep(0.1)
                world.clock.advance(11)
            late.end()
    stored = await world.document()
    assert found[0].generation == 3
    assert stored.token.access_token == found[0].access_token
    assert {token.access_token for token in late.results} == {found[0].access_token}
    assert stored.generation == 3
    assert [each.generation for each in stored.reservations] == [2, 3]
    assert not any(each.is_open for each in stored.reservations)
    assert world.fake.token_requests == 3


async def test_of_two_tokens_of_one_grant_the_newer_stays_and_both_requests_count() -> None:
    await check_generations(World(FaultyStore()))


async def test_the_check_finds_a_late_save_of_an_older_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoho_oauth._attempts.Turn", OverwritingTurn)
    with pytest.raises(AssertionError):
        await check_generations(World(FaultyStore()))


async def test_the_check_finds_a_merge_that_forgets_the_others_reservations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_ledger, "_union", lambda one, other: one)
    with pytest.raises(AssertionError):
        await check_generations(World(FaultyStore()))


async def test_an_answer_that_was_lost_is_not_a_lost_swap() -> None:
    """The store saved, and only its answer did not arrive: a second look finds the own document."""
    world = World(FaultyStore())
    await world.adopt()
    world.clock.advance(3600)
    save = world.store.save

    async def save_in_silence(owner, text, *, replacing):
        world.store.save = save
        await save(owner, text, replacing=replacing)

    world.store.save = save_in_silence
    with anyio.fail_after(PATIENCE):
        assert {token.generation for token in await together(5, world.zoho.source(OWNER).token)} == {2}
    assert world.fake.token_requests == 2


async def test_an_owner_with_many_conflicts_ends_with_one_token() -> None:
    world = World(FaultyStore())
    await world.adopt()
    world.clock.advance(3600)
    world.store.on_load = world.store.on_save = _pause
    sources = [world.other_process().source(OWNER) for _ in range(20)]
    found: list = []

    async def ask(source) -> None:
        found.append(await source.token())

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for source in sources:
                group.start_soon(ask, source)
    assert {token.generation for token in found} == {2}
    assert len(found) == 20
    assert world.fake.token_requests == 2


async def _pause(*_: object) -> None:
    await anyio.sleep(0.002)
