"""Hypothesis strategies for what the rules work on: tokens, reservations, failures, whole documents."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.scale import count
from zoho_oauth import RefreshPolicy, Secret, Token
from zoho_oauth._documents import Document, RefreshTokenGrant, Reservation, grant_fingerprint
from zoho_oauth._failures import KINDS, Failure

NOW = 1_800_000_000.0
SEED = int(os.environ.get("ZOHO_OAUTH_SEED", "7"))

EXAMPLES = settings(
    max_examples=count(300, least=60),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

#: Without lone surrogates: those are no text in UTF-8.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)
WORDS = st.text("ABYZabyz0189._~+/=-", min_size=1, max_size=12)
CLIENTS = st.sampled_from(("1000.CLIENT", "1000.OTHER"))
#: On a grid of 1/64 s, where sums of times are exact.
SPANS = st.integers(1, 7_200 * 64).map(lambda ticks: ticks / 64)
TIMES = st.integers(-90_000 * 64, 90_000 * 64).map(lambda ticks: NOW + ticks / 64)
LIVES = st.integers(64, 86_400 * 64).map(lambda ticks: ticks / 64)
JITTERS = st.floats(0, 1, exclude_max=True)
CAUSES = st.sampled_from(("expired", "early", "rejected", "asked", "adopted"))
FINGERPRINTS = st.integers(0, 40).map(lambda number: f"{number:016x}")
GENERATIONS = st.integers(0, 12)
DATA_CENTERS = st.sampled_from(("us", "eu", "in", "eu-loopback"))


@st.composite
def policies(draw: st.DrawFn) -> RefreshPolicy:
    return RefreshPolicy(
        early=draw(SPANS), leeway=draw(SPANS), mints=draw(st.integers(3, 12)), mint_window=draw(SPANS)
    )


@st.composite
def tokens(draw: st.DrawFn, *, grant: str = "a grant", data_center: str = "us") -> Token:
    minted_at = draw(TIMES)
    return Token(
        access_token=Secret(draw(WORDS)),
        minted_at=minted_at,
        expires_at=minted_at + draw(LIVES),
        data_center=data_center,
        scope=draw(st.none() | TEXTS),
        api_domain=draw(st.none() | TEXTS),
        generation=draw(GENERATIONS),
        grant=grant,
    )


@st.composite
def reservations(draw: st.DrawFn, *, is_open: bool | None = None) -> Reservation:
    return Reservation(
        generation=draw(GENERATIONS),
        at=draw(TIMES),
        holder=draw(st.sampled_from(("one-1", "one-2", "two-1")) | TEXTS),
        cause=draw(CAUSES),
        is_open=draw(st.booleans()) if is_open is None else is_open,
        clock=draw(st.none() | TIMES),
    )


@st.composite
def failures(draw: st.DrawFn, kind: str | None = None) -> Failure:
    at = draw(TIMES)
    return Failure(
        kind=kind or draw(st.sampled_from(sorted(KINDS))),
        at=at,
        until=draw(st.none() | SPANS.map(lambda span: at + span)),
        credential=draw(FINGERPRINTS),
        code=draw(st.none() | TEXTS),
        detail=draw(st.none() | TEXTS),
        strikes=draw(st.integers(0, 2**40)),
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    data_center = draw(DATA_CENTERS)
    grant = draw(st.none() | WORDS.map(lambda word: RefreshTokenGrant(Secret(word))))
    lineage = grant_fingerprint(grant, data_center) if grant else ""
    token = st.none() | tokens(grant=lineage, data_center=data_center)
    return Document(
        client_id=draw(CLIENTS),
        owner=draw(TEXTS),
        data_center=data_center,
        grant=grant,
        token=draw(token) if grant else None,
        generation=draw(st.integers(0, 2**40)),
        reservations=tuple(draw(st.lists(reservations(), max_size=6))),
        failure=draw(st.none() | failures()),
        seeds=tuple(draw(st.lists(FINGERPRINTS, max_size=16, unique=True))),
        is_revoking=draw(st.booleans()),
    )


LINEAGE_GRANT = RefreshTokenGrant(Secret("1000.fake-refresh-1"))
LINEAGE = grant_fingerprint(LINEAGE_GRANT, "us")


@st.composite
def relatives(draw: st.DrawFn) -> Document:
    """Documents of one lineage: two processes' views of one owner."""
    found = draw(st.lists(reservations(), max_size=4, unique_by=lambda each: (each.generation, each.holder)))
    return Document(
        client_id="1000.CLIENT",
        owner="owner",
        data_center="us",
        grant=LINEAGE_GRANT,
        token=draw(st.none() | tokens(grant=LINEAGE)),
        generation=draw(GENERATIONS),
        reservations=tuple(sorted(found, key=lambda each: (each.generation, each.holder))),
        failure=draw(st.none() | failures()),
        seeds=tuple(draw(st.lists(FINGERPRINTS, max_size=16, unique=True))),
        is_revoking=False,
    )
