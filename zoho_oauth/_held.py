"""
What a process holds for each owner, and what each of its event loops has in flight.

Rules for editors: a token is one reference, swapped whole, so that threads never see half of one; nothing here
is waited for; the mutex guards dictionary work and nothing else, and a forked child starts with empty hands.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, Final

from . import _policy, _tokens

if TYPE_CHECKING:
    from ._attempts import Attempt
    from ._clock import Clock
    from ._documents import Document
    from ._ledger import FirstSeen
    from ._policy import RefreshPolicy
    from ._tokens import Token
    from .errors import ZohoOAuthError
    from .stores.base import TokenStore

NOTHING_SEEN: Final[Mapping[Hashable, FirstSeen]] = {}


class Held:
    """A token in memory, with the moments at which it becomes stale and expires."""

    __slots__ = ("expired_at", "minted_here_at", "shift", "stale_at", "token", "was_rejected")

    def __init__(self, token: Token, *, policy: RefreshPolicy, jitter: float, shift: float) -> None:
        self.token = token
        self.stale_at = _tokens.stale_at(token, policy, jitter)
        self.expired_at = _tokens.expired_at(token, policy)
        self.shift = shift
        self.minted_here_at: float | None = None
        self.was_rejected = False

    def now(self, clock: Clock) -> float:
        """The later of the two clocks: a suspended machine stops one, a person turns back the other."""
        return max(clock.wall(), clock.monotonic() - self.shift)

    def is_fresh(self, clock: Clock) -> bool:
        """Usable, and no refresh is due."""
        # By `now`, without its call: this is asked for every request.
        return clock.wall() < self.stale_at and clock.monotonic() - self.shift < self.stale_at

    def is_usable(self, clock: Clock) -> bool:
        """Usable; a refresh may be due."""
        return self.now(clock) < self.expired_at

    def lives(self, clock: Clock) -> bool:
        """Good for whoever would get a failure instead."""
        return self.now(clock) < self.token.expires_at

    def reject(self) -> None:
        """Let the next caller wait for another one."""
        self.stale_at = self.expired_at = float("-inf")
        self.was_rejected = True


class Remembered:
    """The last failure, believed for a second without asking the store."""

    __slots__ = ("at", "cause", "error")

    def __init__(self, error: ZohoOAuthError, *, cause: str, at: float) -> None:
        self.error = error
        self.cause = cause
        self.at = at


class Entry:
    """One owner of one client in one store, as this process knows it."""

    __slots__ = (
        "attempts",
        "background_at",
        "clock",
        "distrusted",
        "epoch",
        "failure",
        "held",
        "is_gone",
        "jitter",
        "kept",
        "known",
        "seen",
    )

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.jitter = clock.jitter()
        self.held: Held | None = None
        self.failure: Remembered | None = None
        self.attempts: dict[Any, Attempt] = {}
        self.background_at: float | None = None
        self.seen: Mapping[Hashable, FirstSeen] = NOTHING_SEEN
        self.distrusted: dict[str, tuple[int, float]] | None = None
        self.kept: Kept | None = None
        self.known: Document | None = None
        self.is_gone = False
        self.epoch = 0

    def publish(
        self, token: Token, policy: RefreshPolicy, *, epoch: int, begun: float | None = None
    ) -> Held | None:
        """
        Hold `token` if it is newer than what is held, and return what is held then.

        `begun` is the monotonic moment before the request was sent, where this process sent it. None if
        `empty` was called since `epoch`: whatever the caller knows is about a grant of the past.
        """
        clock = self.clock
        shift = clock.monotonic() - clock.wall() if begun is None else begun - token.minted_at
        fresh = Held(token, policy=policy, jitter=self.jitter, shift=shift)
        fresh.minted_here_at = begun
        with _mutex:
            if epoch != self.epoch:
                return None
            if self.held is None or token.replaces(self.held.token):
                self.held, self.failure = fresh, None
            return self.held

    def drop_others(self, lineage: str, *, epoch: int) -> None:
        """Let go of a token of another grant than the stored one."""
        with _mutex:
            if epoch == self.epoch and self.held is not None and self.held.token.grant != lineage:
                self.held = self.distrusted = None

    def empty(self) -> None:
        """Forget what was held: another grant is stored now. Attempts in flight notice by the epoch."""
        with _mutex:
            self.epoch += 1
            self.held = self.failure = self.distrusted = self.background_at = None

    def trust(self, host: str) -> None:
        """Take this host's rejections for what they say again."""
        # Looked at once: another thread may empty the entry meanwhile.
        distrusted = self.distrusted
        if distrusted:
            distrusted.pop(host, None)

    def keep(self, document: Document, lineage: str, *, replacing: Kept | None) -> Kept | None:
        """Keep what the store did not take, by compare-and-swap; None if someone was faster."""
        with _mutex:
            if self.kept is not replacing:
                return None
            self.kept = Kept(document, lineage)
            return self.kept

    def settle(self, kept: Kept) -> None:
        """The store has it now."""
        with _mutex:
            if self.kept is kept:
                self.kept = None

    def is_idle(self) -> bool:
        """Whether nothing would be missed if this entry went."""
        if self.attempts or self.kept or (self.held is not None and self.held.lives(self.clock)):
            return False
        failure = self.failure
        return failure is None or self.clock.monotonic() - failure.at >= _policy.MEMORY_OF_FAILURE


class Kept:
    """A document that the store did not take, and the lineage of the stored one that it goes on from."""

    __slots__ = ("document", "lineage")

    def __init__(self, document: Document, lineage: str) -> None:
        self.document = document
        self.lineage = lineage


class _Same:
    """A store as part of a key: by identity, whatever its own notion of equality."""

    __slots__ = ("store",)

    def __init__(self, store: TokenStore) -> None:
        self.store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.store is other.store

    def __hash__(self) -> int:
        return id(self.store)


EntryKey = tuple[str, _Same]

_mutex = threading.Lock()
# A plain dict passes all keys that were deleted before its first one, each time: 90 µs at 90,000 owners.
_entries: OrderedDict[EntryKey, Entry] = OrderedDict()
_process = os.urandom(6).hex()


def entry_for(store: TokenStore, key: str, clock: Clock) -> Entry:
    """The entry for this owner; each new one looks whether two old ones can go."""
    known = _entries.get((key, _Same(store)))
    if known is not None:
        return known
    with _mutex:
        entry = _entries.setdefault((key, _Same(store)), Entry(clock))
        for _ in range(2):
            _look_at_the_oldest()
        return entry


def _look_at_the_oldest() -> None:
    oldest = next(iter(_entries))
    entry = _entries.pop(oldest)
    if entry.is_idle() and len(_entries) > 1:
        entry.is_gone = True
    else:
        _entries[oldest] = entry


def entries_of(store: TokenStore) -> list[Entry]:
    """Every entry of this store."""
    with _mutex:
        return [entry for (_, same), entry in _entries.items() if same.store is store]


def process() -> str:
    """A name for this process that no other one has, forked ones included."""
    return _process


def _forked() -> None:
    global _mutex, _process
    _mutex = threading.Lock()
    _process = os.urandom(6).hex()
    # Handles that were made before the fork look up again, and share the child's own entries.
    for entry in _entries.values():
        entry.held, entry.is_gone = None, True
    _entries.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
