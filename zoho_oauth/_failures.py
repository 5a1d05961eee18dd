"""
What can go wrong with a token request, as values.

A failure is stored, shared by everyone who waited and raised once for each of them; therefore it is a value
first (`Refusal` from the wire, `Failure` in the document) and becomes an exception only where it is raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from . import _policy, errors


@frozen
class Kind:
    """One sort of failure: its error, and the longest it may stand. None: until the credential changes."""

    error: type[errors.ZohoOAuthError]
    longest: float | None
    message: str


KINDS: Final[Mapping[str, Kind]] = {
    "grant": Kind(errors.ReauthorizationRequired, None, "Zoho does not accept this owner's grant any more."),
    "client": Kind(
        errors.ClientRejected, _policy.REFUSED_COOL_DOWN, "Zoho does not accept the client id or secret."
    ),
    "refused": Kind(errors.TokenRequestRefused, _policy.REFUSED_COOL_DOWN, "Zoho refused the token request."),
    "tls": Kind(
        errors.TLSVerificationFailed,
        _policy.LONGEST_BACK_OFF,
        "The accounts server's certificate could not be verified; nothing was sent.",
    ),
    "throttled": Kind(
        errors.Throttled,
        _policy.LONGEST_RETRY_AFTER,
        "Zoho has had too many token requests and asks to wait.",
    ),
    "unavailable": Kind(
        errors.TokenEndpointUnavailable,
        _policy.LONGEST_BACK_OFF,
        "The accounts server gave no usable answer.",
    ),
    "malformed": Kind(
        errors.MalformedTokenResponse,
        _policy.LONGEST_BACK_OFF,
        "The accounts server's answer is not a token response.",
    ),
    "same_token": Kind(
        errors.RefreshReturnedSameToken,
        _policy.LONGEST_BACK_OFF,
        "The refresh returned the token that the API had just rejected.",
    ),
}


@frozen(kw_only=True)
class Refusal:
    """
    A token request that brought no token.

    `kind` is a key of `KINDS`, `code` Zoho's own word (sanitised, at most 200 characters), `detail` ours (never
    from the wire), `retry_after` the seconds Zoho named, already clamped.
    """

    kind: str
    code: str | None = None
    detail: str | None = None
    retry_after: float | None = None


@frozen(kw_only=True)
class Failure:
    """
    A refusal that stands: no request is sent before `until`, or while the credential is the same if None.

    `credential` is the fingerprint of grant, client id, client secret and accounts server that were used,
    so that a corrected secret clears the failure. `strikes` counts failures in a row.
    """

    kind: str
    at: float
    until: float | None
    credential: str
    code: str | None = None
    detail: str | None = None
    strikes: int = 1


def failed(
    refusal: Refusal, *, credential: str, now: float, jitter: float, before: Failure | None
) -> Failure:
    """The failure that `refusal` leaves behind; `before` is the one that stood, for the back-off."""
    strikes = before.strikes + 1 if before is not None and before.credential == credential else 1
    wait = _cool_down(refusal, strikes, jitter)
    return Failure(
        kind=refusal.kind,
        at=now,
        until=None if wait is None else now + wait,
        credential=credential,
        code=refusal.code,
        detail=refusal.detail,
        strikes=strikes,
    )


def _cool_down(refusal: Refusal, strikes: int, jitter: float) -> float | None:
    if refusal.kind == "grant":
        return None
    if refusal.kind == "throttled":
        named = refusal.retry_after
        return _policy.THROTTLE_COOL_DOWN if named is None else max(named, _policy.LONGEST_BACK_OFF)
    if refusal.kind in ("client", "refused"):
        return _policy.REFUSED_COOL_DOWN
    doubled = _policy.FIRST_BACK_OFF * (1 << min(strikes - 1, 10))
    back_off = min(doubled, _policy.LONGEST_BACK_OFF) * (1 - jitter / 2)
    return min(max(back_off, refusal.retry_after or 0.0), _policy.LONGEST_BACK_OFF)


def error_for(
    failure: Failure, *, owner: str, data_center: str, grant: str, hint: str | None = None
) -> errors.ZohoOAuthError:
    """The exception that says what happened to whom and what to do about it."""
    kind = KINDS[failure.kind]
    named = f" Zoho's word: {failure.code}." if failure.code else ""
    return kind.error(
        f"{kind.message}{named}" + (f" {failure.detail}" if failure.detail else ""),
        owner=owner,
        data_center=data_center,
        fingerprint=grant[:8],
        hint=hint,
        code=failure.code,
        retry_at=failure.until,
    )
