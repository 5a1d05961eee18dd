"""Sync and async clients, of httpx and of httpx2, share one refresh; what could never end is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import anyio
import httpx
import httpx2
import pytest

import zoho_oauth.httpx2
from tests.life_cycle.support import OWNER, PATIENCE, FaultyStore, View, in_threads, until
from zoho_oauth import MemoryStore, RefreshPolicy, ZohoAuth, ZohoOAuth, _held, _portal, errors
from zoho_oauth.testing import FakeZoho

LEADS = "/crm/v8/Leads"


class Served:
    """A fake on a loopback port: sync clients need a socket."""

    def __init__(self, fake: FakeZoho, store=None) -> None:
        self.fake = fake
        self.clock = fake.clock
        self.registration = fake.register_client()
        self.refresh_token = fake.consent(self.registration)
        self.store = MemoryStore() if store is None else store
        self.zoho = ZohoOAuth(self.registration, self.store, clock=fake.clock)

    def adopt(self) -> None:
        anyio.run(self.zoho.adopt, self.refresh_token, OWNER)

    @property
    def base_url(self) -> str:
        return self.fake.data_center.api

    def call(self, library=httpx, auth=None) -> int:
        """One request of a new sync client."""
        make = ZohoAuth if library is httpx else zoho_oauth.httpx2.ZohoAuth
        with library.Client(auth=auth or make(self.zoho.source(OWNER)), base_url=self.base_url) as client:
            return client.get(LEADS).status_code

    async def acall(self, library, times: int) -> set[int]:
        """Requests of a new async client at the same time."""
        make = ZohoAuth if library is httpx else zoho_oauth.httpx2.ZohoAuth
        auth = make(self.zoho.source(OWNER))
        found = set()

        async def one() -> None:
            found.add((await client.get(LEADS)).status_code)

        async with (
            library.AsyncClient(auth=auth, base_url=self.base_url) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(times):
                group.start_soon(one)
        return found


@pytest.fixture
def served() -> Iterator[Served]:
    fake = FakeZoho("eu")
    with fake.serving():
        yield Served(fake)


# --- one refresh for all ---------------------------------------------------------------------------------


def check_mixed_clients(served: Served) -> None:
    served.adopt()
    served.clock.advance(3600)
    calls = [partial(served.call, library) for library in (httpx, httpx2) for _ in range(4)]
    calls += [
        partial(anyio.run, served.acall, library, 10, backend=backend)
        for library in (httpx, httpx2)
        for backend in ("asyncio", "trio")
    ]
    with served.fake.hold_tokens() as gate:
        threading.Thread(target=lambda: (gate.wait_arrived(), gate.release()), daemon=True).start()
        results = in_threads(calls)
    assert all(result in (200, {200}) for result in results), results
    assert len(results) == 12
    assert served.fake.token_requests == 2
    assert served.fake.requests.resources == 8 + 40


def test_sync_and_async_clients_of_both_libraries_make_one_token_request(served: Served) -> None:
    check_mixed_clients(served)


def test_the_check_finds_sync_clients_with_a_state_of_their_own(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _portal.blocking_token

    def apart(source, rejected=None):
        zoho = ZohoOAuth(served.registration, clock=served.clock)
        with _portal._provider as portal:
            portal.call(partial(zoho.adopt, served.refresh_token, OWNER, verify=False))
        return real(zoho.source(OWNER), rejected)

    monkeypatch.setattr("zoho_oauth._portal.blocking_token", apart)
    with pytest.raises(AssertionError):
        check_mixed_clients(served)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_rejected_token_is_renewed_once_for_sync_clients_in_threads(library, served: Served) -> None:
    served.adopt()
    served.fake.expire_all()
    results = in_threads([partial(served.call, library)] * 8)
    assert results == [200] * 8
    assert served.fake.token_requests == 2


def test_a_sync_client_finds_a_new_event_loop_each_time(served: Served) -> None:
    served.adopt()
    for turn in range(5):
        served.clock.advance(3600)
        assert served.call() == 200
        assert served.fake.token_requests == turn + 2
    assert not served.zoho.source(OWNER).entry.attempts


# --- never in the background -----------------------------------------------------------------------------


def check_no_background(served: Served) -> None:
    served.adopt()
    served.clock.advance(3600 - 100)
    assert in_threads([served.call] * 4) == [200] * 4
    assert not served.zoho.source(OWNER).entry.attempts
    assert served.fake.token_requests == 1
    served.clock.advance(50)
    assert in_threads([served.call] * 4) == [200] * 4
    assert served.fake.token_requests == 2


def test_sync_clients_use_a_stale_token_until_it_expires(served: Served) -> None:
    check_no_background(served)


def test_the_check_finds_a_sync_client_that_renews_a_stale_token(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renewed(source, rejected=None):
        with _portal._provider as portal:
            return portal.call(source.refresh)

    monkeypatch.setattr("zoho_oauth._sources.TokenSource.held", lambda *_, background: None)
    monkeypatch.setattr(_portal, "blocking_token", renewed)
    with pytest.raises(AssertionError):
        check_no_background(served)


def test_a_stale_token_that_another_thread_brings_meanwhile_starts_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a sync caller's look at the memory and its turn in the portal another thread loads the token."""
    served.adopt()
    served.clock.advance(3600 - 100)
    other = ZohoOAuth(served.registration, View(served.store), clock=served.clock)
    started = []

    def bring(source) -> None:
        in_threads([partial(anyio.run, partial(_load_without_background, source))])

    monkeypatch.setattr(_portal, "_refuse_what_could_never_end", bring)
    monkeypatch.setattr("zoho_oauth._sources.TokenSource._start_in_background", lambda *_: started.append(1))
    assert served.call(auth=other.auth(OWNER)) == 200
    assert not started
    assert served.fake.token_requests == 1


