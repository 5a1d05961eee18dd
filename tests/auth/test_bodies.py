"""After a 401 a body goes out again whole or not at all. On real sockets: a mock transport buffers."""

from __future__ import annotations

import io
import os
import tracemalloc
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.auth import LEADS, digest, echoed, naive_auth
from tests.scale import count
from zoho_oauth import _policy, errors
from zoho_oauth._auth import is_replayable
from zoho_oauth.testing.answers import NO_TOKEN

MEGABYTE = 1_048_576
TEXT = b"0123456789" * 20_000


class Pipe(io.RawIOBase):
    """Can be read once, like a socket or standard input."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._rest.readinto(buffer)


class Progress:
    """A wrapper such as progress bars are: it reads, says that it could seek, and has no `seek`."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._rest.read(size)

    def seekable(self) -> bool:
        return True


class Again:
    """Begins anew each time it is iterated."""

    def __init__(self) -> None:
        self.begun = 0

    async def __aiter__(self):
        self.begun += 1
        yield TEXT
        yield TEXT


async def generated():
    yield TEXT
    yield TEXT


def generated_blocking():
    yield TEXT
    yield TEXT


def at(position: int) -> io.BytesIO:
    file = io.BytesIO(TEXT)
    file.seek(position)
    return file


@asynccontextmanager
async def prepared(world, auth=None):
    """A client whose token has just died, unknown to the library."""
    async with world.client(auth) as client:
        await client.get(LEADS)
        world.fake.expire_all()
        yield client


async def renewal_ended(world):
    """The renewal that nobody waits for."""
    with anyio.fail_after(10):
        for attempt in list(world.source().entry.attempts.values()):
            await attempt.done.wait()


IN_MEMORY = {
    "nothing": dict,
    "bytes": lambda: {"content": TEXT},
    "text": lambda: {"content": "größer " * 1_000},
    "json": lambda: {"json": {"data": [{"Last_Name": "Müller"}] * 100}},
    "form": lambda: {"data": {"a": "b c", "d": ["e", "f"]}},
}
REWINDABLE = {
    "a file at its beginning": lambda: {"files": {"file": at(0)}},
    "a file in the middle": lambda: {"files": {"file": at(1_000)}},
    "a file at its end": lambda: {"files": {"file": at(len(TEXT))}},
    "bytes": lambda: {"files": {"file": TEXT}},
    "named bytes with a field": lambda: {
        "files": {"file": ("a.txt", TEXT, "text/plain")},
        "data": {"x": "y"},
    },
    "two files": lambda: {"files": [("one", at(0)), ("two", at(7))]},
}
ONCE_ONLY = {
    "a pipe in multipart": lambda: {"files": {"file": ("a.bin", Pipe(TEXT))}},
    "a pipe beside a file": lambda: {"files": [("one", at(0)), ("two", ("a.bin", Pipe(TEXT)))]},
    "a wrapper that cannot seek": lambda: {"files": {"file": ("a.bin", Progress(TEXT))}},
    "a generator": lambda: {"content": generated()},
    "an object that begins anew": lambda: {"content": Again()},
}
ONCE_ONLY_BLOCKING = {
    "a pipe in multipart": ONCE_ONLY["a pipe in multipart"],
    "a generator": lambda: {"content": generated_blocking()},
    "an open file": lambda: {"content": at(0)},
    "a list": lambda: {"content": [TEXT, TEXT]},
}


class TestReplayed:
    @pytest.mark.anyio
    @pytest.mark.parametrize("body", IN_MEMORY.values(), ids=IN_MEMORY)
    async def test_what_is_in_memory_arrives_whole_the_second_time(self, served, body):
        async with prepared(served) as client:
            response = await client.post(LEADS, **body())
            expected = client.build_request("POST", LEADS, **body()).content

        assert echoed(response) == digest(expected)
        assert [each.status_code for each in response.history] == [401]
        assert served.fake.token_requests == 2
        # The fake counts a retry where method, path and the SHA-256 of the body are those of the rejected one.
        assert served.fake.requests.retries == 1

    @pytest.mark.anyio
    @pytest.mark.parametrize("body", REWINDABLE.values(), ids=REWINDABLE)
    async def test_multipart_that_can_be_rewound_arrives_whole_the_second_time(self, served, body):
        async with prepared(served) as client:
            request = client.build_request("POST", LEADS, **body())
            response = await client.send(request)

        assert echoed(response)[0] == int(request.headers["Content-Length"]) > len(TEXT)
        assert served.fake.requests.retries == 1
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_multipart_from_the_disk_is_rewound_too(self, served, tmp_path):
        path = tmp_path / "upload.bin"
        await anyio.to_thread.run_sync(path.write_bytes, TEXT)
        with Path.open(path, "rb") as file:
            file.seek(5)
            async with prepared(served) as client:
                response = await client.post(LEADS, files={"file": file})

        assert response.status_code == 200
        assert served.fake.requests.retries == 1

    @pytest.mark.parametrize("body", (IN_MEMORY | REWINDABLE).values(), ids=IN_MEMORY | REWINDABLE)
    def test_a_sync_client_replays_the_same(self, served, body):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.expire_all()
            response = client.post(LEADS, **body())

        assert response.status_code == 200
        assert served.fake.requests.retries == 1
        assert served.fake.token_requests == 2


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


class TestControls:
    """What an Auth does that yields the request again whatever its body."""

    @pytest.mark.anyio
    async def test_it_uploads_an_empty_file_and_is_told_that_all_is_well(self, served):
        async with prepared(served, naive_auth(served.library, served.source())) as client:
            response = await client.post(LEADS, files={"file": ("a.bin", Pipe(TEXT))})

        assert echoed(response)[0] < 1_000 < len(TEXT)

    @pytest.mark.anyio
    async def test_it_breaks_on_a_generator(self, served):
        async with prepared(served, naive_auth(served.library, served.source())) as client:
            with pytest.raises(served.library.module.StreamConsumed):
                await client.post(LEADS, content=generated())

    @pytest.mark.anyio
    async def test_it_reads_whatever_says_that_it_can_seek(self, served):
        async with prepared(served, naive_auth(served.library, served.source())) as client:
            response = await client.post(LEADS, files={"file": ("a.bin", Progress(TEXT))})

        assert echoed(response)[0] < 1_000


class TestIsReplayable:
    def test_a_stream_of_the_users_own_is_not_taken_for_multipart(self, library):
        """Some multipart encoders have `fields`, too: a mapping of names."""

        class Encoder(library.module.SyncByteStream):
            fields = {"file": "a.bin"}

            def __iter__(self):
                yield TEXT

        assert not is_replayable(library.module.Request("POST", "https://www.zohoapis.eu/", stream=Encoder()))

    def test_a_file_that_is_closed_is_not_replayable(self, library):
        file = io.BytesIO(TEXT)
        request = library.module.Request("POST", "https://www.zohoapis.eu/", files={"file": file})
        file.close()

        assert not is_replayable(request)

    def test_multipart_that_was_read_into_memory_is(self, library):
        request = library.module.Request("POST", "https://www.zohoapis.eu/", files={"file": Pipe(TEXT)})
        before = is_replayable(request)
        request.read()

        assert (before, is_replayable(request)) == (False, True)


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
