"""
One attempt to renew an owner's token, start to end, as a task that no caller owns.

Rules for editors:
- nothing is sent without a turn (`_turns`), and what was loaded before a turn was lost is not used after it;
- whoever waits, waits for `Attempt.done`, so that his cancellation ends his waiting and nothing else;
- anyio's shield does not stop asyncio's own cancellation: do not rely on it;
- success and failure are outcomes, shared by everyone who waited; an attempt that was cut has none.
"""

from __future__ import annotations

import enum
import sys
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.lowlevel import current_token

from . import _held, _ledger, _policy, _requests, _tokens, _turns, errors
from ._failures import Failure
from ._records import Records
from ._turns import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._documents import Document
    from ._held import Entry, Held
    from ._ledger import Sight
    from ._records import Version
    from ._setup import Setup
    from ._tokens import Token


class Purpose(enum.Enum):
    """Why a new token is wanted; the value is the `cause` that a reservation carries."""

    EXPIRED = "expired"
    REJECTED = "rejected"
    #: In the background, while the token at hand is still good.
    EARLY = "early"
    #: `TokenSource.refresh`: whatever is stored, and whatever failed before.
    ASKED = "asked"


#: What `_minted` returns when somebody else was faster or the grant changed: look at the store again.
BEGIN_AGAIN: Final = None


class Attempt:
    """One refresh. `done` is set at the end; `outcome` is a held token, an error, or None if there was none."""

    def __init__(self, setup: Setup, entry: Entry, purpose: Purpose, rejected: Token | None = None) -> None:
        self.purpose = purpose
        self.done = anyio.Event()
        self.outcome: Held | Exception | None = None
        self.minted = False
        self.task: Any = None
        self.loop: Any = current_token().native_token
        self._setup = setup
        self._entry = entry
        self._epoch = entry.epoch
        self._records = Records(setup, entry)
        self._rejected: list[Token] = [] if rejected is None else [rejected]
        self._first_look: tuple[float, int] | None = None

    def is_of_this_loop(self) -> bool:
        """Whether the running event loop is the one to wait in."""
        return bool(self.loop == current_token().native_token)

    def reject(self, token: Token) -> None:
        """Do not come back with `token`, or with an older one."""
        if not _tokens.is_rejected(token, self._rejected):
            self._rejected.append(token)

    async def run(self) -> None:
        """Renew, keep the outcome, and wake everyone."""
        try:
            self.outcome = await self._renewed()
        except errors.ZohoOAuthError as error:
            self._fail(error)
        except Exception as error:
            # A trio system task that raises takes the whole program with it.
            self.outcome = error
        finally:
            self.end()

    def end(self, _: object = None) -> None:
        """Make room for the next attempt, and wake everyone."""
        if self._entry.attempts.get(self.loop) is self:
            self._entry.attempts.pop(self.loop, None)
        self.done.set()

    def _fail(self, error: errors.ZohoOAuthError) -> None:
        if self.purpose is Purpose.EARLY:
            return
        self.outcome = error.with_traceback(None)
        now = self._setup.clock.monotonic()
        self._entry.failure = _held.Remembered(error, cause=self.purpose.value, at=now)

    # --- the four steps -----------------------------------------------------------------------------------

    async def _renewed(self) -> Held | None:
        for pause in _pauses(self._setup):
            self._epoch = self._entry.epoch
            stored = await self._records.load()
            document = self._connected(stored.document)
            sight = self._look(document)
            if (held := self._taken_over(document, sight)) is not None:
                return held
            self._stop_at_a_standing_failure(document, sight)
            if self._is_reserved_elsewhere(document, sight):
                if self.purpose is Purpose.EARLY:
                    return None
                await anyio.sleep(pause)
                continue
            self._stop_at_an_exhausted_budget(document, sight)
            held = await self._minted(document, stored.version, sight)
            if held is not BEGIN_AGAIN:
                return held
        raise AssertionError("the pauses never end")

    def _connected(self, document: Document | None) -> Document:
        if document is None or document.grant is None or document.is_revoking:
            self._entry.empty()
            raise errors.NotConnected(
                "Nothing is stored for this owner."
                if document is None
                else "This owner's grant was revoked.",
                owner=self._setup.owner,
                hint="Ask for consent, or adopt a refresh token: `await zoho.adopt(refresh_token, owner)`.",
            )
        return document

    def _look(self, document: Document) -> Sight:
        clock, entry = self._setup.clock, self._entry
        sight = _ledger.look(document, entry.seen, wall=clock.wall(), monotonic=clock.monotonic())
        entry.seen = sight.first or _held.NOTHING_SEEN
        if self._first_look is None:
            self._first_look = (sight.wall, -1 if document.token is None else document.token.generation)
            if self.purpose is Purpose.ASKED and document.token is not None:
                self.reject(document.token)
        return sight

    def _taken_over(self, document: Document, sight: Sight) -> Held | None:
        self._entry.drop_others(document.lineage, epoch=self._epoch)
        token = document.token
        if token is None:
            return None
        seen = _tokens.as_seen_here(token, born_after=self._born_after(token), now=sight.wall)
        held = self._entry.publish(seen, self._setup.policy, epoch=self._epoch)
        return held if held is not None and self._is_good(held) else None

    def _is_good(self, held: Held) -> bool:
        clock = self._setup.clock
        good = held.is_fresh(clock) if self.purpose is Purpose.EARLY else held.is_usable(clock)
        return good and not _tokens.is_rejected(held.token, self._rejected)

    def _born_after(self, token: Token) -> float | None:
        if self._first_look is None or token.generation <= self._first_look[1]:
            return None
        # Its request may have been under way when this attempt first looked.
        return self._first_look[0] - self._setup.policy.send_deadline

    def _stop_at_a_standing_failure(self, document: Document, sight: Sight) -> None:
        failure = _ledger.standing_failure(document, self._setup.credential(document), sight)
        if failure is None or (self.purpose is Purpose.ASKED and failure.kind != "throttled"):
            return
        raise _requests.error_of(self._setup, failure, document)

    def _is_reserved_elsewhere(self, document: Document, sight: Sight) -> bool:
        reservation = _ledger.open_reservation(document)
        if reservation is None:
            return False
        if self.purpose is Purpose.EARLY and sight.wall - sight.dated(reservation) < _policy.BACKGROUND_PACE:
            return True
        return not _ledger.is_over(reservation, sight, self._setup.policy)

    def _stop_at_an_exhausted_budget(self, document: Document, sight: Sight) -> None:
        retry_at = _ledger.exhausted_until(document, self.purpose.value, sight, self._setup.policy)
        if retry_at is None:
            return
        raise errors.Throttled(
            "The budget of token requests for this owner is used up; Zoho was not asked.",
            owner=self._setup.owner,
            data_center=document.data_center,
            fingerprint=document.lineage[:8],
            hint="Something asks for new tokens too often: look for other programs that use this refresh token.",
            retry_at=retry_at,
        )

    async def _minted(self, document: Document, version: Version, sight: Sight) -> Held | None:
        setup, cause = self._setup, self.purpose.value
        reserved = _ledger.reserved(
            document, holder=_turns.holder(), cause=cause, sight=sight, policy=setup.policy
        )
        async with Turn(setup, self._records, reserved, version) as turn:
            if not turn.taken:
                return BEGIN_AGAIN
            self._look(reserved)
            turn.rejected = self._rejected
            await turn.send()
        turn.tell(cause)
        return self._published(turn)

    def _published(self, turn: Turn) -> Held | None:
        released, clock = turn.released, self._setup.clock
        if released is None:
            return BEGIN_AGAIN
        token = released.token
        if token is not None and not _tokens.is_rejected(token, self._rejected):
            self.minted = token.generation == turn.reserved.generation
            begun = turn.sent_at if self.minted else None
            held = self._entry.publish(token, self._setup.policy, epoch=self._epoch, begun=begun)
            if held is None or self.minted or held.is_usable(clock):
                return held
        if isinstance(turn.outcome, Failure):
            raise _requests.error_of(self._setup, turn.outcome, turn.reserved)
        return BEGIN_AGAIN


