"""After a rejection a body goes out again whole or not at all. On real sockets: a mock transport buffers."""

from __future__ import annotations

import io
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.auth import LEADS, digest, echoed, naive_auth
from tests.auth.answering import renewal_ended
from tests.auth.uploads import (
    IN_MEMORY,
    ONCE_ONLY,
    ONCE_ONLY_BLOCKING,
    REJECTIONS,
    REWINDABLE,
    TEXT,
    Ear,
    Pipe,
    Progress,
    generated,
)
from zoho_oauth._bodies import is_replayable
from zoho_oauth.testing.answers import DEAD_TOKEN

WHOLE = IN_MEMORY | REWINDABLE


@pytest.fixture
def ear(served, stage):
    """What arrives at the server."""
    stage.fake = Ear(served.fake)
    return stage.fake


@asynccontextmanager
async def prepared(world, auth=None):
    """A client whose token has just died, unknown to the library."""
    async with world.client(auth) as client:
        await client.get(LEADS)
        world.fake.expire_all()
        yield client


class TestReplayed:
    """The same for 401, CRM's 400 and WorkDrive's 500: what arrives twice is identical, and as long as promised."""

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", REJECTIONS)
    @pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
    async def test_what_is_sent_twice_is_identical(self, served, ear, status, body):
        path, rejection = REJECTIONS[status]
        async with served.client() as client:
            served.fake.answer_next(rejection, path=path)
            response = await client.post(path, **body())

        assert [each.status_code for each in response.history] == [status]
        assert ear.heard == [echoed(response)] * 2
        assert ear.promised == [ear.heard[0][0]] * 2
        assert served.fake.token_requests == 2

    @pytest.mark.parametrize("status", REJECTIONS)
    @pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
    def test_what_a_sync_client_sends_twice_is_identical(self, served, ear, status, body):
        path, rejection = REJECTIONS[status]
        with served.sync_client() as client:
            served.fake.answer_next(rejection, path=path)
            response = client.post(path, **body())

        assert ear.heard == [echoed(response)] * 2
        assert ear.promised == [ear.heard[0][0]] * 2

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", REJECTIONS)
    @pytest.mark.parametrize("body", ONCE_ONLY.values(), ids=ONCE_ONLY)
    async def test_what_can_be_sent_once_only_is_sent_once(self, served, ear, status, body):
        path, rejection = REJECTIONS[status]
        async with served.client() as client:
            await client.get(LEADS)
            served.fake.answer_next(rejection, path=path)
            response = await client.post(path, **body())
            await renewal_ended(served)

        assert (response.status_code, response.content) == (status, rejection.body)
        assert len(ear.heard) == 2
        assert ear.heard[1][0] >= len(TEXT)
        assert served.fake.token_requests == 2

    @pytest.mark.parametrize("status", REJECTIONS)
    @pytest.mark.parametrize("body", ONCE_ONLY_BLOCKING.values(), ids=ONCE_ONLY_BLOCKING)
    def test_a_sync_client_sends_it_once_too(self, served, ear, status, body):
        path, rejection = REJECTIONS[status]
        with served.sync_client() as client:
            served.fake.answer_next(rejection, path=path)
            response = client.post(path, **body())

        assert (response.status_code, response.content) == (status, rejection.body)
        assert len(ear.heard) == 1
        assert ear.heard[0][0] >= len(TEXT)

    @pytest.mark.anyio
    async def test_multipart_from_the_disk_is_rewound_too(self, served, ear, tmp_path):
        path = tmp_path / "upload.bin"
        await anyio.to_thread.run_sync(path.write_bytes, TEXT)
        with Path.open(path, "rb") as file:
            file.seek(5)
            async with prepared(served) as client:
                response = await client.post(LEADS, files={"file": file})

        assert ear.heard[1:] == [echoed(response)] * 2
        # The fake counts a retry where method, path and the SHA-256 of the body are those of the rejected one.
        assert served.fake.requests.retries == 1

    @pytest.mark.anyio
    async def test_a_file_goes_out_from_its_beginning_both_times(self, served, ear):
        """Wherever it was read to: httpx seeks to 0 before each send."""
        path, rejection = REJECTIONS[401]
        file = io.BytesIO(TEXT)
        file.seek(1_000)
        async with served.client() as client:
            served.fake.answer_next(rejection, path=path)
            request = client.build_request("POST", path, files={"file": file})
            boundary = request.headers["Content-Type"].partition("boundary=")[2]
            await client.send(request)
        whole = client.build_request(
            "POST",
            path,
            files={"file": TEXT},
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )

        assert ear.heard == [digest(whole.read())] * 2


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

    @pytest.mark.anyio
    async def test_a_stream_that_a_hook_has_wrapped_is_not_sent_again(self, served, ear):
        """httpx sends the stream, which may be spent, and not `content`, which is whole."""

        class Metered(served.library.module.AsyncByteStream):
            def __init__(self, stream):
                self.parts = aiter(stream)

            async def __aiter__(self):
                async for part in self.parts:
                    yield part

        async with served.client() as client:
            request = client.build_request("POST", LEADS, content=TEXT)
            request.stream = Metered(request.stream)
            served.fake.answer_next(DEAD_TOKEN, path=LEADS)
            response = await client.send(request)
            await renewal_ended(served)

        assert response.status_code == 401
        assert ear.heard == [digest(TEXT)]

    @pytest.mark.parametrize("fields", [[], [("file", "a.bin")]])
    def test_fields_alone_do_not_make_a_multipart(self, library, fields):
        class Encoder(library.module.SyncByteStream):
            def __init__(self):
                self.fields = fields

            def __iter__(self):
                yield TEXT

        assert not is_replayable(library.module.Request("POST", "https://www.zohoapis.eu/", stream=Encoder()))
