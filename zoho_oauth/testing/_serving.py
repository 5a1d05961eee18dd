"""
The fake on a loopback port, in a thread with an event loop of its own: the test may use any loop or none.

Rules for editors: the server stops at once and in silence (no log line, no warning, no open socket), whatever
requests are still waiting; it never logs a request, whose URL and headers hold tokens.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ._asgi import CUT, Message, Receive, Send

try:
    import uvicorn
except ImportError as missing:
    raise ImportError("uvicorn is needed for this: pip install 'zoho-oauth[testing]'") from missing

if TYPE_CHECKING:
    import socket

    from ._fake_zoho import FakeZoho

App = Callable[[Message, Receive, Send], Awaitable[None]]

#: A thread that takes longer to start a server or to end one is stuck.
_PATIENCE = 30.0
#: Idle connections outlive any test: a server that closes them would be a fault of its own.
_KEEP_ALIVE = 3600
_BACKLOG = 4096


def _configuration(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        loop="asyncio",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        backlog=_BACKLOG,
    )


class _Server(uvicorn.Server):
    def __init__(self, app: FakeZoho) -> None:
        super().__init__(_configuration(self._lend_connections))
        self._app = app
        self.running = threading.Event()
        self.origin = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        host, port = self.servers[0].sockets[0].getsockname()
        self.origin = f"http://{host}:{port}"
        self.running.set()

    async def main_loop(self) -> None:
        # uvicorn's own looks every 0.1 s whether to stop.
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """End the server from another thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _lend_connections(self, scope: Message, receive: Receive, send: Send) -> None:
        scope.setdefault("extensions", {})[CUT] = self._cut
        await self._app(scope, receive, send)

    def _cut(self, client: object) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("peername") == client:
                connection.transport.abort()


class LoopbackServer:
    """Starts the fake on a port that is free, and stops it."""

    def __init__(self, app: FakeZoho) -> None:
        self._server = _Server(app)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="FakeZoho", daemon=True)

    @property
    def origin(self) -> str:
        """Where it listens, once it does."""
        return self._server.origin

    def start(self) -> None:
        """Return when connections are accepted."""
        self._thread.start()
        if not self._server.running.wait(_PATIENCE) or self._failure is not None:
            raise RuntimeError("FakeZoho could not be served") from self._failure

    def stop(self) -> None:
        """Return when the thread has ended and every socket is closed."""
        self._server.stop()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError("FakeZoho's server did not stop")

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                runner.run(self._server.serve())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._server.running.set()
