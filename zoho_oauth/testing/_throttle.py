"""Zoho's quota for token requests: ten in ten minutes, refused in a form and language of its choosing."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable
from itertools import cycle
from typing import TYPE_CHECKING, Final

from attrs import define, field

from .answers import Answer, json_answer

if TYPE_CHECKING:
    from ._clock import ManualClock
    from ._rules import Rules

_ENGLISH: Final = (
    "You have made too many requests continuously. Please try again after some time.",
    "Access Denied",
)
#: The first was seen on the wire; the others stand for every language that nobody has seen yet.
_LOCALIZED: Final = (
    ("您已连续提出过多请求，请稍后再试。", "拒绝访问"),
    ("リクエストが連続して多すぎます。しばらくしてからもう一度お試しください。", "アクセスが拒否されました"),
    (
        "Ha realizado demasiadas solicitudes de forma continua. Inténtelo de nuevo más tarde.",
        "Acceso denegado",
    ),
    (
        "Sie haben zu viele Anfragen hintereinander gestellt. Versuchen Sie es später erneut.",
        "Zugriff verweigert",
    ),
)


def _throttle_answer(text: tuple[str, str], status: int) -> Answer:
    description, error = text
    return json_answer({"error_description": description, "error": error, "status": "failure"}, status)


@define(eq=False)
class Throttle:
    """Counts token requests per refresh token and says which come too fast. Not thread-safe by itself."""

    _clock: ManualClock
    _rules: Rules
    _recent: defaultdict[Hashable, deque[float]] = field(factory=lambda: defaultdict(deque))
    _blocked_until: dict[Hashable, float] = field(factory=dict)
    _forced_times: int = 0
    _forced_until: float = 0.0
    _languages: cycle[tuple[str, str]] = field(factory=lambda: cycle(_LOCALIZED))

    def force(self, *, times: int | None, seconds: float | None) -> None:
        """Throttle the next `times` requests, and all of them for `seconds`."""
        self._forced_times = times or 0
        if times is None and seconds is None:
            seconds = self._rules.throttle_window
        self._forced_until = self._clock.monotonic() + (seconds or 0.0)

    def blocks(self, key: Hashable) -> bool:
        """Count this request; True if it comes too fast."""
        now = self._clock.monotonic()
        return self._is_forced(now) or self._exceeds(key, now)

    def answer(self) -> Answer:
        """The throttle's answer in the form that the rules ask for."""
        if self._rules.throttle_form == "localized":
            return _throttle_answer(next(self._languages), 400)
        return _throttle_answer(_ENGLISH, int(self._rules.throttle_form))

    def _is_forced(self, now: float) -> bool:
        if self._forced_times > 0:
            self._forced_times -= 1
            return True
        return now < self._forced_until

    def _exceeds(self, key: Hashable, now: float) -> bool:
        allowed = self._rules.throttle_after
        if allowed is None:
            return False
        if now < self._blocked_until.get(key, now):
            return True
        recent = self._recent[key]
        while recent and recent[0] <= now - self._rules.throttle_window:
            recent.popleft()
        if len(recent) < allowed:
            recent.append(now)
            return False
        self._block(key, recent, now)
        return True

    def _block(self, key: Hashable, recent: deque[float], now: float) -> None:
        if self._rules.throttle_for is None:
            self._blocked_until[key] = recent[0] + self._rules.throttle_window
        else:
            self._blocked_until[key] = now + self._rules.throttle_for
            recent.clear()
