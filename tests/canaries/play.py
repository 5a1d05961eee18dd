"""A fake and an owner for a scenario, and how a scenario is played."""

from __future__ import annotations

import gc
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
from attrs import define, field

from tests.canaries import CLIENT_SECRET, Sinks, Wire, listening
from zoho_oauth import MemoryStore, ZohoOAuth
from zoho_oauth.testing import FakeZoho

OWNER = "owner"
LEADS = "/crm/v8/Leads"


@define(repr=False)
class Play:
    """A fake on a socket, an owner who has consented, and everything that is said."""

    fake: FakeZoho
    sinks: Sinks
    folder: Path
    registration: Any = field(init=False)
    consent: Wire = field(init=False)
    zoho: ZohoOAuth = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.registration = self.fake.register_client(client_secret=CLIENT_SECRET)
        self.consent = Wire(self.fake.consent(self.registration))
        self.zoho = self.connected(MemoryStore())

    def connected(self, store: Any, **options: Any) -> ZohoOAuth:
        chosen = {"clock": self.fake.clock, "on_event": self.sinks.events.append, **options}
        registration = chosen.pop("registration", self.registration)
        zoho = ZohoOAuth(registration, store, **chosen)
        self.sinks.objects += [zoho, registration, zoho.source(OWNER), zoho.auth(OWNER), store]
        return zoho

    async def adopt(self, zoho: ZohoOAuth | None = None, **options: Any) -> Any:
        return await (zoho or self.zoho).adopt(self.consent.text, OWNER, **options)

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(auth=self.zoho.auth(OWNER), base_url=self.fake.data_center.api, **options)

    async def get(self, url: str = LEADS) -> httpx.Response:
        async with self.client() as client:
            return await client.get(url)

    async def fails(self, call: Callable[[], Awaitable[Any]], error_class: type[BaseException]) -> None:
        """What `call` raises goes into the sinks."""
        try:
            await call()
        except BaseException as error:
            if not isinstance(error, error_class):
                raise
            self.sinks.errors.append(error)
            return
        raise AssertionError(f"no {error_class.__name__}")

    def wire(self, template: str) -> bytes:
        """A body with the secrets in it, as an answer may repeat them."""
        access_token = self.fake.mint(self.consent.text)
        body = template.replace("ACCESS", access_token).replace("REFRESH", self.consent.text)
        return body.replace("SECRET", json.dumps(CLIENT_SECRET)[1:-1]).encode()


def played(scenario: Callable[[Play], Awaitable[None]], backend: str, folder: Path, capfd: Any) -> Sinks:
    """Play a scenario in a loop of its own, with everything listened to."""
    sinks = Sinks(folder=folder)
    options = {"debug": True} if backend == "asyncio" else {}
    fake = FakeZoho("eu")
    with listening(sinks), fake.serving():
        play = Play(fake, sinks, folder)
        anyio.run(scenario, play, backend=backend, backend_options=options)
        gc.collect()
    sinks.printed = "".join(capfd.readouterr())
    return sinks
