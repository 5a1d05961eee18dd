"""What one rejection does to the next requests: what is learned, for whom, and when it is forgotten."""

from __future__ import annotations

import pytest

from tests.auth import LEADS, OWNER, World
from zoho_oauth import ErrorCode, Family, ZohoOAuth, errors, events
from zoho_oauth._held import Entry
from zoho_oauth.testing import ManualClock
from zoho_oauth.testing.answers import DEAD_TOKEN, SCOPE_MISMATCH, json_answer

CRM = f"https://www.zohoapis.eu{LEADS}"
TICKETS = "https://desk.zoho.eu/api/v1/tickets"


async def statuses(client, *urls):
    return [(await client.get(url)).status_code for url in urls]


def with_codes(world: World, *error_codes: ErrorCode):
    """An Auth of the same owner that knows more codes."""
    setup = world.source().setup
    zoho = ZohoOAuth(
        world.registration,
        world.store,
        clock=world.fake.clock,
        endpoint=setup.endpoint,
        error_codes=error_codes,
        on_event=world.events.append,
    )
    return world.library.auth_class(zoho.source(OWNER))


class TestProof:
    @pytest.mark.anyio
    async def test_time_passes_between_the_sends_and_the_proof_holds(self, world):
        """Minted after the request was first sent, though before it was sent again."""
        flow = world.auth().async_auth_flow(world.library.request())
        request = await anext(flow)
        for _ in range(2):
            world.fake.clock.advance(1)
            answer = world.library.response(401, request, DEAD_TOKEN.body)
            try:
                request = await flow.asend(answer)
            except StopAsyncIteration:
                break
        world.fake.answer_next(DEAD_TOKEN, times=5)
        async with world.client() as client:
            found = await statuses(client, CRM, CRM)

        assert found == [401, 401]
        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_second_answer_about_the_scope_proves_nothing_against_the_host(self, world):
        async with world.client() as client:
            world.fake.answer_next(DEAD_TOKEN)
            world.fake.answer_next(SCOPE_MISMATCH)
            await statuses(client, CRM)
            world.fake.answer_next(DEAD_TOKEN)
            found = await statuses(client, CRM)

        assert found == [200]
        assert world.fake.token_requests == 3


class TestUsersCodes:
    @pytest.mark.anyio
    async def test_a_400_of_ones_own_is_read_and_costs_one_refresh(self, world):
        code = ErrorCode(code="SESSION_OVER", at="code", family=Family.TOKEN, products="desk", statuses=400)
        world.fake.answer_next(json_answer({"code": "SESSION_OVER"}, 400))
        async with world.client(with_codes(world, code)) as client:
            found = await statuses(client, TICKETS)

        assert found == [200]
        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_without_it_the_400_is_handed_back(self, world):
        """The control."""
        world.fake.answer_next(json_answer({"code": "SESSION_OVER"}, 400))
        async with world.client() as client:
            found = await statuses(client, TICKETS)

        assert found == [400]
        assert world.fake.token_requests == 1


class TestEvents:
    @pytest.mark.anyio
    async def test_what_is_not_about_the_token_is_no_event(self, world):
        url = "https://www.zohoapis.eu/workdrive/api/v1/files"
        wrong = {"errors": [{"id": "F000", "title": "LESS_THAN_MIN_OCCURANCE"}]}
        world.fake.answer_next(json_answer(wrong, 500))
        async with world.client() as client:
            found = await statuses(client, url)

        assert found == [500]
        assert not [each for each in world.events if isinstance(each, events.TokenRejected)]


class TestHostsOnceProved:
    """A host is looked at once per address and data center; that must not carry over to what only looks like it."""

    @pytest.mark.anyio
    async def test_an_address_with_a_user_name_is_refused_after_the_same_without(self, world):
        auth = world.auth()
        async with world.client(auth) as client:
            assert await statuses(client, CRM) == [200]
        flow = auth.async_auth_flow(world.library.request(url=f"https://someone@www.zohoapis.eu{LEADS}"))

        with pytest.raises(errors.ForeignHostError):
            await anext(flow)

    @pytest.mark.anyio
    async def test_an_owner_who_moved_is_refused_at_his_old_data_center(self, world):
        auth = world.auth()
        async with world.client(auth) as client:
            assert await statuses(client, CRM) == [200]
            moved = world.fake.consent(world.registration, data_center="in")
            await world.zoho.adopt(moved, OWNER, "in")
            with pytest.raises(errors.ForeignHostError, match=r"'eu'.*'in'"):
                await client.get(CRM)


class TestForgotten:
    def test_another_grant_begins_without_distrust(self):
        entry = Entry(ManualClock())
        entry.distrusted = {"www.zohoapis.eu": (1, 0.0)}
        entry.empty()

        assert entry.distrusted is None
