"""
The rules of the ledger: who may send a token request, how many there may be, what stands, who wins a conflict.

Rules for editors: everything here is a pure function of documents and of what was seen when. A reservation is
the lock, and only compare-and-swap makes it one; "newer" is a higher generation of the same grant, never a
clock; a time in the future counts as the moment it was first read.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from . import _policy
from ._documents import Document, Reservation
from ._failures import KINDS, Failure
from ._secrets import Secret, fingerprint
from ._tokens import Token, is_rejected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._policy import RefreshPolicy

#: When this process first saw something standing: by the wall clock, by the monotonic clock.
FirstSeen = tuple[float, float]


@frozen
class Sight:
    """A look at a document: the time, and since when this process has seen each thing that stands in it."""

    wall: float
    monotonic: float
    first: Mapping[Hashable, FirstSeen]

    @property
    def clock(self) -> float:
        """What names this host's clocks: how far they are apart, which a reboot or a set clock changes."""
        return self.wall - self.monotonic

    def watched(self, standing: Reservation | Failure) -> float:
        """For how many seconds this process has seen it stand unchanged."""
        return self.monotonic - self.first.get(_mark(standing), (self.wall, self.monotonic))[1]

    def dated(self, standing: Reservation | Failure) -> float:
        """Its time; one in the future counts as the moment it was first read."""
        return min(standing.at, self.first.get(_mark(standing), (self.wall, self.monotonic))[0])


def look(document: Document, before: Mapping[Hashable, FirstSeen], *, wall: float, monotonic: float) -> Sight:
    """Look at `document`, remembering `before`: what an earlier look saw first, and when."""
    standing: list[Reservation | Failure] = [
        each for each in document.reservations if each.is_open or each.at > wall or _mark(each) in before
    ]
    if document.failure is not None:
        standing.append(document.failure)
    first = {_mark(each): before.get(_mark(each), (wall, monotonic)) for each in standing}
    return Sight(wall, monotonic, first)


def _mark(standing: Reservation | Failure) -> Hashable:
    if isinstance(standing, Reservation):
        return (standing.generation, standing.holder)
    return (standing.kind, standing.at, standing.credential)


def credential(document: Document, *, client_id: str, client_secret: Secret | None, accounts: str) -> str:
    """The fingerprint of all that a token request proves itself with; a failure stands for this only."""
    secret = "" if client_secret is None else client_secret.reveal()
    return fingerprint(document.lineage, client_id, secret, accounts)


# --- the lock --------------------------------------------------------------------------------------------


def open_reservation(document: Document) -> Reservation | None:
    """The reservation that is not closed yet, over or not."""
    return next((each for each in document.reservations if each.is_open), None)


def is_over(reservation: Reservation, sight: Sight, policy: RefreshPolicy) -> bool:
    """
    Whether its holder can no longer be sending.

    Its date proves it to whoever has the same clocks. Others have to watch it for a send deadline, unless
    it is older than clocks disagree: a host an hour behind would lose its lock the moment it took it.
    """
    age = sight.wall - sight.dated(reservation)
    same_clock = reservation.clock is not None and abs(sight.clock - reservation.clock) < _policy.SAME_CLOCK
    proved = policy.send_deadline if same_clock else _policy.CLOCKS_DISAGREE
    return sight.watched(reservation) >= policy.send_deadline or age >= proved


def reserved(document: Document, *, holder: str, cause: str, sight: Sight, policy: RefreshPolicy) -> Document:
    """The document with a new open reservation; saving it by compare-and-swap takes the lock."""
    kept = [evolve(each, is_open=False) for each in _recent(document, sight, policy)]
    generation = document.generation + 1
    mine = Reservation(generation=generation, at=sight.wall, holder=holder, cause=cause, clock=sight.clock)
    return evolve(document, generation=generation, reservations=(*kept, mine))


def released(document: Document, outcome: Token | Failure) -> Document:
    """The reserved document with its reservation closed and what came of it."""
    closed = tuple(evolve(each, is_open=False) for each in document.reservations)
    if isinstance(outcome, Failure):
        return evolve(document, reservations=closed, failure=outcome)
    return evolve(document, reservations=closed, token=outcome, failure=None)


def without_holders_but(document: Document, process: str) -> Document:
    """The document of a store that no other process shares: their open reservations came by fork and are void."""
    void = tuple(
        evolve(each, is_open=False) if each.is_open and not each.holder.startswith(process) else each
        for each in document.reservations
    )
    return document if void == document.reservations else evolve(document, reservations=void)


# --- the budget ------------------------------------------------------------------------------------------


def exhausted_until(document: Document, cause: str, sight: Sight, policy: RefreshPolicy) -> float | None:
    """When the budget has room again for a request of this cause (seconds since 1970); None: now."""
    dates = sorted(sight.dated(each) for each in _recent(document, sight, policy))
    by_rejection = sorted(
        sight.dated(each) for each in _recent(document, sight, policy) if each.cause == "rejected"
    )
    spent = [(dates, policy.mints)]
    if cause == "rejected":
        spent.append((by_rejection, policy.mints - _policy.KEPT_FOR_EXPIRY))
    full = [times[-limit] + policy.mint_window for times, limit in spent if len(times) >= limit]
    return max(full, default=None)


def _recent(document: Document, sight: Sight, policy: RefreshPolicy) -> list[Reservation]:
    since = sight.wall - policy.mint_window
    return [each for each in document.reservations if sight.dated(each) > since]


# --- failures --------------------------------------------------------------------------------------------


def standing_failure(document: Document, credential: str, sight: Sight) -> Failure | None:
    """The failure that forbids a request now, for this credential; never longer than its kind allows."""
    failure = document.failure
    if failure is None or failure.credential != credential:
        return None
    longest = KINDS[failure.kind].longest
    if longest is not None and sight.watched(failure) >= longest:
        return None
    if failure.until is None:
        return failure
    wait = min(failure.until - failure.at, longest or 0.0)
    return failure if sight.wall < sight.dated(failure) + wait else None


# --- conflicts -------------------------------------------------------------------------------------------


def merged(mine: Document, stored: Document, rejected: Iterable[Token]) -> Document:
    """
    What to store when somebody else saved in between, for documents of one lineage.

    The higher generation's token, the union of the reservations (closed wins); a failure of mine goes
    where there is a token that nobody here rejected, and a stored one where mine is the newest token.
    """
    token = _newer(mine.token, stored.token)
    answered = token is not None and token is not mine.token and not is_rejected(token, rejected)
    if mine.failure is None and mine.token is not None and mine.token.generation >= stored.generation:
        stored = evolve(stored, failure=None)
    return evolve(
        stored,
        grant=mine.grant,
        token=token,
        generation=max(mine.generation, stored.generation),
        reservations=_union(mine.reservations, stored.reservations),
        failure=stored.failure if answered or mine.failure is None else mine.failure,
        seeds=tuple(dict.fromkeys((*stored.seeds, *mine.seeds)))[-_policy.SEEDS_REMEMBERED :],
    )


def _newer(one: Token | None, other: Token | None) -> Token | None:
    if one is None or other is None:
        return one or other
    return one if one.generation >= other.generation else other


def _union(one: tuple[Reservation, ...], other: tuple[Reservation, ...]) -> tuple[Reservation, ...]:
    both: dict[tuple[int, str], Reservation] = {}
    for each in (*one, *other):
        known = both.get((each.generation, each.holder))
        both[each.generation, each.holder] = each if known is None or known.is_open else known
    return tuple(sorted(both.values(), key=lambda each: (each.generation, each.holder)))
