"""A refresh that fails: one token request, the same typed error for everyone, and silence while it stands."""

from __future__ import annotations

from collections import Counter
from typing import Any

import anyio
import httpx
import pytest
from attrs import evolve

from tests.life_cycle import twins
from tests.life_cycle.failing import UNWELL, break_it, broken_world, failed_callers
from tests.life_cycle.world import World, unthrottled
from tests.scale import count
from zoho_oauth import RefreshPolicy, errors
from zoho_oauth.testing import FakeZoho, Rules, answers

#: Kind, error, how long it stands (seconds from, to). None: until the credential changes.
KINDS = [
    ("invalid_code", errors.ReauthorizationRequired, None),
    ("invalid_client", errors.ClientRejected, (300, 300)),
    ("throttle 400", errors.Throttled, (600, 600)),
    ("throttle 200", errors.Throttled, (600, 600)),
    ("throttle localized", errors.Throttled, (600, 600)),
    ("5xx", errors.TokenEndpointUnavailable, (0.5, 1.0)),
]


def check_shared(failures: list[Exception], number: int, token_requests: int, error: type[Exception]) -> None:
    assert token_requests == 1
    assert len(failures) == number > 0
    assert {type(each) for each in failures} == {error}
    assert len({id(each) for each in failures}) == number, "one exception object for several callers"
    assert len({(each.family, each.code, each.retry_at, str(each)) for each in failures}) == 1
    assert all(each.__cause__ is None and each.__context__ is None for each in failures)


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "error", "stands"), KINDS, ids=[each[0] for each in KINDS])
async def test_everyone_who_waited_gets_the_failure_of_one_request(
    kind: str, error: Any, stands: Any
) -> None:
    number, world = count(1_000), await broken_world(kind)
    before = world.fake.token_requests
    failures = await failed_callers(world.zoho.source(), number)
    print(f"{kind}: {len(failures)} failures, {world.fake.token_requests - before} token requests")
    check_shared(failures, number, world.fake.token_requests - before, error)


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "error", "stands"), KINDS, ids=[each[0] for each in KINDS])
async def test_everyone_whose_token_was_rejected_gets_the_failure_of_one_request(
    kind: str, error: Any, stands: Any
) -> None:
    number, world = count(1_000), World(FakeZoho("eu", rules=Rules(throttle_after=None)), RefreshPolicy())
    await world.connect()
    source = world.zoho.source()
    token = await source.token()
    break_it(world, kind)
    before = world.fake.token_requests
    failures = await failed_callers(source, number, rejected=token)
    check_shared(failures, number, world.fake.token_requests - before, error)


@pytest.mark.anyio
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in another process"])
async def test_everyone_who_asked_for_a_refresh_gets_the_failure_of_one_request(elsewhere: bool) -> None:
    """Although the token at hand is good: it was not what they asked for."""
    number, world = count(1_000), World(FakeZoho("eu"), RefreshPolicy())
    await world.connect()
    break_it(world, "invalid_client")
    before, caught = world.fake.token_requests, []
    source = (world.process() if elsewhere else world.zoho).source()

    async def one() -> None:
        try:
            await source.refresh()
        except Exception as error:
            caught.append(error)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for _ in range(number):
                group.start_soon(one)
    check_shared(caught, number, world.fake.token_requests - before, errors.ClientRejected)
    assert await failed_callers(source, 5) == []


@pytest.mark.anyio
async def test_processes_that_fail_together_make_one_token_request() -> None:
    world = await broken_world("invalid_client")
    sources, caught = [world.process().source() for _ in range(30)], []
    before = world.fake.token_requests

    async def one(source: Any) -> None:
        caught.extend(await failed_callers(source, 10))

    async with anyio.create_task_group() as group:
        for source in sources:
            group.start_soon(one, source)
    check_shared(caught, 300, world.fake.token_requests - before, errors.ClientRejected)