async def _load_without_background(source) -> None:
    await source.token()


# --- within a running loop -------------------------------------------------------------------------------


def test_a_sync_call_works_within_a_running_loop_as_in_a_notebook(served: Served) -> None:
    async def cell() -> int:
        return served.call()

    served.adopt()
    for backend in ("asyncio", "trio"):
        served.clock.advance(3600)
        assert anyio.run(cell, backend=backend) == 200
    assert served.fake.token_requests == 3


def check_refusal(served: Served, backend: str) -> None:
    served.adopt()
    served.clock.advance(3600)
    raised: list[BaseException] = []
    ended = threading.Event()

    async def notebook() -> None:
        source = served.zoho.source(OWNER)
        async with anyio.create_task_group() as group:
            group.start_soon(source.token)
            await gate.arrived()
            try:
                served.call()
            except errors.ConfigurationError as error:
                raised.append(error)
            gate.release()
        ended.set()

    with served.fake.hold_tokens() as gate:
        thread = threading.Thread(target=partial(anyio.run, notebook, backend=backend), daemon=True)
        thread.start()
        came_back = ended.wait(1.0)
        gate.release()
        # What waits for ever by this clock ends by it too.
        served.clock.advance(20)
        thread.join(PATIENCE)
    assert not thread.is_alive()
    assert came_back, "the loop waited for itself"
    assert "AsyncClient" in raised[0].hint
    assert served.fake.token_requests == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_sync_call_is_refused_at_once_where_its_own_loop_is_refreshing(
    backend: str, served: Served
) -> None:
    check_refusal(served, backend)


def test_the_check_finds_a_sync_call_that_waits_for_its_own_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_portal, "_refuse_what_could_never_end", lambda source: None)
    with pytest.raises(AssertionError, match="waited for itself"):
        check_refusal(served, "asyncio")


