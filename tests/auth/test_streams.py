"""Answers that stream, and the connections that a 401 holds until it is read. On real sockets."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from tests.auth import LEADS
from tests.auth.answering import HANDED_BACK, WORKDRIVE, Sent, renewal_ended
from zoho_oauth import errors
from zoho_oauth.testing.answers import DEAD_TOKEN

STREAM = "/crm/v8/stream"


def connections(client):
    return client._transport._pool.connections


@asynccontextmanager
async def prepared(world, auth=None, **limits):
    """A client whose token has just died, unknown to the library."""
    async with world.client(auth, limits=world.library.module.Limits(**limits)) as client:
        await client.get(LEADS)
        world.fake.expire_all()
        yield client


class TestRetried:
    @pytest.mark.anyio
    async def test_the_answer_of_the_second_send_still_streams(self, served):
        """Its second chunk is held at the server while the first is read here."""
        async with prepared(served, max_connections=1) as client:
            with served.fake.hold_stream() as gate, anyio.fail_after(10):
                gate.let_through(1)
                async with client.stream("GET", STREAM, params={"chunks": 3}) as response:
                    consumed = response.is_stream_consumed
                    lines = response.aiter_lines()
                    first = await anext(lines)
                    await gate.arrived(2)
                    gate.release()
                    rest = [line async for line in lines]

        assert not consumed
        assert (response.status_code, first, len(rest)) == (200, '{"chunk": 0}', 2)

    @pytest.mark.anyio
    async def test_the_rejected_answer_gives_its_connection_back(self, served):
        async with prepared(served, max_connections=1) as client:
            with anyio.fail_after(10):
                async with client.stream("GET", STREAM, params={"chunks": 3}) as response:
                    await response.aread()
            rejected = response.history

            assert [(each.status_code, each.is_closed) for each in rejected] == [(401, True)]
            assert [each.is_idle() for each in connections(client)] == [True]

    @pytest.mark.anyio
    async def test_a_stream_that_is_left_early_gives_its_connection_up(self, served):
        async with prepared(served, max_connections=1) as client:
            with anyio.fail_after(10):
                async with client.stream("GET", STREAM, params={"chunks": 3}):
                    pass
                assert (await client.get(LEADS)).status_code == 200

            assert [each.is_idle() for each in connections(client)] == [True]


class TestPools:
    async def herd(self, world, client, size):
        """`size` requests at once, all answered 401; their statuses."""
        found = []

        async def get():
            try:
                found.append((await client.get(LEADS)).status_code)
            except Exception as error:
                found.append(type(error).__name__)

        with anyio.fail_after(30):
            with world.fake.hold_resources(at="answer") as gate:
                async with anyio.create_task_group() as tasks:
                    for _ in range(size):
                        tasks.start_soon(get)
                    await gate.arrived(min(size, client._transport._pool._max_connections))
                    gate.release()
        return found

    @pytest.mark.anyio
    async def test_a_single_connection_is_enough(self, served):
        async with prepared(served, max_connections=1) as client:
            found = await self.herd(served, client, 5)

            assert len(connections(client)) == 1
        assert found == [200] * 5
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_ten_rejections_on_ten_connections_do_not_lock_each_other_out(self, served):
        async with prepared(served, max_connections=10) as client:
            found = await self.herd(served, client, 10)

            assert len(connections(client)) <= 10
            assert all(each.is_idle() for each in connections(client))
        assert found == [200] * 10
        assert served.fake.token_requests == 2
        assert served.fake.requests.rejected == 10

    @pytest.mark.anyio
    @pytest.mark.parametrize("size", [1, 10])
    async def test_whoever_waits_with_the_401_unread_and_asks_through_the_pool_gets_none(self, served, size):
        """The control: the refresh through the user's own client, before the 401 was read."""
        library, source = served.library, served.source()

        class Unread(library.module.Auth):
            def __init__(self):
                self.client = None
                self.lock = anyio.Lock()

            async def async_auth_flow(self, request):
                token = await source.token()
                request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
                response = yield request
                if response.status_code == 401:
                    async with self.lock:
                        await self.client.post("/oauth/v2/token", data={"grant_type": "none"}, auth=None)
                    yield request

        auth = Unread()
        timeout = library.module.Timeout(10, pool=0.3)
        limits = library.module.Limits(max_connections=size)
        async with served.client(auth, limits=limits, timeout=timeout) as client:
            auth.client = client
            await client.get(LEADS)
            served.fake.expire_all()
            found = await self.herd(served, client, size)

        assert "PoolTimeout" in found

    @pytest.mark.anyio
    async def test_an_open_stream_holds_up_nobody(self, served):
        """Nothing is held across a yield: the refresh of others goes on while a stream is read."""
        async with served.client() as client:
            with served.fake.hold_stream() as gate, anyio.fail_after(10):
                gate.let_through(1)
                async with client.stream("GET", STREAM, params={"chunks": 2}) as response:
                    served.fake.expire_all()
                    other = await client.get(LEADS)
                    gate.release()
                    await response.aread()

        assert (other.status_code, response.status_code) == (200, 200)
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_failed_herd_leaves_every_connection_idle(self, served):
        async with prepared(served, max_connections=10) as client:
            served.fake.revoke(served.refresh_token)
            found = await self.herd(served, client, 10)

            assert all(each.is_idle() for each in connections(client))
        assert found == [errors.ReauthorizationRequired.__name__] * 10
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", HANDED_BACK)
    async def test_one_that_was_looked_at_holds_no_connection(self, served, status):
        """Its reader can take its time: others use the connection meanwhile, and a refresh goes by."""
        path, body = HANDED_BACK[status]
        async with prepared(served, max_connections=1) as client:
            served.fake.answer_next(Sent(status, body), path=path)
            with anyio.fail_after(10):
                async with client.stream("GET", path) as response:
                    assert [each.is_idle() for each in connections(client)] == [True]
                    other = await client.get(LEADS)
                    assert b"".join([part async for part in response.aiter_raw()]) == body

            assert len(connections(client)) == 1
        assert (response.status_code, other.status_code) == (status, 200)
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", [400, 500])
    async def test_a_single_connection_is_enough_for_every_rejection(self, served, status):
        path, body = {
            400: (LEADS, DEAD_TOKEN.body),
            500: (WORKDRIVE, b'{"errors": [{"id": "F7003", "title": "Invalid OAuth token."}]}'),
        }[status]
        async with served.client(limits=served.library.module.Limits(max_connections=1)) as client:
            served.fake.answer_next(Sent(status, body), path=path)
            with anyio.fail_after(10):
                response = await client.get(path)

            assert len(connections(client)) == 1
        assert ([each.status_code for each in response.history], response.status_code) == ([status], 200)


