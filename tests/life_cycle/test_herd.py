"""However many find the token dead, by the clock or by a 401, Zoho sees one token request."""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from attrs import define, field

import zoho_oauth.httpx2
from tests import scale
from tests.life_cycle import twins
from tests.life_cycle.world import World, unthrottled, until
from tests.scale import count
from zoho_oauth import RefreshPolicy, ZohoAuth, _endpoint
from zoho_oauth.testing import FakeZoho

BACKENDS = ("asyncio", "trio")
LIBRARIES = {"httpx": (httpx, ZohoAuth), "httpx2": (httpx2, zoho_oauth.httpx2.ZohoAuth)}
#: httpx's pool takes time that grows with the square of those who wait for it, hence many clients.
CLIENTS, CONNECTIONS = 50, 100
LATE = 20

#: Each backend and library meets the whole herd by the clock and by 401; of the mixed ones one does, the rest a fifth.
WHOLE = {
    *(
        (backend, library, kind)
        for backend in BACKENDS
        for library in LIBRARIES
        for kind in ("clock", "rejected")
    ),
    ("trio", "httpx2", "mixed"),
}


@define
class Herd:
    """Requests that find the token dead at the same time, and what came of them."""

    world: World
    clients: list[Any]
    patience: float = 280.0
    started: int = 0
    answers: Counter[object] = field(factory=Counter)
    waiting_together: int = 0
    before: int = 0

    @property
    def finished(self) -> int:
        return self.answers.total()

    async def one(self, path: str = "/crm/v8/Leads") -> None:
        client = self.clients[self.started % len(self.clients)]
        self.started += 1
        try:
            self.answers[(await client.get(path)).status_code] += 1
        except Exception as error:
            self.answers[type(error).__name__] += 1

    async def warmed_up(self) -> None:
        """Open every connection: httpx's pool takes its time when thousands wait for new ones."""
        for client in self.clients:
            async with anyio.create_task_group() as group:
                for _ in range(CONNECTIONS // len(self.clients)):
                    group.start_soon(client.get, "/crm/v8/Warm")
        self.before = self.world.fake.token_requests

    async def by_clock(self, number: int) -> None:
        fake = self.world.fake
        fake.clock.advance(3_601)
        resources = fake.requests.resources
        async with anyio.create_task_group() as group:
            with fake.hold_tokens() as gate:
                self._start(group, number)
                await until(lambda: self.started == number and gate.arrivals > 0, self.patience)
                assert fake.requests.resources == resources, "a request went out with a dead token"
                self.waiting_together = self.started - self.finished

    async def by_rejection(self, number: int) -> None:
        fake = self.world.fake
        fake.expire_all()
        async with anyio.create_task_group() as group:
            with fake.hold_tokens():
                self._start(group, number)
                await until(lambda: fake.requests.rejected >= 0.95 * number, self.patience)
                self.waiting_together = fake.requests.rejected - self.finished

    async def mixed(self, number: int) -> None:
        """Half is on its way when the token dies; some of those 401s come when all is over."""
        fake, half = self.world.fake, number // 2
        async with anyio.create_task_group() as group:
            with (
                fake.hold_tokens() as tokens,
                fake.hold_resources("/crm/v8/Leads") as on_their_way,
                fake.hold_resources("/crm/v8/Late", at="answer") as late,
            ):
                for _ in range(LATE):
                    group.start_soon(self.one, "/crm/v8/Late")
                await until(lambda: self.started == LATE, self.patience)
                self._start(group, half)
                await until(lambda: on_their_way.arrivals >= min(half, CONNECTIONS - LATE), self.patience)
                fake.clock.advance(3_601)
                self._start(group, number - half)
                await until(lambda: self.started == number + LATE and tokens.arrivals > 0, self.patience)
                on_their_way.release()
                await until(lambda: fake.requests.rejected >= 0.9 * half, self.patience)
                self.waiting_together = fake.requests.rejected + number - half - self.finished
                tokens.release()
                await until(lambda: self.finished >= number, self.patience)
                late.release()

    def _start(self, group: Any, number: int) -> None:
        for _ in range(number):
            group.start_soon(self.one)

    def check(self, number: int) -> None:
        token_requests = self.world.fake.token_requests - self.before
        print(
            f"{number} requests, {self.waiting_together} waiting together: {token_requests}, {self.answers}"
        )
        assert self.waiting_together >= 0.9 * number
        assert token_requests == 1
        assert self.answers == {200: self.started}
        assert self.started >= number > 0


@asynccontextmanager
async def herd_of(world: World, library: Any, auth: Any, **more: Any) -> AsyncIterator[Herd]:
    # httpx's pool may close an idle connection that it has just given to a request which has not begun yet:
    # on a busy machine that is a ReadError of the pool's own.
    limits = library.Limits(max_connections=CONNECTIONS // CLIENTS, keepalive_expiry=None)
    async with AsyncExitStack() as stack:
        clients = [
            library.AsyncClient(auth=auth, base_url=world.fake.data_center.api, limits=limits, timeout=600)
            for _ in range(CLIENTS)
        ]
        herd = Herd(world, [await stack.enter_async_context(each) for each in clients], **more)
        await herd.warmed_up()
        yield herd


async def _run_and_check(herd: Herd, kind: str, number: int) -> None:
    run = {"clock": herd.by_clock, "rejected": herd.by_rejection, "mixed": herd.mixed}[kind]
    await run(number)
    herd.check(number)


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    """Ten thousand tasks are looked through again and again by the garbage collector, and none is garbage."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    sys.setswitchinterval(before)


@pytest.fixture
def patient_endpoint(monkeypatch: pytest.MonkeyPatch) -> RefreshPolicy:
    """Thousands of requests keep a busy machine longer than a token request may take: let it wait for all."""
    monkeypatch.setattr(_endpoint, "CONNECT_TIMEOUT", 300.0)
    monkeypatch.setattr(_endpoint, "READ_TIMEOUT", 300.0)
    return RefreshPolicy(send_deadline=300)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["clock", "rejected", "mixed"])
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
async def test_a_herd_makes_one_token_request(
    kind: str, library: str, anyio_backend_name: str, patient_endpoint: RefreshPolicy
) -> None:
    whole = scale.WHOLE or (anyio_backend_name, library, kind) in WHOLE
    number = count(10_000 if whole else 2_000)
    module, make_auth = LIBRARIES[library]
    began = time.monotonic()
    async with FakeZoho("eu").serve() as fake:
        world = World(fake, patient_endpoint)
        await world.connect()
        async with herd_of(world, module, make_auth(world.zoho.source())) as herd:
            await _run_and_check(herd, kind, number)
    print(f"{time.monotonic() - began:.1f} s")


@pytest.mark.anyio
async def test_a_herd_makes_one_token_request_by_the_default_policy() -> None:
    number = count(2_000)
    async with FakeZoho("eu").serve() as fake:
        world = World(fake, RefreshPolicy())
        await world.connect()
        async with herd_of(world, httpx, world.zoho.auth()) as herd:
            await _run_and_check(herd, "clock", number)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("source", "kind"),
    [
        *((twins.NoLock, kind) for kind in ("clock", "rejected", "mixed")),
        *((twins.NoRecheck, kind) for kind in ("clock", "rejected", "mixed")),
        (twins.EveryRejection, "rejected"),
        (twins.EveryRejection, "mixed"),
    ],
)
async def test_the_herd_check_fails_for_a_broken_source(source: type[twins.Twin], kind: str) -> None:
    await _expect_failure(kind, lambda world: twins.TwinAuth(source(world.zoho, world.refresh_token)))


@pytest.mark.anyio
@pytest.mark.parametrize("auth", [twins.WaitsBeforeItReads, twins.LockedAcrossTheYield])
async def test_the_herd_check_fails_for_a_broken_flow(auth: type[twins.TwinAuth]) -> None:
    await _expect_failure(
        "rejected", lambda world: auth(twins.PlainLock(world.zoho, world.refresh_token)), error=TimeoutError
    )


async def _expect_failure(
    kind: str, make_auth: Callable[[World], httpx.Auth], error: type[Exception] = AssertionError
) -> None:
    # Whoever is to get stuck needs more requests than connections; the others fail with few of them.
    number, patience = (2 * CONNECTIONS, 2.0) if error is TimeoutError else (40, 60.0)
    async with unthrottled().serve() as fake:
        world = World(fake)
        async with herd_of(world, httpx, make_auth(world), patience=patience) as herd:
            with pytest.raises((error, ExceptionGroup)) as caught:
                await _run_and_check(herd, kind, number)
    found: BaseException = caught.value
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, error)
    assert error is TimeoutError or "== 1" in str(found), found