def test_a_handle_whose_entry_went_also_sees_what_its_loop_has_in_flight(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle entries go when others come; the handle must look again before it decides to block."""

    async def notebook() -> None:
        source = served.zoho.source(OWNER)
        source.entry.held = None
        entry = source.entry
        for number in range(5):
            served.zoho.source(f"other {number}")
        assert entry.is_gone
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                group.start_soon(served.zoho.source(OWNER).token)
                await gate.arrived()
                with pytest.raises(errors.ConfigurationError):
                    _portal._refuse_what_could_never_end(source)
                gate.release()

    monkeypatch.setattr(_held, "_entries", {})
    served.adopt()
    served.clock.advance(3600)
    with served.fake.hold_tokens() as gate:
        anyio.run(notebook)


# --- stores of one loop, stores that call back -----------------------------------------------------------


class LoopBoundStore(FaultyStore):
    loop_bound = True


def test_a_store_of_one_event_loop_is_refused_for_sync_clients(served: Served) -> None:
    bound = Served(served.fake, LoopBoundStore())
    anyio.run(partial(bound.zoho.adopt, bound.refresh_token, OWNER, verify=False))
    before = bound.store.loads
    with pytest.raises(errors.ConfigurationError, match="one event loop"):
        bound.call()
    assert bound.store.loads == before
    assert bound.fake.token_requests == 0


def test_a_store_without_such_a_driver_is_not_refused(served: Served) -> None:
    free = Served(served.fake, FaultyStore())
    anyio.run(partial(free.zoho.adopt, free.refresh_token, OWNER, verify=False))
    assert free.call() == 200


def test_a_sync_store_that_calls_back_is_told_so(served: Served) -> None:
    """Its sync call would wait for the attempt that waits for the store (C24)."""
    calling = Served(served.fake, FaultyStore())
    anyio.run(partial(calling.zoho.adopt, calling.refresh_token, OWNER, verify=False))

    async def call_back() -> None:
        calling.call()

    calling.store.on_load = call_back
    ended = threading.Event()

    async def main() -> None:
        with pytest.raises(errors.ConfigurationError):
            await calling.zoho.source(OWNER).token()
        ended.set()

    thread = threading.Thread(target=anyio.run, args=(main,), daemon=True)
    thread.start()
    assert ended.wait(PATIENCE)
    thread.join(PATIENCE)


def test_a_store_that_calls_back_from_a_thread_is_given_up_after_its_deadline(served: Served) -> None:
    """The sync call in its thread waits for the portal's attempt, which waits for the store again (C24)."""
    calling = Served(served.fake, FaultyStore())
    calling.zoho = ZohoOAuth(
        calling.registration, calling.store, clock=served.clock, policy=RefreshPolicy(store_deadline=0.2)
    )
    anyio.run(partial(calling.zoho.adopt, calling.refresh_token, OWNER, verify=False))

    async def call_back() -> None:
        await anyio.to_thread.run_sync(calling.call, abandon_on_cancel=True)

    calling.store.on_load = call_back

    def ask() -> None:
        anyio.run(calling.zoho.source(OWNER).token)

    results = in_threads([ask, calling.call], seconds=PATIENCE)
    assert [type(each) for each in results] == [errors.StoreUnavailable] * 2
    calling.store.come_back()
    for _ in range(20):
        # The threads that were given up may fail once more meanwhile.
        calling.clock.advance(2)
        results = in_threads([calling.call])
        if results == [200]:
            break
    assert results == [200]


async def _settle(served: Served) -> None:
    await until(lambda: not served.zoho.source(OWNER).entry.attempts)


def test_an_eager_task_factory_changes_nothing(served: Served) -> None:
    if not hasattr(asyncio, "eager_task_factory"):
        pytest.skip("Python 3.12 and later")

    async def main() -> set[int]:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        served.clock.advance(3600)
        found = await served.acall(httpx, 20)
        await _settle(served)
        return found

    served.adopt()
    assert asyncio.run(main()) == {200}
    assert served.fake.token_requests == 2
