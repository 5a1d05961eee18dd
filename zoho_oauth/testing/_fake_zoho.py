"""`FakeZoho`: what a test holds in its hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread

from zoho_oauth._data_centers import DataCenter
from zoho_oauth._registration import ClientRegistration

from ._accounts import Accounts, FakeClient
from ._accounts_server import AccountsServer, names_secret
from ._asgi import Exchange, Line, Message, Receive, Send
from ._clock import ManualClock
from ._gates import Gate, Moment
from ._hosts import DOMAINS, Place, accounts_server, gateway, place
from ._judge import Judge
from ._records import Counters, TokenRequest
from ._replies import Phrase, Planned
from ._resource_server import ResourceServer
from ._rules import Rules
from ._sites import LIMITS
from ._throttle import Throttle
from .answers import html_page

if TYPE_CHECKING:
    import httpx
    import httpx2

    from ._serving import LoopbackServer
    from .answers import Reply


class HasClientId(Protocol):
    """A client registration will do."""

    @property
    def client_id(self) -> str:
        """The client's id."""
        ...


class FakeZoho:
    """
    All of Zoho's accounts servers and API gateways: an ASGI app that is told apart by the Host header.

    `data_center` is the one that it plays on a loopback port and that `consent` and `register_client` mean
    by default. Time is `clock`, strictness is `rules`, what happened is in `requests`. Thread-safe.
    """

    def __init__(
        self, data_center: str = "us", *, clock: ManualClock | None = None, rules: Rules | None = None
    ) -> None:
        if data_center not in DOMAINS:
            raise ValueError(f"{data_center!r} is not one of {', '.join(DOMAINS)}")
        self.code = data_center
        self.clock = clock or ManualClock()
        self.rules = rules or Rules()
        self.requests = Counters()
        self._line = Line()
        self._server: LoopbackServer | None = None
        self._accounts = Accounts(self.clock, self.rules)
        self._throttle = Throttle(self.clock, self.rules)
        judge = Judge(self._accounts, self.rules, self._throttle)
        self._accounts_server = AccountsServer(self._accounts, judge, self.clock, self.rules, self.requests)
        self._resource_server = ResourceServer(self._accounts, self.rules, self.requests)

    # Reaching it

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            raise NotImplementedError("FakeZoho speaks HTTP only")
        headers = dict(scope["headers"])
        its_place = place(headers.get(b"host", b"").decode("latin-1"), self.code)
        exchange = Exchange(
            scope, receive, send, headers=headers, place=its_place or _NOWHERE, line=self._line
        )
        if its_place is None:
            await self._turn_away(exchange)
        elif its_place.is_accounts and exchange.path.startswith("/oauth/"):
            await self._accounts_server.respond(exchange)
        elif its_place.is_api:
            await self._resource_server.respond(exchange)
        else:
            await html_page(404).send_to(exchange)

    async def _turn_away(self, exchange: Exchange) -> None:
        self.requests.count("strangers")
        body = (await exchange.read_body()).decode("utf-8", "replace")
        if b"authorization" in exchange.headers or names_secret(body) or names_secret(exchange.query):
            self.requests.count("leaked")
        await html_page(421).send_to(exchange)

    @property
    def data_center(self) -> DataCenter:
        """
        Pass it wherever a data center is asked for: loopback while being served, else Zoho's own hosts.

        On loopback its code is "us-loopback": the library keeps "us" for Zoho's own addresses.
        """
        if self._server is None:
            return DataCenter(code=self.code, accounts=accounts_server(self.code), api=gateway(self.code))
        return DataCenter(code=f"{self.code}-loopback", accounts=self._server.origin, api=self._server.origin)

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        """For `httpx.AsyncClient(transport=…)`: in process, every host of Zoho's."""
        from ._transports import FakeTransport

        return FakeTransport(self)

    @property
    def httpx2_transport(self) -> httpx2.AsyncBaseTransport:
        """The same for httpx2."""
        from ._transports_httpx2 import FakeTransport

        return FakeTransport(self)

    @contextmanager
    def serving(self) -> Iterator[FakeZoho]:
        """Listen on a free loopback port meanwhile; in a thread of its own, so any event loop will do."""
        self._start()
        try:
            yield self
        finally:
            self._stop()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[FakeZoho]:
        """The same without blocking the event loop while it starts and stops."""
        await anyio.to_thread.run_sync(self._start)
        try:
            yield self
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._stop)

    def _start(self) -> None:
        from ._serving import LoopbackServer

        if self._server is not None:
            raise RuntimeError("this FakeZoho is being served already")
        self._line.restart()
        server = LoopbackServer(self)
        server.start()
        self._server = server

    def _stop(self) -> None:
        server, self._server = self._server, None
        self._line.stop()
        if server is not None:
            server.stop()

    # Clients, consent, tokens

    def register_client(
        self,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        redirect_uri: str | None = None,
        data_centers: Collection[str] | None = None,
    ) -> ClientRegistration:
        """
        A client that Zoho knows; its registration names `fake.data_center`, so serve first and register then.

        `secrets`: the client secrets of data centers where they differ, by code. `data_centers`: the only
        ones that know the client, as with a Self Client; None: all of them.
        """
        client = FakeClient(
            client_id or self._accounts.invent("client"),
            client_secret or self._accounts.invent("secret"),
            secrets or {},
            data_centers,
        )
        self._accounts.clients[client.client_id] = client
        return ClientRegistration(
            client.client_id,
            client.secret_at(self.code),
            redirect_uri=redirect_uri,
            data_center=self.data_center,
            secrets={code: client.secret_at(code) for code in DOMAINS} if secrets else None,
        )

    def consent(
        self,
        client: HasClientId | str,
        scope: str = "ZohoCRM.modules.ALL",
        *,
        owner: str = "owner",
        data_center: str | None = None,
    ) -> str:
        """A new refresh token, as if the owner had just consented to `scope` (commas or spaces)."""
        client_id = client if isinstance(client, str) else client.client_id
        return self._accounts.consent(client_id, scope, owner=owner, data_center=data_center or self.code)

    def mint(self, refresh_token: str) -> str:
        """A new access token, as if another application had asked: no request, but it may kill the oldest."""
        return self._accounts.mint(self._accounts.grant_of(refresh_token)).text

    def access_tokens(self, refresh_token: str) -> list[str]:
        """The living access tokens, oldest first."""
        return [token.text for token in self._accounts.living_tokens(self._accounts.grant_of(refresh_token))]

    def expire_all(self) -> None:
        """Every access token is dead now, whatever clocks say."""
        self._accounts.expire_all()

    def evict(self, access_token: str) -> None:
        """This access token is dead now."""
        self._accounts.evict(access_token)

    def revoke(self, refresh_token: str) -> None:
        """This refresh token is dead now, and its access tokens with it."""
        self._accounts.revoke(refresh_token)

    # What happened

    @property
    def token_requests(self) -> int:
        """POSTs to the token endpoint so far, throttled and failed ones included."""
        return self.requests.tokens

    @property
    def token_request_log(self) -> list[TokenRequest]:
        """Each of them, in the order in which they were decided; no secrets."""
        return list(self._accounts_server.log)

    # What shall happen

    def throttle(self, *, times: int | None = None, seconds: float | None = None) -> None:
        """Throttle the next `times` token requests, or all for `seconds` (0 ends it); else for a window."""
        with self._accounts.lock:
            self._throttle.force(times=times, seconds=seconds)

    def fail_next(self, reply: Reply, times: int = 1, *, after_mint: bool = False) -> None:
        """Give the next token requests this reply; `after_mint`: as if only the answer had been lost."""
        self._accounts_server.plan.add(Planned(reply, after_mint=after_mint), times)

    def answer_next(self, reply: Reply, times: int = 1, *, path: str = "") -> None:
        """Give the next API requests whose path begins with `path` this reply."""
        self._resource_server.plan.add(Planned(reply, path), times)

    def limit(self, path: str = "", times: int = 1, *, code: str | None = None) -> None:
        """
        Refuse the next API requests whose path begins with `path` as their product does when there were too many.

        `code` chooses one of the product's own, for instance "45" for a day's quota of Books.
        """
        if code is not None and code not in LIMITS:
            raise ValueError(f"no product limits with {code!r}; known are {', '.join(sorted(LIMITS))}")
        self._resource_server.plan.add(Planned(Phrase("limit", code), path), times)

    def forbid(self, path: str = "", times: int = 1) -> None:
        """Refuse the next API requests whose path begins with `path`: the user may not do this."""
        self._resource_server.plan.add(Planned(Phrase("permission"), path), times)

    def require_scope(self, path: str, scope: str) -> None:
        """From now on paths that begin with `path` need `scope`."""
        self._resource_server.scopes.append((path, scope))

    def require_organization(self, path: str, organization_id: str) -> None:
        """
        From now on requests to paths that begin with `path` must name this organization, each product's own way.

        That is a header or a parameter; products that have neither (CRM, Projects …) ask for nothing.
        """
        self._resource_server.organizations.append((path, organization_id))

    def hold_tokens(self, *, at: Moment = "arrival") -> Gate:
        """Hold token requests: before they are decided, or (`at="answer"`) before the answer is sent."""
        return self._line.gates.close("tokens", Gate(at=at))

    def hold_resources(self, path: str = "", *, at: Moment = "arrival") -> Gate:
        """Hold API requests whose path begins with `path`."""
        return self._line.gates.close("resources", Gate(path, at))

    def hold_stream(self) -> Gate:
        """Hold each chunk of `/crm/v8/stream?chunks=N`; needs a socket, as httpx's ASGI transport buffers."""
        return self._line.gates.close("chunks", Gate(at="answer"))

    def release_all(self) -> None:
        """Open every gate, and end what hangs."""
        self._line.gates.release_all()


_NOWHERE = Place("", is_accounts=False, is_api=False, api="")
