"""Bytes per token and per owner, and whether the hundred-thousandth owner costs what the first ones do."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from zoho_oauth import Secret, Token
from zoho_oauth._documents import read_document
from zoho_oauth.stores.base import Record

from . import owners
from .measures import Effort, Figure, progress
from .programs import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes.
PER_TOKEN = 600
PER_OWNER = 1_536
#: How much more the last thousand owners may cost than the first.
GROWTH = 1.25
REPETITIONS = 3


def measure(effort: Effort) -> list[Figure]:
    """All of it; the owners in processes of their own."""
    figures = [Figure(name="a token, all of it", value=size_of_a_token(), limit=PER_TOKEN, unit="bytes")]
    progress(f"memory: {effort.owners:,} owners")
    found = answer_of("-m", "benchmarks.owners", str(effort.owners), "memory")["bytes"]
    figures.append(
        Figure(name=f"per owner, {effort.owners:,} owners", value=found, limit=PER_OWNER, unit="bytes")
    )
    return figures + _growth(effort.owners)


def _growth(count: int) -> list[Figure]:
    progress(f"time per owner, up to {count:,}")
    found = [answer_of("-m", "benchmarks.owners", str(count), "time") for _ in range(REPETITIONS)]
    growth = statistics.median(each["last"] / each["first"] for each in found)
    per_owner = statistics.median(each["last"] for each in found)
    return [
        Figure(name=f"time per owner, last 1,000 of {count:,} to first", value=growth, limit=GROWTH),
        Figure(name="… which is, store included", value=per_owner, unit="µs"),
    ]


def size_of_a_token() -> int:
    """Everything that one token has for itself: what all tokens of a process share is counted once, so not here."""
    token, other = _token("owner-1"), _token("owner-2")
    shared = {id(each) for each in _parts(other)}
    return sum(sys.getsizeof(part) for part in _parts(token) if id(part) not in shared)


def _token(owner: str) -> Token:
    registration = owners.REGISTRATION
    record = Record(owners.text_of(owner), "1")
    token = read_document(record, client_id=registration.client_id, owner=owner).token
    assert token is not None
    return token


def _parts(token: Token) -> Iterator[object]:
    yield token
    for name in Token.__slots__:
        part = getattr(token, name, None)
        if name == "__weakref__" or part is None:
            continue
        yield part
        if isinstance(part, Secret):
            yield part.reveal()
