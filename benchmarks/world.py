"""What requests are measured in: an owner with a good token, a client without a network, an auth of five lines."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import httpx2

from zoho_oauth import ClientRegistration, MemoryStore, TokenEndpoint, ZohoOAuth
from zoho_oauth.httpx2 import ZohoAuth as ZohoAuthForHttpx2
from zoho_oauth.testing import FakeZoho, ManualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from zoho_oauth._clock import Clock
    from zoho_oauth.stores.base import TokenStore

LIBRARIES: Final[dict[str, ModuleType]] = {"httpx": httpx, "httpx2": httpx2}
LOOPS: Final[dict[str, dict[str, Any]]] = {
    "asyncio": {"backend": "asyncio"},
    "uvloop": {"backend": "asyncio", "backend_options": {"use_uvloop": True}},
    "trio": {"backend": "trio"},
}
API: Final = "https://www.zohoapis.eu"
LEADS: Final = b'{"data":[{"id":"1","Last_Name":"Lovelace"}],"info":{"count":1,"more_records":false}}'


def loops() -> list[str]:
    """The event loops that are installed."""
    return [each for each in LOOPS if each == "asyncio" or importlib.util.find_spec(each)]


def run(loop: str, program: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
    """Run an async function in this event loop."""
    return anyio.run(program, *arguments, **LOOPS[loop])


def trivial_auth(library: ModuleType) -> Any:
    """The control: five lines that set a header."""

    class Trivial(library.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = "Zoho-oauthtoken 1000.fake-access-1"
            yield request

    return Trivial()


async def connected(
    *, store: TokenStore | None = None, clock: Clock | None = None, fake: FakeZoho | None = None
) -> ZohoOAuth:
    """An application whose one owner has a token."""
    fake = fake or FakeZoho("eu", clock=clock if isinstance(clock, ManualClock) else None)
    registration: ClientRegistration = fake.register_client()
    endpoint = TokenEndpoint(transport=fake.transport)
    zoho = ZohoOAuth(registration, store or MemoryStore(), endpoint=endpoint, clock=clock)
    await zoho.adopt(fake.consent(registration))
    return zoho


def zoho_auth(zoho: ZohoOAuth, library: ModuleType) -> Any:
    """The auth that is measured."""
    return zoho.auth() if library is httpx else ZohoAuthForHttpx2(zoho.source())


def client(library: ModuleType, answer: Callable[[Any], Any] | None = None) -> Any:
    """A client whose requests are answered in memory; without a network the auth's share is largest."""

    def leads(_: object) -> Any:
        return library.Response(200, content=LEADS)

    return library.AsyncClient(base_url=API, transport=library.MockTransport(answer or leads))


async def get_leads(client: Any, auth: object) -> object:
    """One call as an application makes it."""
    response = await client.get("/crm/v8/Leads", params={"fields": "Last_Name"}, auth=auth)
    return response.raise_for_status().json()
