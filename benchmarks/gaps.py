"""How long the first refresh of a fresh process keeps the event loop busy, TLS and certificates included."""

from __future__ import annotations

import json
import statistics

from . import world
from .measures import Effort, Figure, progress
from .programs import answer_of, serving

#: Milliseconds.
LIMIT = 15.0
NAMES = {
    "refresh": "largest gap, first refresh of a process",
    "warm": "largest gap, anyio's backend loaded before",
}


def measure(effort: Effort) -> list[Figure]:
    """The largest gap per event loop: the median of several fresh processes, interleaved with idle ones."""
    figures: list[Figure] = []
    with serving("-m", "benchmarks.accounts_over_tls") as server:
        environment = {"ACCOUNTS_SERVER": json.dumps(server), "SSL_CERT_FILE": server["authorities"]}
        for loop in world.loops():
            progress(f"gaps: {loop}")
            figures.extend(_refreshing(loop, effort.starts, environment))
        blocking = answer_of(
            "-m", "benchmarks.watched_refresh", "asyncio", "blocking", environment=environment
        )
    figures.append(Figure(name="… if certificates were loaded in the loop", value=blocking, unit="ms"))
    return figures


def _refreshing(loop: str, starts: int, environment: dict[str, str]) -> list[Figure]:
    gaps: dict[str, list[float]] = {"refresh": [], "warm": [], "idle": []}
    for _ in range(starts):
        for what, found in gaps.items():
            found.append(answer_of("-m", "benchmarks.watched_refresh", loop, what, environment=environment))
    noise = statistics.median(gaps["idle"])
    return [
        Figure(
            name=f"{name}, {loop}", value=statistics.median(gaps[what]), limit=LIMIT, noise=noise, unit="ms"
        )
        for what, name in NAMES.items()
    ]
