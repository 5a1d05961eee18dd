"""Random schedules: twenty callers, cut at random points of one refresh; and what must come of each."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import anyio
from attrs import define, field

from tests.life_cycle.world import SlowStore, TinyEndpoint, give_way, tiny
from zoho_oauth import Token

CALLERS = 20
#: A schedule takes milliseconds; one that takes this long is a deadlock.
TWO_SECONDS = 2.0
LONGEST = 12


@define
class Caller:
    """One caller: when he comes, and when he is cut (None: never), both in steps of the schedule."""

    comes: int
    cut: int | None
    token: Token | None = None
    error: Exception | None = None
    was_cut: bool = False
    stop: Callable[[], object] | None = None


class Cuts:
    """How a caller is cut; each makes `caller.stop` available while he waits."""

    @staticmethod
    async def scope(caller: Caller, source: Any) -> None:
        """By a cancel scope of anyio."""
        with anyio.CancelScope() as scope:
            caller.stop = scope.cancel
            caller.token = await source.token()
            return
        caller.was_cut = True

    @staticmethod
    async def native(caller: Caller, source: Any) -> None:
        """By `task.cancel()`: what a web server does when its client hangs up."""
        task = asyncio.ensure_future(source.token())
        caller.stop = task.cancel
        await asyncio.wait([task])
        if task.cancelled():
            caller.was_cut = True
        else:
            caller.token = task.result()

    @staticmethod
    async def timeout(caller: Caller, source: Any) -> None:
        """By `asyncio.timeout` that runs out."""
        try:
            async with asyncio.timeout(None) as timeout:
                now = asyncio.get_running_loop().time()
                caller.stop = lambda: timeout.expired() or timeout.reschedule(now)
                caller.token = await source.token()
        except TimeoutError:
            caller.was_cut = True
        finally:
            caller.stop = None


@define
class Schedule:
    """One seed's plan, and what happened."""

    callers: list[Caller]
    endpoint: TinyEndpoint
    store: SlowStore
    cut_in_flight: int = 0
    leader_cut: bool = False
    stored: Token | None = None
    after: Token | None = None
    notes: list[str] = field(factory=list)


def planned(seed: int, share: float | None = None) -> Schedule:
    """A plan by this seed; `share` of the callers are cut, else some, most or all."""
    rng = random.Random(seed)
    share = rng.choice([0.2, 0.5, 0.9, 1.0]) if share is None else share
    callers = []
    for index in range(CALLERS):
        comes = 0 if index == 0 else rng.randrange(LONGEST)
        cut = comes + 1 + rng.randrange(LONGEST) if rng.random() < share else None
        callers.append(Caller(comes, cut))
    steps = rng.randrange(1, 8)
    endpoint = TinyEndpoint(lambda: give_way(steps))
    return Schedule(callers, endpoint, SlowStore(rng.randrange(3), rng.randrange(3)))


async def run(schedule: Schedule, how: str, make_source: Callable[..., Any] | None = None) -> None:
    """Let it happen; TimeoutError if somebody waits for ever."""
    zoho = tiny(schedule.endpoint, store=schedule.store)
    await zoho.adopt("1000.fake-refresh", verify=False)
    source = zoho.source() if make_source is None else make_source(zoho, "1000.fake-refresh")
    with anyio.fail_after(TWO_SECONDS):
        async with anyio.create_task_group() as group:
            for step in range(3 * LONGEST):
                for caller in schedule.callers:
                    if caller.comes == step:
                        group.start_soon(_call, caller, source, how)
                    if caller.cut == step:
                        _cut(schedule, caller)
                await give_way(1)
        await zoho.aclose()
        schedule.stored = await _stored(zoho, source)
        schedule.after = await source.token()


async def _call(caller: Caller, source: Any, how: str) -> None:
    try:
        await getattr(Cuts, how)(caller, source)
    except Exception as error:
        caller.error = error
    finally:
        caller.stop = None


def _cut(schedule: Schedule, caller: Caller) -> None:
    if caller.stop is None:
        return
    if caller.token is None:
        schedule.cut_in_flight += 1
        schedule.leader_cut |= caller is schedule.callers[0]
    caller.stop()


async def _stored(zoho: Any, source: Any) -> Token | None:
    if hasattr(source, "held") and not callable(source.held):
        return source.held
    from zoho_oauth._records import Records

    setup = source.setup
    document = (await Records(setup, setup.entry()).load()).document
    assert not any(each.is_open for each in document.reservations), "a reservation was left open"
    return document.token


def check(schedule: Schedule) -> None:
    """Nobody but the cut ones went away empty, and one token request was enough."""
    for caller in schedule.callers:
        assert caller.error is None, caller.error
        assert caller.token is not None or caller.was_cut, caller
        assert not (caller.was_cut and caller.cut is None), caller
    assert schedule.endpoint.requests == 1
    assert schedule.stored is not None
    assert schedule.after is not None
    assert schedule.after.access_token == schedule.stored.access_token
