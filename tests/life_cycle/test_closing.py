"""The end of a program: refreshes in flight are waited for, or cut without a word."""

from __future__ import annotations

import gc
import logging

import anyio
import pytest

from tests.life_cycle.support import OWNER, PATIENCE, World
from zoho_oauth import RefreshPolicy, ZohoOAuth, _attempts

STALE = 3600 - 100


class LoudAttempt(_attempts.Attempt):
    """A twin: being cut is an error to it."""

    async def run(self):
        try:
            await super().run()
        except BaseException as cut:
            raise ValueError("cut") from cut


async def check_waiting(world: World) -> None:
    source = await world.adopt()
    world.clock.advance(STALE)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                async with world.zoho:
                    assert (await source.token()).generation == 1
                    await gate.arrived()

                    async def release() -> None:
                        await anyio.sleep(0.05)
                        gate.release()

                    group.start_soon(release)
                assert gate.is_open
    assert '"generation":2' in (await world.stored()).text.split('"token":')[1].split("}")[0]
    assert not source.entry.attempts


@pytest.mark.anyio
async def test_leaving_the_block_waits_for_the_refresh_in_flight() -> None:
    await check_waiting(World())


@pytest.mark.anyio
async def test_the_check_finds_a_close_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(zoho) -> None:
        pass

    monkeypatch.setattr(ZohoOAuth, "aclose", at_once)
    with pytest.raises(ExceptionGroup) as found:
        await check_waiting(World())
    assert found.group_contains(AssertionError)


@pytest.mark.anyio
async def test_leaving_the_block_waits_no_longer_than_the_send_deadline() -> None:
    world = World(policy=RefreshPolicy(send_deadline=0.2))
    source = await world.adopt()
    world.clock.advance(STALE)
    with world.fake.hold_tokens() as gate, anyio.fail_after(PATIENCE):
        async with world.zoho:
            await source.token()
            await gate.arrived()
        assert not gate.is_open


@pytest.mark.anyio
async def test_closing_what_was_never_used_or_twice_is_fine() -> None:
    world = World()
    async with world.zoho:
        await world.zoho.aclose()
    await world.zoho.aclose()
    assert world.fake.token_requests == 0


@pytest.mark.anyio
async def test_a_closed_one_goes_on_working() -> None:
    world = World()
    source = await world.adopt()
    await world.zoho.aclose()
    world.clock.advance(3600)
    assert world.is_alive(await source.token())


def check_cut(world: World, backend: str, caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> None:
        source = world.zoho.source(OWNER)
        assert (await source.token()).generation == 1
        with anyio.fail_after(PATIENCE):
            await gate.arrived()
        assert source.entry.attempts

    anyio.run(world.adopt)
    world.clock.advance(STALE)
    with world.fake.hold_tokens() as gate, caplog.at_level(logging.WARNING):
        anyio.run(leave, backend=backend)
        gc.collect()
    assert not caplog.records
    assert not world.zoho.source(OWNER).entry.attempts
    assert '"open":true' in anyio.run(world.stored).text
    world.clock.advance(100)
    assert anyio.run(world.zoho.source(OWNER).token, backend=backend).generation == 3


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_that_ends_cuts_a_refresh_without_a_warning(
    backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_cut(World(), backend, caplog)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_check_finds_a_refresh_that_complains_when_it_is_cut(
    backend: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attempts, "Attempt", LoudAttempt)
    with pytest.raises(BaseException):  # noqa: B017 - trio gives an internal error, asyncio a log record
        check_cut(World(), backend, caplog)
