"""
The turn: the open reservation, from the save that takes it to the save that gives it back.

Rules for editors: this is the async lock of this library. Nothing is sent without it; it is taken by
compare-and-swap, so it holds across loops, threads, processes and hosts; cut in between, it stands until it is
over. It protects Zoho's quota; correctness is the compare-and-swap of the release.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from attrs import evolve

from . import _held, _ledger, _requests, errors, events
from ._documents import RefreshTokenGrant
from ._failures import Failure, Refusal
from ._tokens import Token

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from ._documents import Document
    from ._records import Records, Version
    from ._setup import Setup

_numbers = itertools.count(1)


class Turn:
    """
    `async with Turn(…) as turn`: the right to send one token request, if `turn.taken`.

    `outcome` is what the request brought, `released` the document as it was stored in the end: None if
    somebody else's grant is stored now.
    """

    def __init__(self, setup: Setup, records: Records, reserved: Document, replacing: Version) -> None:
        self.reserved = reserved
        self.outcome: Token | Failure | None = None
        self.released: Document | None = None
        self.sent_at = 0.0
        self.rejected: Sequence[Token] = ()
        self._setup = setup
        self._records = records
        self._replacing = replacing
        self._version: Version | None = None
        self._begun = 0.0

    @property
    def taken(self) -> bool:
        """Whether the swap was won."""
        return self._version is not None

    async def __aenter__(self) -> Self:
        self._begun = self._setup.clock.monotonic()
        self._version = await self._records.save(self.reserved, replacing=self._replacing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None and self.outcome is not None:
            self.released = await self._released(self.outcome)

    async def send(self) -> None:
        """Send the token request, for as long as the reservation lives."""
        setup, clock = self._setup, self._setup.clock
        wall, self.sent_at = clock.wall(), clock.monotonic()
        left = setup.policy.send_deadline - (self.sent_at - self._begun)
        answer = await _requests.refreshed(setup, self.reserved, seconds=left)
        if not isinstance(answer, Refusal) and any(
            answer.access_token == each.access_token for each in self.rejected
        ):
            answer = Refusal(kind="same_token")
        if isinstance(answer, Refusal):
            self.outcome = _requests.failure_of(setup, answer, self.reserved)
        else:
            self.outcome = _requests.minted(answer, self.reserved, minted_at=wall)

    async def _released(self, outcome: Token | Failure) -> Document | None:
        mine = _with_new_grant(_ledger.released(self.reserved, outcome), outcome)
        try:
            return await self._saved(mine)
        except errors.StoreUnavailable as error:
            self._records.keep(mine, self.reserved.lineage)
            failed = type(error).__name__
        self._setup.tell(
            events.StoreFailed(owner=self._setup.owner, data_center=mine.data_center, error=failed)
        )
        return mine

    async def _saved(self, mine: Document) -> Document | None:
        version = self._version
        while version is not None and await self._records.save(mine, replacing=version) is None:
            stored = await self._records.stored()
            if stored.document is None:
                self._stop_at_a_missing_record(mine)
                return None
            if stored.document.lineage != self.reserved.lineage or stored.document.is_revoking:
                return None
            mine, version = _ledger.merged(mine, stored.document, self.rejected), stored.version
        return mine

    def _stop_at_a_missing_record(self, mine: Document) -> None:
        self._records.forget()
        if self._setup.seed is None:
            raise errors.ReauthorizationRequired(
                "The owner's record was deleted while its token was being refreshed.",
                owner=self._setup.owner,
                data_center=mine.data_center,
                fingerprint=mine.lineage[:8],
                hint="If that was not intended, ask for consent again.",
            )

    def tell(self, cause: str) -> None:
        """Tell what came of it, now that the lock is released."""
        outcome, setup = self.outcome, self._setup
        if isinstance(outcome, Token):
            took = setup.clock.monotonic() - self.sent_at
            _requests.tell_granted(setup, outcome, cause=cause, seconds=took)
        elif isinstance(outcome, Failure):
            _requests.tell_failed(setup, outcome, cause=cause, data_center=self.reserved.data_center)


def holder() -> str:
    """A name for a reservation of this process."""
    return f"{_held.process()}-{next(_numbers)}"


def _with_new_grant(document: Document, outcome: Token | Failure) -> Document:
    """The document with the refresh token that the answer brought, if it did (RFC 6749 §6); Zoho's do not."""
    if isinstance(outcome, Failure) or outcome.refresh_token is None:
        return document
    renewed = evolve(document, grant=RefreshTokenGrant(outcome.refresh_token))
    return evolve(renewed, token=evolve(outcome, refresh_token=None, grant=renewed.lineage))
