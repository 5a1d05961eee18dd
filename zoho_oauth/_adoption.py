"""
Grants that come from outside the life cycle: proved, then stored with their token.

They always win over a refresh in flight: the store is swapped until it is done, and this process forgets what it
held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from . import _policy, _requests, _turns
from ._documents import Document, Reservation
from ._failures import Refusal
from ._records import Records

if TYPE_CHECKING:
    from ._documents import Seed
    from ._setup import Setup
    from ._tokens import Token


async def is_stored(setup: Setup, seed: Seed) -> bool:
    """Whether this very grant is what the store holds."""
    document = (await Records(setup, setup.entry()).stored()).document
    return document is not None and document.lineage == seed.fingerprint and not document.is_revoking


async def proved(setup: Setup, seed: Seed) -> Token:
    """The token that one refresh with this grant brings; its error if it brings none. The store is untouched."""
    document = _fresh_document(setup, seed)
    wall = setup.clock.wall()
    answer = await _requests.refreshed(setup, document, seconds=setup.policy.send_deadline)
    if isinstance(answer, Refusal):
        failure = _requests.failure_of(setup, answer, document)
        raise _requests.error_of(setup, failure, document)
    return _requests.minted(answer, document, minted_at=wall)


async def store_grant(setup: Setup, seed: Seed, token: Token | None) -> Token | None:
    """Store a grant, with its token if there is one, whatever is there now."""
    entry = setup.entry()
    records = Records(setup, entry)
    while True:
        stored = await records.stored()
        document = _with_grant(setup, seed, token, stored.document)
        if await records.saved(document, replacing=stored.version.stored) is not None:
            break
    entry.empty()
    if document.token is not None:
        entry.publish(document.token, setup.policy, epoch=entry.epoch)
    return document.token


def _fresh_document(setup: Setup, seed: Seed) -> Document:
    client_id = setup.registration.client_id
    return Document(client_id=client_id, owner=setup.owner, data_center=seed.data_center, grant=seed.grant)


def _with_grant(setup: Setup, seed: Seed, token: Token | None, stored: Document | None) -> Document:
    fresh = _fresh_document(setup, seed)
    # The environment's seed was there to see and was not chosen: it must not win later.
    met = {} if setup.seed is None else {setup.seed.fingerprint: None}
    if stored is not None:
        met = {**dict.fromkeys(stored.seeds), **met}
        fresh = evolve(fresh, generation=stored.generation)
        if stored.lineage == fresh.lineage:
            # The same grant again: unless it is proved anew, its token is as good as before.
            kept = None if stored.is_revoking else stored.token
            fresh = evolve(fresh, reservations=stored.reservations, token=kept)
    fresh = evolve(fresh, seeds=tuple(met)[-_policy.SEEDS_REMEMBERED :], generation=fresh.generation + 1)
    if token is None:
        return fresh
    spent = Reservation(
        generation=fresh.generation,
        at=token.minted_at,
        holder=_turns.holder(),
        cause="adopted",
        is_open=False,
    )
    return evolve(
        fresh,
        reservations=(*fresh.reservations, spent),
        token=evolve(token, generation=fresh.generation, grant=fresh.lineage, refresh_token=None),
    )
