"""
What follows from a rejection: one refresh and one more try, or nothing.

Rules for editors: only a token that was minted here after the request was first sent proves that the token was not the
cause; then the host's rejections cause no refresh until it answers anything else, the token is renewed for another
reason, or ten minutes pass. Nothing here waits or sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from . import _policy, events
from ._bodies import is_replayable
from ._explain import EXTENSION, FRESH, IF_FRESH, RENEWED, answer_of, place_of, wait_of, with_hint
from ._meanings import Family
from ._rejections import read_rejection, statuses_to_read

if TYPE_CHECKING:
    from ._meanings import Meaning
    from ._sources import TokenSource
    from ._tokens import Token


@frozen
class Verdict:
    """Whether another token is wanted, and whether the request can be sent again with it."""

    calls_for_refresh: bool
    allows_replay: bool = False


class Verdicts:
    """What follows from the rejections of one owner's tokens."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._setup = source.setup

    def are_given_by(self, request: Any, response: Any) -> bool:
        """Whether the product that was asked rejects tokens with this status."""
        return response.status_code in statuses_to_read(*place_of(request.url), self._setup.error_codes)

    def first(self, request: Any, response: Any, body: bytes | None, token: Token) -> Verdict:
        """What follows from the first answer; `body` is None if it was too long to be looked at."""
        host = place_of(request.url)[0]
        is_distrusted = self._is_distrusted(host, token)
        meaning = self._meaning(request, response, body, token, FRESH if is_distrusted else RENEWED)
        if not meaning.calls_for_refresh:
            self._source.entry.trust(host)
        is_wanted = meaning.calls_for_refresh and not is_distrusted
        return Verdict(is_wanted, allows_replay=body is not None and _is_to_be_sent_again(request, response))

    def second(self, request: Any, response: Any, body: bytes | None, token: Token, sent_at: float) -> None:
        """Remember whose rejections are not about the token; the request was first sent at `sent_at` (monotonic)."""
        held, entry = self._source.entry.held, self._source.entry
        minted_at = held.minted_here_at if held is not None and held.token is token else None
        is_proof = minted_at is not None and minted_at >= sent_at
        meaning = self._meaning(request, response, body, token, FRESH if is_proof else IF_FRESH)
        if is_proof and meaning.calls_for_refresh:
            distrusted = entry.distrusted or {}
            distrusted[place_of(request.url)[0]] = (token.generation, self._setup.clock.monotonic())
            entry.distrusted = distrusted

    def _is_distrusted(self, host: str, token: Token) -> bool:
        generation, since = (self._source.entry.distrusted or {}).get(host, (-1, 0.0))
        recent = self._setup.clock.monotonic() - since < _policy.DISTRUST
        return generation == token.generation and recent

    def _meaning(self, request: Any, response: Any, body: bytes | None, token: Token, begin: str) -> Meaning:
        """What the answer means: for this flow, for `explain`, and for whoever listens."""
        host = place_of(request.url)[0]
        read = read_rejection(answer_of(response, request, body), self._setup.error_codes)
        hinted = with_hint(read, begin, host=host, home=token.data_center)
        meaning = evolve(hinted, retry_after=wait_of(response))
        response.extensions[EXTENSION] = meaning
        if meaning.family is not Family.OTHER:
            self._setup.tell(
                events.TokenRejected(
                    owner=self._source.owner, data_center=token.data_center, host=host, meaning=meaning
                )
            )
        return meaning


def _is_to_be_sent_again(request: Any, response: Any) -> bool:
    """A POST that was answered by a redirect to a GET has been done: only the GET was rejected."""
    return response.request.method == request.method and is_replayable(request)
