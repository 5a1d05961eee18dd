"""Nobody else's trouble: a slow stream, a stuck owner, another tenant on the same client (V23, V32)."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import httpx
import pytest

from tests.life_cycle.support import BRIEFLY, PATIENCE, World
from tests.scale import count
from zoho_oauth import MemoryStore, ZohoOAuth
from zoho_oauth.testing import FakeZoho

pytestmark = pytest.mark.anyio


class LockAcrossYield(httpx.Auth):
    """A twin: one request of an owner at a time."""

    def __init__(self, auth: httpx.Auth) -> None:
        self._auth = auth
        self._lock = anyio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        async with self._lock:
            token = await self._auth.source.token()
            request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
            yield request


class LastToken(httpx.Auth):
    """A twin: the token to send is a member of something that requests share."""

    last = ""

    def __init__(self, auth: httpx.Auth) -> None:
        self._auth = auth

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        LastToken.last = (await self._auth.source.token()).access_token.reveal()
        await anyio.lowlevel.checkpoint()
        request.headers["Authorization"] = f"Zoho-oauthtoken {LastToken.last}"
        yield request


# --- held streams, stuck owners --------------------------------------------------------------------------


async def read_slowly(client: httpx.AsyncClient, auth: httpx.Auth, began: anyio.Event, read: list) -> None:
    async with client.stream("GET", "/crm/v8/stream?chunks=3", auth=auth) as response:
        assert response.status_code == 200
        began.set()
        read.append(len([line async for line in response.aiter_lines()]))


async def check_that_nobody_is_delayed(twin, patience: float) -> None:
    fake = FakeZoho("eu")
    async with fake.serve():
        registration = fake.register_client()
        zoho = ZohoOAuth(registration, MemoryStore(), clock=fake.clock)
        for owner in ("one", "two"):
            await zoho.adopt(fake.consent(registration), owner)
        await zoho.adopt(fake.consent(registration), "stuck", verify=False)
        one, two = twin(zoho.auth("one")), twin(zoho.auth("two"))
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=fake.data_center.api, limits=limits) as client:
            with fake.hold_stream() as chunks, fake.hold_resources("/crm/v8/Slow") as slow:
                await _use_while_held(
                    fake, client, {"one": one, "two": two, "stuck": zoho.auth("stuck")}, patience
                )
                assert chunks.arrivals >= 1
                assert slow.arrivals == 1


async def _use_while_held(fake: FakeZoho, client: httpx.AsyncClient, auths: dict, patience: float) -> None:
    began, read, done = anyio.Event(), [], []

    async def call(path: str, owner: str) -> None:
        done.append((await client.get(path, auth=auths[owner])).status_code)

    async with anyio.create_task_group() as held:
        with fake.hold_tokens() as gate:
            held.start_soon(read_slowly, client, auths["one"], began, read)
            held.start_soon(call, "/crm/v8/Slow", "one")
            held.start_soon(call, "/crm/v8/Leads", "stuck")
            with anyio.fail_after(patience):
                await began.wait()
                await gate.arrived()
                async with anyio.create_task_group() as group:
                    for number in range(100):
                        group.start_soon(call, f"/crm/v8/Leads/{number}", ("one", "two")[number % 2])
            assert done == [200] * 100
            assert not read
            assert gate.arrivals == 1
        fake.release_all()
    assert done == [200] * 102
    assert read == [3]


async def test_a_stream_a_slow_answer_and_a_stuck_owner_delay_nobody() -> None:
    await check_that_nobody_is_delayed(lambda auth: auth, PATIENCE)


async def test_the_check_finds_a_lock_that_is_held_across_the_yield() -> None:
    with pytest.raises((TimeoutError, BaseExceptionGroup)):
        await check_that_nobody_is_delayed(LockAcrossYield, BRIEFLY)


# --- two owners, one client ------------------------------------------------------------------------------

SCOPES = {"Leads": "ZohoCRM.modules.leads.ALL", "Deals": "ZohoCRM.modules.deals.ALL"}


async def check_two_owners(world: World, twin, requests: int) -> None:
    """Each owner's token opens his own path only."""
    auths = {}
    for name, scope in SCOPES.items():
        world.fake.require_scope(f"/crm/v8/{name}", scope)
        await world.zoho.adopt(world.fake.consent(world.registration, scope, owner=name), name)
        auths[name] = twin(world.zoho.auth(name))
    statuses: list[int] = []
    limiter = anyio.CapacityLimiter(40)

    async def call(name: str, number: int) -> None:
        async with limiter:
            response = await client.get(f"/crm/v8/{name}/{number}", auth=auths[name])
        assert response.status_code == 200
        assert response.json()["data"][0]["path"] == f"/crm/v8/{name}/{number}"
        statuses.append(response.status_code)

    api = world.fake.data_center.api
    async with httpx.AsyncClient(transport=world.fake.transport, base_url=api) as client:
        for _ in range(10):
            async with anyio.create_task_group() as group:
                for number in range(requests // 10):
                    group.start_soon(call, ("Leads", "Deals")[number % 2], number)
            world.clock.advance(3600)
    assert len(statuses) == requests
    assert requests >= 100
    assert world.fake.token_requests == 2 * 10
    assert world.fake.requests.rejected == 0


async def test_the_tokens_of_two_owners_on_one_client_are_never_crossed() -> None:
    await check_two_owners(World(), lambda auth: auth, count(1_000))


async def test_the_check_finds_a_token_that_is_kept_where_requests_share_it() -> None:
    with pytest.raises(BaseExceptionGroup) as found:
        await check_two_owners(World(), LastToken, 1_000)
    assert found.group_contains(AssertionError)
