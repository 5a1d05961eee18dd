"""Sentences of the how-to pages that no snippet shows."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from attrs import define, field

from zoho_oauth import TokenEndpoint, ZohoOAuth, events
from zoho_oauth.testing import FakeZoho

pytestmark = pytest.mark.anyio


@define
class World:
    fake: FakeZoho
    zoho: ZohoOAuth
    events: list[events.Event] = field(factory=list)

    def client(self, **more: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self.fake.transport, auth=self.zoho.auth(), base_url=self.fake.data_center.api, **more
        )


async def connected() -> World:
    fake = FakeZoho("eu")
    told: list[events.Event] = []
    registration = fake.register_client()
    zoho = ZohoOAuth(
        registration,
        endpoint=TokenEndpoint(transport=fake.transport),
        clock=fake.clock,
        on_event=told.append,
    )
    await zoho.adopt(fake.consent(registration.client_id))
    return World(fake, zoho, told)


async def lines() -> AsyncIterator[bytes]:
    yield b"one\n"
    yield b"two\n"


async def test_a_stream_gets_its_401_and_the_next_call_a_new_token():
    world = await connected()
    world.fake.expire_all()

    async with world.client() as crm:
        first = await crm.post("/crm/v8/Leads/1/Notes", content=lines())
        second = await crm.post("/crm/v8/Leads/1/Notes", content=lines())

    assert (first.status_code, second.status_code) == (401, 200)
    assert world.fake.token_requests == 2


@pytest.mark.parametrize("read", ["aiter_raw", "aiter_bytes", "aiter_text", "aiter_lines"])
async def test_a_401_that_is_handed_back_can_be_read_in_every_way(read: str):
    world = await connected()
    world.fake.expire_all()

    async with (
        world.client() as crm,
        crm.stream("POST", "/crm/v8/Leads/1/Notes", content=lines()) as response,
    ):
        assert response.status_code == 401
        pieces = [piece async for piece in getattr(response, read)()]
        assert "INVALID_TOKEN" in "".join(each if isinstance(each, str) else each.decode() for each in pieces)
    await world.zoho.aclose()


async def test_its_content_is_there_when_it_was_read():
    world = await connected()
    world.fake.expire_all()

    async with (
        world.client() as crm,
        crm.stream("POST", "/crm/v8/Leads/1/Notes", content=lines()) as response,
    ):
        with pytest.raises(httpx.ResponseNotRead):
            _ = response.content
        await response.aread()
        assert response.json()["code"] == "INVALID_TOKEN"
    await world.zoho.aclose()


async def test_a_file_is_sent_from_its_beginning_both_times():
    world = await connected()
    document = io.BytesIO(b"a file's content")
    document.seek(7)
    async with world.client() as crm:
        whole = await crm.post("/crm/v8/Leads/1/Attachments", files={"file": io.BytesIO(b"a file's content")})
        world.fake.expire_all()
        again = await crm.post("/crm/v8/Leads/1/Attachments", files={"file": document})

    assert again.status_code == 200
    assert world.fake.requests.retries == 1
    assert again.json()["data"][0]["length"] == whole.json()["data"][0]["length"]


async def test_a_hook_that_raises_hides_each_401_until_the_token_expires():
    world = await connected()

    async def raise_for_status(response: httpx.Response) -> None:
        response.raise_for_status()

    async with world.client(event_hooks={"response": [raise_for_status]}) as crm:
        world.fake.expire_all()
        for _ in range(3):
            with pytest.raises(httpx.HTTPStatusError):
                await crm.get("/crm/v8/Leads")
        assert world.fake.token_requests == 1

        world.fake.clock.advance(3600)
        assert (await crm.get("/crm/v8/Leads")).status_code == 200
        assert world.fake.token_requests == 2


async def test_a_hook_that_lets_a_401_by_hides_nothing():
    world = await connected()

    async def raise_for_other_statuses(response: httpx.Response) -> None:
        if response.status_code != 401:
            response.raise_for_status()

    async with world.client(event_hooks={"response": [raise_for_other_statuses]}) as crm:
        world.fake.expire_all()
        assert (await crm.get("/crm/v8/Leads")).status_code == 200


async def test_a_bound_around_the_call_ends_the_wait_and_not_the_refresh():
    world = await connected()
    world.fake.clock.advance(3600)

    async with world.client() as crm:
        with world.fake.hold_tokens() as gate:
            with anyio.move_on_after(0.2) as bound:
                await crm.get("/crm/v8/Leads")
            assert gate.arrivals == 1
        await world.zoho.aclose()
        assert bound.cancelled_caught
        assert (await crm.get("/crm/v8/Leads")).status_code == 200

    assert world.fake.token_requests == 2


async def test_the_timeout_of_the_client_does_not_count_for_the_wait():
    world = await connected()
    world.fake.clock.advance(3600)
    world.fake.rules.token_latency = 0.3

    async with world.client(timeout=0.05) as crm:
        assert (await crm.get("/crm/v8/Leads")).status_code == 200


async def test_closing_waits_for_a_refresh_that_is_on_its_way():
    world = await connected()
    world.fake.clock.advance(3600 - 120)
    world.fake.rules.token_latency = 0.1

    async with world.client() as crm:
        await crm.get("/crm/v8/Leads")
    await world.zoho.aclose()

    assert [type(event) for event in world.events] == [events.TokenRefreshed]


async def test_adopting_what_is_stored_costs_no_request():
    fake = FakeZoho("eu")
    registration = fake.register_client()
    zoho = ZohoOAuth(registration, endpoint=TokenEndpoint(transport=fake.transport), clock=fake.clock)
    refresh_token = fake.consent(registration.client_id)

    await zoho.adopt(refresh_token)
    await zoho.adopt(refresh_token)

    assert fake.token_requests == 1
