"""Grants that come from outside: adopted, saved, or from the environment."""

from __future__ import annotations

import anyio
import pytest
from attrs import evolve

from tests.life_cycle.support import OWNER, PATIENCE, FaultyStore, View, World, together
from zoho_oauth import Secret, TokenEndpoint, ZohoOAuth, _documents, _records, errors
from zoho_oauth._documents import read_document
from zoho_oauth.testing import answers

pytestmark = pytest.mark.anyio


# --- adopt -----------------------------------------------------------------------------------------------


async def check_failing_adopt(world: World) -> None:
    await world.adopt()
    before, held = await world.stored(), await world.zoho.source(OWNER).token()
    for refusal in (answers.json_answer({"error": "invalid_code"}), answers.html_page(500)):
        world.fake.fail_next(refusal)
        with pytest.raises(errors.ZohoOAuthError):
            await world.zoho.adopt(world.fake.consent(world.registration), OWNER)
        assert await world.stored() == before
    assert await world.zoho.source(OWNER).token() == held
    assert world.fake.token_requests == 3


async def test_an_adoption_that_fails_leaves_the_store_and_the_memory_alone() -> None:
    await check_failing_adopt(World())


async def test_the_check_finds_an_adoption_that_stores_before_it_proves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from zoho_oauth import _adoption

    async def stored_first(setup, seed):
        await _adoption.store_grant(setup, seed, None)
        return await proved(setup, seed)

    proved = _adoption.proved
    monkeypatch.setattr("zoho_oauth._zoho.proved", stored_first)
    with pytest.raises(AssertionError):
        await check_failing_adopt(World())


async def check_adopting_again(world: World, *, verify: bool) -> None:
    await world.adopt()
    token = await world.zoho.source(OWNER).token()
    for zoho in (world.zoho, world.other_process()):
        for _ in range(5):
            assert await zoho.adopt(world.refresh_token, OWNER, verify=verify) in (token, None)
            assert (await zoho.source(OWNER).token()).access_token == token.access_token
    assert world.fake.token_requests == 1


@pytest.mark.parametrize("verify", [True, False])
async def test_adopting_what_is_stored_costs_nothing(verify: bool) -> None:
    await check_adopting_again(World(), verify=verify)


async def test_the_check_finds_an_adoption_that_always_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_):
        return False

    monkeypatch.setattr("zoho_oauth._zoho.is_stored", never)
    with pytest.raises((AssertionError, errors.Throttled)):
        await check_adopting_again(World(), verify=True)


async def test_adopting_a_refused_grant_unproved_gives_it_another_chance() -> None:
    """The standing failure goes with the old document; Zoho is asked once more."""
    world = World()
    await world.zoho.adopt(world.refresh_token, OWNER, verify=False)
    world.fake.fail_next(answers.json_answer({"error": "invalid_code"}))
    source = world.zoho.source(OWNER)
    assert [type(each) for each in await together(5, source.token)] == [errors.ReauthorizationRequired] * 5
    await world.zoho.adopt(world.refresh_token, OWNER, verify=False)
    assert world.is_alive(await source.token())
    assert world.fake.token_requests == 2


async def test_an_unproved_adoption_sends_nothing_until_a_token_is_wanted() -> None:
    world = World()
    assert await world.zoho.adopt(world.refresh_token, OWNER, verify=False) is None
    assert world.fake.token_requests == 0
    found = await together(20, world.zoho.source(OWNER).token)
    assert {token.generation for token in found} == {2}
    assert world.fake.token_requests == 1


async def test_an_adoption_counts_in_the_budget() -> None:
    world = World()
    source = await world.adopt()
    found = []
    for _ in range(9):
        found += await together(1, source.refresh)
    assert [type(each).__name__ for each in found] == ["Token"] * 7 + ["Throttled"] * 2
    assert world.fake.token_requests == 8


async def test_another_refresh_token_begins_a_new_budget() -> None:
    world = World()
    source = await world.adopt()
    for _ in range(8):
        await together(1, source.refresh)
    consent = world.fake.consent(world.registration)
    await world.zoho.adopt(consent, OWNER)
    assert world.is_alive(await source.refresh(), consent)


async def test_an_adoption_is_seen_by_another_process_within_a_second_of_its_failure() -> None:
    world = World()
    theirs = world.other_process().source(OWNER)
    with pytest.raises(errors.NotConnected):
        await theirs.token()
    await world.adopt()
    world.clock.advance(1)
    assert (await theirs.token()).generation == 1
    assert world.fake.token_requests == 1


async def test_an_adoption_with_a_store_that_is_down_says_so_and_can_be_repeated() -> None:
    world = World(FaultyStore())
    world.store.break_down()
    with pytest.raises(errors.StoreUnavailable):
        await world.adopt()
    world.store.come_back()
    await world.adopt()
    assert (await world.stored()) is not None


# --- save ------------------------------------------------------------------------------------------------


async def test_a_saved_token_is_used_without_a_request_and_its_grant_afterwards() -> None:
    world = World()
    token = await world.zoho.adopt(world.refresh_token, "elsewhere")
    whole = evolve(token, refresh_token=Secret(world.refresh_token))
    await world.zoho.save(whole, OWNER)
    source = world.zoho.source(OWNER)
    assert (await source.token()).access_token == token.access_token
    assert world.fake.token_requests == 1
    world.clock.advance(3600)
    assert world.is_alive(await source.token())
    assert world.fake.token_requests == 2