class TestHooks:
    """A response hook comes first, and may have read."""

    @pytest.mark.anyio
    async def test_what_a_hook_has_read_is_understood(self, served):
        async def read(response):
            await response.aread()

        async with served.client(event_hooks={"response": [read]}) as client:
            await client.get(LEADS)
            served.fake.expire_all()
            response = await client.get(LEADS)

        assert (response.status_code, served.fake.token_requests) == (200, 2)

    def test_what_a_hook_of_a_sync_client_has_read_is_understood(self, served):
        hooks = {"response": [lambda response: response.read()]}
        with served.sync_client(event_hooks=hooks) as client:
            client.get(LEADS)
            served.fake.expire_all()
            response = client.get(LEADS)

        assert (response.status_code, served.fake.token_requests) == (200, 2)

    @pytest.mark.anyio
    async def test_what_a_hook_has_used_up_is_handed_back_and_the_token_renewed(self, served):
        async def use_up(response):
            if response.status_code == 401:
                assert [part async for part in response.aiter_bytes()]

        limits = served.library.module.Limits(max_connections=1)
        async with served.client(event_hooks={"response": [use_up]}, limits=limits) as client:
            await client.get(LEADS)
            served.fake.expire_all()
            with anyio.fail_after(10):
                async with client.stream("GET", LEADS) as response:
                    assert (response.status_code, response.is_stream_consumed) == (401, True)
                await renewal_ended(served)
                assert (await client.get(LEADS)).status_code == 200

        assert served.fake.token_requests == 2
        assert served.fake.requests.rejected == 1
