"""A document with everything in it and one with nothing, as text and back."""

from __future__ import annotations

import json

from zoho_oauth import Record, Secret, Token
from zoho_oauth._documents import (
    Document,
    RefreshTokenGrant,
    Reservation,
    grant_fingerprint,
    read_document,
    write_document,
)
from zoho_oauth._failures import Failure

CLIENT = "1000.CLIENT"
GRANT = RefreshTokenGrant(Secret("1000.fake-refresh-1"))
LINEAGE = grant_fingerprint(GRANT, "eu")

#: The value that tests/golden/document_v1.json is the text of.
WHOLE = Document(
    client_id=CLIENT,
    owner="customer-42 \u00fc",
    data_center="eu",
    grant=GRANT,
    token=Token(
        access_token=Secret("1000.fake-access-1"),
        minted_at=1_800_000_000.25,
        expires_at=1_800_003_600.25,
        data_center="eu",
        scope="ZohoCRM.modules.ALL ZohoCRM.settings.READ",
        api_domain="https://www.zohoapis.eu",
        generation=6,
        grant=LINEAGE,
    ),
    generation=7,
    reservations=(
        Reservation(
            generation=6,
            at=1_800_000_000.5,
            holder="0123456789ab-1",
            cause="expired",
            is_open=False,
            clock=1_799_990_000.5,
        ),
        Reservation(generation=7, at=1_800_000_300.0, holder="0123456789ab-2", cause="early"),
    ),
    failure=Failure(
        kind="throttled",
        at=1_800_000_200.0,
        until=1_800_000_800.0,
        credential="00000000000000aa",
        code="Access Denied",
        detail="Status 429.",
        strikes=2,
    ),
    seeds=(LINEAGE, "00000000000000bb"),
)
MINIMAL = Document(client_id=CLIENT, owner="owner", data_center="eu", grant=None)


def read(text, *, client_id=CLIENT, owner=WHOLE.owner):
    return read_document(Record(text, "1"), client_id=client_id, owner=owner)


def changed(**members):
    """The whole document as text, with some members of it replaced."""
    return json.dumps({**json.loads(write_document(WHOLE)), **members})


def changed_inside(name, **members):
    return changed(**{name: {**json.loads(write_document(WHOLE))[name], **members}})
