"""
The program that each worker process runs: `python -m tests.processes.worker PORT`.

Rules for editors: it imports everything once, stays single-threaded and forks a worker for each line "fork", so
that two hundred kills do not cost two hundred starts of an interpreter; whatever a worker needs to know, secrets
too, comes over its own connection to PORT; what it patches stays in it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
from collections import Counter
from typing import Any

import anyio
import httpx
import httpx2

import zoho_oauth.httpx2
from zoho_oauth import (
    ClientRegistration,
    DataCenter,
    FileStore,
    Record,
    RefreshPolicy,
    Secret,
    TokenEndpoint,
    ZohoOAuth,
    _policy,
    _turns,
)
from zoho_oauth._clock import SystemClock
from zoho_oauth._seeded import seed_of
from zoho_oauth.stores import _disk

#: What an open reservation looks like in a stored text.
OPEN = '"open":true'
#: Steps inside `FileStore.save`, by the call that takes them; of the first, half.
FILE_STEPS = {"written": "write", "fsynced": "fsync", "replaced": "replace"}
PATIENCE = 30.0
#: No CA certificates are loaded: everything here is on loopback, in clear.
NO_TRUST = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Line:
    """The worker's connection to the test: one JSON object per line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._buffer = b""

    def tell(self, event: str, **more: Any) -> None:
        self._socket.sendall(json.dumps({"event": event, **more}).encode() + b"\n")

    def listen(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            received = self._socket.recv(65_536)
            if not received:
                os._exit(3)
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def hang_up(self) -> None:
        self._socket.close()

    async def heard(self) -> dict[str, Any]:
        if b"\n" not in self._buffer:
            await anyio.wait_readable(self._socket)
        return self.listen()


class Steps:
    """Where the worker is; it reports each step, meets others there, stops there or dies there."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._meets = False
        self._die_at = self._stop_at = ""

    def begin(self, command: dict[str, Any]) -> None:
        self._meets = command.get("meets", False)
        self._die_at, self._stop_at = command.get("die_at", ""), command.get("stop_at", "")

    def reach(self, step: str) -> None:
        self._line.tell(step)
        if step == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if step == self._stop_at:
            self._stop_at = ""
            # To this very thread, which must not take another step before the rest has stopped.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    async def meet(self) -> None:
        """The first load of each command: nobody goes on before the test has seen whom it waits for."""
        if self._meets:
            self._meets = False
            self._line.tell("met")
            await self._line.heard()

    def arm(self, save: str) -> None:
        """Reach the step inside `FileStore` when it comes: "release: written" and so on."""
        step = self._die_at or self._stop_at
        begins, _, name = step.partition(": ")
        if begins == save:
            self._break_in(step, FILE_STEPS[name])

    def _break_in(self, step: str, name: str) -> None:
        real = getattr(os, name)

        def broken(*given: Any) -> Any:
            setattr(os, name, real)
            *others, last = given
            result = real(*others, last[: len(last) // 2] if name == "write" else last)
            self.reach(step)
            return result

        setattr(os, name, broken)


class Watched:
    """A store that reports what is done with it."""

    def __init__(self, store: Any, steps: Steps) -> None:
        self._store = store
        self._steps = steps

    async def load(self, owner: str) -> Record | None:
        self._steps.reach("before load")
        record = await self._store.load(owner)
        self._steps.reach("after load")
        if record is not None and OPEN in record.text:
            self._steps.reach("waiting")
        await self._steps.meet()
        return record

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        takes = OPEN in text
        self._steps.reach("before reservation" if takes else "before release")
        self._steps.arm("reservation" if takes else "release")
        version = await self._store.save(owner, text, replacing=replacing)
        if version is not None:
            self._steps.reach("reserved" if takes else "released")
        return version

    async def delete(self, owner: str) -> None:
        await self._store.delete(owner)


class WatchedTransport(httpx.AsyncHTTPTransport):
    """Reports each token request before it is sent."""

    def __init__(self, steps: Steps) -> None:
        super().__init__(verify=NO_TRUST)
        self._steps = steps

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._steps.reach("before send")
        return await super().handle_async_request(request)


class Skewed(SystemClock):
    """A host's clock: `offset` seconds wrong by the wall, and as much ahead as the test has let pass."""

    def __init__(self, offset: float) -> None:
        self._offset = offset
        self._passed = 0.0

    def wall(self) -> float:
        return time.time() + self._offset + self._passed

    def monotonic(self) -> float:
        return time.monotonic() + self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds


# --- broken on purpose -----------------------------------------------------------------------------------


class LastWriterWins:
    """A store without compare-and-swap."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self.load = store.load

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        version = None
        while version is None:
            stored = await self._store.load(owner)
            version = await self._store.save(owner, text, replacing=stored.version if stored else None)
        return version


def without_reservation() -> None:
    """Whoever finds the token dead sends a request."""

    async def enter(turn: Any) -> Any:
        turn._begun, turn._version = turn._setup.clock.monotonic(), turn._replacing
        return turn

    _turns.Turn.__aenter__ = enter


def trusting_dates() -> None:
    """A reservation is over when its date says so."""
    _policy.CLOCKS_DISAGREE = RefreshPolicy().send_deadline


def written_in_place() -> None:
    """A store that opens the file itself and writes to it."""

    def replace_file(path: str, content: memoryview, *, draft: str) -> None:
        with open(path, "wb", buffering=0) as file:
            os.write(file.fileno(), content)

    _disk.replace_file = replace_file


TWINS = {
    "without reservation": without_reservation,
    "trusting dates": trusting_dates,
    "written in place": written_in_place,
}


# --- the worker ------------------------------------------------------------------------------------------


class Worker:
    """One process of an application: a `ZohoOAuth` of its own on a store that it shares."""

    def __init__(self, options: dict[str, Any], line: Line) -> None:
        self._options = options
        self._line = line
        self._steps = Steps(line)
        self._clock = Skewed(options["offset"])
        twin = options.get("twin")
        if twin in TWINS:
            TWINS[twin]()
        self._transport = WatchedTransport(self._steps)
        store = FileStore(options["directory"])
        self._zoho = ZohoOAuth(
            ClientRegistration(
                options["client_id"],
                options["client_secret"],
                data_center=DataCenter(
                    code=options["data_center"], accounts=options["origin"], api=options["origin"]
                ),
            ),
            Watched(LastWriterWins(store) if twin == "last writer wins" else store, self._steps),
            policy=RefreshPolicy(**options["policy"]),
            endpoint=TokenEndpoint(transport=self._transport),
            clock=SystemClock() if options["system_clock"] else self._clock,
        )
        if "seed" in options:
            # What `from_env` does, for a data center that is in no table.
            self._zoho._seed = seed_of(options["seed"], self._zoho._registration.data_center)

    async def run(self) -> None:
        async with self._zoho, self._transport:
            await self._obey()

    async def _obey(self) -> None:
        while (command := await self._line.heard())["do"] != "end":
            self._clock.advance(command.get("advance", 0.0))
            self._steps.begin(command)
            self._line.tell("done", **await self._asked(command["owner"], command.get("requests", 0)))

    async def _asked(self, owner: str, requests: int) -> dict[str, Any]:
        begun = time.monotonic()
        found = Found()
        if requests:
            async with self._client(owner) as client, anyio.create_task_group() as group:
                for _ in range(requests):
                    group.start_soon(found.watch, self._served, client)
        await found.watch(self._given, owner)
        return {**found.told(), "seconds": time.monotonic() - begun}

    def _client(self, owner: str) -> Any:
        library, auth = httpx, self._zoho.auth(owner)
        if self._options["library"] == "httpx2":
            library, auth = httpx2, zoho_oauth.httpx2.ZohoAuth(self._zoho.source(owner))
        return library.AsyncClient(
            auth=auth, base_url=self._options["origin"], verify=NO_TRUST, timeout=PATIENCE
        )

    async def _served(self, client: Any) -> tuple[str, int]:
        response = await client.get("/crm/v8/Leads")
        token = response.request.headers["Authorization"].partition(" ")[2]
        return Secret(token).fingerprint, response.status_code

    async def _given(self, owner: str) -> tuple[str, None]:
        token = await self._zoho.source(owner).token()
        return token.access_token.fingerprint, None


class Found:
    """What came of a command: fingerprints of the tokens that were used, statuses, names of errors."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()
        self._statuses: Counter[int] = Counter()
        self._errors: Counter[str] = Counter()

    async def watch(self, call: Any, *given: Any) -> None:
        try:
            token, status = await call(*given)
        except Exception as error:
            self._errors[type(error).__name__] += 1
            return
        self._tokens.add(token)
        if status is not None:
            self._statuses[status] += 1

    def told(self) -> dict[str, Any]:
        return {"tokens": sorted(self._tokens), "statuses": self._statuses, "errors": self._errors}


def work(port: int) -> None:
    line = Line(port)
    line.tell("ready", pid=os.getpid())
    options = line.listen()
    anyio.run(Worker(options, line).run, backend=options["backend"])
    line.hang_up()


def forked(port: int) -> int:
    assert threading.active_count() == 1, "a fork of several threads can hang"
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with open(os.devnull, "r+b") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(nothing.fileno(), 1)
        work(port)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def warm_up() -> None:
    """Have imported what is imported late, once for all workers."""
    for backend in ("asyncio", "trio"):
        anyio.run(anyio.sleep, 0, backend=backend)
    for library in (httpx, httpx2):
        library.AsyncHTTPTransport(verify=NO_TRUST)


def main() -> None:
    port = int(sys.argv[1])
    warm_up()
    for line in sys.stdin:
        match line.split():
            case ["fork"]:
                print(forked(port), flush=True)
            case ["wait", pid]:
                print(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]), flush=True)


if __name__ == "__main__":
    main()
