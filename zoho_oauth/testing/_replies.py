"""Replies that wait for their turn; thread-safe."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import field, frozen

if TYPE_CHECKING:
    from ._dialects import Dialect
    from .answers import Answer

R = TypeVar("R")


@frozen
class Phrase:
    """An answer that is chosen when it is known who is asked."""

    sort: str
    code: str | None = None

    def said_in(self, dialect: Dialect) -> Answer:
        """What a product of this dialect says."""
        if self.sort == "permission":
            return dialect.permission
        return dialect.limits.get(self.code or "") or next(iter(dialect.limits.values()))


@frozen
class Planned(Generic[R]):
    """A reply for a coming request; `after_mint` only for token requests."""

    reply: R
    path: str = ""
    after_mint: bool = False


@frozen(eq=False)
class Plan(Generic[R]):
    """First planned, first answered, as far as the path fits."""

    _queue: list[Planned[R]] = field(factory=list)
    _lock: threading.Lock = field(factory=threading.Lock)

    def add(self, planned: Planned[R], times: int) -> None:
        """Answer the next `times` requests with it."""
        with self._lock:
            self._queue.extend([planned] * times)

    def take(self, path: str) -> Planned[R] | None:
        """What is planned for a request to `path`, if anything is."""
        if not self._queue:
            return None
        with self._lock:
            for index, planned in enumerate(self._queue):
                if path.startswith(planned.path):
                    return self._queue.pop(index)
        return None
