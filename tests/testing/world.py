"""One fake, one client, one refresh token; and the requests that tests send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
from attrs import define, field

from zoho_oauth._registration import ClientRegistration
from zoho_oauth.testing import FakeZoho

Client = httpx.AsyncClient | httpx2.AsyncClient
Response = httpx.Response | httpx2.Response


@define
class World:
    fake: FakeZoho
    http: Client
    accounts: str
    api: str
    client: ClientRegistration = field(init=False)
    refresh_token: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.client = self.fake.register_client()
        self.refresh_token = self.fake.consent(self.client)

    def form(self, **changes: str | None) -> dict[str, str]:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret.reveal(),
            "refresh_token": self.refresh_token,
        } | changes
        return {name: value for name, value in form.items() if value is not None}

    async def refresh(self, *, accounts: str | None = None, **changes: str | None) -> Response:
        return await self.http.post(f"{accounts or self.accounts}/oauth/v2/token", data=self.form(**changes))

    async def access_token(self) -> str:
        return (await self.refresh()).json()["access_token"]

    async def call(
        self,
        token: str,
        path: str = "/crm/v8/Leads",
        *,
        method: str = "GET",
        api: str | None = None,
        **more: Any,
    ) -> Response:
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        return await self.http.request(method, f"{api or self.api}{path}", headers=headers, **more)


@asynccontextmanager
async def world(fake: FakeZoho, reach: str = "in process") -> AsyncIterator[World]:
    if reach == "in process":
        async with httpx.AsyncClient(transport=fake.transport) as http:
            yield World(fake, http, fake.data_center.accounts, fake.data_center.api)
    elif reach == "in process, httpx2":
        async with httpx2.AsyncClient(transport=fake.httpx2_transport) as http:
            yield World(fake, http, fake.data_center.accounts, fake.data_center.api)
    else:
        library = httpx2 if reach == "socket, httpx2" else httpx
        async with fake.serve(), library.AsyncClient() as http:
            yield World(fake, http, fake.data_center.accounts, fake.data_center.api)


WAYS = ("in process", "in process, httpx2", "socket", "socket, httpx2")
