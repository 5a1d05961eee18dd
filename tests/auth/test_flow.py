"""The flow by hand and through clients: when it sends what, and when it ends."""

from __future__ import annotations

from contextlib import aclosing, closing

import anyio
import pytest

from tests.auth import LEADS, OWNER, naive_auth, signed
from zoho_oauth import Family, errors
from zoho_oauth.testing.answers import DEAD_TOKEN, NO_PERMISSION, NO_TOKEN, SCOPE_MISMATCH, json_answer

DEAD = DEAD_TOKEN.body
NO_TICKET = json_answer({"data": {"errorCode": "INVALID_TICKET", "moreInfo": "Invalid ticket"}}, 401).body
ORGANIZATION = json_answer({"errorCode": "OAUTH_ORG_MISMATCH", "message": "wrong organization"}, 401)


async def drive(library, flow, *answers):
    """Feed the answers to a flow; returns the tokens that it sent, and proves that it sends nothing else."""
    sent = []
    async with aclosing(flow):
        request = await anext(flow)
        for status, body in answers:
            sent.append((id(request), str(request.url), signed(request)))
            try:
                request = await flow.asend(library.response(status, request, body))
            except StopAsyncIteration:
                break
        else:
            sent.append((id(request), str(request.url), signed(request)))
    assert len({(identity, url) for identity, url, _ in sent}) == 1
    return [token for _, _, token in sent]


def drive_blocking(library, flow, *answers):
    sent = []
    with closing(flow):
        request = next(flow)
        for status, body in answers:
            sent.append((id(request), str(request.url), signed(request)))
            try:
                request = flow.send(library.response(status, request, body))
            except StopIteration:
                break
        else:
            sent.append((id(request), str(request.url), signed(request)))
    assert len({(identity, url) for identity, url, _ in sent}) == 1
    return [token for _, _, token in sent]


class TestByHand:
    @pytest.mark.anyio
    async def test_the_header_carries_the_owners_token(self, world, library):
        sent = await drive(library, world.auth().async_auth_flow(library.request()), (200, b"{}"))

        assert sent == world.fake.access_tokens(world.refresh_token)

    def test_a_sync_flow_sets_the_same_header(self, world, library):
        sent = drive_blocking(library, world.auth().sync_auth_flow(library.request()), (200, b"{}"))

        assert sent == world.fake.access_tokens(world.refresh_token)

    @pytest.mark.anyio
    async def test_a_rejected_token_is_replaced_once_and_the_same_request_goes_again(self, world, library):
        flow = world.auth().async_auth_flow(library.request())
        sent = await drive(library, flow, (401, DEAD), (200, b"{}"))

        assert sent == world.fake.access_tokens(world.refresh_token)
        assert len(set(sent)) == world.fake.token_requests == 2

    def test_a_sync_flow_replaces_it_once_too(self, world, library):
        flow = world.auth().sync_auth_flow(library.request())
        sent = drive_blocking(library, flow, (401, DEAD), (200, b"{}"))

        assert len(set(sent)) == len(sent) == world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_second_401_ends_the_flow(self, world, library):
        flow = world.auth().async_auth_flow(library.request())
        sent = await drive(library, flow, (401, DEAD), (401, DEAD), (401, DEAD))

        assert len(sent) == world.fake.token_requests == 2

    def test_a_second_401_ends_a_sync_flow(self, world, library):
        flow = world.auth().sync_auth_flow(library.request())
        sent = drive_blocking(library, flow, (401, DEAD), (401, DEAD), (401, DEAD))

        assert len(sent) == world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_flow_that_insists_goes_on_for_as_long_as_the_401s(self, world, library):
        """The control: without an end of its own only httpx's redirect limit stops it."""

        async def insisting(request):
            token = None
            while True:
                token = await world.source().token(token)
                request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
                response = yield request
                if response.status_code != 401:
                    return

        sent = await drive(library, insisting(library.request()), *[(401, DEAD)] * 4)

        assert len(sent) > 2

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, SCOPE_MISMATCH.body),
            (401, NO_PERMISSION.body),
            (401, ORGANIZATION.body),
            (401, NO_TICKET),
            (403, NO_PERMISSION.body),
            (403, DEAD),
            (400, DEAD),
            (500, DEAD),
        ],
    )
    async def test_what_another_token_cannot_help_with_ends_the_flow(self, world, library, status, body):
        flow = world.auth().async_auth_flow(library.request())
        sent = await drive(library, flow, (status, body), (200, b"{}"))

        assert len(sent) == world.fake.token_requests == 1

    @pytest.mark.parametrize(
        ("status", "body"), [(401, SCOPE_MISMATCH.body), (401, NO_PERMISSION.body), (403, DEAD)]
    )
    def test_nor_does_a_sync_flow_refresh_for_it(self, world, library, status, body):
        flow = world.auth().sync_auth_flow(library.request())
        sent = drive_blocking(library, flow, (status, body), (200, b"{}"))

        assert len(sent) == world.fake.token_requests == 1

    @pytest.mark.anyio
    async def test_an_auth_that_takes_every_401_for_a_dead_token_refreshes_for_a_scope(self, world, library):
        """The control."""
        flow = naive_auth(library, world.source()).async_auth_flow(library.request())
        await drive(library, flow, (401, SCOPE_MISMATCH.body), (200, b"{}"))

        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "body", [b"", b"\x00\xff", b"<html>Unauthorized</html>", b'{"code": "UNKNOWN"}', NO_TOKEN.body]
    )
    async def test_a_401_that_says_nothing_clear_blames_the_token(self, world, library, body):
        flow = world.auth().async_auth_flow(library.request())
        sent = await drive(library, flow, (401, body), (200, b"{}"))

        assert len(sent) == world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_late_401_for_a_token_already_replaced_causes_no_refresh(self, world, library):
        late = world.auth().async_auth_flow(library.request())
        async with aclosing(late):
            request = await anext(late)
            old = signed(request)
            await drive(library, world.auth().async_auth_flow(library.request()), (401, DEAD), (200, b""))
            before = world.fake.token_requests
            request = await late.asend(library.response(401, request, DEAD))

        assert signed(request) != old
        assert world.fake.token_requests == before == 2

    @pytest.mark.anyio
    async def test_a_flow_that_is_closed_half_way_leaves_nothing_behind(self, world, library):
        for _ in range(3):
            flow = world.auth().async_auth_flow(library.request())
            await anext(flow)
            await flow.aclose()
        with anyio.fail_after(5):
            sent = await drive(library, world.auth().async_auth_flow(library.request()), (200, b""))

        assert len(sent) == world.fake.token_requests == 1

    @pytest.mark.anyio
    async def test_the_owners_change_of_data_center_stops_the_second_send(self, world, library):
        """A token of another data center does not go to the host that rejected the first."""
        flow = world.auth().async_auth_flow(library.request())
        elsewhere = world.fake.consent(world.registration, data_center="in")
        async with aclosing(flow):
            request = await anext(flow)
            first = signed(request)
            await world.zoho.adopt(elsewhere, OWNER, "in")
            with pytest.raises(errors.ForeignHostError, match=r"'eu'.*'in'"):
                await flow.asend(library.response(401, request, DEAD))

        assert signed(request) == first


