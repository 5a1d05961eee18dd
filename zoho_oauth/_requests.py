"""One token request for an owner: sent and read; and how its failure is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import _hints, _messages, events
from ._failures import KINDS, Failure, Refusal, error_for, failed
from ._setup import log
from ._tokens import Token

if TYPE_CHECKING:
    from ._documents import Document
    from ._messages import Granted
    from ._setup import Setup
    from .errors import ZohoOAuthError

_FAILURE_EVENTS: Final = {"throttled": events.RefreshThrottled, "grant": events.ReauthorizationNeeded}


async def refreshed(setup: Setup, document: Document, *, seconds: float) -> Granted | Refusal:
    """What Zoho answers to one refresh of the document's grant, within `seconds`."""
    grant, data_center = document.grant, setup.data_center_of(document)
    if seconds <= 0 or grant is None:
        return Refusal(kind="unavailable", detail="The store was too slow: nothing was sent.")
    request = _messages.refresh_request(
        client_id=setup.registration.client_id,
        client_secret=setup.registration.secret_for(data_center),
        refresh_token=grant.refresh_token,
        data_center=data_center,
    )
    response = await setup.endpoint.send(request, seconds=seconds, jitter=setup.clock.jitter())
    if isinstance(response, Refusal):
        return response
    return _messages.read_token_response(
        response, grant_type=grant.grant_type, data_center=data_center, now=setup.clock.wall()
    )


def minted(granted: Granted, document: Document, *, minted_at: float) -> Token:
    """The token that was granted for `document`; what the answer left out is as it was."""
    if granted.is_life_assumed:
        log.warning(
            "Zoho did not say how long the token of owner %s lives; an hour is assumed.", document.owner
        )
    before = document.token
    return Token(
        access_token=granted.access_token,
        minted_at=minted_at,
        expires_at=minted_at + granted.expires_in,
        data_center=document.data_center,
        scope=granted.scope or (before.scope if before else None),
        api_domain=granted.api_domain or (before.api_domain if before else None),
        refresh_token=granted.refresh_token,
        generation=document.generation,
        grant=document.lineage,
    )


def failure_of(setup: Setup, refusal: Refusal, document: Document) -> Failure:
    """The failure that stands from now on."""
    return failed(
        refusal,
        credential=setup.credential(document),
        now=setup.clock.wall(),
        jitter=setup.clock.jitter(),
        before=document.failure,
    )


def error_of(setup: Setup, failure: Failure, document: Document) -> ZohoOAuthError:
    """The exception for a failure, with the likely cause by grant and data center."""
    grant_type = document.grant.grant_type if document.grant else ""
    data_center = setup.data_center_of(document)
    return error_for(
        failure,
        owner=setup.owner,
        data_center=document.data_center,
        grant=document.lineage,
        hint=_hints.hint(failure.kind, grant_type=grant_type, code=failure.code, data_center=data_center),
    )


def tell_granted(setup: Setup, token: Token, *, cause: str, seconds: float) -> None:
    """Tell that there is a new token."""
    setup.tell(
        events.TokenRefreshed(
            owner=setup.owner,
            data_center=token.data_center,
            cause=cause,
            expires_at=token.expires_at,
            seconds=seconds,
        )
    )


def tell_failed(setup: Setup, failure: Failure, *, cause: str, data_center: str) -> None:
    """Tell that there is none, and why."""
    event = _FAILURE_EVENTS.get(failure.kind, events.RefreshFailed)
    setup.tell(
        event(
            owner=setup.owner,
            data_center=data_center,
            cause=cause,
            error=KINDS[failure.kind].error.__name__,
            code=failure.code,
            retry_at=failure.until,
        )
    )
