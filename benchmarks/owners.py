"""
What a process holds per owner: prints bytes, or the CPU time of the first and of the last thousand owners.

    python -m benchmarks.owners 100000 memory
    python -m benchmarks.owners 100000 time

Each owner's document with its token is stored first; then each is asked for once, through a source and an auth.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
import tracemalloc

import anyio

from zoho_oauth import ClientRegistration, MemoryStore, Secret, Token, ZohoOAuth
from zoho_oauth._documents import Document, RefreshTokenGrant, write_document

REGISTRATION = ClientRegistration("1000.BENCHMARK", "fake-secret", data_center="eu")
#: Owners per measured stretch.
STRETCH = 1_000
BLOCK = 50
#: As long as Zoho's are, without their look.
LENGTH = 70


def text_of(owner: str) -> str:
    """A stored document with a token that lives for an hour from now."""
    now = time.time()
    return write_document(
        Document(
            client_id=REGISTRATION.client_id,
            owner=owner,
            data_center="eu",
            grant=RefreshTokenGrant(Secret(f"fake-refresh-{owner}".ljust(LENGTH, "x"))),
            token=Token(
                access_token=Secret(f"fake-access-{owner}".ljust(LENGTH, "x")),
                minted_at=now,
                expires_at=now + 3600,
                data_center="eu",
                scope="ZohoCRM.modules.ALL",
                api_domain="https://www.zohoapis.eu",
                generation=1,
            ),
            generation=1,
        )
    )


def name_of(number: int) -> str:
    """The owner's name."""
    return f"owner-{number:06}"


async def filled(count: int) -> ZohoOAuth:
    """An application with so many stored owners, none of them in memory yet."""
    zoho = ZohoOAuth(REGISTRATION, MemoryStore())
    for number in range(count):
        owner = name_of(number)
        await zoho._store.save(f"{REGISTRATION.client_id}/{owner}", text_of(owner), replacing=None)
    return zoho


async def ask(zoho: ZohoOAuth, numbers: range) -> None:
    """Ask for each owner's token once."""
    for number in numbers:
        token = await zoho.auth(name_of(number)).source.token()
        assert token.generation == 1, "the stored token was not taken over"


async def memory(count: int) -> dict[str, float]:
    """Bytes per owner that are still there afterwards."""
    zoho = await filled(count + STRETCH)
    await ask(zoho, range(count, count + STRETCH))
    gc.collect()
    tracemalloc.start()
    await ask(zoho, range(count))
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    return {"bytes": held / count}


async def seconds(count: int) -> dict[str, float]:
    """Microseconds per owner in the first stretch and in the last: what their median block of owners takes."""
    zoho = await filled(count + STRETCH)
    await ask(zoho, range(count, count + STRETCH))
    gc.freeze()
    first = await _stretch(zoho, range(STRETCH))
    await ask(zoho, range(STRETCH, count - STRETCH))
    return {"first": first, "last": await _stretch(zoho, range(count - STRETCH, count))}


async def _stretch(zoho: ZohoOAuth, numbers: range) -> float:
    took: list[float] = []
    for start in range(numbers.start, numbers.stop, BLOCK):
        begun = time.thread_time()
        await ask(zoho, range(start, start + BLOCK))
        took.append(time.thread_time() - begun)
    return statistics.median(took) / BLOCK * 1e6


if __name__ == "__main__":
    measured = {"memory": memory, "time": seconds}[sys.argv[2]]
    print(json.dumps(anyio.run(measured, int(sys.argv[1]))))
