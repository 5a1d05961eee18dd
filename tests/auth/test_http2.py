"""The same over HTTP/2: one connection, many streams."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.auth import LEADS, OWNER
from zoho_oauth import ClientRegistration, DataCenter, MemoryStore, ZohoOAuth
from zoho_oauth.testing import FakeZoho

SIZE = 20


@contextmanager
def spoken(fake: FakeZoho, authority: trustme.CA, folder) -> Iterator[str]:
    """The fake's API behind TLS and HTTP/2, in a thread of its own."""
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "chain.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    port, configuration = listener.getsockname()[1], Config()
    configuration.bind = [f"fd://{listener.detach()}"]
    configuration.keyfile, configuration.certfile = str(folder / "key.pem"), str(folder / "chain.pem")
    configuration.errorlog, configuration.graceful_timeout = None, 1
    ready, over = threading.Event(), asyncio.Event()
    loops = []

    async def main():
        loops.append(asyncio.get_running_loop())
        ready.set()
        await serve(fake_only, configuration, shutdown_trigger=over.wait)

    async def fake_only(scope, receive, send):
        if scope["type"] == "http":
            await fake(scope, receive, send)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        ready.wait(10)
        yield f"https://localhost:{port}"
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(10)


async def connected(fake: FakeZoho, api: str) -> ZohoOAuth:
    """An owner whose data center has its API at `api`."""
    client = fake.register_client()
    there = DataCenter(code="there", accounts=fake.data_center.accounts, api=api)
    registration = ClientRegistration(client.client_id, client.client_secret, data_center=there)
    zoho = ZohoOAuth(registration, MemoryStore(), clock=fake.clock)
    await zoho.adopt(fake.consent(client), OWNER, verify=False)
    return zoho


@pytest.mark.anyio
async def test_twenty_rejected_streams_of_one_connection_cost_one_refresh(library, tmp_path):
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    codes, versions = [], set()

    async def get(client):
        response = await client.get(LEADS)
        codes.append(response.status_code)
        versions.add(response.http_version)

    with FakeZoho("eu").serving() as fake, spoken(fake, authority, tmp_path) as api, anyio.fail_after(30):
        auth = library.auth_class((await connected(fake, api)).source(OWNER))
        options = {"http2": True, "verify": trust, "limits": library.module.Limits(max_connections=1)}
        async with library.module.AsyncClient(auth=auth, base_url=api, **options) as client:
            await get(client)
            fake.expire_all()
            with fake.hold_resources(at="answer") as gate:
                async with anyio.create_task_group() as tasks:
                    for _ in range(SIZE):
                        tasks.start_soon(get, client)
                    await gate.arrived(SIZE)
                    gate.release()

    assert codes == [200] * (SIZE + 1)
    assert versions == {"HTTP/2"}
    assert (fake.requests.rejected, fake.token_requests) == (SIZE, 2)
