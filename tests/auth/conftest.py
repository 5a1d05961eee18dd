from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from zoho_oauth.testing import FakeZoho
from zoho_oauth.testing._asgi import Message, Receive, Send
from zoho_oauth.testing._serving import LoopbackServer

from . import LIBRARIES, Library, World


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request: pytest.FixtureRequest) -> Library:
    return request.param


@pytest.fixture
def world(library: Library) -> Iterator[World]:
    """In process, with Zoho's own host names."""
    fake = FakeZoho("eu")
    yield World(fake, library)
    fake.release_all()


class Stage:
    """One server for all tests, each with a fake of its own on it: uvicorn takes 0.1 s to stop."""

    def __init__(self) -> None:
        self.fake = FakeZoho("eu")
        self.server = LoopbackServer(self)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await self.fake(scope, receive, send)

    @contextmanager
    def lent_to(self, fake: FakeZoho) -> Iterator[FakeZoho]:
        self.fake, fake._server = fake, self.server
        yield fake
        fake._line.stop()
        fake._server = None


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    stage.server.start()
    yield stage
    stage.server.stop()


@pytest.fixture
def served(library: Library, stage: Stage) -> Iterator[World]:
    """On a loopback port: nothing here buffers a body or forgives an unread answer."""
    with stage.lent_to(FakeZoho("eu")) as fake:
        yield World(fake, library)
