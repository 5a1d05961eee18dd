"""How much of an answer is looked at: 64 KiB and a piece, or nothing. On real sockets."""

from __future__ import annotations

import gzip
import tracemalloc

import anyio
import pytest

from tests.auth import LEADS
from tests.auth.answering import (
    MEGABYTE,
    WORKDRIVE,
    Promised,
    Sent,
    Tap,
    bomb,
    greedy_auth,
    renewal_ended,
)
from zoho_oauth import Family, explain
from zoho_oauth._bodies import Begun, aseen, seen
from zoho_oauth._policy import LONGEST_ANSWER

#: The most that httpx takes from a socket at once.
PIECE = 65_536
LONG = b'{"code": "INVALID_TOKEN", "message": "' + b"a" * (8 * MEGABYTE) + b'"}'
#: Without Content-Length nothing warns of it.
ENDLESS = Sent(401, LONG, in_chunks=True)

UNTOUCHED = {
    "a large answer of success": (LEADS, Sent(200, LONG)),
    "one in chunks": (LEADS, Sent(200, LONG, in_chunks=True)),
    "a large 400": (LEADS, Sent(400, LONG)),
    "a large 500": (WORKDRIVE, Sent(500, LONG)),
    "a 401 of a gigabyte": (LEADS, Promised()),
    "a 400 of a gigabyte": (LEADS, Promised(400)),
    "a 400 that is no JSON": (LEADS, Sent(400, b'{"code": "INVALID_TOKEN"}', content_type="text/html")),
    "a 400 of a product that does not say so": (WORKDRIVE, Sent(400, b'{"code": "INVALID_TOKEN"}')),
    "a 500 of a product that does not say so": (LEADS, Sent(500, b'{"code": "INVALID_TOKEN"}')),
    "a 403": (LEADS, Sent(403, b'{"code": "INVALID_TOKEN"}')),
    "a 429": (LEADS, Sent(429, b'{"code": "INVALID_TOKEN"}')),
}
BOMBS = {
    "60 KB that become 60 MB": Sent(401, bomb(60), "gzip"),
    "60 KB in chunks": Sent(401, bomb(60), "gzip", in_chunks=True),
    "1 MB that becomes 1 GB": Sent(401, bomb(1024), "gzip"),
    "1 MB in chunks": Sent(401, bomb(1024), "gzip", in_chunks=True),
}


def is_its_own(response, library):
    """Whether the stream is the one that the library gave the response."""
    return type(response.stream).__module__.partition(".")[0] == library.name


async def handed_back(world, answer, auth=None):
    """The answer as the caller gets it, and how much of it had been taken."""
    tap = Tap()
    world.fake.answer_next(answer, path=LEADS)
    async with world.client(auth, transport=tap.transport(world.library.module)) as client:
        with anyio.fail_after(60):
            async with client.stream("GET", LEADS) as response:
                taken = tap.taken[0]
            await renewal_ended(world)
    assert tap.closed == [1]
    return response, taken


class TestEndless:
    @pytest.mark.anyio
    async def test_it_is_left_at_the_cap_and_the_token_is_renewed(self, served):
        response, taken = await handed_back(served, ENDLESS)

        assert LONGEST_ANSWER < taken <= LONGEST_ANSWER + PIECE
        assert (response.status_code, response.is_stream_consumed) == (401, False)
        assert explain(response).family is Family.TOKEN
        assert (explain(response).is_ambiguous, explain(response).code) == (True, None)
        assert served.fake.token_requests == 2
        assert served.fake.requests.resources == 1

    @pytest.mark.anyio
    async def test_an_auth_that_reads_it_takes_all_of_it(self, served):
        """The control."""
        response, taken = await handed_back(served, ENDLESS, greedy_auth(served.library, served.source()))

        assert taken == len(LONG)
        assert response.is_stream_consumed

    @pytest.mark.anyio
    async def test_its_connection_is_released_when_the_caller_leaves(self, served):
        served.fake.answer_next(ENDLESS, path=LEADS)
        async with served.client(limits=served.library.module.Limits(max_connections=1)) as client:
            with anyio.fail_after(10):
                async with client.stream("GET", LEADS):
                    pass
                assert (await client.get(LEADS)).status_code == 200

    @pytest.mark.anyio
    async def test_all_of_it_can_be_read(self, served):
        served.fake.answer_next(ENDLESS, times=3, path=LEADS)
        async with served.client() as client:
            async with client.stream("GET", LEADS) as response:
                raw = b"".join([part async for part in response.aiter_raw()])
                counted = response.num_bytes_downloaded
            whole = await client.get(LEADS)
            async with client.stream("GET", LEADS) as response:
                parts = [part async for part in response.aiter_text()]

        assert raw == LONG == whole.content == "".join(parts).encode()
        assert counted == len(LONG)

    def test_a_sync_client_leaves_it_at_the_cap_too(self, served):
        tap = Tap()
        served.fake.answer_next(ENDLESS, times=2, path=LEADS)
        transport = tap.blocking_transport(served.library.module, max_connections=1)
        with served.sync_client(transport=transport) as client:
            with client.stream("GET", LEADS) as response:
                assert response.status_code == 401
                taken = tap.taken[0]
            assert client.get(LEADS).content == LONG
            assert client.get(LEADS).status_code == 200

        assert LONGEST_ANSWER < taken <= LONGEST_ANSWER + PIECE
        assert tap.closed == [1] * 3


