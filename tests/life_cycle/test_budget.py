"""A living token instead of a failure, and the budget that is kept below Zoho's limit."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.life_cycle.failing import break_it, broken_world, failed_callers
from tests.life_cycle.world import World
from zoho_oauth import RefreshPolicy, errors
from zoho_oauth.testing import FakeZoho, Rules


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["throttle 400", "throttle 200", "5xx", "invalid_code"])
async def test_nobody_fails_when_an_early_refresh_does(kind: str) -> None:
    world = World(FakeZoho("eu", rules=Rules(throttle_after=None)), RefreshPolicy())
    await world.connect()
    source = world.zoho.source()
    token = await source.token()
    break_it(world, kind)
    world.fake.clock.advance(3_600 - 170)
    before = world.fake.token_requests
    for _ in range(5):
        assert await source.token() == token
        await world.zoho.aclose()
        world.fake.clock.advance(1)
    assert world.fake.token_requests == before + 1


@pytest.mark.anyio
async def test_a_token_in_its_last_minute_serves_until_it_expires_when_zoho_is_down() -> None:
    world = World(FakeZoho("eu", rules=Rules(throttle_after=None)), RefreshPolicy())
    await world.connect()
    source, clock = world.zoho.source(), world.fake.clock
    token = await source.token()
    break_it(world, "throttle 400")
    clock.advance(3_600 - 50)
    before = world.fake.token_requests
    assert await failed_callers(source, 50) == []
    clock.advance(49.9)
    assert await failed_callers(world.process().source(), 50) == []
    assert await source.token() == token
    failures = await failed_callers(source, 50, rejected=token)
    assert {type(each) for each in failures} == {errors.Throttled}
    assert len(failures) == 50
    clock.advance(0.2)
    assert len(await failed_callers(source, 50)) == 50
    assert world.fake.token_requests == before + 1


@pytest.mark.anyio
async def test_who_rejected_the_living_token_gets_the_error_and_the_others_the_token() -> None:
    world = World(FakeZoho("eu", rules=Rules(throttle_after=None)), RefreshPolicy())
    await world.connect()
    source = world.zoho.source()
    token = await source.token()
    break_it(world, "5xx")
    before = world.fake.token_requests
    assert len(await failed_callers(source, 50, rejected=token)) == 50
    assert await failed_callers(source, 50) == []
    assert world.fake.token_requests == before + 1


# --- the budget -------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_ninth_mint_in_ten_minutes_is_refused_without_a_request() -> None:
    """T26: eight reservations, then `Throttled` until the oldest of them leaves the window."""
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.store_only()
    clock, source = world.fake.clock, world.zoho.source()
    began = clock.wall()
    for _ in range(8):
        await source.refresh()
        clock.advance(10)
    assert world.fake.token_requests == 8
    for each in (source, world.process().source()):
        with pytest.raises(errors.Throttled) as refused:
            await each.refresh()
        assert refused.value.retry_at == began + 600
    assert (world.fake.token_requests, world.fake.requests.throttled) == (8, 0)
    clock.advance(began + 600.1 - clock.wall())
    await source.refresh()
    assert world.fake.token_requests == 9


@pytest.mark.anyio
async def test_the_budget_check_fails_where_there_is_no_budget() -> None:
    world = World(FakeZoho("eu"), RefreshPolicy(mints=10_000))
    await world.store_only()
    for _ in range(8):
        await world.zoho.source().refresh()
    await world.zoho.source().refresh()
    assert world.fake.token_requests == 9


@pytest.mark.anyio
async def test_failed_requests_count_in_the_budget() -> None:
    world = await broken_world("5xx")
    world.fake.clock.advance(600)
    clock, source, before = world.fake.clock, world.zoho.source(), world.fake.token_requests
    kinds = Counter[str]()
    for _ in range(40):
        (error,) = await failed_callers(source, 1)
        kinds[type(error).__name__] += 1
        clock.advance(5)
    assert world.fake.token_requests - before <= 8
    assert world.fake.requests.throttled == 0
    print(kinds)


@pytest.mark.anyio
async def test_rejections_spend_two_mints_less_than_the_budget() -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.store_only()
    source, fake = world.zoho.source(), world.fake
    token = await source.token()
    for _ in range(6):
        token = await source.token(rejected=token)
    with pytest.raises(errors.Throttled):
        await source.token(rejected=token)
    assert fake.token_requests == 7
    with pytest.raises(errors.Throttled):
        await world.process().source().token(rejected=token)
    await source.refresh()
    assert fake.token_requests == 8


@pytest.mark.anyio
async def test_an_exhausted_budget_leaves_the_living_token_in_use() -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.store_only()
    source = world.zoho.source()
    for _ in range(8):
        token = await source.refresh()
    assert await failed_callers(source, 20) == []
    assert await source.token() == token
    assert world.fake.token_requests == 8


@pytest.mark.anyio
async def test_another_refresh_token_begins_a_new_budget() -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.store_only()
    for _ in range(8):
        await world.zoho.source().refresh()
    await world.zoho.adopt(world.fake.consent(world.registration))
    await world.zoho.source().refresh()
    assert world.fake.token_requests == 10
