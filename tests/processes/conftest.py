"""Real processes on one `FileStore`, and the fake that they all ask, in this one."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from zoho_oauth import FileStore, ZohoOAuth
from zoho_oauth._clock import SystemClock
from zoho_oauth._documents import Document, read_document
from zoho_oauth._secrets import fingerprint
from zoho_oauth.testing import FakeZoho, ManualClock, Rules

ROOT = Path(__file__).parents[2]
#: Real seconds after which a process counts as stuck.
PATIENCE = 40.0

collect_ignore = [] if sys.platform != "win32" else ["test_fleet.py", "test_kill.py", "test_clocks.py"]


class Worker:
    """One worker process, as the test sees it."""

    def __init__(self, fleet: Fleet, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self._fleet = fleet
        self._line = line
        self._lines = line.makefile("rb")
        assert self.expect("ready")["pid"] == pid

    def send(self, **command: Any) -> None:
        self._line.sendall(json.dumps(command).encode() + b"\n")

    def ask(self, owner: str, **more: Any) -> None:
        """Have it ask for a token, after `requests` requests at the same time."""
        self.send(do="ask", owner=owner, **more)

    def expect(self, *events: str) -> dict[str, Any]:
        """The next of these events; what comes before is passed over."""
        for line in self._lines:
            told = json.loads(line)
            if told["event"] in events:
                return told
        raise AssertionError(f"process {self.pid} ended before {' or '.join(events)}")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self) -> None:
        """Let it end by itself."""
        self.send(do="end")
        assert self.ended() == 0

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.ended() == -signal.SIGKILL

    def ended(self) -> int:
        """Wait for its end: the exit status."""
        status = self._fleet.reaped(self)
        self.hang_up()
        return status

    def hang_up(self) -> None:
        self._lines.close()
        self._line.close()


class Fleet:
    """Forks workers from one interpreter, and reaps them."""

    def __init__(self, errors: Path) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(PATIENCE)
        port = self._listener.getsockname()[1]
        with errors.open("wb") as file:
            self._program = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.processes.worker", str(port)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                bufsize=0,
                start_new_session=True,
            )
        self._errors = errors.open()
        self._running: dict[int, Worker] = {}

    def worker(self, options: dict[str, Any]) -> Worker:
        pid = self._answer("fork")
        line, _ = self._listener.accept()
        line.settimeout(PATIENCE)
        worker = self._running[pid] = Worker(self, pid, line)
        worker.send(**options)
        return worker

    def reaped(self, worker: Worker) -> int:
        status = self._answer(f"wait {worker.pid}")
        del self._running[worker.pid]
        return status

    def _answer(self, command: str) -> int:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(command.encode() + b"\n")
        ready, _, _ = select.select([self._program.stdout], [], [], PATIENCE)
        assert ready, f"no answer to {command!r}"
        return int(self._program.stdout.readline())

    def end_all(self) -> int:
        """Kill what still runs; how many that were."""
        left = list(self._running.values())
        for worker in left:
            with suppress(ProcessLookupError):
                worker.signal(signal.SIGKILL)
            worker.ended()
        return len(left)

    def complaints(self) -> str:
        """What the program and its workers have written to standard error since the last look."""
        return self._errors.read()

    def close(self) -> None:
        try:
            self.end_all()
            _, _ = self._program.communicate(timeout=PATIENCE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._program.pid, signal.SIGKILL)
            self._program.wait(PATIENCE)
            self._listener.close()
            self._errors.close()


@pytest.fixture(scope="session")
def _fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path_factory.mktemp("fleet") / "stderr")
    yield fleet
    fleet.close()


@pytest.fixture
def fleet(_fleet: Fleet) -> Iterator[Fleet]:
    """Every worker must have ended, and in silence, when the test has passed."""
    yield _fleet
    left, complaints = _fleet.end_all(), _fleet.complaints()
    assert not complaints
    assert not left, f"{left} workers were left running"


class World:
    """The fake on a socket, one client of it, and processes that share its tokens through files."""

    def __init__(self, fleet: Fleet, directory: Path, rules: Rules | None = None) -> None:
        clock = ManualClock(time.time(), time.monotonic(), follows=SystemClock())
        self.fake = FakeZoho("eu", clock=clock, rules=rules)
        self.directory = directory
        self._fleet = fleet
        self._serving = self.fake.serving()
        self._serving.__enter__()
        self.registration = self.fake.register_client()

    def close(self) -> None:
        self.fake.release_all()
        self._serving.__exit__(None, None, None)

    def worker(self, number: int = 0, **more: Any) -> Worker:
        """A new process; its number decides between asyncio and trio, httpx and httpx2."""
        secret = self.registration.client_secret
        assert secret is not None
        options = {
            "backend": ("asyncio", "trio")[number % 2],
            "library": ("httpx", "httpx2")[number // 2 % 2],
            "origin": self.fake.data_center.api,
            "data_center": self.fake.data_center.code,
            "client_id": self.registration.client_id,
            "client_secret": secret.reveal(),
            "directory": str(self.directory),
            "policy": {},
            "offset": 0.0,
            "system_clock": False,
        }
        return self._fleet.worker({**options, **more})

    def workers(self, count: int, **more: Any) -> list[Worker]:
        return [self.worker(number, **more) for number in range(count)]

    def connect(self, owner: str, directory: Path | None = None) -> str:
        """A refresh token, stored without a token request."""
        refresh_token = self.fake.consent(self.registration, owner=owner)
        zoho = ZohoOAuth(self.registration, FileStore(directory or self.directory))
        anyio.run(partial(zoho.adopt, refresh_token, owner, verify=False))
        return refresh_token

    def token_requests(self, refresh_token: str) -> int:
        """How many token requests there were for it, whatever came of them."""
        mine = fingerprint(refresh_token)[:8]
        return sum(each.fingerprint == mine for each in self.fake.token_request_log)

    def stored(self, owner: str, directory: Path | None = None) -> Document:
        """What the store holds; the library's own errors if it cannot be read."""
        store = FileStore(directory or self.directory)
        record = anyio.run(store.load, f"{self.registration.client_id}/{owner}")
        assert record is not None
        return read_document(record, client_id=self.registration.client_id, owner=owner)


@pytest.fixture
def world(fleet: Fleet, tmp_path: Path) -> Iterator[World]:
    world = World(fleet, tmp_path / "tokens")
    yield world
    world.close()
