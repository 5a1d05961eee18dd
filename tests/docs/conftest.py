"""A fake Zoho behind every door: whatever client a snippet makes, it reaches the fake and nothing else."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest

from zoho_oauth.testing import FakeZoho
from zoho_oauth.testing.answers import DEAD_TOKEN, SCOPE_MISMATCH

CLIENT_ID = "1000.your-client-id"
CLIENT_SECRET = "your-client-secret"
SECRET_VARIABLE = "ZOHO_CLIENT_SECRET"
REFRESH_TOKEN = re.compile(r"1000\.[\w-]*refresh-token[\w-]*")
LOOPBACK = ("127.0.0.1", "localhost")
#: What the pages' owner did not consent to, and what rejects every token.
ERRORS = {"/crm/v8/settings/modules": SCOPE_MISMATCH, "/crm/v8/users": DEAD_TOKEN}
LEADS = {"data": [{"id": "1", "Last_Name": "Lovelace"}, {"id": "2", "Last_Name": "Hopper"}]}


class Stage:
    """The fake that stands in for Zoho, and real refresh tokens of it in place of the page's."""

    def __init__(self) -> None:
        self.fake = FakeZoho("eu")
        self.fake.register_client(CLIENT_ID, CLIENT_SECRET)
        self._tokens: dict[str, str] = {}

    def refresh_token(self, placeholder: str) -> str:
        """The token behind `1000.your-refresh-token`; `…-us…` is one of the US data center."""
        if placeholder not in self._tokens:
            data_center = "us" if "-us" in placeholder else "eu"
            self._tokens[placeholder] = self.fake.consent(CLIENT_ID, data_center=data_center)
        return self._tokens[placeholder]

    def with_tokens(self, source: str) -> str:
        return REFRESH_TOKEN.sub(lambda found: self.refresh_token(found[0]), source)


def traded_code(request: Any, stage: Stage) -> Any:
    """What Zoho answers to the tutorial's code, which the fake does not know."""
    if not request.url.path.endswith("/oauth/v2/token") or b"authorization_code" not in request.content:
        return None
    return {"refresh_token": stage.refresh_token("1000.your-refresh-token"), "expires_in": 3600}


def as_zoho_would(library: Any, request: Any, response: Any) -> Any:
    """The fake echoes; a page that prints leads shall get leads, and one about errors an error."""
    error = ERRORS.get(request.url.path)
    if error is not None:
        return library.Response(
            error.status, headers=error.headers, stream=library.ByteStream(error.body), request=request
        )
    asks_for_leads = request.method == "GET" and request.url.path.endswith("/Leads")
    if not asks_for_leads or response.status_code != 200:
        return response
    stream = library.ByteStream(json.dumps(LEADS).encode())
    return library.Response(200, headers={"content-type": "application/json"}, stream=stream)


def route(monkeypatch: pytest.MonkeyPatch, library: Any, transport: Any, stage: Stage) -> None:
    """Let every client of `library` end at `transport`, but for what goes to a loopback port."""
    over_a_socket = library.AsyncHTTPTransport.handle_async_request
    over_a_socket_blocking = library.HTTPTransport.handle_request

    async def answer(self: Any, request: Any) -> Any:
        if request.url.host in LOOPBACK:
            return await over_a_socket(self, request)
        return as_zoho_would(library, request, await transport.handle_async_request(request))

    def answer_blocking(self: Any, request: Any) -> Any:
        if request.url.host in LOOPBACK:
            return over_a_socket_blocking(self, request)
        request.read()
        traded = traded_code(request, stage)
        if traded is not None:
            return library.Response(200, json=traded)
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(asyncio.run, whole(request)).result()

    async def whole(request: Any) -> Any:
        sent = library.Request(request.method, request.url, headers=request.headers, content=request.content)
        response = as_zoho_would(library, sent, await transport.handle_async_request(sent))
        return library.Response(
            response.status_code, headers=response.headers, content=await response.aread()
        )

    monkeypatch.setattr(library.AsyncHTTPTransport, "handle_async_request", answer)
    monkeypatch.setattr(library.HTTPTransport, "handle_request", answer_blocking)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage()
    route(monkeypatch, httpx, stage.fake.transport, stage)
    route(monkeypatch, httpx2, stage.fake.httpx2_transport, stage)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ZOHO_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv(SECRET_VARIABLE, CLIENT_SECRET)
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", stage.refresh_token("1000.your-refresh-token"))
    monkeypatch.setenv("ZOHO_DATA_CENTER", "eu")
    yield stage
    stage.fake.release_all()