def _pauses(setup: Setup) -> Iterator[float]:
    pause = _policy.FIRST_POLL
    while True:
        yield pause * (1 - setup.clock.jitter() / 2)
        pause = min(pause * 1.5, _policy.LONGEST_POLL)


# --- the task --------------------------------------------------------------------------------------------


def in_flight(entry: Entry) -> Attempt | None:
    """The attempt of the running event loop, if there is one."""
    return entry.attempts.get(current_token().native_token)


def start(setup: Setup, entry: Entry, purpose: Purpose, rejected: Token | None = None) -> Attempt:
    """Start an attempt as a task of the running event loop; nobody awaits the task, only `done`."""
    _forget_closed_loops(entry)
    attempt = Attempt(setup, entry, purpose, rejected)
    loop = attempt.loop
    # Registered first: an eager task factory runs the attempt before it returns the task.
    entry.attempts[loop] = attempt
    try:
        _spawn(attempt)
    except BaseException:
        entry.attempts.pop(loop, None)
        raise
    return attempt


def _spawn(attempt: Attempt) -> None:
    # An empty context: the first caller's variables are none of the attempt's business.
    # By what it can do: asyncio is not imported here, for programs that run on trio.
    if hasattr(attempt.loop, "create_task"):
        attempt.task = Context().run(attempt.loop.create_task, attempt.run())
        # A task that is cancelled before its first step never comes to the `finally` of `run`.
        attempt.task.add_done_callback(attempt.end)
    else:
        sys.modules["trio"].lowlevel.spawn_system_task(attempt.run, context=Context())


def _forget_closed_loops(entry: Entry) -> None:
    for loop in [each for each in list(entry.attempts) if getattr(each, "is_closed", bool)()]:
        entry.attempts.pop(loop, None)