class TestHeaders:
    @pytest.mark.anyio
    async def test_an_authorization_header_of_the_callers_is_overwritten(self, world):
        async with world.client(headers={"Authorization": "Bearer mine"}) as client:
            response = await client.get(LEADS, headers={"authorization": "Basic bWluZQ=="})

        assert response.status_code == 200
        assert response.request.headers.get_list("Authorization") == [
            f"Zoho-oauthtoken {world.fake.access_tokens(world.refresh_token)[0]}"
        ]

    @pytest.mark.anyio
    async def test_without_auth_the_callers_header_stays_as_it_is(self, world):
        async with world.client() as client:
            response = await client.get(LEADS, headers={"Authorization": "Bearer mine"}, auth=None)

        assert response.request.headers["Authorization"] == "Bearer mine"
        assert world.fake.token_requests == 0

    @pytest.mark.anyio
    async def test_one_request_sent_twice_carries_the_token_of_its_time(self, world):
        async with world.client() as client:
            request = client.build_request("GET", LEADS)
            await client.send(request)
            first = signed(request)
            await world.source().refresh()
            response = await client.send(request)

        assert response.status_code == 200
        assert signed(request) != first

    @pytest.mark.anyio
    async def test_a_token_that_newer_ones_pushed_out_is_replaced_by_one_refresh(self, world):
        """R21: Zoho keeps ten; the eleventh kills the first in silence."""
        async with world.client() as client:
            await client.get(LEADS)
            for _ in range(10):
                world.fake.mint(world.refresh_token)
            responses = [await client.get(LEADS) for _ in range(3)]

        assert [each.status_code for each in responses] == [200] * 3
        assert world.fake.token_requests == 2
        assert world.rejections() == [("www.zohoapis.eu", Family.TOKEN)]


class TestFailedRenewal:
    @pytest.mark.anyio
    async def test_its_error_takes_the_place_of_the_401(self, served):
        async with served.client(limits=served.library.module.Limits(max_connections=1)) as client:
            await client.get(LEADS)
            served.fake.revoke(served.refresh_token)
            with anyio.fail_after(10), pytest.raises(errors.ReauthorizationRequired):
                await client.get(LEADS)
            connections = [each.is_idle() for each in client._transport._pool.connections]
            with anyio.fail_after(10):
                again = await client.get(LEADS, auth=None)

        assert connections == [True]
        assert again.status_code == 401
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_stream_that_fails_so_gives_its_connection_back(self, served):
        async with served.client(limits=served.library.module.Limits(max_connections=1)) as client:
            await client.get(LEADS)
            served.fake.revoke(served.refresh_token)
            with anyio.fail_after(10), pytest.raises(errors.ReauthorizationRequired):
                async with client.stream("GET", LEADS):
                    pass
            with anyio.fail_after(10):
                await client.get(LEADS, auth=None)

    def test_a_sync_client_raises_it_too(self, served):
        with served.sync_client(limits=served.library.module.Limits(max_connections=1)) as client:
            client.get(LEADS)
            served.fake.revoke(served.refresh_token)
            with pytest.raises(errors.ReauthorizationRequired):
                client.get(LEADS)

            assert client.get(LEADS, auth=None).status_code == 401

    @pytest.mark.anyio
    async def test_a_throttle_is_said_to_be_one(self, world):
        async with world.client() as client:
            await client.get(LEADS)
            world.fake.expire_all()
            world.fake.throttle()
            with pytest.raises(errors.Throttled) as caught:
                await client.get(LEADS)

        assert caught.value.retry_at == pytest.approx(world.fake.clock.wall() + 600, abs=1)
