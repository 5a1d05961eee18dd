"""
What is stored for one owner, as a value and as versioned JSON text.

Rules for editors: a text that is not understood is never taken for an empty one, a newer version is never
written over, and no exception that leaves this file has the text in reach.
"""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import evolve, field, frozen

from . import _policy, errors
from ._failures import KINDS, Failure
from ._secrets import Secret, fingerprint
from ._tokens import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .stores.base import Record

FORMAT: Final = "zoho_oauth"
VERSION: Final = 1
#: Far above what a document needs (about 1 KiB); a longer text is not one of ours.
LONGEST_TEXT: Final = 262_144

Item = TypeVar("Item")


@frozen
class RefreshTokenGrant:
    """The refresh token that the owner's consent brought (RFC 6749 §6)."""

    refresh_token: Secret

    grant_type = "refresh_token"


#: Each kind of grant is tagged with its type in the text, so that a reader knows what it does not know.
Grant = RefreshTokenGrant


@frozen(kw_only=True)
class Reservation:
    """
    The right to send one token request: who took it, when (seconds since 1970) and why.

    While it is open it is the lock; closed or not it counts in the budget. `cause` is "expired", "early",
    "rejected", "asked" or "adopted". `clock` is the difference of its holder's two clocks, which names them:
    whoever finds the same one has the same clocks, and can trust the date.
    """

    generation: int
    at: float
    holder: str
    cause: str
    is_open: bool = True
    clock: float | None = None


@frozen(kw_only=True)
class Document:
    """All that is known of one owner: the grant, the newest token, and the ledger of token requests."""

    client_id: str
    owner: str
    data_center: str
    grant: Grant | None
    token: Token | None = None
    generation: int = 0
    reservations: tuple[Reservation, ...] = ()
    failure: Failure | None = None
    seeds: tuple[str, ...] = ()
    is_revoking: bool = False

    @property
    def lineage(self) -> str:
        """The grant's fingerprint: two documents of one lineage differ in what happened, not in whose consent."""
        return grant_fingerprint(self.grant, self.data_center) if self.grant else ""


@frozen
class Seed:
    """A grant from the environment or from code, used where the store knows none."""

    grant: Grant
    data_center: str

    @property
    def fingerprint(self) -> str:
        """What the document remembers a seed by."""
        return grant_fingerprint(self.grant, self.data_center)


def grant_fingerprint(grant: Grant, data_center: str) -> str:
    """Names a grant at its data center; a corrected data center makes it another one."""
    return fingerprint(grant.grant_type, grant.refresh_token.reveal(), data_center)


def with_seed(stored: Document | None, seed: Seed | None, *, client_id: str, owner: str) -> Document | None:
    """The document after the seed was looked at: a seed wins once, the first time it is met."""
    if seed is None or (stored is not None and seed.fingerprint in stored.seeds):
        return stored
    fresh = Document(client_id=client_id, owner=owner, data_center=seed.data_center, grant=seed.grant)
    if stored is None:
        return evolve(fresh, seeds=(seed.fingerprint,))
    met = (*stored.seeds, seed.fingerprint)[-_policy.SEEDS_REMEMBERED :]
    same = stored.lineage == seed.fingerprint and not stored.is_revoking
    return evolve(stored, seeds=met) if same else evolve(fresh, seeds=met, generation=stored.generation)


# --- writing ---------------------------------------------------------------------------------------------


