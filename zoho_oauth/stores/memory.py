"""`MemoryStore`: texts in a dict, for tests, scripts and single processes."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from typing import TYPE_CHECKING, ClassVar, NoReturn

from .base import Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# One for all stores: it is held for dict work only, and a forked child has one thing to replace.
_mutex = threading.Lock()


def _after_fork() -> None:
    """Another thread may have held the mutex at the fork; in the child nobody would ever release it."""
    global _mutex
    _mutex = threading.Lock()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)


class MemoryStore:
    """
    Keeps texts as long as the process lives, for any number of event loops and threads.

    A forked child starts with a copy that is its own from then on.
    """

    process_local: ClassVar[bool] = True

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._versions = itertools.count(1)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a MemoryStore is not pickled: it holds tokens, and a copy would go its own way")

    async def load(self, owner: str) -> Record | None:
        """What is stored for `owner`, or None."""
        return self._records.get(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        """Store `text` if the version is still `replacing`; the new version, or None: someone was faster."""
        with _mutex:
            stored = self._records.get(owner)
            if (stored.version if stored else None) != replacing:
                return None
            record = Record(text, str(next(self._versions)))
            self._records[owner] = record
            return record.version

    async def delete(self, owner: str) -> None:
        """Forget `owner`; no error if there was nothing."""
        with _mutex:
            self._records.pop(owner, None)

    async def owners(self) -> AsyncIterator[str]:
        """Every owner with a record when the iteration began."""
        with _mutex:
            found = tuple(self._records)
        for owner in found:
            yield owner