@pytest.mark.anyio
async def test_a_rejected_request_whose_renewal_fails_raises_the_typed_error() -> None:
    world, caught = World(FakeZoho("eu"), RefreshPolicy()), []
    await world.connect()
    world.fake.revoke(world.refresh_token)
    before = world.fake.token_requests

    async def one(client: httpx.AsyncClient) -> None:
        try:
            await client.get("/crm/v8/Leads")
        except Exception as error:
            caught.append(error)

    base = world.fake.data_center.api
    async with (
        httpx.AsyncClient(auth=world.zoho.auth(), transport=world.fake.transport, base_url=base) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(count(1_000)):
            group.start_soon(one, client)
    check_shared(caught, count(1_000), world.fake.token_requests - before, errors.ReauthorizationRequired)
    assert world.fake.requests.rejected == count(1_000)


@pytest.mark.anyio
@pytest.mark.parametrize("twin", [twins.ForgetsFailures, twins.OneErrorForAll])
async def test_the_sharing_check_fails_for_a_broken_source(twin: type[twins.Twin]) -> None:
    world = await broken_world("invalid_code")
    before = world.fake.token_requests
    failures = await failed_callers(twin(world.zoho, world.refresh_token), 20)
    with pytest.raises(AssertionError):
        check_shared(failures, 20, world.fake.token_requests - before, errors.ReauthorizationRequired)


@pytest.mark.anyio
async def test_everyone_who_waited_gets_the_failure_through_httpx() -> None:
    number, world = count(1_000), await broken_world("invalid_code")
    world.fake.requests.resources = 0
    before, caught = world.fake.token_requests, Counter[str]()

    async def one(client: httpx.AsyncClient) -> None:
        try:
            await client.get("/crm/v8/Leads")
        except errors.ZohoOAuthError as error:
            caught[type(error).__name__] += 1

    base = world.fake.data_center.api
    async with (
        httpx.AsyncClient(auth=world.zoho.auth(), transport=world.fake.transport, base_url=base) as client,
        anyio.create_task_group() as group,
    ):
        for _ in range(number):
            group.start_soon(one, client)
    assert caught == {"ReauthorizationRequired": number}
    assert (world.fake.token_requests - before, world.fake.requests.resources) == (1, 0)


@pytest.mark.anyio
@pytest.mark.parametrize(("kind", "error", "stands"), KINDS, ids=[each[0] for each in KINDS])
async def test_no_request_is_sent_while_the_failure_stands(kind: str, error: Any, stands: Any) -> None:
    """Here and in another process's memory; one more request right after."""
    world = await broken_world(kind)
    clock, source, other = world.fake.clock, world.zoho.source(), world.process().source()
    (first,) = await failed_callers(source, 1)
    failed_at, before = clock.wall(), world.fake.token_requests
    shortest, longest = stands or (10 * 86_400, 10 * 86_400)
    if stands is not None:
        assert shortest <= first.retry_at - failed_at <= longest
        longest = first.retry_at - failed_at
    for share in (0.0, 0.3, 0.999):
        clock.advance(failed_at + share * longest - clock.wall())
        found = await failed_callers(source, 5) + await failed_callers(other, 5)
        assert [type(each) for each in found] == [error] * 10, share
    assert world.fake.token_requests == before
    if stands is None:
        return
    clock.advance(failed_at + longest + 0.01 - clock.wall())
    assert len(await failed_callers(world.process().source(), 5)) == 5
    assert world.fake.token_requests == before + 1


@pytest.mark.anyio
async def test_the_silence_check_fails_for_a_source_that_forgets_failures() -> None:
    world = await broken_world("invalid_client")
    source = twins.ForgetsFailures(world.zoho, world.refresh_token)
    await failed_callers(source, 1)
    before = world.fake.token_requests
    await failed_callers(source, 5)
    assert world.fake.token_requests != before


@pytest.mark.anyio
async def test_the_back_off_doubles_to_a_minute_with_jitter() -> None:
    world = await broken_world("5xx", RefreshPolicy(mints=10_000))
    clock, source, waits = world.fake.clock, world.zoho.source(), []
    for _ in range(12):
        (error,) = await failed_callers(source, 1)
        waits.append(error.retry_at - clock.wall())
        clock.advance(max(waits[-1], 1.0) + 0.01)
    print([round(each, 2) for each in waits])
    assert all(min(2**n, 60) / 2 <= each <= min(2**n, 60) for n, each in enumerate(waits))
    assert len({each / min(2**n, 60) for n, each in enumerate(waits)}) > 6, "no jitter"
    assert world.fake.token_requests == 1 + 12


@pytest.mark.anyio
async def test_the_back_off_begins_anew_after_a_success() -> None:
    world = World(unthrottled(), RefreshPolicy(mints=10_000))
    await world.store_only()
    clock, source, waits = world.fake.clock, world.zoho.source(), []
    for failures in (4, 1):
        world.fake.fail_next(UNWELL, failures)
        for _ in range(failures):
            (error,) = await failed_callers(source, 1)
            waits.append(error.retry_at - clock.wall())
            clock.advance(max(waits[-1], 1.0) + 0.01)
        await source.token()
        clock.advance(3_601)
    assert waits[3] >= 4
    assert waits[4] <= 1


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["invalid_code", "invalid_client", "throttle 400", "5xx"])
async def test_consenting_again_clears_the_failure(kind: str) -> None:
    world = await broken_world(kind)
    source = world.zoho.source()
    assert len(await failed_callers(source, 3)) == 3
    renewed = world.fake.consent(world.registration)
    await world.zoho.adopt(renewed, verify=False)
    document = await world.document()
    assert (document.failure, document.token) == (None, None)


@pytest.mark.anyio
async def test_a_consent_in_another_process_is_seen_within_two_seconds() -> None:
    world = await broken_world("invalid_code")
    source, clock = world.zoho.source(), world.fake.clock
    assert len(await failed_callers(source, 3)) == 3
    renewed = world.fake.consent(world.registration)
    token = await world.process().adopt(renewed)
    before = world.fake.token_requests
    clock.advance(1.01)
    assert await source.token() == token
    assert world.fake.token_requests == before


@pytest.mark.anyio
async def test_a_consent_in_another_process_stays_unseen_for_the_second_of_memory() -> None:
    """The control of the test above: without the clock's second nothing is loaded."""
    world = await broken_world("invalid_code")
    assert len(await failed_callers(world.zoho.source(), 3)) == 3
    await world.process().adopt(world.fake.consent(world.registration))
    assert len(await failed_callers(world.zoho.source(), 1)) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["invalid_code", "invalid_client"])
async def test_a_corrected_client_secret_clears_the_failure(kind: str) -> None:
    world = World(FakeZoho("eu"), RefreshPolicy())
    await world.connect()
    world.fake.clock.advance(3_601)
    mistaken = evolve(world.registration, client_secret="fake-mistake")
    wrong = world.process(registration=mistaken).source()
    if kind == "invalid_code":
        world.fake.fail_next(answers.json_answer({"error": "invalid_code"}))
    assert len(await failed_callers(wrong, 5)) == 5
    before = world.fake.token_requests
    assert len(await failed_callers(wrong, 5)) == 5
    assert world.fake.token_requests == before
    assert await failed_callers(world.process().source(), 5) == []
    assert world.fake.token_requests == before + 1
