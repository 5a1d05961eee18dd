"""
Sources and auths as they are often written, each with one mistake.

Every check of this folder runs against them too and has to fail: a check that passes with a mistake in place
shows nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import httpx
from attrs import evolve

from zoho_oauth import Token, ZohoOAuth
from zoho_oauth._adoption import proved
from zoho_oauth._seeded import seed_of


class Twin:
    """What all of them do: hold a token, mint another one."""

    def __init__(self, zoho: ZohoOAuth, refresh_token: str, owner: str = "default") -> None:
        self._setup = zoho._setup(owner)
        self._seed = seed_of(refresh_token, self._setup.registration.data_center)
        self.held: Token | None = None

    def good(self, rejected: Token | None) -> Token | None:
        held = self.held
        if held is None or self._setup.clock.wall() >= held.expires_at - 60:
            return None
        return held if rejected is None or rejected.access_token != held.access_token else None

    async def mint(self) -> Token:
        generation = 1 if self.held is None else self.held.generation + 1
        self.held = evolve(await proved(self._setup, self._seed), generation=generation)
        return self.held


class NoLock(Twin):
    """Whoever finds the token dead refreshes."""

    async def token(self, rejected: Token | None = None) -> Token:
        return self.good(rejected) or await self.mint()


class NoRecheck(Twin):
    """A lock, and nobody looks again once he has it."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.lock = anyio.Lock()

    async def token(self, rejected: Token | None = None) -> Token:
        token = self.good(rejected)
        if token is not None:
            return token
        async with self.lock:
            return await self.mint()


class PlainLock(NoRecheck):
    """Lock and re-check: one refresh as long as nobody is cancelled and nothing fails."""

    async def token(self, rejected: Token | None = None) -> Token:
        token = self.good(rejected)
        if token is not None:
            return token
        async with self.lock:
            return self.good(rejected) or await self.mint()


class EveryRejection(PlainLock):
    """Takes each 401 for news, also one about a token that was replaced long ago."""

    def good(self, rejected: Token | None) -> Token | None:
        return super().good(None) if rejected is None else None


class ShieldedInTheCaller(PlainLock):
    """The first caller refreshes under anyio's shield, which asyncio's own cancellation goes through."""

    async def token(self, rejected: Token | None = None) -> Token:
        token = self.good(rejected)
        if token is not None:
            return token
        with anyio.CancelScope(shield=True):
            async with self.lock:
                return self.good(rejected) or await self.mint()


class SharedTask(Twin):
    """All await one bare task: whoever is cancelled cancels it for everyone."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.task: asyncio.Task[Token] | None = None

    async def token(self, rejected: Token | None = None) -> Token:
        token = self.good(rejected)
        if token is not None:
            return token
        if self.task is None or self.task.done():
            self.task = asyncio.ensure_future(self.mint())
        return await self.task


class ForgetsFailures(PlainLock):
    """Shares nothing when a refresh fails: the next in the queue asks again."""


class OneErrorForAll(Twin):
    """Shares the failure for ever, as one exception object."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.lock = anyio.Lock()
        self.error: Exception | None = None

    async def token(self, rejected: Token | None = None) -> Token:
        async with self.lock:
            if self.error is not None:
                raise self.error
            try:
                return self.good(rejected) or await self.mint()
            except Exception as error:
                self.error = error
                raise


# --- auths ---------------------------------------------------------------------------------------------------


def sign(request: httpx.Request, token: Token) -> None:
    request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"


class TwinAuth(httpx.Auth):
    """A sound flow over a twin."""

    def __init__(self, source: Any) -> None:
        self.source = source

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self.source.token()
        sign(request, token)
        response = yield request
        if response.status_code == 401:
            await response.aread()
            sign(request, await self.source.token(token))
            yield request


class WaitsBeforeItReads(TwinAuth):
    """Keeps the 401's connection while it waits for the token: the pool runs dry."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self.source.token()
        sign(request, token)
        response = yield request
        if response.status_code == 401:
            sign(request, await self.source.token(token))
            await response.aread()
            yield request


class LockedAcrossTheYield(TwinAuth):
    """Keeps the lock while the request is on its way: one request at a time."""

    def __init__(self, source: Any) -> None:
        super().__init__(source)
        self.lock = anyio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        async with self.lock:
            token = await self.source.token()
            sign(request, token)
            response = yield request
            if response.status_code == 401:
                await response.aread()
                sign(request, await self.source.token(token))
                yield request
