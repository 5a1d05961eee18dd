"""An answer that was looked at and handed back is as if nobody had touched it. On real sockets."""

from __future__ import annotations

import gzip
import importlib
import zlib

import anyio
import pytest

from tests.auth import LEADS
from tests.auth.answering import HANDED_BACK, Sent, Tap, greedy_auth, renewal_ended
from zoho_oauth import Family, explain
from zoho_oauth._bodies import PIECE, Begun, aseen, seen
from zoho_oauth.testing.answers import DEAD_TOKEN, Answer
from zoho_oauth.testing.faults import CutAfterHeaders


def packed(coding, body):
    if coding == "br":
        return importlib.import_module("brotli").compress(body)
    if coding == "zstd":
        return importlib.import_module("zstandard").compress(body)
    return {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[coding](body)


def codings(library):
    """What this library asks for."""
    return ["", *library.module.Client().headers["Accept-Encoding"].split(", ")]


#: Method without the "a" of async, and its arguments.
WAYS = [
    ("iter_raw", {}),
    ("iter_raw", {"chunk_size": 5}),
    ("iter_bytes", {}),
    ("iter_bytes", {"chunk_size": 5}),
    ("iter_text", {}),
    ("iter_text", {"chunk_size": 5}),
    ("iter_lines", {}),
    ("read", {}),
    ("close", {}),
    ("", {}),
]


def state(response):
    return (
        response.status_code,
        response.headers,
        response.history,
        response.is_closed,
        response.is_stream_consumed,
        response.num_bytes_downloaded,
    )


def joined(name, parts):
    # Raw and decoded pieces are as large as the network makes them; lines and pieces of a size are not.
    return b"".join(parts) if name in ("iter_raw", "iter_bytes") else parts


async def taken(response, name, options):
    """What this way of reading gives; nothing at all for the last one, which leaves at once."""
    if name == "close":
        return await response.aclose()
    if name == "read":
        return await response.aread(), response.json(), response.text
    if name:
        return joined(name, [part async for part in getattr(response, f"a{name}")(**options)])
    return None


def taken_blocking(response, name, options):
    if name == "close":
        return response.close()
    if name == "read":
        return response.read(), response.json(), response.text
    return joined(name, list(getattr(response, name)(**options))) if name else None


async def story(client, path, way, **options):
    """All that can be seen of an answer from the moment it is there until it is closed."""
    async with client.stream("GET", path, **options) as response:
        before, is_looked_at = state(response), isinstance(response.stream, Begun)
        found = await taken(response, *way)
        between = state(response)
    assert response.elapsed.total_seconds() > 0
    return is_looked_at, (before, found, between, state(response))


def story_blocking(client, path, way, **options):
    with client.stream("GET", path, **options) as response:
        before, is_looked_at = state(response), isinstance(response.stream, Begun)
        found = taken_blocking(response, *way)
        between = state(response)
    assert response.elapsed.total_seconds() > 0
    return is_looked_at, (before, found, between, state(response))


def answers(library, status):
    path, body = HANDED_BACK[status]
    for coding in codings(library):
        for in_chunks in (False, True):
            yield path, Sent(status, packed(coding, body), coding, in_chunks)


class TestHandedBack:
    @pytest.mark.anyio
    @pytest.mark.parametrize("status", HANDED_BACK)
    async def test_it_is_read_in_every_way_as_an_untouched_one_is(self, served, status):
        async with served.client() as client:
            await client.get(LEADS)
            for path, answer in answers(served.library, status):
                served.fake.answer_next(answer, times=2 * len(WAYS), path=path)
                for way in WAYS:
                    _, untouched = await story(client, path, way, auth=None)
                    is_looked_at, found = await story(client, path, way)
                    assert is_looked_at
                    assert found == untouched, (answer, way)

        assert served.fake.token_requests == 1

    @pytest.mark.parametrize("status", HANDED_BACK)
    def test_a_sync_client_reads_it_in_every_way_too(self, served, status):
        with served.sync_client() as client:
            client.get(LEADS)
            for path, answer in answers(served.library, status):
                served.fake.answer_next(answer, times=2 * len(WAYS), path=path)
                for way in WAYS:
                    _, untouched = story_blocking(client, path, way, auth=None)
                    is_looked_at, found = story_blocking(client, path, way)
                    assert is_looked_at
                    assert found == untouched, (answer, way)

        assert served.fake.token_requests == 1

    @pytest.mark.anyio
    async def test_one_that_was_read_by_the_auth_is_not(self, served):
        """The control."""
        path, body = HANDED_BACK[401]
        served.fake.answer_next(Sent(401, body), times=2, path=path)
        async with served.client(greedy_auth(served.library, served.source())) as client:
            with pytest.raises(served.library.module.StreamConsumed):
                await story(client, path, ("iter_raw", {}))
            _, (before, *_) = await story(client, path, ("iter_bytes", {}))

        assert (before[3], before[4]) == (True, True)

    @pytest.mark.anyio
    async def test_its_stream_is_closed_once(self, served):
        tap = Tap()
        path, body = HANDED_BACK[401]
        served.fake.answer_next(Sent(401, body), times=len(WAYS), path=path)
        async with served.client(transport=tap.transport(served.library.module)) as client:
            for way in WAYS:
                await story(client, path, way)

        assert tap.taken == [len(body)] * len(WAYS)
        assert tap.closed == [1] * len(WAYS)

    @pytest.mark.anyio
    async def test_the_time_it_took_is_known(self, served):
        """Known a little early: from the moment the connection was given back."""
        path, body = HANDED_BACK[401]
        served.fake.answer_next(Sent(401, body), path=path)
        async with served.client() as client, client.stream("GET", path) as response:
            early = response.elapsed
            await response.aread()

        assert response.elapsed == early

    @pytest.mark.anyio
    async def test_what_it_says_is_known_without_reading(self, served):
        path, body = HANDED_BACK[401]
        served.fake.answer_next(Sent(401, body), path=path)
        async with served.client() as client, client.stream("GET", path) as response:
            assert explain(response).family is Family.SCOPE


class TestUnderstood:
    @pytest.mark.anyio
    @pytest.mark.parametrize("in_chunks", [False, True], ids=["whole", "in chunks"])
    async def test_a_dead_token_is_recognised_in_every_coding(self, served, in_chunks):
        async with served.client() as client:
            for number, coding in enumerate(codings(served.library)):
                answer = Sent(400, packed(coding, DEAD_TOKEN.body), coding, in_chunks)
                served.fake.answer_next(answer, path=LEADS)
                response = await client.get(LEADS)
                assert [each.status_code for each in response.history] == [400], coding
                assert served.fake.token_requests == 2 + number
                assert response.history[0].json()["code"] == "INVALID_TOKEN"

    @pytest.mark.anyio
    @pytest.mark.parametrize("length", [1, PIECE, PIECE + 1, 65_536])
    @pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
    async def test_the_look_sees_what_the_caller_reads(self, library, length, coding):
        body = bytes(number * number % 251 for number in range(length))

        async def sent():
            yield packed(coding, body)

        response = library.module.Response(401, headers={"Content-Encoding": coding}, content=sent())
        assert await aseen(response, type("_", (Begun, library.module.AsyncByteStream), {})) == body
        assert await response.aread() == body

    @pytest.mark.parametrize("headers", [{"Content-Length": "9" * 5_000}, {"Content-Length": "many"}])
    def test_a_length_that_is_none_does_not_count(self, library, headers):
        response = library.module.Response(401, headers=headers, content=iter([b"a"]))

        assert seen(response, type("_", (Begun, library.module.SyncByteStream), {})) == b"a"


class TestBroken:
    @pytest.mark.anyio
    @pytest.mark.parametrize("status", HANDED_BACK)
    async def test_one_that_breaks_off_is_the_transports_error_and_costs_nothing(self, served, status):
        path, _ = HANDED_BACK[status]
        limits = served.library.module.Limits(max_connections=1)
        async with served.client(limits=limits) as client:
            await client.get(LEADS)
            for send in (client.get, client.stream("GET", path).__aenter__):
                served.fake.answer_next(CutAfterHeaders(status), path=path)
                with anyio.fail_after(10), pytest.raises(served.library.module.TransportError) as caught:
                    await (send(path) if send == client.get else send())
                assert caught.value.request.url.path == path
            with anyio.fail_after(10):
                assert (await client.get(LEADS)).status_code == 200

        assert served.fake.token_requests == 1

    @pytest.mark.parametrize("status", HANDED_BACK)
    def test_a_sync_client_gets_the_same_error(self, served, status):
        path, _ = HANDED_BACK[status]
        with served.sync_client(limits=served.library.module.Limits(max_connections=1)) as client:
            client.get(LEADS)
            served.fake.answer_next(CutAfterHeaders(status), path=path)
            with pytest.raises(served.library.module.TransportError) as caught:
                client.get(path)
            assert caught.value.request.url.path == path
            assert client.get(LEADS).status_code == 200

        assert served.fake.token_requests == 1


NOT_GZIP = Answer(401, b"not gzip", (("content-encoding", "gzip"),))


class TestUndecodable:
    @pytest.mark.anyio
    # httpx leaves its own generators half-way when it cannot decode, with an auth or without; trio warns of it.
    @pytest.mark.filterwarnings("ignore:Async generator 'httpx.:ResourceWarning")
    @pytest.mark.filterwarnings("ignore:Async generator 'zoho_oauth._bodies:ResourceWarning")
    async def test_reading_it_is_the_librarys_error_and_the_token_is_renewed_once(self, served):
        module = served.library.module
        async with served.client(limits=module.Limits(max_connections=1)) as client:
            await client.get(LEADS)
            served.fake.answer_next(NOT_GZIP, path=LEADS)
            with anyio.fail_after(10), pytest.raises(module.DecodingError) as caught:
                await client.get(LEADS)
            await renewal_ended(served)
            with anyio.fail_after(10):
                assert (await client.get(LEADS)).status_code == 200

        assert caught.value.request.url.path == LEADS
        assert served.fake.token_requests == 2
        assert served.fake.requests.resources == 3

    @pytest.mark.anyio
    async def test_its_raw_bytes_can_be_read(self, served):
        async with served.client() as client:
            served.fake.answer_next(NOT_GZIP, path=LEADS)
            async with client.stream("GET", LEADS) as response:
                meaning = explain(response)
                raw = [part async for part in response.aiter_raw()]
            await renewal_ended(served)

        assert b"".join(raw) == NOT_GZIP.body
        assert (meaning.family, meaning.is_ambiguous, meaning.code) == (Family.TOKEN, True, None)
        assert served.fake.requests.resources == 1

    def test_a_sync_client_renews_at_the_next_request(self, served):
        with served.sync_client() as client:
            client.get(LEADS)
            served.fake.answer_next(NOT_GZIP, path=LEADS)
            with pytest.raises(served.library.module.DecodingError):
                client.get(LEADS)
            before = served.fake.token_requests
            client.get(LEADS)

        assert (before, served.fake.token_requests) == (1, 2)

    @pytest.mark.anyio
    async def test_a_400_that_cannot_be_decoded_blames_no_token(self, served):
        answer = Sent(400, b"not gzip", "gzip")
        async with served.client() as client:
            await client.get(LEADS)
            served.fake.answer_next(answer, path=LEADS)
            async with client.stream("GET", LEADS) as response:
                assert response.status_code == 400
            await renewal_ended(served)

        assert served.fake.token_requests == 1
