"""Zoho's numbers, each of which a test may change while the fake is running."""

from __future__ import annotations

from typing import Literal

from attrs import define, field
from attrs.validators import in_

from ._sites import PRODUCTS

ExpiresInForm = Literal["seconds", "milliseconds", "expires_in_sec", "both", "string", "missing"]
ThrottleForm = Literal["400", "200", "localized"]


@define(kw_only=True)
class Rules:
    """
    How strict the fake is; the defaults are the strictest numbers that Zoho's pages name.

    Seconds of `FakeZoho.clock`, except the latencies, which are real seconds.
    """

    token_life: float = 3600.0
    """How long an access token lives."""
    expires_in_form: ExpiresInForm = "seconds"
    """`both` is the old answer: `expires_in_sec` in seconds beside `expires_in` in milliseconds."""
    throttle_after: int | None = 10
    """Token requests per refresh token in one window, failed ones included. None: no throttle."""
    throttle_window: float = 600.0
    """Length of that window."""
    throttle_for: float | None = None
    """How long a throttle lasts. None: until the oldest request leaves the window."""
    throttle_form: ThrottleForm = "400"
    """Status 400 or 200 in English, or 400 in another language each time."""
    live_access_tokens: int = 10
    """Per refresh token; Zoho's pages say 10, 15 and 30. One more kills the oldest."""
    refresh_tokens: int = 20
    """Per client and owner; one more deletes the oldest and its access tokens."""
    scope_in_answer: bool = True
    """Whether a token answer names the scope."""
    api_domain_in_answer: bool = True
    """Whether a token answer names the API gateway."""
    bearer: bool = False
    """Whether the API also takes `Authorization: Bearer`."""
    product: str = field(default="crm", validator=in_(PRODUCTS))
    """Who answers where neither host nor path names a product, as on loopback; the code of a `Product`."""
    other_rejection_status: bool = False
    """Answer a dead token with the other status or code that was seen: CRM 400, WorkDrive 500, People 7202."""
    token_latency: float = 0.0
    """Real seconds before a token request is looked at."""
    resource_latency: float = 0.0
    """Real seconds before an API request is looked at."""
