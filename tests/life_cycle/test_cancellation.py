"""A caller who is cancelled never fails, restarts or loses the refresh of the others."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from tests.life_cycle import schedules, twins
from tests.life_cycle.world import (
    SlowStore,
    TinyEndpoint,
    connected,
    give_way,
    no_noise,
    until,
)
from tests.scale import count
from zoho_oauth.testing import ManualClock


async def many_schedules(how: str) -> None:
    number, cut, leaders, began = count(1_000), 0, 0, time.monotonic()
    for seed in range(number):
        schedule = schedules.planned(seed)
        await schedules.run(schedule, how)
        schedules.check(schedule)
        cut += schedule.cut_in_flight
        leaders += schedule.leader_cut
    print(
        f"{how}: {number} schedules, {cut} callers cut, {leaders} leaders; {time.monotonic() - began:.1f} s"
    )
    assert cut > number
    assert leaders > number // 10 > 0


@pytest.mark.anyio
async def test_random_cancel_scopes_cost_nothing() -> None:
    """C10, C12."""
    await many_schedules("scope")


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["native", "timeout"])
async def test_random_native_cancellation_costs_nothing(how: str) -> None:
    """C11."""
    with no_noise():
        await many_schedules(how)


async def first_failure(how: str, twin: Callable[..., Any]) -> int | None:
    for seed in range(200):
        schedule = schedules.planned(seed)
        try:
            await schedules.run(schedule, how, twin)
            schedules.check(schedule)
        except (AssertionError, TimeoutError):
            return seed
    return None


@pytest.mark.anyio
@pytest.mark.parametrize("twin", [twins.NoLock, twins.NoRecheck, twins.PlainLock])
async def test_the_schedule_check_fails_for_a_broken_source(twin: type[twins.Twin]) -> None:
    assert await first_failure("scope", twin) is not None


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["native", "timeout"])
@pytest.mark.parametrize("twin", [twins.PlainLock, twins.ShieldedInTheCaller, twins.SharedTask])
async def test_the_native_schedule_check_fails_for_a_broken_source(how: str, twin: type[twins.Twin]) -> None:
    """C13 among them: the bare shared future."""
    assert await first_failure(how, twin) is not None


@pytest.mark.asyncio
@pytest.mark.parametrize("twin", [twins.PlainLock, twins.ShieldedInTheCaller, twins.SharedTask])
async def test_the_schedule_check_passes_for_those_sources_while_nobody_is_cut(
    twin: type[twins.Twin],
) -> None:
    """It is the cancellation that the check finds out, and nothing else about them."""
    for seed in range(20):
        schedule = schedules.planned(seed, share=0.0)
        await schedules.run(schedule, "native", twin)
        schedules.check(schedule)


# --- callers who bound their own wait -----------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_refresh_goes_on_when_its_caller_has_no_more_patience() -> None:
    """C9."""
    slow = anyio.Event()
    endpoint = TinyEndpoint(slow.wait)
    zoho = await connected(endpoint)
    source = zoho.source()
    with anyio.move_on_after(0.05) as patience:
        await source.token()
    assert patience.cancelled_caught
    assert (endpoint.requests, endpoint.answers) == (1, 0)
    slow.set()
    await zoho.aclose()
    token = await source.token()
    assert token.access_token.reveal() == "1000.fake-access-1"
    assert endpoint.requests == 1


async def impatient(source: Any, endpoint: TinyEndpoint, slow: anyio.Event) -> int:
    gave_up = 0
    for _ in range(12):
        with anyio.move_on_after(0.03) as patience:
            await source.token()
        gave_up += patience.cancelled_caught
    slow.set()
    await until(lambda: endpoint.answers >= 1 or endpoint.requests > 1, 2)
    with anyio.fail_after(2):
        await source.token()
    return gave_up


@pytest.mark.anyio
@pytest.mark.parametrize(("twin", "requests"), [(None, 1), (twins.PlainLock, 13)], ids=["ours", "twin"])
async def test_twelve_impatient_callers_make_one_token_request(twin: Any, requests: int) -> None:
    slow = anyio.Event()
    endpoint = TinyEndpoint(slow.wait)
    zoho = await connected(endpoint)
    source = zoho.source() if twin is None else twin(zoho, "1000.fake-refresh")
    assert await impatient(source, endpoint, slow) == 12
    assert endpoint.requests == requests


@pytest.mark.anyio
async def test_a_refresh_whose_callers_all_left_is_finished_and_stored() -> None:
    """C14."""
    slow = anyio.Event()
    endpoint = TinyEndpoint(slow.wait)
    zoho = await connected(endpoint, store=SlowStore())
    source, left = zoho.source(), 0

    async def one() -> None:
        nonlocal left
        try:
            await source.token()
        finally:
            left += 1

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(one)
        await until(lambda: endpoint.requests == 1)
        group.cancel_scope.cancel()
    assert (left, endpoint.answers) == (50, 0)
    slow.set()
    await zoho.aclose()
    assert endpoint.answers == 1
    with anyio.fail_after(2):
        await source.token()
    assert endpoint.requests == 1


@pytest.mark.asyncio
async def test_a_failure_that_nobody_waits_for_any_more_makes_no_noise() -> None:
    """C14 with a failing refresh: no "exception was never retrieved"."""
    with no_noise():
        slow = anyio.Event()
        endpoint = TinyEndpoint(slow.wait)
        endpoint.error = "invalid_code"
        zoho = await connected(endpoint)
        waiting = [asyncio.ensure_future(zoho.source().token()) for _ in range(20)]
        await until(lambda: endpoint.requests == 1)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert all(task.cancelled() for task in waiting)
        slow.set()
        await zoho.aclose()
        del waiting, task
        gc.collect()
        await give_way(3)
    assert endpoint.answers == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 6])
async def test_callers_survive_the_cancellation_of_every_other_task(steps: int) -> None:
    """A program that cancels all tasks of its loop, the attempt's included, and goes on: nobody hangs."""
    clock = ManualClock()
    endpoint = TinyEndpoint(lambda: give_way(4))
    zoho = await connected(endpoint, store=SlowStore(), clock=clock)
    source = zoho.source()
    with no_noise():
        waiting = asyncio.ensure_future(source.token())
        await give_way(steps)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others)
        assert waiting.cancelled()
        async with asyncio.timeout(5):
            clock.advance(11)
            again = asyncio.ensure_future(source.token())
            while not again.done():
                clock.advance(11)
                await asyncio.sleep(0.01)
        assert again.result().access_token.reveal().startswith("1000.fake-access-")
    assert endpoint.requests <= 2


