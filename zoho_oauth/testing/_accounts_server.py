"""The accounts server: `POST /oauth/v2/token`, as exact and as unhelpful as Zoho's."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from attrs import define, field

from zoho_oauth._secrets import fingerprint

from ._records import Counters, TokenRequest
from ._replies import Plan
from .answers import BAD_REQUEST, html_page, json_answer

if TYPE_CHECKING:
    from ._accounts import Accounts
    from ._asgi import Exchange
    from ._clock import ManualClock
    from ._judge import Form, Judge, Verdict
    from ._rules import Rules
    from .answers import Reply

TOKEN_PATH: Final = "/oauth/v2/token"  # noqa: S105 - a path
REVOKE_PATH: Final = "/oauth/v2/token/revoke"
_COUNTED_AS: Final = {"minted": "mints", "throttled": "throttled"}
_SECRET_NAMES: Final = {"client_secret", "refresh_token", "code", "code_verifier", "token"}


def names_secret(query: str) -> bool:
    """Whether a query string carries what only a form body should."""
    return any(name in _SECRET_NAMES for name, _ in parse_qsl(query))


async def read_form(exchange: Exchange) -> Form:
    """The parameters: Zoho takes them from query, form body and Basic authorization."""
    body = (await exchange.read_body()).decode("utf-8", "replace")
    is_form = exchange.headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded")
    return {
        **dict(parse_qsl(exchange.query)),
        **(dict(parse_qsl(body)) if is_form else {}),
        **_read_basic(exchange.headers.get(b"authorization", b"")),
    }


def _read_basic(header: bytes) -> Form:
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return {}
    try:
        client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": client_id, "client_secret": client_secret}


@define(eq=False)
class AccountsServer:
    """All accounts servers; which one is asked is part of the exchange."""

    _accounts: Accounts
    _judge: Judge
    _clock: ManualClock
    _rules: Rules
    _counters: Counters
    plan: Plan[Reply] = field(factory=lambda: Plan())  # noqa: PLW0108 - typed by the call
    log: list[TokenRequest] = field(factory=list)

    async def respond(self, exchange: Exchange) -> None:
        """Answer one request."""
        if names_secret(exchange.query):
            self._counters.count("secrets_in_query")
        if exchange.path == REVOKE_PATH and exchange.method == "POST":
            await self._respond_to_revoke(exchange)
        elif exchange.path != TOKEN_PATH:
            await html_page(404).send_to(exchange)
        elif exchange.method != "POST":
            await BAD_REQUEST.send_to(exchange)
        else:
            await self._respond_to_token_request(exchange)

    async def _respond_to_revoke(self, exchange: Exchange) -> None:
        token = (await read_form(exchange)).get("token", "")
        known = self._accounts.revoke(token) or self._accounts.evict(token)
        await (json_answer({"status": "success"}) if known else html_page(400)).send_to(exchange)

    async def _respond_to_token_request(self, exchange: Exchange) -> None:
        self._counters.count("tokens")
        form = await read_form(exchange)
        await exchange.line.gates.passed("tokens", exchange.path, "arrival")
        if self._rules.token_latency:
            await exchange.line.pause(self._rules.token_latency)
        reply = self._decide(exchange, form)
        await exchange.line.gates.passed("tokens", exchange.path, "answer")
        await reply.send_to(exchange)

    def _decide(self, exchange: Exchange, form: Form) -> Reply:
        planned = self.plan.take(exchange.path)
        if planned is None:
            verdict = self._judge.verdict(exchange.place, form)
            self._record(exchange, form, verdict)
            return verdict.answer
        if planned.after_mint:
            self._record(exchange, form, self._judge.verdict(exchange.place, form))
        else:
            self._record(exchange, form, None)
        self._counters.count("faults")
        return planned.reply

    def _record(self, exchange: Exchange, form: Form, verdict: Verdict | None) -> None:
        refresh_token = form.get("refresh_token")
        request = TokenRequest(
            time=self._clock.monotonic(),
            data_center=exchange.place.data_center,
            client_id=form.get("client_id"),
            grant_type=form.get("grant_type"),
            fingerprint=fingerprint(refresh_token)[:8] if refresh_token else None,
            status=verdict.answer.status if verdict else None,
            outcome=verdict.outcome if verdict else "fault",
        )
        self.log.append(request)
        if verdict:
            self._counters.count(_COUNTED_AS.get(verdict.outcome, "refused"))
