"""What a type checker says about the public API; checked by mypy --strict and pyright, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from typing import assert_type

import httpx
import httpx2

import zoho_oauth.httpx2
from zoho_oauth import (
    ClientRegistration,
    DataCenter,
    ErrorCode,
    Family,
    FileStore,
    Meaning,
    MemoryStore,
    Product,
    Record,
    RefreshPolicy,
    Secret,
    Token,
    TokenEndpoint,
    TokenSource,
    TokenStore,
    ZohoAuth,
    ZohoOAuth,
    errors,
    events,
    explain,
)
from zoho_oauth.stores import ListsOwners
from zoho_oauth.testing import FakeZoho, ManualClock, StoreContract


def registrations() -> None:
    registration = ClientRegistration(
        "1000.CLIENT", "secret", redirect_uri="https://app.example/callback", data_center="eu"
    )
    ClientRegistration("1000.CLIENT")
    ClientRegistration("1000.CLIENT", Secret("secret"), data_center=DataCenter.get("eu"))
    ClientRegistration("1000.CLIENT", secrets={"eu": "secret", "us": Secret("secret")})
    assert_type(registration.client_id, str)
    assert_type(registration.client_secret, Secret | None)
    assert_type(registration.redirect_uri, str | None)
    assert_type(registration.data_center, DataCenter)
    assert_type(registration.secrets, Mapping[str, Secret])
    assert_type(registration.secret_for(registration.data_center), Secret | None)


def stores() -> None:
    kept: list[TokenStore] = [MemoryStore(), FileStore("tokens"), Own()]
    lists: ListsOwners = FileStore("tokens")
    assert_type(lists.owners(), AsyncIterator[str])
    assert kept


class Own:
    """A store as a user writes one."""

    async def load(self, owner: str) -> Record | None:
        return Record("text", "version")

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        return replacing

    async def delete(self, owner: str) -> None:
        return None


class TestOwn(StoreContract):
    """The contract takes it."""


class Registered(ZohoOAuth):
    """Class methods give the subclass."""


async def the_facade(registration: ClientRegistration, clock: ManualClock) -> None:
    listeners: list[Callable[[events.AnyEvent], object]] = [print]
    zoho = ZohoOAuth(
        registration,
        FileStore("tokens"),
        policy=RefreshPolicy(early=60, store_down="degrade"),
        endpoint=TokenEndpoint(proxy="http://localhost:3128"),
        on_event=listeners[0],
        allow_hosts=["https://files.example"],
        error_codes=[ErrorCode(code="42", at="error.code", family=Family.SCOPE)],
        clock=clock,
    )
    assert_type(Registered.from_env(store=Own()), Registered)
    assert_type(zoho.auth("customer-42"), ZohoAuth)
    assert_type(zoho.source(), TokenSource)
    assert_type(await zoho.base_url(product="books"), str)
    assert_type(await zoho.base_url(product=Product.get("books")), str)
    assert_type(await zoho.adopt("1000.fake", "customer-42", "eu"), Token | None)
    assert_type(await zoho.adopt(Secret("1000.fake"), verify=False), Token | None)
    async with zoho as entered:
        assert_type(entered, ZohoOAuth)


async def the_source(source: TokenSource) -> None:
    token = await source.token()
    assert_type(token, Token)
    assert_type(await source.token(token), Token)
    assert_type(await source.refresh(), Token)
    assert_type(source.owner, str)
    assert_type(token.access_token, Secret)
    assert_type(token.access_token.reveal(), str)
    assert_type(token.refresh_token, Secret | None)
    assert_type(token.expires_at, float)
    assert_type(token.scope, str | None)
    assert_type(token.api_domain, str | None)
    assert_type(token.data_center, str)
    assert_type(await source.data_center(), DataCenter)


async def with_httpx(zoho: ZohoOAuth, request: httpx.Request) -> None:
    auth = ZohoAuth.from_refresh_token(
        client_id="1000.C", client_secret="s", refresh_token="r", data_center="eu"
    )
    assert_type(auth, ZohoAuth)
    plain: httpx.Auth = auth
    assert_type(auth.async_auth_flow(request), AsyncGenerator[httpx.Request, httpx.Response])
    assert_type(auth.sync_auth_flow(request), Generator[httpx.Request, httpx.Response, None])
    async with httpx.AsyncClient(auth=zoho.auth(), base_url=await zoho.base_url()) as crm:
        assert_type(await crm.get("/crm/v8/Leads", auth=plain), httpx.Response)


def with_a_sync_client(zoho: ZohoOAuth) -> None:
    with httpx.Client(auth=zoho.auth()) as crm:
        assert_type(crm.get("https://www.zohoapis.eu/crm/v8/Leads"), httpx.Response)


async def with_httpx2(zoho: ZohoOAuth, request: httpx2.Request) -> None:
    auth = zoho_oauth.httpx2.ZohoAuth(zoho.source())
    assert_type(
        zoho_oauth.httpx2.ZohoAuth.from_refresh_token(
            client_id="1000.C", client_secret="s", refresh_token="r"
        ),
        zoho_oauth.httpx2.ZohoAuth,
    )
    plain: httpx2.Auth = auth
    assert_type(auth.async_auth_flow(request), AsyncGenerator[httpx2.Request, httpx2.Response])
    assert_type(auth.sync_auth_flow(request), Generator[httpx2.Request, httpx2.Response, None])
    async with httpx2.AsyncClient(auth=plain, base_url=await zoho.base_url()) as crm:
        assert_type(await crm.get("/crm/v8/Leads"), httpx2.Response)


def products(data_center: DataCenter) -> None:
    assert_type(Product.get("desk"), Product)
    assert_type(Product.all(), tuple[Product, ...])
    assert_type(data_center.base_url("desk"), str)
    assert_type(data_center.base_url(Product.get("desk")), str)
    assert_type(Product.get("desk").organization, str)


def error_codes() -> None:
    row = ErrorCode(
        code="E401",
        at="errors.*.id",
        family=Family.TOKEN,
        products=["desk", "books"],
        statuses={400, 401},
        message="expired",
        is_ambiguous=True,
        hint="ours",
    )
    ErrorCode(code="E403", at="code", family=Family.PERMISSION, products="desk")
    assert_type(row.products, tuple[str, ...])
    assert_type(row.statuses, frozenset[int])


def meanings(plain: httpx.Response, other: httpx2.Response) -> None:
    meaning = explain(plain)
    assert_type(meaning, Meaning)
    assert_type(explain(other), Meaning)
    assert_type(meaning.family, Family)
    assert_type(meaning.product, str | None)
    assert_type(meaning.code, str | None)
    assert_type(meaning.hint, str)
    assert_type(meaning.is_ambiguous, bool)
    assert_type(meaning.retry_after, float | None)
    assert_type(meaning.calls_for_refresh, bool)


def on_event(event: events.AnyEvent) -> None:
    if isinstance(event, events.TokenRejected):
        assert_type(event.meaning, Meaning)
    if isinstance(event, events.RefreshFailed):
        assert_type(event.retry_at, float | None)
    assert_type(event.owner, str)


def failures(zoho: ZohoOAuth) -> None:
    try:
        zoho.source()
    except errors.MustWait as error:
        assert_type(error.retry_at, float | None)
    except (errors.MustReconnect, errors.MustReconfigure) as error:
        assert_type(error.hint, str | None)
        assert_type(error.owner, str | None)


async def the_fake() -> None:
    async with FakeZoho("eu").serve() as fake:
        registration = fake.register_client()
        assert_type(registration, ClientRegistration)
        assert_type(fake.consent(registration), str)
        assert_type(fake.data_center, DataCenter)
        assert_type(fake.token_requests, int)
        assert_type(fake.clock, ManualClock)
