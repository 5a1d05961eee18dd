"""Random lives of one owner in three processes: cancelled callers, dead tokens, re-consents, jumps in time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import define, field

from tests.life_cycle import twins
from tests.life_cycle.world import SlowStore, World, give_way, no_noise, unthrottled
from tests.scale import count
from zoho_oauth import Token, ZohoOAuth

STEPS = 40
PATIENCE = (None, None, 0, 1, 2, 3, 5, 9)


@define
class Life:
    """What happened to the owner, and how often a new token was needed."""

    world: World
    rng: random.Random
    sources: list[Any]
    processes: list[ZohoOAuth]
    reasons: int = 1
    known: list[Token] = field(factory=list)
    calls: list[asyncio.Task[None]] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)

    async def lived(self) -> None:
        for _ in range(STEPS):
            await self._step(self.rng.random())
            await asyncio.sleep(0 if self.rng.random() < 0.7 else 0.001)
        await self._settled()
        for source in self.sources:
            await source.token()
        await self._settled()

    async def _step(self, chance: float) -> None:
        fake = self.world.fake
        if chance < 0.7:
            self.calls.append(asyncio.ensure_future(self._call()))
        elif chance < 0.8:
            fake.expire_all()
            self.reasons += 1
        elif chance < 0.85:
            await self._consent()
        else:
            # A jump while a token request is under way would be a store or an endpoint that takes as long.
            await self._settled()
            seconds = self.rng.choice([1, 11, 3_450, 3_601])
            fake.clock.advance(seconds)
            self.reasons += seconds > 60

    async def _consent(self) -> None:
        self.world.refresh_token = self.world.fake.consent(self.world.registration)
        await self.rng.choice(self.processes).adopt(self.world.refresh_token)
        self.reasons += 1

    async def _settled(self) -> None:
        if self.calls:
            await asyncio.gather(*self.calls)
        for process in self.processes:
            await process.aclose()

    async def _call(self) -> None:
        patience, rejected = self.rng.choice(PATIENCE), self._dead_one()
        task = asyncio.ensure_future(self.rng.choice(self.sources).token(rejected))
        if patience is not None:
            await give_way(patience)
            self.counts["cut"] += not task.done()
            task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            assert patience is not None, "cancelled by somebody else's cancellation"
            return
        self.counts["served"] += 1
        assert rejected is None or task.result().access_token != rejected.access_token
        self.known.append(task.result())

    def _dead_one(self) -> Token | None:
        if not self.known or self.rng.random() < 0.5:
            return None
        token = self.rng.choice(self.known)
        living = self.world.fake.access_tokens(self.world.refresh_token)
        return None if token.access_token.reveal() in living else token


async def life(seed: int, twin: Callable[..., Any] | None = None) -> Life:
    rng = random.Random(seed)
    world = World(unthrottled(), store=SlowStore(rng.randrange(4), rng.randrange(4)))
    await world.store_only()
    processes = [world.zoho, world.process(), world.process()]
    sources = [each.source() if twin is None else twin(each, world.refresh_token) for each in processes]
    one = Life(world, rng, sources, processes)
    with anyio.fail_after(10):
        await one.lived()
    return one


def check(one: Life) -> None:
    """One token request for each reason, and one that had begun in the background when the token died."""
    assert one.world.fake.token_requests <= one.reasons + 1


@pytest.mark.asyncio
async def test_no_random_life_has_more_token_requests_than_reasons_for_one() -> None:
    lives, counts = count(200), Counter[str]()
    with no_noise():
        for seed in range(lives):
            one = await life(seed)
            check(one)
            document = await one.world.document()
            assert document.token is not None
            assert not any(each.is_open for each in document.reservations)
            counts.update(one.counts, token_requests=one.world.fake.token_requests, reasons=one.reasons)
    print(f"{lives} lives: {counts}")
    assert counts["served"] > lives
    assert counts["cut"] > lives > 0


async def _first_failure(twin: type[twins.Twin]) -> int | None:
    for seed in range(50):
        try:
            check(await life(seed, twin))
        except (AssertionError, TimeoutError):
            return seed
    return None


@pytest.mark.asyncio
@pytest.mark.parametrize("twin", [twins.PlainLock, twins.ShieldedInTheCaller, twins.SharedTask])
async def test_the_check_of_random_lives_fails_for_a_broken_source(twin: type[twins.Twin]) -> None:
    assert await _first_failure(twin) is not None
