"""
Measuring on a machine that others use too.

Each round runs every arm once, in small blocks and in turning order, so that whatever slows the machine slows
all arms. What counts is the median of the rounds' ratios. One arm runs twice: A/A is what noise alone makes.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from attrs import frozen

Arm = Callable[[], Awaitable[object]]


@frozen(kw_only=True)
class Effort:
    """How much is run; all are numbers of repetitions but `tasks`, `herd`, `owners`, which are sizes."""

    rounds: int
    block: int
    task_rounds: int
    tasks: int
    herd_rounds: int
    herd: int
    starts: int
    imports: int
    owners: int


FULL = Effort(
    rounds=600,
    block=20,
    task_rounds=60,
    tasks=1_000,
    herd_rounds=6,
    herd=10_000,
    starts=11,
    imports=25,
    owners=100_000,
)
QUICK = Effort(
    rounds=150,
    block=20,
    task_rounds=15,
    tasks=1_000,
    herd_rounds=3,
    herd=2_000,
    starts=3,
    imports=7,
    owners=10_000,
)
TINY = Effort(
    rounds=2,
    block=2,
    task_rounds=2,
    tasks=10,
    herd_rounds=1,
    herd=20,
    starts=1,
    imports=1,
    owners=3_000,
)


@frozen(kw_only=True)
class Figure:
    """One line of the table; `noise` is A/A, and a figure without a limit is there to compare with."""

    name: str
    value: float
    limit: float | None = None
    noise: float | None = None
    unit: str = "×"

    @property
    def is_met(self) -> bool:
        """Whether the limit is kept, if there is one."""
        return self.limit is None or self.value <= self.limit

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The line as text: name, figure, limit, A/A, verdict."""
        limit, noise = ("" if each is None else self._shown(each) for each in (self.limit, self.noise))
        verdict = "" if self.limit is None else "pass" if self.is_met else "MISS"
        return self.name, self._shown(self.value), limit, noise, verdict

    def _shown(self, number: float) -> str:
        return f"{number:.3f} ×" if self.unit == "×" else f"{number:.4g} {self.unit}".strip()


@frozen
class Comparison:
    """`ratio` of ours to the control, `noise` of the control to itself, `added` seconds per operation."""

    ratio: float
    noise: float
    added: float


async def compare(ours: Arm, control: Arm, again: Arm, *, rounds: int, operations: int) -> Comparison:
    """Run the three arms in turn; by this thread's CPU time, which other programs do not change much."""
    arms = [control, ours, again]
    seconds: list[tuple[float, float, float]] = []
    with quiet():
        for number in range(rounds + 1):
            took = await _round(arms, turn=number % 3)
            if number:  # the first one warms up
                seconds.append(took)
    return Comparison(
        ratio=statistics.median(2 * b / (a + again) for a, b, again in seconds),
        noise=symmetric(statistics.median(again / a for a, _, again in seconds)),
        added=statistics.median(b - (a + again) / 2 for a, b, again in seconds) / operations,
    )


async def _round(arms: list[Arm], *, turn: int) -> tuple[float, float, float]:
    took = [0.0, 0.0, 0.0]
    gc.collect()
    for place in range(3):
        index = (place + turn) % 3
        took[index] = await seconds_of(arms[index])
    return took[0], took[1], took[2]


async def seconds_of(arm: Arm) -> float:
    """CPU seconds of this thread."""
    begun = time.thread_time()
    await arm()
    return time.thread_time() - begun


def symmetric(noise: float) -> float:
    """0.98 and 1.02 say the same about noise."""
    return max(noise, 1 / noise)


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection in the middle of a block."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def progress(line: str) -> None:
    """Say on stderr what is going on."""
    print(f"… {line}", file=sys.stderr, flush=True)
