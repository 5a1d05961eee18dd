"""
`TokenSource`: gives out a usable token, and refreshes once, whoever asks.

Rules for editors: the fast path awaits nothing, takes no lock and calls no store; nobody but the caller bounds
a caller's wait; whoever would get a failure gets a living token that he has not rejected instead.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from . import _attempts, _policy, _tokens, errors
from ._attempts import Attempt, Purpose
from ._records import Records

if TYPE_CHECKING:
    from ._data_centers import DataCenter
    from ._held import Entry, Held
    from ._setup import Setup
    from ._tokens import Token


class TokenSource:
    """
    A usable token for one owner, whenever you ask; get one from `ZohoOAuth.source(owner)`.

    A source is a cheap handle: make as many as you like. All that share a store, in this process or in
    others, share one refresh. Safe to use from any task, thread and event loop.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._entry = setup.entry()

    def __repr__(self) -> str:
        return f"TokenSource(owner={self._setup.owner!r})"

    @property
    def owner(self) -> str:
        """Whose tokens these are."""
        return self._setup.owner

    async def token(self, rejected: Token | None = None) -> Token:
        """
        A usable token, and not the `rejected` one: give the token that an API has just refused.

        Returns at once while the token in memory is good. Raises a `MustReconnect`, `MustReconfigure` or
        `MustWait` error; every caller who waited gets the same one.
        """
        held = self.held(rejected)
        return held.token if held is not None else await self.awaited(rejected)

    async def refresh(self) -> Token:
        """
        A token newer than the one held or stored, whatever failed before.

        Only Zoho's throttle and the budget can forbid it. Concurrent calls share one token request.
        """
        entry = self._looked_up()
        rejected = None if entry.held is None else entry.held.token
        while True:
            attempt = self._joined(rejected, Purpose.ASKED)
            await attempt.done.wait()
            if attempt.purpose is not Purpose.ASKED and not attempt.minted:
                continue
            if isinstance(attempt.outcome, Exception):
                raise _own_copy(attempt.outcome)
            token = self._token_of(attempt, rejected)
            if token is not None:
                return token

    async def data_center(self) -> DataCenter:
        """Where this owner's data lives: by the stored document or the seed. Sends nothing to Zoho."""
        held = self._entry.held
        if held is not None:
            return self._setup.registration.data_center_of(held.token.data_center)
        document = (await Records(self._setup, self._looked_up()).load()).document
        if document is None or document.grant is None:
            raise errors.NotConnected("Nothing is stored for this owner.", owner=self.owner)
        return self._setup.data_center_of(document)

    # --- for the httpx side ---------------------------------------------------------------------------------

    @property
    def setup(self) -> Setup:
        """The parts this source works with."""
        return self._setup

    @property
    def entry(self) -> Entry:
        """What this process holds for the owner."""
        return self._looked_up()

    def held(self, rejected: Token | None = None, *, background: bool = True) -> Held | None:
        """What is in memory, if it is usable and not `rejected`; starts a refresh in the background if one is due."""
        held = self._entry.held
        if held is None or (rejected is not None and not held.token.replaces(rejected)):
            return None
        clock = self._setup.clock
        if held.is_fresh(clock):
            return held
        if not held.is_usable(clock):
            return None
        if background:
            self._start_in_background(held)
        return held

    def reject(self, token: Token) -> None:
        """Let the next call wait for another token than this one."""
        held = self._entry.held
        if held is not None and not held.token.replaces(token):
            held.reject()

    def renew(self, rejected: Token) -> None:
        """Start to renew after a rejection, and do not wait for it."""
        self.reject(rejected)
        if self.held(rejected) is None:
            self._joined(rejected)

    # --- waiting --------------------------------------------------------------------------------------------

    async def awaited(self, rejected: Token | None) -> Token:
        """A token from the store or from Zoho; starts nothing in the background."""
        try:
            return await self._renewed(rejected or self._rejected_before())
        except errors.MustWait:
            held = self._entry.held
            if rejected is not None or held is None or not held.lives(self._setup.clock):
                raise
        # An upload that could not be sent again rejected it, and perhaps wrongly; this caller did not.
        return held.token

    async def _renewed(self, rejected: Token | None) -> Token:
        while True:
            self._looked_up()
            token = self._remembered_failure(rejected)
            if token is not None:
                return token
            attempt = self._joined(rejected)
            await attempt.done.wait()
            token = self._token_of(attempt, rejected)
            if token is not None:
                return token

    def _rejected_before(self) -> Token | None:
        held = self._entry.held
        return held.token if held is not None and held.was_rejected else None

    def _looked_up(self) -> Entry:
        if self._entry.is_gone:
            self._entry = self._setup.entry()
        return self._entry

    def _joined(self, rejected: Token | None, purpose: Purpose | None = None) -> Attempt:
        attempt = _attempts.in_flight(self._entry)
        if attempt is None:
            purpose = purpose or (Purpose.EXPIRED if rejected is None else Purpose.REJECTED)
            return _attempts.start(self._setup, self._entry, purpose, rejected)
        if rejected is not None:
            attempt.reject(rejected)
        return attempt

    def _token_of(self, attempt: Attempt, rejected: Token | None) -> Token | None:
        outcome = attempt.outcome
        if outcome is None:
            return None
        if isinstance(outcome, Exception):
            return self._living(outcome, rejected)
        return None if _is_refused(outcome.token, rejected) else outcome.token

    def _remembered_failure(self, rejected: Token | None) -> Token | None:
        failure = self._entry.failure
        clock = self._setup.clock
        if failure is None or clock.monotonic() - failure.at >= _policy.MEMORY_OF_FAILURE:
            return None
        by_rejection = failure.cause == Purpose.REJECTED.value
        if by_rejection and rejected is None:
            return None
        return self._living(failure.error, rejected)

    def _living(self, error: Exception, rejected: Token | None) -> Token:
        held = self._entry.held
        if held is not None and held.lives(self._setup.clock) and not _is_refused(held.token, rejected):
            return held.token
        raise _own_copy(error)

    def _start_in_background(self, held: Held) -> None:
        entry, now = self._entry, self._setup.clock.monotonic()
        pace = _tokens.background_pace(held.token)
        if entry.background_at is not None and now - entry.background_at < pace:
            return
        if _attempts.in_flight(entry) is None:
            entry.background_at = now
            _attempts.start(self._setup, entry, Purpose.EARLY)


def _own_copy(error: Exception) -> Exception:
    """Each caller raises an exception of his own: a shared one collects everybody's traceback."""
    return copy.copy(error) if isinstance(error, errors.ZohoOAuthError) else error


def _is_refused(token: Token, rejected: Token | None) -> bool:
    return rejected is not None and not token.replaces(rejected)