@pytest.mark.asyncio
async def test_a_waiter_survives_the_cancellation_of_the_attempt_before_its_first_step() -> None:
    endpoint = TinyEndpoint()
    zoho = await connected(endpoint)
    source = zoho.source()
    waiting = asyncio.ensure_future(source.token())
    await asyncio.sleep(0)
    (attempt,) = source.entry.attempts.values()
    attempt.task.cancel()
    async with asyncio.timeout(5):
        assert await waiting
    assert endpoint.requests == 1


@pytest.mark.asyncio
async def test_waiters_of_an_attempt_that_was_cut_wait_for_its_reservation_and_send_once_more() -> None:
    clock, slow = ManualClock(), anyio.Event()
    endpoint = TinyEndpoint(slow.wait)
    zoho = await connected(endpoint, clock=clock)
    source = zoho.source()
    waiting = [asyncio.ensure_future(source.token()) for _ in range(50)]
    await until(lambda: endpoint.requests == 1)
    (attempt,) = source.entry.attempts.values()
    attempt.task.cancel()
    slow.set()
    await asyncio.sleep(0.1)
    assert not any(each.done() for each in waiting)
    assert endpoint.requests == 1
    clock.advance(10.1)
    async with asyncio.timeout(5):
        found = await asyncio.gather(*waiting)
    assert {each.access_token.reveal() for each in found} == {"1000.fake-access-2"}
    assert endpoint.requests == 2
