"""A clock that moves when the test says so."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoho_oauth._clock import Clock

#: An afternoon in January 2027: far from 0, so that a mixed-up clock shows.
SOME_AFTERNOON = 1_800_000_000.0


class ManualClock:
    """
    What `clock=` of the library takes, moved by `advance` (both clocks) and `set_wall` (one of them).

    Seconds throughout. `FakeZoho` goes by `monotonic()` for expiry and throttling: a wall clock that jumps is
    the client's trouble, not Zoho's. With `follows=SystemClock()` time also passes by itself.
    """

    def __init__(
        self,
        wall: float = SOME_AFTERNOON,
        monotonic: float = 1_000.0,
        *,
        seed: int = 0,
        follows: Clock | None = None,
    ) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 - the same jitter in every run is the point
        self._follows = follows
        self._wall = wall - (follows.wall() if follows else 0.0)
        self._monotonic = monotonic - (follows.monotonic() if follows else 0.0)

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall + (self._follows.wall() if self._follows else 0.0)

    def monotonic(self) -> float:
        """Seconds that only `advance` moves."""
        return self._monotonic + (self._follows.monotonic() if self._follows else 0.0)

    def jitter(self) -> float:
        """A number in [0, 1), the same series for the same seed."""
        with self._lock:
            return self._random.random()

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        if seconds < 0:
            raise ValueError("time does not run backwards; set_wall() lets the wall clock jump")
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds

    def set_wall(self, seconds: float) -> None:
        """Let the wall clock jump, forwards or back; the monotonic clock does not notice."""
        with self._lock:
            self._wall = seconds - (self._follows.wall() if self._follows else 0.0)
