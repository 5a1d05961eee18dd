"""`Token`: what was granted and until when; and the rules that say what it is still good for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from . import _policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._policy import RefreshPolicy
    from ._secrets import Secret


def _short(fingerprint: str) -> str:
    return f"<{fingerprint[:8]}>"


@frozen(kw_only=True)
class Token:
    """
    An access token and what is known about it. Times are seconds since 1970.

    `generation` rises with every refresh of one grant; `grant` is that grant's fingerprint. `refresh_token`
    is set only on what a code exchange returned, so that `ZohoOAuth.save` can keep it.
    """

    access_token: Secret
    expires_at: float
    minted_at: float
    data_center: str
    scope: str | None = None
    api_domain: str | None = None
    refresh_token: Secret | None = None
    generation: int = 0
    grant: str = field(default="", repr=_short)

    @property
    def life(self) -> float:
        """Seconds from the token request to the expiry."""
        return self.expires_at - self.minted_at

    def replaces(self, other: Token) -> bool:
        """Whether this one is newer than `other`: another grant's, or a later generation. Never a clock."""
        return self.grant != other.grant or self.generation > other.generation


def is_rejected(token: Token, rejected: Iterable[Token]) -> bool:
    """Whether somebody rejected this token, or one of its grant that is as new."""
    return any(not token.replaces(other) or token.access_token == other.access_token for other in rejected)


def stale_at(token: Token, policy: RefreshPolicy, jitter: float) -> float:
    """When a background refresh is due: earlier or later by `jitter`, so that processes do not act in step."""
    window = min(policy.early, token.life * _policy.EARLY_SHARE)
    stale = token.expires_at - window * (1 - _policy.EARLY_JITTER * jitter)
    # A leeway longer than the early window is kept: nothing is fresh that has expired.
    return min(stale, expired_at(token, policy))


def expired_at(token: Token, policy: RefreshPolicy) -> float:
    """When callers have to wait for a new one."""
    return token.expires_at - min(policy.leeway, token.life * _policy.LEEWAY_SHARE)


def background_pace(token: Token) -> float:
    """Least seconds between two background refreshes of one owner in one process."""
    return min(_policy.BACKGROUND_PACE, token.life * _policy.BACKGROUND_PACE_SHARE)


def as_seen_here(token: Token, *, born_after: float | None, now: float) -> Token:
    """
    The token with an expiry by this host's clock.

    A life cannot have begun after `now`, nor before `born_after` (when this process last saw the record
    without the token). With correct clocks this changes nothing; with wrong ones it is all one can know.
    """
    earliest = token.expires_at if born_after is None else born_after + token.life
    seen = min(max(token.expires_at, earliest), now + token.life)
    return token if seen == token.expires_at else evolve(token, expires_at=seen, minted_at=seen - token.life)
