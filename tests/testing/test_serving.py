"""Served on a loopback port, from any event loop or none."""

import socket
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import anyio
import httpx
import pytest

from zoho_oauth.testing import FakeZoho

from .world import world


def refresh(fake, client, refresh_token):
    form = {
        "grant_type": "refresh_token",
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "refresh_token": refresh_token,
    }
    return httpx.post(f"{fake.data_center.accounts}/oauth/v2/token", data=form)


def test_a_test_without_an_event_loop_can_be_served():
    fake = FakeZoho()
    with fake.serving():
        client = fake.register_client()
        response = refresh(fake, client, fake.consent(client))

    assert response.status_code == 200


@pytest.mark.anyio
async def test_serve_yields_the_fake_itself():
    fake = FakeZoho()
    async with fake.serve() as served:
        pass

    assert served is fake


def test_the_data_center_is_zohos_own_before_and_after():
    fake = FakeZoho("eu")
    before = fake.data_center
    with fake.serving():
        during = fake.data_center
    after = fake.data_center

    assert (
        before.code,
        before.accounts,
        before.api,
    ) == ("eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu")
    assert during.code == "eu-loopback"
    assert during.accounts == during.api
    assert during.api.startswith("http://127.0.0.1:")
    assert before == after


def test_nothing_listens_afterwards_and_no_thread_is_left():
    fake = FakeZoho()
    before = threading.active_count()
    with fake.serving():
        address = urlsplit(fake.data_center.api)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=1)
    assert before == threading.active_count()


def test_it_can_be_served_again():
    fake = FakeZoho()
    with fake.serving():
        client = fake.register_client()
        refresh_token = fake.consent(client)
    with fake.serving():
        response = refresh(fake, client, refresh_token)

    assert "access_token" in response.json()


def test_it_is_served_once_at_a_time():
    fake = FakeZoho()
    with fake.serving(), pytest.raises(RuntimeError, match="already"), fake.serving():
        pass


def test_two_fakes_are_two_worlds():
    with FakeZoho().serving() as one, FakeZoho().serving() as other:
        client = one.register_client()
        response = refresh(other, client, one.consent(client))

    assert response.json() == {"error": "invalid_client"}


@pytest.mark.anyio
async def test_it_stops_while_a_client_keeps_its_connection():
    fake = FakeZoho()
    async with httpx.AsyncClient() as http:
        with anyio.fail_after(5):
            async with fake.serve():
                await http.get(fake.data_center.api)


def test_threads_may_use_it_together():
    fake = FakeZoho()
    fake.rules.throttle_after = None
    fake.rules.live_access_tokens = 1000
    with fake.serving():
        client = fake.register_client()
        refresh_token = fake.consent(client)
        threads = [
            threading.Thread(target=lambda: [refresh(fake, client, refresh_token) for _ in range(10)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    tokens = fake.access_tokens(refresh_token)
    assert (fake.token_requests, fake.requests.mints, len(set(tokens))) == (40, 40, 40)


@pytest.mark.anyio
async def test_the_rules_can_change_while_it_runs():
    async with world(FakeZoho(), "socket") as zoho:
        zoho.fake.rules.token_life = 5
        body = (await zoho.refresh()).json()

    assert body["expires_in"] == 5


def test_without_uvicorn_only_serving_fails():
    program = """
import sys
sys.modules["uvicorn"] = None
from zoho_oauth.testing import FakeZoho
fake = FakeZoho()
fake.consent(fake.register_client())
try:
    with fake.serving():
        pass
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "pip install 'zoho-oauth[testing]'" in done.stdout
