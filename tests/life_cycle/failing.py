"""Token endpoints that fail, and what their callers get."""

from __future__ import annotations

from typing import Any

import anyio

from tests.life_cycle.world import World, give_way
from zoho_oauth import RefreshPolicy, Token
from zoho_oauth.testing import FakeZoho, Rules, answers

UNWELL = answers.html_page(503)


def break_it(world: World, kind: str) -> None:
    """From now on token requests fail like this."""
    fake = world.fake
    if kind == "invalid_code":
        fake.revoke(world.refresh_token)
    elif kind == "invalid_client":
        fake.fail_next(answers.json_answer({"error": "invalid_client"}), 10_000)
    elif kind.startswith("throttle"):
        fake.rules.throttle_form = kind.removeprefix("throttle ")
        fake.throttle(times=10_000)
    else:
        fake.fail_next(UNWELL, 10_000)


async def failed_callers(source: Any, number: int, rejected: Token | None = None) -> list[Exception]:
    """What `number` callers at the same time got; tokens are left out."""
    failures: list[Exception] = []

    async def one(pause: int) -> None:
        await give_way(pause)
        try:
            await source.token(rejected)
        except Exception as error:
            failures.append(error)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for index in range(number):
                group.start_soon(one, index % 4)
    return failures


async def broken_world(kind: str, policy: RefreshPolicy | None = None) -> World:
    """An owner whose token has expired, at an endpoint that fails."""
    world = World(FakeZoho("eu", rules=Rules(throttle_after=None)), policy or RefreshPolicy())
    await world.connect()
    world.fake.clock.advance(3_601)
    break_it(world, kind)
    return world
