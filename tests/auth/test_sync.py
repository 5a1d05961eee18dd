"""`httpx.Client` and `httpx2.Client`: the same promises, through one event loop in a thread."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from tests.auth import LEADS, SameStore, in_a_thread
from zoho_oauth import errors


def in_threads(number, call):
    """Call at the same moment in `number` threads; what they returned or raised."""
    results, barrier = [], threading.Barrier(number)

    def run():
        barrier.wait(10)
        try:
            results.append(call())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


class TestPortal:
    def test_the_first_request_gets_a_token_and_the_next_ones_share_it(self, served):
        with served.sync_client() as client:
            assert [client.get(LEADS).status_code for _ in range(5)] == [200] * 5

        assert served.fake.token_requests == 1

    def test_the_portals_thread_ends_with_the_request(self, served):
        before = threading.active_count()
        with served.sync_client() as client:
            client.get(LEADS)

        assert threading.active_count() == before

    def test_an_expired_token_is_renewed_before_the_request(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.clock.advance(3600)
            assert client.get(LEADS).status_code == 200

        assert served.fake.token_requests == 2
        assert served.fake.requests.rejected == 0

    def test_a_token_that_is_stale_is_used_without_a_refresh_in_the_background(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.clock.advance(3600 - 61)
            assert client.get(LEADS).status_code == 200

        assert served.fake.token_requests == 1

    def test_a_rejected_token_is_replaced(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.expire_all()
            response = client.get(LEADS)

        assert response.status_code == 200
        assert [each.status_code for each in response.history] == [401]

    def test_it_shares_the_token_with_async_clients(self, served):
        async def asynchronous():
            async with served.client() as client:
                return (await client.get(LEADS)).status_code

        with served.sync_client() as client:
            client.get(LEADS)
            assert in_a_thread(asynchronous) == 200

        assert served.fake.token_requests == 1

    def test_eight_threads_send_one_token_request_by_the_clock(self, served):
        with served.sync_client() as client, served.fake.hold_tokens() as gate:

            def get():
                return client.get(LEADS).status_code

            releaser = threading.Thread(target=lambda: (gate.wait_arrived(1), gate.release()))
            releaser.start()
            assert in_threads(8, get) == [200] * 8
            releaser.join(10)

        assert served.fake.token_requests == 1

    def test_eight_threads_send_one_token_request_by_401s(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.expire_all()
            with served.fake.hold_resources(at="answer") as gate:
                releaser = threading.Thread(target=lambda: (gate.wait_arrived(8), gate.release()))
                releaser.start()
                found = in_threads(8, lambda: client.get(LEADS).status_code)
                releaser.join(10)

        assert found == [200] * 8
        assert served.fake.requests.rejected == 8
        assert served.fake.token_requests == 2

    def test_eight_threads_that_share_nothing_send_one_each(self, served):
        """The control."""
        zohos = [served.other_process(type(served.store)()) for _ in range(8)]
        for each in zohos:
            in_a_thread(lambda each=each: each.adopt(served.refresh_token, "owner", verify=False))
        auths = [served.library.auth_class(each.source("owner")) for each in zohos]

        def get():
            with served.sync_client(auths.pop()) as client:
                return client.get(LEADS).status_code

        assert in_threads(8, get) == [200] * 8
        assert served.fake.token_requests == 8

    def test_eight_threads_share_a_failure(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.revoke(served.refresh_token)
            with served.fake.hold_resources(at="answer") as gate:
                releaser = threading.Thread(target=lambda: (gate.wait_arrived(8), gate.release()))
                releaser.start()
                found = in_threads(8, lambda: client.get(LEADS))
                releaser.join(10)

        assert [type(each) for each in found] == [errors.ReauthorizationRequired] * 8
        assert served.fake.token_requests == 2


class TestNeverWithoutAHeader:
    """C25: by default an async-only Auth lets a sync client's request out unsigned."""

    def test_it_sends_the_header_or_nothing(self, served):
        in_a_thread(lambda: served.store.delete(f"{served.registration.client_id}/owner"))
        with served.sync_client() as client, pytest.raises(errors.NotConnected):
            client.get(LEADS)

        assert served.fake.requests.resources == 0

    def test_a_store_of_one_event_loop_is_refused(self, served):
        class LoopBound(SameStore):
            loop_bound = True

        zoho = served.other_process(LoopBound(served.store))
        auth = served.library.auth_class(zoho.source("owner"))
        with (
            served.sync_client(auth) as client,
            pytest.raises(errors.ConfigurationError, match="AsyncClient"),
        ):
            client.get(LEADS)

        assert served.fake.requests.resources == served.fake.token_requests == 0

    def test_an_auth_without_a_sync_flow_sends_the_request_unsigned(self, served):
        """The control."""

        class AsyncOnly(served.library.module.Auth):
            async def async_auth_flow(self, request):
                request.headers["Authorization"] = "Zoho-oauthtoken 1000.fake"
                yield request

        with served.sync_client(AsyncOnly()) as client:
            response = client.get(LEADS)

        assert "Authorization" not in response.request.headers
        assert served.fake.requests.resources == 1


class TestInARunningLoop:
    @pytest.mark.anyio
    async def test_a_sync_client_works_as_in_a_notebook(self, served):
        with served.sync_client() as client:
            assert client.get(LEADS).status_code == 200

        assert served.fake.token_requests == 1

    @pytest.mark.anyio
    async def test_waiting_for_an_attempt_of_this_very_loop_is_refused(self, served):
        """It could never end: the loop that would end it is the one that waits."""
        with served.fake.hold_tokens() as gate, anyio.fail_after(10):
            async with served.client() as client, anyio.create_task_group() as tasks:
                tasks.start_soon(client.get, LEADS)
                await gate.arrived()
                with (
                    served.sync_client() as blocking,
                    pytest.raises(errors.ConfigurationError, match="AsyncClient"),
                ):
                    blocking.get(LEADS)
                gate.release()

        assert served.fake.token_requests == 1

    def test_an_attempt_of_another_threads_loop_is_waited_for(self, served):
        async def asynchronous():
            async with served.client() as client:
                return (await client.get(LEADS)).status_code

        found = []
        with served.fake.hold_tokens() as gate:
            other = threading.Thread(target=lambda: found.append(asyncio.run(asynchronous())))
            other.start()
            gate.wait_arrived()
            releaser = threading.Timer(0.1, gate.release)
            releaser.start()
            with served.sync_client() as client:
                found.append(client.get(LEADS).status_code)
            other.join(10)
            releaser.join(10)

        assert found == [200, 200]
        assert served.fake.token_requests == 1
