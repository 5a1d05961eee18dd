"""The promises on README's first screen that no other test counts in the same words."""

from __future__ import annotations

from contextlib import suppress

import anyio
import httpx
import pytest

from zoho_oauth import RefreshPolicy, TokenEndpoint, TokenSource, ZohoOAuth, errors
from zoho_oauth.testing import FakeZoho, Rules

OWNER = "customer-42"


async def connected(fake: FakeZoho, **more: RefreshPolicy) -> tuple[ZohoOAuth, TokenSource]:
    """An owner whose token is about to be asked for; no token request so far."""
    registration = fake.register_client()
    zoho = ZohoOAuth(registration, endpoint=TokenEndpoint(transport=fake.transport), clock=fake.clock, **more)
    await zoho.adopt(fake.consent(registration.client_id), OWNER, verify=False)
    return zoho, zoho.source(OWNER)


@pytest.mark.anyio
async def test_99_of_100_waiting_callers_are_cancelled_and_the_one_that_is_left_gets_its_token():
    fake = FakeZoho("eu")
    zoho, source = await connected(fake)
    scopes = [anyio.CancelScope() for _ in range(100)]
    got = []

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            got.append(await source.token())

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            with fake.hold_tokens() as gate:
                tasks.start_soon(call, scopes[0])
                await gate.arrived()
                for scope in scopes[1:]:
                    tasks.start_soon(call, scope)
                await anyio.wait_all_tasks_blocked()
                for scope in scopes[:99]:
                    scope.cancel()
                await anyio.wait_all_tasks_blocked()
        await zoho.aclose()

    assert [scope.cancelled_caught for scope in scopes] == [True] * 99 + [False]
    assert len(got) == 1
    assert fake.token_requests == 1


@pytest.mark.anyio
async def test_a_refresh_that_its_caller_owns_is_lost_with_him():
    """The control: what a lock around the refresh makes of the same schedule."""
    fake = FakeZoho("eu")
    registration = fake.register_client()
    assert registration.client_secret is not None
    form = {
        "grant_type": "refresh_token",
        "client_id": registration.client_id,
        "client_secret": registration.client_secret.reveal(),
        "refresh_token": fake.consent(registration.client_id),
    }
    lock, tokens = anyio.Lock(), []
    scopes = [anyio.CancelScope() for _ in range(2)]

    async def call(scope: anyio.CancelScope) -> None:
        with scope:
            async with lock, httpx.AsyncClient(transport=fake.transport) as client:
                if not tokens:
                    answer = await client.post("https://accounts.zoho.eu/oauth/v2/token", data=form)
                    tokens.append(answer.json()["access_token"])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            with fake.hold_tokens() as gate:
                tasks.start_soon(call, scopes[0])
                await gate.arrived()
                tasks.start_soon(call, scopes[1])
                scopes[0].cancel()
                await gate.arrived(2)

    assert fake.token_requests == 2


@pytest.mark.anyio
async def test_after_a_throttle_100_more_calls_send_no_token_request():
    fake = FakeZoho("eu")
    _, source = await connected(fake)
    fake.throttle()

    for _ in range(101):
        with pytest.raises(errors.Throttled):
            await source.token()
        fake.clock.advance(2)

    assert fake.token_requests == 1


@pytest.mark.anyio
async def test_a_throttle_is_over_when_its_time_is():
    fake = FakeZoho("eu")
    _, source = await connected(fake)
    fake.throttle()
    with pytest.raises(errors.Throttled):
        await source.token()

    fake.clock.advance(601)
    await source.token()

    assert fake.token_requests == 2


async def asked_for_ten_minutes(policy: RefreshPolicy) -> int:
    """How many token requests Zoho saw while somebody asked for a new token every 10 s."""
    fake = FakeZoho("eu", rules=Rules(throttle_after=None))
    _, source = await connected(fake, policy=policy)
    for _ in range(60):
        with suppress(errors.Throttled):
            await source.refresh()
        fake.clock.advance(9.9)
    return fake.token_requests


@pytest.mark.anyio
async def test_at_most_8_token_requests_are_sent_in_10_minutes():
    assert await asked_for_ten_minutes(RefreshPolicy()) == 8


@pytest.mark.anyio
async def test_without_a_budget_there_would_be_one_each_time():
    """The control."""
    assert await asked_for_ten_minutes(RefreshPolicy(mints=1_000)) == 60
