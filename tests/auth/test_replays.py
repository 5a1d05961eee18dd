"""What can be sent once only: its rejection is handed back, and the next request finds a new token."""

from __future__ import annotations

import os
import tracemalloc
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.auth import LEADS, digest, echoed
from tests.auth.answering import renewal_ended
from tests.auth.uploads import (
    MEGABYTE,
    ONCE_ONLY,
    ONCE_ONLY_BLOCKING,
    REJECTIONS,
    TEXT,
    Ear,
    generated,
    generated_blocking,
)
from tests.scale import count
from zoho_oauth import _policy, errors
from zoho_oauth.testing.answers import NO_TOKEN


@asynccontextmanager
async def prepared(world, auth=None):
    """A client whose token has just died, unknown to the library."""
    async with world.client(auth) as client:
        await client.get(LEADS)
        world.fake.expire_all()
        yield client


class TestHandedBack:
    @pytest.mark.anyio
    @pytest.mark.parametrize("body", ONCE_ONLY.values(), ids=ONCE_ONLY)
    async def test_what_can_be_sent_once_only_is_not_sent_again(self, served, body):
        async with prepared(served) as client:
            with anyio.fail_after(10):
                response = await client.post(LEADS, **body())

            assert response.status_code == 401
            assert response.json()["code"] == "INVALID_TOKEN"
            assert served.fake.requests.resources == 2
            await renewal_ended(served)
            assert served.fake.token_requests == 2
            assert echoed(await client.post(LEADS, content=TEXT)) == digest(TEXT)

        assert served.fake.token_requests == 2
        assert served.fake.requests.rejected == 1

    @pytest.mark.anyio
    async def test_the_401_is_handed_back_while_the_renewal_still_runs(self, served):
        async with prepared(served) as client:
            with served.fake.hold_tokens() as gate, anyio.fail_after(10):
                response = await client.post(LEADS, content=generated())
                await gate.arrived()
                assert response.status_code == 401
            assert (await client.get(LEADS)).status_code == 200

        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_many_uploads_rejected_at_once_cause_one_renewal(self, served):
        codes = []

        async def upload(client):
            codes.append((await client.post(LEADS, content=generated())).status_code)

        async with prepared(served) as client:
            with served.fake.hold_resources(at="answer") as gate, anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:
                    for _ in range(10):
                        tasks.start_soon(upload, client)
                    await gate.arrived(10)
                    gate.release()
            assert (await client.get(LEADS)).status_code == 200

        assert codes == [401] * 10
        assert served.fake.token_requests == 2

    @pytest.mark.parametrize("body", ONCE_ONLY_BLOCKING.values(), ids=ONCE_ONLY_BLOCKING)
    def test_a_sync_client_only_marks_the_token_rejected(self, served, body):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.expire_all()
            response = client.post(LEADS, **body())
            before = served.fake.token_requests
            after = client.post(LEADS, content=TEXT)

        assert response.status_code == 401
        assert before == 1
        assert echoed(after) == digest(TEXT)
        assert served.fake.token_requests == 2
        assert served.fake.requests.rejected == 1

    @pytest.mark.anyio
    async def test_a_body_that_another_token_cannot_help_is_handed_back_without_a_renewal(self, served):
        served.fake.require_scope(LEADS, "ZohoCRM.settings.ALL")
        async with served.client() as client:
            response = await client.post(LEADS, content=generated())
            await renewal_ended(served)

        assert response.status_code == 401
        assert served.fake.token_requests == 1


