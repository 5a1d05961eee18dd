"""A fork during a refresh: the child neither hangs nor spends more than it must (C23)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoho_oauth.testing import FakeZoho

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

ROOT = Path(__file__).parents[2]
SECONDS = 2.0


class Program:
    """The forking program in an interpreter of its own, and the fake that it talks to."""

    def __init__(self, fake: FakeZoho, *, consents: bool = False, **orders: object) -> None:
        self.fake = fake
        registration = fake.register_client()
        self.refresh_token = fake.consent(registration)
        self.orders = {
            "origin": fake.data_center.api,
            "client_id": registration.client_id,
            "client_secret": registration.client_secret.reveal(),
            "refresh_token": self.refresh_token,
            "path": "",
            "backend": "asyncio",
            "consent": fake.consent(registration) if consents else "",
            "twin": "",
            "mutexes_held": False,
            "fork_after": False,
            **orders,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-m", "tests.life_cycle.forking"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.tell(json.dumps(self.orders))

    def tell(self, line: str = "") -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def heard(self) -> str:
        return self.process.stdout.readline().strip()

    def result(self) -> dict:
        self.tell()
        return json.loads(self.heard())

    def end(self) -> None:
        # The whole group: a child that hangs would keep the pipes open.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=10)


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    fake = FakeZoho("eu")
    with fake.serving():
        try:
            yield lambda **orders: started.append(Program(fake, **orders)) or started[-1]
        finally:
            fake.release_all()
            for program in started:
                program.end()


def check_fork_during_refresh(program: Program, *, most: int) -> None:
    with program.fake.hold_tokens(at="answer") as gate:
        gate.wait_arrived()
        program.tell("fork")
        assert program.heard() == "forked"
        if most > 1:
            gate.wait_arrived(most, timeout=SECONDS)
        assert gate.arrivals == most
        gate.release()
        result = program.result()
    assert result["child"].startswith("200 "), result
    assert result["child"].endswith(" True"), result
    assert result["seconds"] < SECONDS
    assert program.fake.token_requests == most


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_a_store_in_memory_the_child_refreshes_for_itself(backend: str, programs) -> None:
    check_fork_during_refresh(programs(backend=backend), most=2)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_a_store_on_disk_the_child_waits_for_its_parents_token(
    backend: str, programs, tmp_path: Path
) -> None:
    program = programs(backend=backend, path=str(tmp_path / "tokens"))
    check_fork_during_refresh(program, most=1)


def test_a_mutex_that_another_thread_holds_does_not_stop_the_child(programs) -> None:
    check_fork_during_refresh(programs(mutexes_held=True), most=2)


def test_the_check_finds_mutexes_that_are_not_replaced(programs) -> None:
    with pytest.raises((AssertionError, TimeoutError)):
        check_fork_during_refresh(programs(mutexes_held=True, twin="mutexes"), most=2)


def check_fork_of_an_idle_process(program: Program, *, consents: bool) -> None:
    program.tell("fork")
    assert program.heard() == "forked"
    result = program.result()
    status, token, shared = result["child"].split()
    assert (status, shared) == ("200", "True")
    assert result["seconds"] < SECONDS
    assert (token != result["parent"]) == consents
    assert program.fake.token_requests == 1 + consents


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_child_goes_on_with_the_token_that_is_stored(on_disk: bool, programs, tmp_path: Path) -> None:
    path = str(tmp_path / "tokens") if on_disk else ""
    check_fork_of_an_idle_process(programs(path=path, fork_after=True), consents=False)


def test_an_auth_made_before_the_fork_sees_what_the_child_adopts(programs) -> None:
    check_fork_of_an_idle_process(programs(fork_after=True, consents=True), consents=True)


def test_the_check_finds_a_child_that_goes_on_with_what_its_parent_held(programs) -> None:
    with pytest.raises(AssertionError):
        check_fork_of_an_idle_process(programs(fork_after=True, consents=True, twin="entries"), consents=True)
