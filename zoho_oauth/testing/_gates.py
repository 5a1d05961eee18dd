"""
Waiting that works from a thread, from asyncio and from trio, whoever opens the gate.

Rules for editors: nothing is awaited and no waker is called while a lock is held; a waker may find its event
loop closed, which is not an error.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

import anyio
import anyio.lowlevel
from attrs import field, frozen

if TYPE_CHECKING:
    from types import TracebackType

Moment = Literal["arrival", "answer"]
Kind = Literal["tokens", "resources", "chunks", "hangs"]

#: No honest test waits longer for something to arrive.
PATIENCE = 10.0


@frozen(eq=False)
class _Sleeper:
    least: float
    event: anyio.Event
    schedule: Callable[[Callable[[], object]], object]

    def wake(self) -> None:
        # asyncio and trio both raise a RuntimeError when the loop has ended meanwhile.
        with contextlib.suppress(RuntimeError):
            self.schedule(self.event.set)


def _schedule_in_this_loop() -> Callable[[Callable[[], object]], object]:
    loop = cast("Any", anyio.lowlevel.current_token().native_token)
    schedule = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
    return cast("Callable[[Callable[[], object]], object]", schedule)


class Tally:
    """A count that threads and event loops can wait for."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count: float = 0
        self._sleepers: set[_Sleeper] = set()

    @property
    def count(self) -> float:
        """The count now."""
        return self._count

    def add(self, amount: float = 1) -> float:
        """Count, wake whoever waited for it, and return the new count."""
        with self._condition:
            self._count += amount
            count = self._count
            self._condition.notify_all()
            due = [sleeper for sleeper in self._sleepers if sleeper.least <= count]
        for sleeper in due:
            sleeper.wake()
        return count

    def wait(self, least: float = 1, timeout: float = PATIENCE) -> None:
        """Block this thread until the count is `least`; TimeoutError after `timeout` real seconds."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._count >= least, timeout):
                raise TimeoutError(f"{self._count} of {least} after {timeout} s")

    async def reached(self, least: float = 1) -> None:
        """Return when the count is `least`."""
        sleeper = _Sleeper(least, anyio.Event(), _schedule_in_this_loop())
        with self._condition:
            if self._count >= least:
                return
            self._sleepers.add(sleeper)
        try:
            await sleeper.event.wait()
        finally:
            with self._condition:
                self._sleepers.discard(sleeper)


class Gate:
    """
    Holds requests until it lets them through, first come first served.

    As a context manager (also in async code) it opens for good on the way out.
    """

    def __init__(self, path: str = "", at: Moment = "arrival") -> None:
        self.path = path
        self.at = at
        self._arrivals = Tally()
        self._released = Tally()

    @property
    def arrivals(self) -> int:
        """How many requests have come to the gate so far."""
        return int(self._arrivals.count)

    @property
    def is_open(self) -> bool:
        """Whether it has been opened for good."""
        return math.isinf(self._released.count)

    async def arrived(self, count: int = 1) -> None:
        """Return when `count` requests have come. Put a deadline around it."""
        await self._arrivals.reached(count)

    def wait_arrived(self, count: int = 1, timeout: float = PATIENCE) -> None:
        """The same for threads; TimeoutError after `timeout` real seconds."""
        self._arrivals.wait(count, timeout)

    def let_through(self, count: int = 1) -> None:
        """Let the next `count` requests pass, waiting or still to come."""
        self._released.add(count)

    def release(self) -> None:
        """Open for good."""
        self._released.add(math.inf)

    async def passed(self) -> None:
        """Come to the gate, and return when it lets this request through."""
        ticket = self._arrivals.add()
        await self._released.reached(ticket)

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


@frozen(eq=False)
class Gates:
    """Every gate that is closed now, by what it holds."""

    _closed: dict[str, list[Gate]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def close(self, kind: Kind, gate: Gate) -> Gate:
        """Put `gate` in the way of `kind`."""
        with self._lock:
            still_closed = [other for other in self._closed.get(kind, ()) if not other.is_open]
            self._closed[kind] = [*still_closed, gate]
        return gate

    async def passed(self, kind: Kind, path: str, at: Moment) -> None:
        """Wait at each closed gate of this kind, path and moment."""
        for gate in self._closed.get(kind, ()):
            if gate.at == at and path.startswith(gate.path) and not gate.is_open:
                await gate.passed()

    def release_all(self) -> None:
        """Open every gate for good."""
        with self._lock:
            gates = [gate for group in self._closed.values() for gate in group]
            self._closed.clear()
        for gate in gates:
            gate.release()
