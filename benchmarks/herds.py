"""Ten thousand requests at once whose token is no longer good: all of them wait for one token request."""

from __future__ import annotations

import gc
import statistics
from typing import TYPE_CHECKING, Any

import anyio
from anyio import lowlevel

from zoho_oauth import _clock
from zoho_oauth.testing import FakeZoho, ManualClock, answers

from . import world
from .measures import Effort, Figure, progress, quiet, seconds_of, symmetric

if TYPE_CHECKING:
    from types import ModuleType

    from .measures import Arm

LIBRARY: ModuleType = world.LIBRARIES["httpx"]
#: Longer than any token lives, and than the window in which token requests are counted.
AN_HOUR = 3_601.0
A_WINDOW = 601.0


def measure(effort: Effort) -> list[Figure]:
    """Expired by the clock, and by a 401, as multiples of the same herd with a good token."""
    figures: list[Figure] = []
    for loop in world.loops():
        progress(f"herds of {effort.herd:,}: {loop}")
        figures += world.run(loop, _herds, loop, effort)
    return figures


class Api:
    """Answers after a trip through the event loop; rejects one token if told to; knows how many were in flight."""

    def __init__(self) -> None:
        self.rejected = ""
        self.rejections = self.in_flight = self.peak = 0

    async def __call__(self, request: Any) -> Any:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        await lowlevel.checkpoint()
        self.in_flight -= 1
        if request.headers["authorization"] != self.rejected:
            return LIBRARY.Response(200, content=world.LEADS)
        self.rejections += 1
        return LIBRARY.Response(answers.DEAD_TOKEN.status, content=answers.DEAD_TOKEN.body)


class Herds:
    """The three herds, and the proof that each was what it says."""

    def __init__(self, zoho: Any, fake: FakeZoho, size: int) -> None:
        self.api = Api()
        self._fake, self._size = fake, size
        self._auth = zoho.auth()
        self._client = world.client(LIBRARY, self.api)

    async def with_a_good_token(self) -> None:
        await self._run(token_requests=0)

    async def expired_by_clock(self) -> None:
        self._fake.clock.advance(AN_HOUR)
        await self._run(token_requests=1)

    async def expired_by_401(self) -> None:
        self._fake.clock.advance(A_WINDOW)
        token = await self._auth.source.token()
        self.api.rejected = f"Zoho-oauthtoken {token.access_token.reveal()}"
        await self._run(token_requests=1)
        assert self.api.rejections == self._size, f"{self.api.rejections} rejections"

    async def _run(self, *, token_requests: int) -> None:
        before, self.api.peak, self.api.rejections = self._fake.token_requests, 0, 0
        async with anyio.create_task_group() as tasks:
            for _ in range(self._size):
                tasks.start_soon(world.get_leads, self._client, self._auth)
        sent = self._fake.token_requests - before
        assert sent == token_requests, f"{sent} token requests instead of {token_requests}"
        assert self.api.peak == self._size, f"only {self.api.peak} in flight at once"


async def _herds(loop: str, effort: Effort) -> list[Figure]:
    clock = ManualClock(follows=_clock.SystemClock())
    fake = FakeZoho("eu", clock=clock)
    herds = Herds(await world.connected(clock=clock, fake=fake), fake, effort.herd)
    good, good_again = herds.with_a_good_token, herds.with_a_good_token
    arms: list[Arm] = [good, herds.expired_by_clock, herds.expired_by_401, good_again]
    rounds = await _rounds(arms, effort.herd_rounds)
    noise = symmetric(statistics.median(again / first for first, _, _, again in rounds))
    by_clock = statistics.median(2 * clocked / (first + again) for first, clocked, _, again in rounds)
    by_401 = statistics.median(2 * rejected / (first + again) for first, _, rejected, again in rounds)
    name = f"a herd of {effort.herd:,} expired"
    return [
        Figure(name=f"{name} by the clock, {loop}", value=by_clock, limit=1.15, noise=noise),
        Figure(name=f"{name} by a 401, {loop}", value=by_401, limit=2.0, noise=noise),
    ]


async def _rounds(arms: list[Arm], count: int) -> list[list[float]]:
    rounds: list[list[float]] = []
    with quiet():
        for number in range(count + 1):
            took = [0.0] * len(arms)
            for place in range(len(arms)):
                index = (place + number) % len(arms)
                gc.collect()
                took[index] = await seconds_of(arms[index])
            if number:  # the first one warms up
                rounds.append(took)
    return rounds
