"""`ZohoOAuth`: one client registration, one store, any number of owners."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import anyio
from attrs import evolve

from . import errors
from ._adoption import is_stored, proved, store_grant
from ._auth import ZohoAuth
from ._data_centers import DataCenter, origin_of
from ._documents import RefreshTokenGrant, Seed
from ._endpoint import TokenEndpoint
from ._held import entries_of
from ._policy import RefreshPolicy
from ._registration import ClientRegistration
from ._secrets import wrapped
from ._seeded import SHARED, SYSTEM_CLOCK, seed_of, shared_key
from ._setup import Setup, store_key
from ._sources import TokenSource
from .stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self

    from ._clock import Clock
    from ._error_codes import ErrorCode
    from ._products import Product
    from ._secrets import Secret
    from ._tokens import Token
    from .events import AnyEvent
    from .stores.base import TokenStore


#: Whom the refresh token of the environment serves.
SEEDED_OWNER: Final = "default"


class ZohoOAuth:
    """
    One client registration, one token store, any number of owners. Keep one per process.

    `owner` is any text that says whose data it is: a customer, a Zoho organization, a user. `store` defaults
    to this process's memory. `on_event` is a plain function (see `zoho_oauth.events`). `allow_hosts` names
    hosts of yours that the token may be sent to besides Zoho's, `error_codes` what the library's table of Zoho's
    error codes does not know.
    """

    def __init__(
        self,
        registration: ClientRegistration,
        store: TokenStore | None = None,
        *,
        policy: RefreshPolicy | None = None,
        endpoint: TokenEndpoint | None = None,
        on_event: Callable[[AnyEvent], object] | None = None,
        allow_hosts: Iterable[str] = (),
        error_codes: Iterable[ErrorCode] = (),
        clock: Clock | None = None,
    ) -> None:
        self._registration = registration
        self._store = MemoryStore() if store is None else store
        self._seeds_store: TokenStore | None = None
        self._policy = policy or RefreshPolicy()
        self._endpoint = endpoint or TokenEndpoint()
        self._on_event = on_event
        self._allowed = frozenset(origin_of(host) for host in allow_hosts)
        self._error_codes = tuple(error_codes)
        self._clock = clock or SYSTEM_CLOCK
        self._seed: Seed | None = None

    def __repr__(self) -> str:
        return f"ZohoOAuth(client_id={self._registration.client_id!r}, store={type(self._store).__name__})"

    @classmethod
    def from_env(cls, *, store: TokenStore | None = None, policy: RefreshPolicy | None = None) -> Self:
        """
        By ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DATA_CENTER (default: us).

        The refresh token serves the owner "default". A changed one in the environment replaces a stored one,
        once. A missing variable is a `ConfigurationError`.
        """
        registration = ClientRegistration(
            _variable("ZOHO_CLIENT_ID"),
            _variable("ZOHO_CLIENT_SECRET"),
            data_center=os.environ.get("ZOHO_DATA_CENTER") or "us",
        )
        zoho = cls(registration, store, policy=policy)
        zoho._seed = seed_of(_variable("ZOHO_REFRESH_TOKEN"), registration.data_center)
        zoho._seeds_store = SHARED if store is None else None
        return zoho

    # --- using it -------------------------------------------------------------------------------------------

    def auth(self, owner: str = "default") -> ZohoAuth:
        """What `httpx.AsyncClient(auth=…)` takes; cheap to make, per request if you like."""
        return ZohoAuth(self.source(owner))

    def source(self, owner: str = "default") -> TokenSource:
        """The owner's tokens, for everything that is not httpx: `await zoho.source(owner).token()`."""
        return TokenSource(self._setup(owner))

    async def base_url(self, owner: str = "default", product: str | Product = "crm") -> str:
        """
        Where this owner's data lives, for `httpx.AsyncClient(base_url=…)`; sends nothing to Zoho.

        By the stored document or the seed; `NotConnected` if there is neither.
        """
        return (await self.source(owner).data_center()).base_url(product)

    # --- connecting owners ----------------------------------------------------------------------------------

    async def adopt(
        self,
        refresh_token: str | Secret,
        owner: str = "default",
        data_center: str | DataCenter | None = None,
        *,
        verify: bool = True,
    ) -> Token | None:
        """
        Store a refresh token that you have from elsewhere, after one refresh has proved it.

        If that fails, its error is raised and the store is untouched. `verify=False` sends nothing, only
        stores and returns None. Adopting what is stored already costs no request while its token is good.

        For connecting an owner, not for every start of every worker: a refresh token that comes with the
        configuration belongs in `from_env` or `ZohoAuth.from_refresh_token`, where all workers share one refresh.
        """
        refresh_token = wrapped(refresh_token)
        where = self._registration.data_center if data_center is None else DataCenter.get(data_center)
        seed, setup = seed_of(refresh_token, where), self._setup(owner)
        if not verify:
            await store_grant(setup, seed, None)
            return None
        if await is_stored(setup, seed):
            return await self.source(owner).token()
        return await store_grant(setup, seed, await proved(setup, seed))

    async def save(self, token: Token, owner: str = "default") -> None:
        """Store a token that carries its refresh token: what `StoreUnavailable.token` holds after an exchange."""
        if token.refresh_token is None:
            raise errors.NoRefreshToken(
                "This token carries no refresh token, so there is nothing to keep.", owner=owner
            )
        seed = Seed(RefreshTokenGrant(token.refresh_token), token.data_center)
        await store_grant(self._setup(owner), seed, evolve(token, refresh_token=None))

    # --- closing --------------------------------------------------------------------------------------------

    async def aclose(self) -> None:
        """Wait for refreshes in flight in this event loop, for a send deadline at most."""
        entries = entries_of(self._store) + (entries_of(self._seeds_store) if self._seeds_store else [])
        attempts = [each for entry in entries for each in list(entry.attempts.values())]
        here = [each for each in attempts if each.is_of_this_loop()]
        with anyio.move_on_after(self._policy.send_deadline):
            for each in here:
                await each.done.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- within ---------------------------------------------------------------------------------------------

    def _setup(self, owner: str) -> Setup:
        seed = self._seed if owner == SEEDED_OWNER else None
        key = store_key(self._registration.client_id, owner)
        shared = self._seeds_store if seed is not None else None
        return Setup(
            registration=self._registration,
            store=shared or self._store,
            owner=owner,
            seed=seed,
            policy=self._policy,
            endpoint=self._endpoint,
            clock=self._clock,
            on_event=self._on_event,
            key=shared_key(key, seed) if shared is not None and seed is not None else key,
            allowed=self._allowed,
            error_codes=self._error_codes,
        )


def _variable(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise errors.ConfigurationError(
            f"The environment variable {name} is not set.",
            hint="Set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN, and ZOHO_DATA_CENTER outside the US.",
        )
    return value
