"""Stores that are down, hang, lie or talk too much."""

from __future__ import annotations

import traceback

import anyio
import pytest

from tests.life_cycle.support import OWNER, PATIENCE, FaultyStore, World, together
from zoho_oauth import RefreshPolicy, _records, errors

pytestmark = pytest.mark.anyio

DEGRADE = RefreshPolicy(store_down="degrade")
#: Real seconds: hanging stores are given up this soon.
SOON = RefreshPolicy(store_deadline=0.1)


# --- down before anything was sent -----------------------------------------------------------------------


async def test_a_store_that_is_down_does_not_matter_while_the_token_in_memory_is_good() -> None:
    world = World(FaultyStore())
    source = await world.adopt()
    world.store.break_down()
    before = world.store.loads
    found = await together(50, source.token)
    assert {token.generation for token in found} == {1}
    assert world.store.loads == before


async def test_a_living_token_is_given_out_while_the_store_is_down() -> None:
    world = World(FaultyStore())
    source = await world.adopt()
    world.store.break_down()
    world.clock.advance(3600 - 30)
    found = await together(20, source.token)
    assert {token.generation for token in found} == {1}
    world.clock.advance(29)
    assert (await source.token()).generation == 1
    world.clock.advance(1)
    with pytest.raises(errors.StoreUnavailable):
        await source.token()
    assert world.fake.token_requests == 1


async def check_that_nothing_is_sent(world: World, *, loads_work: bool) -> None:
    source = await world.adopt()
    world.clock.advance(3600)
    world.store.break_down()
    if loads_work:
        world.store.on_load = None
    found = await together(20, source.token)
    assert [type(each) for each in found] == [errors.StoreUnavailable] * 20
    assert {each.owner for each in found} == {OWNER}
    assert world.fake.token_requests == 1
    world.store.come_back()
    world.clock.advance(2)
    assert world.is_alive(await source.token())
    assert world.fake.token_requests == 2


@pytest.mark.parametrize("loads_work", [False, True])
async def test_strict_sends_nothing_without_a_saved_reservation(loads_work: bool) -> None:
    await check_that_nothing_is_sent(World(FaultyStore()), loads_work=loads_work)


@pytest.mark.parametrize("loads_work", [False, True])
async def test_the_check_finds_requests_without_a_saved_reservation(loads_work: bool) -> None:
    with pytest.raises(AssertionError):
        await check_that_nothing_is_sent(World(FaultyStore(), policy=DEGRADE), loads_work=loads_work)


# --- hanging ---------------------------------------------------------------------------------------------


async def check_deadline(world: World, hanging: str, patience: float) -> None:
    await world.adopt()
    world.clock.advance(3600)
    setattr(world.store, hanging, anyio.sleep_forever if hanging == "on_load" else _hang)
    with anyio.fail_after(patience):
        found = await together(20, world.zoho.source(OWNER).token)
    assert [type(each) for each in found] == [errors.StoreUnavailable] * 20
    assert world.fake.token_requests == 1


async def _hang(_: str) -> None:
    await anyio.sleep_forever()


@pytest.mark.parametrize("hanging", ["on_load", "on_save"])
async def test_a_store_that_hangs_is_given_up_after_its_deadline(hanging: str) -> None:
    await check_deadline(World(FaultyStore(), policy=SOON), hanging, PATIENCE)


@pytest.mark.parametrize("hanging", ["on_load", "on_save"])
async def test_the_check_finds_a_store_call_without_deadline(hanging: str) -> None:
    endless = RefreshPolicy(store_deadline=1e6)
    with pytest.raises(TimeoutError):
        await check_deadline(World(FaultyStore(), policy=endless), hanging, 0.4)


# --- calling back ----------------------------------------------------------------------------------------


async def check_calling_back(world: World, patience: float) -> None:
    source = await world.adopt()
    world.clock.advance(3600)

    async def call_back() -> None:
        await source.token()

    world.store.on_load = call_back
    with anyio.fail_after(patience):
        found = await together(5, source.token)
    assert [type(each) for each in found] == [errors.StoreUnavailable] * 5
    world.store.come_back()
    world.clock.advance(2)
    assert world.is_alive(await source.token())


async def test_a_store_that_calls_back_is_given_up_after_its_deadline() -> None:
    await check_calling_back(World(FaultyStore(), policy=SOON), PATIENCE)


async def test_the_check_finds_a_store_that_waits_for_itself() -> None:
    with pytest.raises(TimeoutError):
        await check_calling_back(World(FaultyStore(), policy=RefreshPolicy(store_deadline=1e6)), 0.4)


# --- talking too much ------------------------------------------------------------------------------------


def reachable(error: BaseException) -> str:
    """All that a log, a crash reporter or a pickle could show of it, locals of its frames included."""
    parts, seen, todo = [], set(), [error]
    while todo:
        link = todo.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        shown = traceback.TracebackException.from_exception(link, capture_locals=True)
        parts += ["".join(shown.format()), repr(link.args), repr(vars(link)), repr(link.__reduce__())]
        todo += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]
    return "\n".join(parts)


class DriverError(Exception):
    """Shows the statement that failed, as drivers do."""


async def check_that_nothing_is_told(world: World, raised: type[Exception]) -> None:
    source = await world.adopt()
    world.clock.advance(3600)
    record = await world.stored()
    assert world.refresh_token in record.text
    found = []
    for calls in ("on_load", "on_save"):

        async def fail(text: str = record.text) -> None:
            try:
                raise DriverError(f"INSERT {text}")
            except DriverError as error:
                message = f"could not write {text}"
                wrapped = raised(message) if raised is not ExceptionGroup else raised(message, [error])
                raise wrapped from error

        world.store.come_back()
        setattr(world.store, calls, fail)
        world.clock.advance(2)
        found += await together(3, source.token)
    assert [type(each) for each in found] == [errors.StoreUnavailable] * 6
    for error in found:
        told = reachable(error)
        assert world.refresh_token not in told
        assert "access_token" not in told
        assert error.__cause__ is None
        assert error.__context__ is None
    assert world.fake.token_requests == 1


@pytest.mark.parametrize("raised", [DriverError, OSError, ValueError, TimeoutError, ExceptionGroup])
async def test_nothing_of_the_text_is_in_the_error_of_a_talkative_store(raised: type[Exception]) -> None:
    await check_that_nothing_is_told(World(FaultyStore()), raised)


async def told(records, call):
    """A twin: the error says what the driver said."""
    try:
        return await call()
    except Exception as error:
        raise records._unavailable(str(error)) from None


async def chained(records, call):
    """A twin: the driver's error is the cause."""
    try:
        return await call()
    except Exception as error:
        raise records._unavailable(type(error).__name__) from error


@pytest.mark.parametrize("twin", [told, chained])
async def test_the_check_finds_a_driver_error_that_is_passed_on(
    twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_records.Records, "_call", twin)
    monkeypatch.setattr("zoho_oauth._sources._own_copy", lambda error: error)
    with pytest.raises(AssertionError):
        await check_that_nothing_is_told(World(FaultyStore()), DriverError)