class TestRejectedForEver:
    """An upload host whose 401s are about something else: the second send that would show it never happens."""

    UPLOAD = "/crm/v8/upload"

    @pytest.mark.anyio
    async def test_it_spends_what_rejections_may_and_other_requests_go_on(self, served):
        served.fake.answer_next(NO_TOKEN, times=1_000, path=self.UPLOAD)
        codes = []
        async with served.client() as client:
            for _ in range(12):
                codes.append((await client.post(self.UPLOAD, content=generated())).status_code)
                await renewal_ended(served)
                codes.append((await client.get(LEADS)).status_code)

        assert codes == [401, 200] * 12
        assert served.fake.token_requests == 1 + 8 - _policy.KEPT_FOR_EXPIRY

    def test_the_same_for_a_sync_client(self, served):
        served.fake.answer_next(NO_TOKEN, times=1_000, path=self.UPLOAD)
        codes = []
        with served.sync_client() as client:
            for _ in range(12):
                codes.append(client.post(self.UPLOAD, content=generated_blocking()).status_code)
                codes.append(client.get(LEADS).status_code)

        assert codes == [401, 200] * 12
        assert served.fake.token_requests == 1 + 8 - _policy.KEPT_FOR_EXPIRY

    @pytest.mark.anyio
    async def test_a_grant_that_is_dead_is_said_to_be_at_the_next_request(self, served):
        async with served.client() as client:
            await client.get(LEADS)
            served.fake.revoke(served.refresh_token)
            response = await client.post(LEADS, content=generated())
            await renewal_ended(served)
            with pytest.raises(errors.ReauthorizationRequired):
                await client.post(LEADS, content=generated())

        assert response.status_code == 401
        assert served.fake.token_requests == 2


class TestMemory:
    @pytest.mark.anyio
    async def test_a_streamed_upload_is_not_buffered(self, served):
        size, block = count(100), os.urandom(MEGABYTE)

        async def megabytes():
            for _ in range(size):
                yield block

        async with served.client() as client:
            await client.get(LEADS)
            tracemalloc.start()
            try:
                response = await client.post(LEADS, content=megabytes(), timeout=60)
                peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
            finally:
                tracemalloc.stop()

        print(f"\n{size} MB sent, at most {peak:.1f} MB held by client and fake together")
        assert echoed(response)[0] == size * MEGABYTE > 0
        # Two blocks on their way in each of the client, the sockets and the fake.
        assert peak < 9

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", REJECTIONS)
    async def test_a_large_file_that_is_sent_twice_is_not_buffered(self, served, stage, tmp_path, status):
        path, rejection = REJECTIONS[status]
        ear = stage.fake = Ear(served.fake)
        size, block = count(100), os.urandom(MEGABYTE)
        with Path.open(tmp_path / "upload.bin", "w+b") as file:
            for _ in range(size):
                file.write(block)
            async with served.client() as client:
                await client.get(LEADS)
                served.fake.answer_next(rejection, path=path)
                tracemalloc.start()
                try:
                    response = await client.post(path, files={"file": file}, timeout=60)
                    peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
                finally:
                    tracemalloc.stop()

        print(f"\n{size} MB sent twice, at most {peak:.1f} MB held by client and fake together")
        assert [each.status_code for each in response.history] == [status]
        assert ear.heard[1:] == [echoed(response)] * 2
        assert echoed(response)[0] > size * MEGABYTE
        assert peak < 9

    @pytest.mark.anyio
    async def test_an_auth_that_reads_the_body_first_holds_all_of_it(self, served):
        """The control: what `requires_request_body` does."""
        size = count(100)

        class Buffering(type(served.auth())):
            async def async_auth_flow(self, request):
                await request.aread()
                async for each in _relayed(super().async_auth_flow(request)):
                    yield each

        async def _relayed(flow):
            yield await anext(flow)
            await flow.aclose()

        async def megabytes():
            for number in range(size):
                yield bytes([number]) * MEGABYTE

        async with served.client(Buffering(served.source())) as client:
            await client.get(LEADS)
            tracemalloc.start()
            try:
                await client.post(LEADS, content=megabytes(), timeout=60)
                peak = tracemalloc.get_traced_memory()[1] / MEGABYTE
            finally:
                tracemalloc.stop()

        assert peak > 9
