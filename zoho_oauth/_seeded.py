"""
Sources that begin with a refresh token from the environment or from code.

Without a store they share one in the process's memory, keyed by the credential: an auth that is built anew for
every request still refreshes once.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from . import errors
from ._clock import SystemClock
from ._data_centers import DataCenter
from ._documents import RefreshTokenGrant, Seed, is_text, lineage_of
from ._endpoint import TokenEndpoint
from ._policy import RefreshPolicy
from ._registration import ClientRegistration
from ._secrets import Secret, wrapped
from ._setup import Setup, store_key
from ._sources import TokenSource
from .stores.memory import MemoryStore

if TYPE_CHECKING:
    from .stores.base import TokenStore

SYSTEM_CLOCK = SystemClock()
#: A document that nobody wrote for this long (seconds) holds a dead token and an empty budget.
PAST_USE = 7200.0


class _Forgetful(MemoryStore):
    """
    A memory store that forgets: each new document looks whether two old ones are past use.

    Only what the seed would bring back is forgotten, never a grant that was adopted in its place.
    """

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[str, float] = {}

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        version = await super().save(owner, text, replacing=replacing)
        if version is not None:
            self._written.pop(owner, None)
            self._written[owner] = SYSTEM_CLOCK.monotonic()
        if version is not None and replacing is None:
            await self._forget_two()
        return version

    async def _forget_two(self) -> None:
        for owner, written in list(islice(self._written.items(), 2)):
            record = await self.load(owner)
            is_seeds = record is None or owner.endswith(f"#{lineage_of(record)}")
            if is_seeds and SYSTEM_CLOCK.monotonic() - written > PAST_USE:
                self._written.pop(owner, None)
                await self.delete(owner)


#: Where seeds without a store of their own live, for this process.
SHARED = _Forgetful()


def seed_of(refresh_token: str | Secret, data_center: DataCenter) -> Seed:
    """A refresh token as the grant to begin with."""
    refresh_token = wrapped(refresh_token)
    secret = Secret(refresh_token.reveal().strip())
    if not secret.reveal() or not is_text(secret.reveal()):
        raise errors.ConfigurationError("The refresh token is empty, or not a text.")
    return Seed(RefreshTokenGrant(secret), data_center.code)


def shared_key(key: str, seed: Seed) -> str:
    """The key in the shared store: the same owner with another credential is somebody else there."""
    return f"{key}#{seed.fingerprint}"


def seeded_source(
    *,
    client_id: str,
    client_secret: Secret,
    refresh_token: Secret,
    data_center: str | DataCenter,
    store: TokenStore | None,
    owner: str,
    policy: RefreshPolicy | None,
) -> TokenSource:
    """A source for one refresh token."""
    registration = ClientRegistration(client_id, client_secret, data_center=data_center)
    seed = seed_of(refresh_token, registration.data_center)
    key = store_key(registration.client_id, owner)
    return TokenSource(
        Setup(
            registration=registration,
            store=SHARED if store is None else store,
            owner=owner,
            seed=seed,
            policy=policy or RefreshPolicy(),
            endpoint=TokenEndpoint(),
            clock=SYSTEM_CLOCK,
            key=shared_key(key, seed) if store is None else key,
        )
    )
