"""Replies that wait for their turn; thread-safe."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from .answers import Reply


@frozen
class Planned:
    """A reply for a coming request; `after_mint` only for token requests."""

    reply: Reply
    path: str = ""
    after_mint: bool = False


@frozen(eq=False)
class Plan:
    """First planned, first answered, as far as the path fits."""

    _queue: list[Planned] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def add(self, planned: Planned, times: int) -> None:
        """Answer the next `times` requests with it."""
        with self._lock:
            self._queue.extend([planned] * times)

    def take(self, path: str) -> Planned | None:
        """What is planned for a request to `path`, if anything is."""
        if not self._queue:
            return None
        with self._lock:
            for index, planned in enumerate(self._queue):
                if path.startswith(planned.path):
                    return self._queue.pop(index)
        return None
