"""A failure that stands, and a new consent, as another real process sees them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import anyio

from tests.life_cycle.failing import failed_callers
from tests.life_cycle.world import World
from zoho_oauth import FileStore, RefreshPolicy
from zoho_oauth.testing import FakeZoho

CHILD = """
import asyncio, os, sys
from zoho_oauth import ClientRegistration, DataCenter, FileStore, ZohoOAuth, errors

async def main():
    accounts = os.environ["ACCOUNTS"]
    data_center = DataCenter(code=os.environ["CODE"], accounts=accounts, api=accounts)
    registration = ClientRegistration("1000.fake-client", "fake-secret", data_center=data_center)
    zoho = ZohoOAuth(registration, FileStore(os.environ["FOLDER"]))
    if sys.argv[1] == "adopt":
        await zoho.adopt(os.environ["REFRESH_TOKEN"])
        return
    source = zoho.source()
    found = await asyncio.gather(*(source.token() for _ in range(50)), return_exceptions=True)
    print(*sorted({type(each).__name__ for each in found}), len(found))

asyncio.run(main())
"""


def in_another_process(word: str, world: World, folder: Path, refresh_token: str = "") -> str:
    place = world.fake.data_center
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "ACCOUNTS": place.accounts,
        "CODE": place.code,
        "FOLDER": str(folder),
        "REFRESH_TOKEN": refresh_token,
    }
    command = [sys.executable, "-W", "error", "-c", CHILD, word]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (child.returncode, child.stderr) == (0, "")
    return child.stdout.strip()


def system_world(fake: FakeZoho, folder: Path) -> World:
    """The owner's record in files, by the machine's clock, for several real processes."""
    from zoho_oauth import ZohoOAuth

    world = World(fake, RefreshPolicy(), FileStore(folder))
    world.registration = fake.register_client("1000.fake-client", "fake-secret")
    world.refresh_token = fake.consent(world.registration)
    world.zoho = ZohoOAuth(world.registration, world.store)
    return world


def test_a_real_second_process_sends_nothing_while_the_failure_stands(tmp_path: Path) -> None:
    fake = FakeZoho("eu")
    with fake.serving():
        world = system_world(fake, tmp_path / "tokens")

        async def failing() -> None:
            await world.store_only()
            fake.revoke(world.refresh_token)
            assert len(await failed_callers(world.zoho.source(), 50)) == 50

        anyio.run(failing)
        assert fake.token_requests == 1
        assert in_another_process("token", world, tmp_path / "tokens") == "ReauthorizationRequired 50"
        assert fake.token_requests == 1


def test_a_consent_in_a_real_second_process_is_seen_within_two_seconds(tmp_path: Path) -> None:
    fake = FakeZoho("eu")
    with fake.serving():
        world = system_world(fake, tmp_path / "tokens")

        async def failing_then_seeing() -> None:
            await world.store_only()
            fake.revoke(world.refresh_token)
            assert len(await failed_callers(world.zoho.source(), 5)) == 5
            renewed = fake.consent(world.registration)
            await anyio.to_thread.run_sync(in_another_process, "adopt", world, tmp_path / "tokens", renewed)
            with anyio.fail_after(2):
                while await failed_callers(world.zoho.source(), 1):  # noqa: ASYNC110 - the machine's clock
                    await anyio.sleep(0.05)

        anyio.run(failing_then_seeing)
        assert fake.token_requests == 2
