"""
The APIs: they echo what they got, if the token is good, and refuse in the words of the product that is asked.

For its editors: herds of 20,000 requests go through here in one test. Keep it lean.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, parse_qsl

from attrs import define, field, frozen

from ._accounts import covers
from ._replies import Phrase, Plan
from ._sites import site_at
from .answers import Answer, redirect

if TYPE_CHECKING:
    from ._accounts import Accounts
    from ._asgi import Exchange
    from ._dialects import Dialect, Selector
    from ._records import Counters
    from ._rules import Rules
    from ._sites import Site
    from .answers import Reply

_STREAM_PATH: Final = re.compile(r"/\w+/v\d[\d.]*/stream$")
_METHODS: Final = {"GET", "POST", "PUT", "PATCH", "DELETE"}
_JSON: Final = (("content-type", "application/json;charset=UTF-8"),)
_OUR_SCHEME: Final = b"Zoho-oauthtoken "
_BEARER: Final = b"Bearer "
_TOKEN_IN_QUERY: Final = re.compile(r"(?:^|&)(?:access_token|authtoken)=")

Seen = tuple[str, str, str, str]


@frozen
class Stream:
    """As many chunks as asked for; each passes the gate of `FakeZoho.hold_stream()`."""

    chunks: int

    async def send_to(self, exchange: Exchange) -> None:
        """Send one chunk after the other."""
        await exchange.start(200, _JSON)
        for number in range(self.chunks):
            await exchange.line.gates.passed("chunks", exchange.path, "answer")
            await exchange.write(b'{"chunk": %d}\n' % number, more=True)
        await exchange.write(b"")


@define(eq=False)
class ResourceServer:
    """All API gateways and product hosts; which one is asked is part of the exchange."""

    _accounts: Accounts
    _rules: Rules
    _counters: Counters
    plan: Plan[Reply | Phrase] = field(factory=lambda: Plan())  # noqa: PLW0108 - typed by the call
    scopes: list[tuple[str, str]] = field(factory=list)
    organizations: list[tuple[str, str]] = field(factory=list)
    _rejected: Counter[Seen] = field(factory=Counter)
    _lock: threading.Lock = field(factory=threading.Lock)

    async def respond(self, exchange: Exchange) -> None:
        """Answer one request."""
        self._counters.count("resources")
        if exchange.query and _TOKEN_IN_QUERY.search(exchange.query):
            self._counters.count("secrets_in_query")
        length, digest = await exchange.read_digest()
        await exchange.line.gates.passed("resources", exchange.path, "arrival")
        if self._rules.resource_latency:
            await exchange.line.pause(self._rules.resource_latency)
        site = site_at(exchange.place, exchange.path, self._rules.product)
        reply = self._planned(exchange, site) or self._reply(exchange, site, length, digest)
        self._follow(exchange, digest, is_rejection=self._is_rejection(reply, site.dialect))
        await exchange.line.gates.passed("resources", exchange.path, "answer")
        await reply.send_to(exchange)

    def _planned(self, exchange: Exchange, site: Site) -> Reply | None:
        planned = self.plan.take(exchange.path)
        if planned is None:
            return None
        return planned.reply.said_in(site.dialect) if isinstance(planned.reply, Phrase) else planned.reply

    def _reply(self, exchange: Exchange, site: Site, length: int, digest: str) -> Reply:
        if exchange.path == "/redirect":
            return _redirect(exchange.query)
        refusal = self._refusal(exchange, site)
        if refusal is not None:
            return refusal
        if _STREAM_PATH.match(exchange.path):
            return Stream(int(parse_qs(exchange.query).get("chunks", ["1"])[0]))
        return _echo(exchange, length, digest)

    def _refusal(self, exchange: Exchange, site: Site) -> Answer | None:
        dialect = site.dialect
        if exchange.method not in _METHODS or not site.path.match(exchange.path):
            return dialect.wrong_path
        text = self._presented_token(exchange.headers.get(b"authorization", b""))
        if text is None:
            return dialect.no_token
        token = self._accounts.living_token(text, exchange.place.data_center)
        if token is None:
            return dialect.dead(other=self._rules.other_rejection_status)
        demanded = _demanded(self.scopes, exchange.path)
        if not all(covers(token.scope, scope) for scope in demanded):
            return dialect.scope
        return self._organization_refusal(exchange, dialect) if self.organizations else None

    def _organization_refusal(self, exchange: Exchange, dialect: Dialect) -> Answer | None:
        demanded = _demanded(self.organizations, exchange.path)
        selector = dialect.selector
        if not demanded or selector is None or exchange.path.endswith(selector.not_for):
            return None
        named = _named_organization(exchange, selector)
        if not named:
            return dialect.no_organization
        return None if all(named == each for each in demanded) else dialect.wrong_organization

    def _presented_token(self, header: bytes) -> str | None:
        if header.startswith(_OUR_SCHEME):
            return header[len(_OUR_SCHEME) :].decode("latin-1")
        if self._rules.bearer and header.startswith(_BEARER):
            return header[len(_BEARER) :].decode("latin-1")
        return None

    def _is_rejection(self, reply: Reply, dialect: Dialect) -> bool:
        if not isinstance(reply, Answer) or reply.status < 400:
            return False
        return reply.status == 401 or reply is dialect.other_dead_token

    def _follow(self, exchange: Exchange, digest: str, *, is_rejection: bool) -> None:
        if not is_rejection and not self._rejected:
            return
        seen = (exchange.method, exchange.path, exchange.query, digest)
        with self._lock:
            came_again = self._rejected[seen] > 0
            self._rejected[seen] += is_rejection - came_again
            if self._rejected[seen] == 0:
                del self._rejected[seen]
        if came_again:
            self._counters.count("retries")
        if is_rejection:
            self._counters.count("rejected")


def _demanded(demands: list[tuple[str, str]], path: str) -> list[str]:
    return [what for begin, what in demands if path.startswith(begin)]


def _named_organization(exchange: Exchange, selector: Selector) -> str:
    header = exchange.headers.get(selector.header, b"").decode("latin-1")
    return header or dict(parse_qsl(exchange.query)).get(selector.parameter, "")


def _echo(exchange: Exchange, length: int, digest: str) -> Answer:
    seen = {
        "method": exchange.method,
        "path": exchange.path,
        "query": exchange.query,
        "length": length,
        "sha256": digest,
    }
    return Answer(200, json.dumps({"data": [seen]}).encode(), _JSON)


def _redirect(query: str) -> Answer:
    parameters = parse_qs(query)
    return redirect(parameters["to"][0], int(parameters.get("status", ["302"])[0]))
