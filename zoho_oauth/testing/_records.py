"""What the fake has seen: counts, and one line per token request, without secrets."""

from __future__ import annotations

import threading

from attrs import define, field, frozen


@frozen(kw_only=True)
class TokenRequest:
    """
    One POST to the token endpoint.

    `time` is `FakeZoho.clock.monotonic()`, `fingerprint` names the refresh token (8 hex digits), `outcome`
    is "minted", "throttled", Zoho's error word, "no_grant_type" or "fault".
    """

    time: float
    data_center: str
    client_id: str | None
    grant_type: str | None
    fingerprint: str | None
    status: int | None
    outcome: str


@define
class Counters:
    """Counts since the fake was made."""

    tokens: int = 0
    """POSTs to the token endpoint, throttled and failed ones included."""
    mints: int = 0
    """Access tokens handed out by the token endpoint."""
    throttled: int = 0
    """Token requests that got the throttle answer."""
    refused: int = 0
    """Token requests that got an error other than the throttle."""
    faults: int = 0
    """Token requests that met a fault."""
    resources: int = 0
    """API requests."""
    rejected: int = 0
    """API requests that got a 401, or their product's 400 or 500 for a dead token."""
    retries: int = 0
    """API requests that came again, same method, URL and body, after they were rejected."""
    secrets_in_query: int = 0
    """Requests of either kind with a secret or token in the query string."""
    strangers: int = 0
    """Requests in process for hosts that are not Zoho's; they get a 421."""
    leaked: int = 0
    """Those of them that carried an Authorization header or a secret in form or query."""
    _lock: threading.Lock = field(factory=threading.Lock, repr=False, eq=False, init=False)

    def count(self, name: str) -> None:
        """One more of `name`."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)