async def test_a_token_without_refresh_token_is_not_saved() -> None:
    world = World()
    token = (await world.adopt()) and await world.zoho.source(OWNER).token()
    with pytest.raises(errors.NoRefreshToken):
        await world.zoho.save(token, "another")
    assert await world.stored("another") is None


# --- the environment -------------------------------------------------------------------------------------


class Deployment:
    """Workers that begin with what their environment says, on one store."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self._monkeypatch = monkeypatch

    def worker(self, refresh_token: str, data_center: str = "eu") -> ZohoOAuth:
        world = self.world
        environment = {
            "ZOHO_CLIENT_ID": world.registration.client_id,
            "ZOHO_CLIENT_SECRET": world.registration.client_secret.reveal(),
            "ZOHO_REFRESH_TOKEN": refresh_token,
            "ZOHO_DATA_CENTER": data_center,
        }
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        zoho = ZohoOAuth.from_env(store=View(world.store))
        zoho._endpoint = TokenEndpoint(transport=world.fake.transport)
        zoho._clock = world.clock
        return zoho


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(World(), monkeypatch)


async def check_rolling_deployment(deployment: Deployment) -> None:
    world = deployment.world
    old, new = world.refresh_token, world.fake.consent(world.registration)
    first = await deployment.worker(old).source().token()
    assert world.is_alive(first, old)
    for worker in [new, old] * 10:
        token = await deployment.worker(worker).source().token()
        assert world.is_alive(token, new)
    assert world.fake.token_requests == 2
    world.clock.advance(3600)
    for worker in [old, new] * 10:
        assert world.is_alive(await deployment.worker(worker).source().token(), new)
    assert world.fake.token_requests == 3


async def test_a_changed_environment_wins_once_and_workers_do_not_take_turns(deployment: Deployment) -> None:
    await check_rolling_deployment(deployment)


async def test_the_check_finds_seeds_that_are_not_remembered(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(stored, seed, **names):
        if stored is not None and stored.lineage == seed.fingerprint:
            return stored
        return _documents.with_seed(stored and evolve(stored, seeds=()), seed, **names)

    monkeypatch.setattr(_records, "with_seed", forgetful)
    with pytest.raises((AssertionError, errors.Throttled)):
        await check_rolling_deployment(deployment)


async def check_corrected_data_center(deployment: Deployment) -> None:
    world = deployment.world
    with pytest.raises(errors.ZohoOAuthError):
        await deployment.worker(world.refresh_token, "us").source().token()
    before = world.fake.token_requests
    source = deployment.worker(world.refresh_token, "eu").source()
    assert world.is_alive(await source.token())
    assert (await source.data_center()).code == "eu"
    assert world.fake.token_requests == before + 1


async def test_a_corrected_data_center_in_the_environment_wins_at_once(deployment: Deployment) -> None:
    await check_corrected_data_center(deployment)


async def test_the_check_finds_seeds_known_by_their_refresh_token_alone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        _documents, "grant_fingerprint", lambda grant, _: Secret(grant.refresh_token.reveal()).fingerprint
    )
    with pytest.raises((AssertionError, errors.ZohoOAuthError)):
        await check_corrected_data_center(deployment)


async def test_a_seed_that_was_there_to_see_does_not_win_over_a_later_adoption(
    deployment: Deployment,
) -> None:
    world = deployment.world
    worker, consent = deployment.worker(world.refresh_token), world.fake.consent(world.registration)
    await worker.adopt(consent)
    for each in (worker, deployment.worker(world.refresh_token)):
        assert world.is_alive(await each.source().token(), consent)
    assert world.fake.token_requests == 1


async def test_adopting_the_seed_itself_leaves_an_empty_store_alone_if_it_fails(
    deployment: Deployment,
) -> None:
    world = deployment.world
    worker = deployment.worker(world.refresh_token)
    world.fake.fail_next(answers.json_answer({"error": "invalid_code"}))
    with pytest.raises(errors.ReauthorizationRequired):
        await worker.adopt(world.refresh_token)
    assert await world.stored("default") is None


async def test_a_seed_in_a_store_with_an_unreadable_document_does_not_replace_it(
    deployment: Deployment,
) -> None:
    world = deployment.world
    await deployment.worker(world.refresh_token).source().token()
    key, record = f"{world.registration.client_id}/default", await world.stored("default")
    await world.store.save(key, record.text[:-9], replacing=record.version)
    before = await world.stored("default")
    changed = deployment.worker(world.fake.consent(world.registration))
    with anyio.fail_after(PATIENCE):
        assert [type(each) for each in await together(3, changed.source().token)] == [
            errors.StoreCorrupted
        ] * 3
    assert await world.stored("default") == before


async def test_a_document_remembers_every_seed_it_met(deployment: Deployment) -> None:
    world = deployment.world
    consents = [world.fake.consent(world.registration) for _ in range(4)]
    for consent in consents:
        await deployment.worker(consent).source().token()
    record = await world.stored("default")
    document = read_document(record, client_id=world.registration.client_id, owner="default")
    assert len(document.seeds) == 4
    assert document.grant.refresh_token.reveal() == consents[-1]