def write_document(document: Document) -> str:
    """The text to store."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "client_id": document.client_id,
            "owner": document.owner,
            "data_center": document.data_center,
            "grant": document.grant and _written_grant(document.grant),
            "token": document.token and _written_token(document.token),
            "generation": document.generation,
            "reservations": [_written_reservation(each) for each in document.reservations],
            "failure": document.failure and _written_failure(document.failure),
            "seeds": list(document.seeds),
            "revoking": document.is_revoking,
        },
        separators=(",", ":"),
    )


def _written_grant(grant: Grant) -> dict[str, object]:
    return {"type": grant.grant_type, "refresh_token": grant.refresh_token.reveal()}


def _written_token(token: Token) -> dict[str, object]:
    return {
        "access_token": token.access_token.reveal(),
        "minted_at": token.minted_at,
        "expires_at": token.expires_at,
        "scope": token.scope,
        "api_domain": token.api_domain,
        "generation": token.generation,
    }


def _written_reservation(reservation: Reservation) -> dict[str, object]:
    return {
        "generation": reservation.generation,
        "at": reservation.at,
        "holder": reservation.holder,
        "cause": reservation.cause,
        "open": reservation.is_open,
        "clock": reservation.clock,
    }


def _written_failure(failure: Failure) -> dict[str, object]:
    return {
        "kind": failure.kind,
        "at": failure.at,
        "until": failure.until,
        "credential": failure.credential,
        "code": failure.code,
        "detail": failure.detail,
        "strikes": failure.strikes,
    }


# --- reading ---------------------------------------------------------------------------------------------


@frozen
class _Unreadable:
    """Why a text is no document: which error to raise, in words that hold nothing of the text."""

    error: type[errors.ZohoOAuthError]
    message: str


class _WrongShapeError(Exception):
    """A member of the text is missing or of another type; never leaves this file."""


def read_document(record: Record, *, client_id: str, owner: str) -> Document:
    """The stored document; StoreCorrupted, ForeignDocument or DocumentTooNew if it is not one for this owner."""
    found = _document_in(record.text)
    if isinstance(found, Document) and (found.client_id, found.owner) != (client_id, owner):
        found = _Unreadable(
            errors.ForeignDocument, "The stored record is another owner's or another client's."
        )
    if isinstance(found, _Unreadable):
        raise found.error(found.message, owner=owner, hint="The record was left as it is; look at the store.")
    return found


def lineage_of(record: Record) -> str | None:
    """Whose consent a record is about; None if it is no document."""
    found = _document_in(record.text)
    return found.lineage if isinstance(found, Document) else None


def _document_in(text: str) -> Document | _Unreadable:
    if len(text) > LONGEST_TEXT:
        return _Unreadable(errors.StoreCorrupted, "The stored record is too long to be a document.")
    try:
        members = _Members(json.loads(text, parse_constant=_no_constant))
        document = None if _version(members) > VERSION else _read_members(members)
    except (ValueError, RecursionError, _WrongShapeError):
        return _Unreadable(errors.StoreCorrupted, "The stored record is not a document of this library.")
    if document is None:
        return _Unreadable(
            errors.DocumentTooNew, "The stored record was written by a newer version; upgrade."
        )
    return document


def _version(members: _Members) -> int:
    version = members.whole("version")
    if members.text("format") != FORMAT or version < 1:
        raise _WrongShapeError
    return version


def _no_constant(_: str) -> float:
    raise _WrongShapeError


@frozen
class _Members:
    """A JSON object whose members are asked for by name and type."""

    members: Any = field(repr=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.members, dict):
            raise _WrongShapeError

    def text(self, name: str) -> str:
        value = self.members.get(name)
        if not isinstance(value, str) or not is_text(value):
            raise _WrongShapeError
        return value

    def whole(self, name: str) -> int:
        value = self.members.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise _WrongShapeError
        return value

    def time(self, name: str) -> float:
        value = self.members.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:
            raise _WrongShapeError
        return float(value)

    def flag(self, name: str) -> bool:
        value = self.members.get(name)
        if not isinstance(value, bool):
            raise _WrongShapeError
        return value

    def maybe(self, name: str, read: Callable[[str], Item]) -> Item | None:
        return None if self.members.get(name) is None else read(name)

    def inner(self, name: str) -> _Members:
        return _Members(self.members.get(name))

    def each(self, name: str) -> list[Any]:
        value = self.members.get(name)
        if not isinstance(value, list):
            raise _WrongShapeError
        return value


def is_text(text: str) -> bool:
    """Whether it can be stored and read again: lone surrogates cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _read_members(members: _Members) -> Document | None:
    grant = members.maybe("grant", members.inner)
    if grant is not None and grant.text("type") != RefreshTokenGrant.grant_type:
        return None
    document = Document(
        client_id=members.text("client_id"),
        owner=members.text("owner"),
        data_center=sys.intern(members.text("data_center")),
        grant=None if grant is None else RefreshTokenGrant(Secret(_not_empty(grant.text("refresh_token")))),
        generation=members.whole("generation"),
        reservations=tuple(_read_reservation(_Members(each)) for each in members.each("reservations")),
        failure=_read_failure(members.maybe("failure", members.inner)),
        seeds=tuple(_Members({"seed": each}).text("seed") for each in members.each("seeds")),
        is_revoking=members.flag("revoking"),
    )
    return evolve(document, token=_read_token(members.maybe("token", members.inner), document))


def _not_empty(text: str) -> str:
    if not text:
        raise _WrongShapeError
    return text


def _sendable(text: str) -> str:
    # httpx and h11 repeat a header value that they refuse, whole, in their errors.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _WrongShapeError
    return _not_empty(text)


def _read_token(members: _Members | None, document: Document) -> Token | None:
    if members is None or document.grant is None:
        return None
    minted_at, expires_at = members.time("minted_at"), members.time("expires_at")
    if not 0 < expires_at - minted_at <= _policy.LONGEST_LIFE + 1 or not math.isfinite(expires_at):
        raise _WrongShapeError
    scope, api_domain = members.maybe("scope", members.text), members.maybe("api_domain", members.text)
    return Token(
        access_token=Secret(_sendable(members.text("access_token"))),
        minted_at=minted_at,
        expires_at=expires_at,
        data_center=document.data_center,
        scope=scope and sys.intern(scope),
        api_domain=api_domain and sys.intern(api_domain),
        generation=members.whole("generation"),
        grant=sys.intern(document.lineage),
    )


def _read_reservation(members: _Members) -> Reservation:
    return Reservation(
        generation=members.whole("generation"),
        at=members.time("at"),
        holder=members.text("holder"),
        cause=members.text("cause"),
        is_open=members.flag("open"),
        clock=members.maybe("clock", members.time),
    )


def _read_failure(members: _Members | None) -> Failure | None:
    if members is None:
        return None
    kind = members.text("kind")
    if kind not in KINDS:
        raise _WrongShapeError
    return Failure(
        kind=kind,
        at=members.time("at"),
        until=members.maybe("until", members.time),
        credential=members.text("credential"),
        code=members.maybe("code", members.text),
        detail=members.maybe("detail", members.text),
        strikes=members.whole("strikes"),
    )
