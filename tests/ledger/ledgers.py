"""What these tests share: documents with a ledger, and a look at one."""

from __future__ import annotations

from tests.strategies import LINEAGE, LINEAGE_GRANT, NOW
from zoho_oauth import RefreshPolicy, Secret, Token
from zoho_oauth._documents import Document, Reservation
from zoho_oauth._failures import Failure
from zoho_oauth._ledger import look

POLICY = RefreshPolicy()
MINE = "0123456789ab-1"
EMPTY = Document(client_id="1000.CLIENT", owner="owner", data_center="us", grant=LINEAGE_GRANT)


def glance(document, *, wall=NOW, monotonic=0.0, before=None):
    return look(document, {} if before is None else before, wall=wall, monotonic=monotonic)


def spent(*dates, cause="expired"):
    """Closed reservations at these times."""
    return tuple(
        Reservation(generation=number, at=at, holder=f"other-{number}", cause=cause, is_open=False)
        for number, at in enumerate(dates, start=1)
    )


def token(generation=1, text="1000.fake-access-1"):
    return Token(
        access_token=Secret(text),
        minted_at=NOW,
        expires_at=NOW + 3600,
        data_center="us",
        generation=generation,
        grant=LINEAGE,
    )


def failure(kind="unavailable", at=NOW, wait=60.0):
    until = None if wait is None else at + wait
    return Failure(kind=kind, at=at, until=until, credential="same")