class TestUntouched:
    @pytest.mark.anyio
    @pytest.mark.parametrize("case", UNTOUCHED.values(), ids=UNTOUCHED)
    async def test_nothing_of_it_is_taken(self, served, case):
        path, answer = case
        tap = Tap()
        served.fake.answer_next(answer, path=path)
        async with served.client(transport=tap.transport(served.library.module)) as client:
            with anyio.fail_after(10):
                async with client.stream("GET", path) as response:
                    assert response.status_code == answer.status
                    assert tap.taken == [0]
                    assert is_its_own(response, served.library)
                await renewal_ended(served)

        assert served.fake.token_requests == (2 if answer.status == 401 else 1)

    @pytest.mark.parametrize("case", UNTOUCHED.values(), ids=UNTOUCHED)
    def test_nothing_of_it_is_taken_for_a_sync_client(self, served, case):
        path, answer = case
        tap = Tap()
        served.fake.answer_next(answer, path=path)
        transport = tap.blocking_transport(served.library.module)
        with served.sync_client(transport=transport) as client, client.stream("GET", path) as response:
            assert (response.status_code, tap.taken) == (answer.status, [0])
            assert is_its_own(response, served.library)

        assert served.fake.token_requests == 1

    @pytest.mark.anyio
    async def test_a_short_one_is_looked_at(self, served):
        """The control."""
        served.fake.answer_next(Sent(400, b'{"code": "INVALID_DATA"}'), path=LEADS)
        async with served.client() as client, client.stream("GET", LEADS) as response:
            assert not is_its_own(response, served.library)


class TestBombs:
    async def peak(self, world, answer, auth=None):
        """Megabytes held at most, by client and fake together, until the answer is handed back."""
        async with world.client() as client:
            await client.get(LEADS)
        tracemalloc.start()
        try:
            response, _ = await handed_back(world, answer, auth)
            return response, tracemalloc.get_traced_memory()[1] / MEGABYTE
        finally:
            tracemalloc.stop()

    @pytest.mark.anyio
    @pytest.mark.parametrize("answer", BOMBS.values(), ids=BOMBS)
    async def test_it_does_not_go_off(self, served, answer):
        response, peak = await self.peak(served, answer)

        print(f"\n{len(answer.body) / MEGABYTE:.2f} MB of gzip: at most {peak:.1f} MB held")
        assert peak < 6
        assert explain(response).family is Family.TOKEN
        assert (explain(response).is_ambiguous, explain(response).code) == (True, None)
        assert served.fake.token_requests == 2
        assert served.fake.requests.resources == 2

    @pytest.mark.anyio
    async def test_it_does_for_an_auth_that_reads_it(self, served):
        """The control."""
        greedy = greedy_auth(served.library, served.source())
        _, peak = await self.peak(served, BOMBS["60 KB that become 60 MB"], greedy)

        assert peak > 60

    def test_codings_inside_codings_are_not_unpacked(self, library):
        headers = {"Content-Encoding": "gzip, gzip"}
        body = gzip.compress(gzip.compress(b"{}"))
        response = library.module.Response(401, headers=headers, content=iter([body]))

        assert seen(response, type("_", (Begun, library.module.SyncByteStream), {})) is None


class TestStreamsOfOthers:
    """Of a transport of the user's, or of HTTP/2, whose frames can be empty (RFC 9113 section 6.1)."""

    def test_pieces_without_a_byte_count_too(self, library):
        def nothing():
            yield from [b""] * 2 * LONGEST_ANSWER
            raise AssertionError("all of them were taken")

        response = library.module.Response(401, content=nothing())
        assert seen(response, type("_", (Begun, library.module.SyncByteStream), {})) is None

    @pytest.mark.anyio
    async def test_a_stream_that_never_waits_and_never_ends_can_be_left(self, library):
        class Endless(library.module.AsyncByteStream):
            def __aiter__(self):
                return self

            async def __anext__(self):
                return b"a"

        response = library.module.Response(401, stream=Endless())
        assert await aseen(response, type("_", (Begun, library.module.AsyncByteStream), {})) is None
        await response.aclose()
        assert response.is_closed
