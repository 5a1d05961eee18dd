"""The clock that everything above is handed; nothing else asks the operating system for the time."""

from __future__ import annotations

import random
import time
from typing import Protocol


class Clock(Protocol):
    """What `clock=` takes: two clocks and a source of jitter."""

    def wall(self) -> float:
        """Seconds since 1970: what is stored."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump: how long something took."""
        ...

    def jitter(self) -> float:
        """A number in [0, 1) that differs from process to process."""
        ...


class SystemClock:
    """The machine's own clock."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    jitter = staticmethod(random.SystemRandom().random)
