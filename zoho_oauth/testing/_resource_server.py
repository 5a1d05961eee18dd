"""
The API gateway: echoes what it got, if the token is good.

For its editors: herds of 20,000 requests go through here in one test. Keep it lean.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from attrs import define, field, frozen

from ._accounts import covers
from ._replies import Plan
from .answers import DEAD_TOKEN, NO_TOKEN, SCOPE_MISMATCH, WRONG_PATH, Answer, redirect

if TYPE_CHECKING:
    from ._accounts import Accounts
    from ._asgi import Exchange
    from ._records import Counters
    from ._rules import Rules
    from .answers import Reply

_API_PATH: Final = re.compile(r"/(?!oauth/)\w+/(?:api/)?v\d")
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
    plan: Plan = field(factory=Plan)
    demands: list[tuple[str, str]] = field(factory=list)
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
        planned = self.plan.take(exchange.path)
        reply = planned.reply if planned else self._reply(exchange, length, digest)
        self._follow(exchange, digest, reply)
        await exchange.line.gates.passed("resources", exchange.path, "answer")
        await reply.send_to(exchange)

    def _reply(self, exchange: Exchange, length: int, digest: str) -> Reply:
        if exchange.path == "/redirect":
            return _redirect(exchange.query)
        refusal = self._refusal(exchange)
        if refusal is not None:
            return refusal
        if _STREAM_PATH.match(exchange.path):
            return Stream(int(parse_qs(exchange.query).get("chunks", ["1"])[0]))
        return _echo(exchange, length, digest)

    def _refusal(self, exchange: Exchange) -> Answer | None:
        if exchange.method not in _METHODS or not _API_PATH.match(exchange.path):
            return WRONG_PATH
        text = self._presented_token(exchange.headers.get(b"authorization", b""))
        if text is None:
            return NO_TOKEN
        token = self._accounts.living_token(text, exchange.place.data_center)
        if token is None:
            return DEAD_TOKEN
        demanded = [scope for path, scope in self.demands if exchange.path.startswith(path)]
        return None if all(covers(token.scope, scope) for scope in demanded) else SCOPE_MISMATCH

    def _presented_token(self, header: bytes) -> str | None:
        if header.startswith(_OUR_SCHEME):
            return header[len(_OUR_SCHEME) :].decode("latin-1")
        if self._rules.bearer and header.startswith(_BEARER):
            return header[len(_BEARER) :].decode("latin-1")
        return None

    def _follow(self, exchange: Exchange, digest: str, reply: Reply) -> None:
        is_rejection = isinstance(reply, Answer) and reply.status == 401
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
