"""
What `on_event` is told: frozen values without secrets.

    def on_event(event): metrics.count(type(event).__name__, owner=event.owner)

The function is called after the lock is released; what it raises is logged and goes no further.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from ._meanings import Meaning


@frozen(kw_only=True)
class Event:
    """Base of all: whose token it is about, and where."""

    owner: str
    data_center: str


@frozen(kw_only=True)
class TokenRefreshed(Event):
    """Zoho granted a new access token. `cause` is "expired", "early", "rejected" or "asked"; it took `seconds`."""

    cause: str
    expires_at: float
    seconds: float


@frozen(kw_only=True)
class RefreshFailed(Event):
    """A token request brought no token; `error` is the name of the error class, `retry_at` in seconds since 1970."""

    cause: str
    error: str
    code: str | None
    retry_at: float | None


@frozen(kw_only=True)
class RefreshThrottled(RefreshFailed):
    """The token request met Zoho's quota."""


@frozen(kw_only=True)
class ReauthorizationNeeded(RefreshFailed):
    """The grant is dead: the owner has to consent again."""


@frozen(kw_only=True)
class TokenRejected(Event):
    """An API refused a request that carried the token; `meaning` says what for."""

    host: str
    meaning: Meaning


@frozen(kw_only=True)
class StoreFailed(Event):
    """A store call failed after Zoho had answered; the process goes on with the token in memory."""

    error: str


AnyEvent: TypeAlias = (
    TokenRefreshed | RefreshFailed | RefreshThrottled | ReauthorizationNeeded | TokenRejected | StoreFailed
)
