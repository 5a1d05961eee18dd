"""Rejections that come late, from several generations, processes, owners and clients."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import anyio
import httpx
import httpx2
import pytest

import zoho_oauth.httpx2
from tests.life_cycle import twins
from tests.life_cycle.world import TinyEndpoint, World, give_way, tiny, unthrottled, until
from tests.scale import count
from zoho_oauth import RefreshPolicy, Token, ZohoAuth
from zoho_oauth.testing import FakeZoho


async def late_rejections(source: Any, fake: FakeZoho, seed: int, generations: int = 3) -> int:
    """Rejections of all generations but the newest in random order; returns how many were reported."""
    shuffle = random.Random(seed).shuffle
    tokens: list[Token] = [await source.token()]
    orders = []
    for _ in range(generations - 1):
        fake.expire_all()
        orders.extend([*tokens] * 3)
        await _report(source, [tokens[-1]] * 4 + tokens)
        tokens.append(await source.token())
    shuffle(orders)
    await _report(source, orders)
    return len(orders)


async def _report(source: Any, tokens: list[Token]) -> None:
    async def reported(token: Token, pause: int) -> None:
        await give_way(pause)
        fresh = await source.token(rejected=token)
        assert fresh.access_token != token.access_token

    async with anyio.create_task_group() as group:
        for index, token in enumerate(tokens):
            group.start_soon(reported, token, index % 5)


@pytest.mark.anyio
async def test_late_rejections_cost_one_token_request_per_generation() -> None:
    """C3, C4, C5: seeds × three generations."""
    seeds, reported, fake = count(200), 0, unthrottled()
    for seed in range(seeds):
        world = World(fake)
        await world.store_only()
        before = fake.token_requests
        with anyio.fail_after(10):
            reported += await late_rejections(world.zoho.source(), fake, seed)
        assert fake.token_requests - before == 3, seed  # the first token and two more
    print(f"{seeds} seeds, {reported} late rejections")
    assert reported >= 9 * seeds > 0


@pytest.mark.anyio
async def test_the_late_rejection_check_fails_for_a_source_that_believes_each() -> None:
    fake = unthrottled()
    world = World(fake)
    await late_rejections(twins.EveryRejection(world.zoho, world.refresh_token), fake, 0)
    assert fake.token_requests != 3


# --- several sources ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_rejection_of_a_token_that_another_process_replaced_costs_nothing() -> None:
    """C6."""
    fake = FakeZoho("eu")
    world = World(fake, RefreshPolicy())
    await world.connect()
    other = world.process().source()
    here, old = world.zoho.source(), await world.zoho.source().token()
    assert await other.token() == old
    fake.expire_all()
    new = await other.token(rejected=old)
    before = fake.token_requests
    assert await here.token(rejected=old) == new
    assert fake.token_requests == before


@pytest.mark.anyio
async def test_a_new_process_does_not_take_an_expired_token_for_a_fresh_one() -> None:
    fake = FakeZoho("eu")
    world = World(fake, RefreshPolicy())
    await world.connect()
    fake.clock.advance(3_601)
    token = await world.process().source().token()
    assert token.access_token.reveal() in fake.access_tokens(world.refresh_token)
    assert fake.token_requests == 2


@pytest.mark.anyio
async def test_processes_that_expire_together_make_one_token_request() -> None:
    fake = FakeZoho("eu")
    world = World(fake, RefreshPolicy())
    await world.store_only()
    sources = [world.process().source() for _ in range(count(60))]
    got: list[Token] = []

    async def one(source: Any) -> None:
        got.append(await source.token())

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for source in sources * 3:
                group.start_soon(one, source)
    assert fake.token_requests == 1
    assert len({each.access_token for each in got}) == 1
    assert len(got) == 3 * count(60) > 0


@pytest.mark.anyio
@pytest.mark.parametrize("purpose", ["early", "expired", "rejected"])
async def test_callers_of_refresh_and_of_token_share_one_token_request(purpose: str) -> None:
    fake, number = FakeZoho("eu"), count(1_000)
    world = World(fake, RefreshPolicy())
    await world.connect()
    source, old = world.zoho.source(), await world.zoho.source().token()
    fake.clock.advance({"early": 3_450, "expired": 3_601, "rejected": 0}[purpose])
    got: list[Token] = []

    async def one(index: int) -> None:
        rejected = old if purpose == "rejected" and index % 2 else None
        got.append(await (source.refresh() if index % 2 == 0 else source.token(rejected)))

    with anyio.fail_after(20), fake.hold_tokens() as gate:
        async with anyio.create_task_group() as group:
            for index in range(number):
                group.start_soon(one, index)
            await gate.arrived()
            gate.release()
    assert fake.token_requests == 2
    assert len(got) == number > 0
    assert {each.generation for each in got} <= {old.generation, old.generation + 1}
    assert all(each != old for each in got[1::2]) or purpose == "early"


@pytest.mark.anyio
async def test_an_owner_who_is_stuck_does_not_delay_another() -> None:
    """C7: the other one's calls end while the first one's token request hangs."""
    stuck, latencies = anyio.Event(), []
    endpoints = TinyEndpoint()
    zoho = tiny(endpoints)
    hanging = TinyEndpoint(stuck.wait)
    store = zoho._store
    slow = tiny(hanging, store=store)
    for owner in ("a", "b"):
        await zoho.adopt(f"1000.fake-refresh-{owner}", owner, verify=False)
    async with anyio.create_task_group() as group:
        group.start_soon(slow.source("a").token)
        await until(lambda: hanging.requests == 1)
        for _ in range(200):
            began = time.perf_counter()
            await zoho.source("b").token()
            latencies.append(time.perf_counter() - began)
        assert hanging.answers == 0, "no overlap"
        stuck.set()
    assert endpoints.requests == 1
    assert sorted(latencies)[197] < 0.05


@pytest.mark.anyio
async def test_two_clients_of_one_credential_make_one_token_request() -> None:
    """C8."""
    fake = FakeZoho("eu")
    world = World(fake, RefreshPolicy())
    await world.store_only()
    async with (
        httpx.AsyncClient(auth=world.zoho.auth(), transport=fake.transport) as one,
        httpx2.AsyncClient(
            auth=zoho_oauth.httpx2.ZohoAuth(world.zoho.source()), transport=fake.httpx2_transport
        ) as other,
        anyio.create_task_group() as group,
    ):
        for _ in range(50):
            group.start_soon(one.get, f"{fake.data_center.api}/crm/v8/Leads")
            group.start_soon(other.get, f"{fake.data_center.api}/crm/v8/Leads")
    assert fake.token_requests == 1
    assert (fake.requests.resources, fake.requests.rejected) == (100, 0)


def auth_from(world: World) -> ZohoAuth:
    registration = world.registration
    return ZohoAuth.from_refresh_token(
        client_id=registration.client_id,
        client_secret=registration.client_secret.reveal(),
        refresh_token=world.refresh_token,
        data_center=registration.data_center,
    )


class EachItsOwn(twins.PlainLock):
    """An auth that keeps its state in itself."""


@pytest.mark.anyio
@pytest.mark.parametrize("is_sound", [True, False], ids=["ours", "twin"])
async def test_an_auth_made_anew_for_each_request_refreshes_once(is_sound: bool) -> None:
    """C8, without a store."""
    number = count(1_000) if is_sound else 20
    answers: Counter[int] = Counter()
    async with unthrottled().serve() as fake:
        world = World(fake)
        url = f"{fake.data_center.api}/crm/v8/Leads"
        limits = httpx.Limits(max_connections=5)
        started = 0
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(httpx.AsyncClient(timeout=600, limits=limits))
                for _ in range(10)
            ]

            async def one() -> None:
                nonlocal started
                started += 1
                client = clients[started % len(clients)]
                own = (
                    auth_from(world)
                    if is_sound
                    else twins.TwinAuth(EachItsOwn(world.zoho, world.refresh_token))
                )
                answers[(await client.get(url, auth=own)).status_code] += 1

            async with anyio.create_task_group() as group:
                with fake.hold_tokens() as gate:
                    for _ in range(number):
                        group.start_soon(one)
                    await until(lambda: started == number and gate.arrivals > 0)
                    assert fake.requests.resources == 0
    print(f"{number} auths: {fake.token_requests} token requests, {answers}")
    assert answers == {200: number}
    assert (fake.token_requests == 1) is is_sound
