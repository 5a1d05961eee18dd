"""`explain`: what it knows of a response, from which sources, and what it leaves alone."""

from __future__ import annotations

import copy
import gzip
import json
import pickle
from datetime import UTC, datetime

import pytest
from attrs import evolve, exceptions

from tests.auth import LEADS, LIBRARIES, OWNER, World
from tests.corpus_rejections import CREDENTIAL, JSON, OTHER, PERMISSION, RATE_LIMIT, REJECTIONS, SCOPE, TOKEN
from zoho_oauth import ErrorCode, Meaning, TokenEndpoint, ZohoOAuth, _explain, explain
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth.testing import FakeZoho
from zoho_oauth.testing.answers import DEAD_TOKEN, SCOPE_MISMATCH, Answer, json_answer

CRM = f"https://www.zohoapis.eu{LEADS}"
CANARY = "canary-4711-of-a-body"
SIGNED = {"Authorization": "Zoho-oauthtoken fake"}
SCOPE_IS_MISSING = b'{"code": "OAUTH_SCOPE_MISMATCH"}'
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request):
    return request.param


@pytest.fixture
def world(library):
    fake = FakeZoho("eu")
    yield World(fake, library)
    fake.release_all()


def answered(library, status, body=b"", url=CRM, sent=SIGNED, **headers):
    request = library.request(url=url, headers=sent)
    headers = {name.replace("_", "-"): value for name, value in ({"content_type": JSON} | headers).items()}
    return library.module.Response(status, headers=headers, content=body, request=request)


def unread(library, status):
    """A response whose body nobody may touch, and how often somebody did."""
    touched = []

    class Untouchable(library.module.SyncByteStream, library.module.AsyncByteStream):
        def __iter__(self):
            touched.append("read")
            raise AssertionError("read from the network")

        async def __aiter__(self):
            touched.append("read")
            raise AssertionError("read from the network")
            yield b""

    request = library.request(headers=SIGNED)
    response = library.module.Response(
        status, headers={"Content-Type": JSON}, stream=Untouchable(), request=request
    )
    return response, touched


def auth_with(world, **options):
    """An auth of the same owner, with options of `ZohoOAuth`."""
    endpoint = TokenEndpoint(transport=world.fake.transport)
    zoho = ZohoOAuth(world.registration, world.store, clock=world.fake.clock, endpoint=endpoint, **options)
    return world.library.auth_class(zoho.source(OWNER))


def rejections(world):
    """What `on_event` was told about rejected tokens."""
    return [each for each in world.events if type(each).__name__ == "TokenRejected"]


class TestOfAnyResponse:
    def test_it_says_what_the_corpus_says(self, library):
        for each in REJECTIONS:
            response = answered(
                library, each.status, each.body, f"https://{each.url}", content_type=each.content_type
            )
            meaning = explain(response)

            assert (meaning.product, meaning.family, meaning.code) == (each.product, each.family, each.code)
            assert meaning.hint or meaning.family is OTHER

    @pytest.mark.parametrize(
        ("status", "family"), [(401, TOKEN), (403, PERMISSION), (429, RATE_LIMIT), (400, OTHER)]
    )
    def test_of_a_stream_nobody_has_read_it_knows_the_status(self, library, status, family):
        response, touched = unread(library, status)
        meaning = explain(response)

        assert (meaning.family, meaning.product, meaning.code) == (family, "crm", None)
        assert (touched, response.is_stream_consumed, response.is_closed) == ([], False, False)

    def test_one_that_reads_would_have_been_seen(self, library):
        """The control."""
        response, touched = unread(library, 401)
        with pytest.raises(AssertionError, match="network"):
            response.read()

        assert touched == ["read"]

    def test_of_a_stream_that_was_read_it_knows_the_body(self, library):
        response = answered(library, 401, iter([SCOPE_IS_MISSING]))
        before = explain(response)
        response.read()

        assert (before.family, explain(response).family) == (TOKEN, SCOPE)

    @pytest.mark.anyio
    async def test_of_an_async_one_too(self, library):
        async def pieces():
            yield SCOPE_IS_MISSING

        response = answered(library, 401, pieces())
        before = explain(response)
        await response.aread()

        assert (before.family, explain(response).family) == (TOKEN, SCOPE)

    def test_of_a_stream_that_was_taken_raw_it_knows_the_status(self, library):
        response = answered(library, 401, iter([SCOPE_IS_MISSING]))
        assert b"".join(response.iter_raw()) == SCOPE_IS_MISSING

        assert explain(response).family is TOKEN

    def test_a_compressed_body_is_known(self, library):
        response = answered(library, 401, gzip.compress(SCOPE_IS_MISSING), content_encoding="gzip")

        assert explain(response).family is SCOPE

    def test_of_a_large_body_it_knows_the_status(self, library):
        response = answered(library, 401, SCOPE_IS_MISSING.ljust(LONGEST_ANSWER + 1))

        assert explain(response).family is TOKEN

    @pytest.mark.parametrize("status", [200, 201, 204, 302])
    def test_success_is_nothing(self, library, status):
        meaning = explain(answered(library, status, DEAD_TOKEN.body))

        assert meaning == Meaning(family=OTHER, product="crm")

    def test_made_by_hand_without_a_request(self, library):
        response = library.module.Response(401, content=SCOPE_IS_MISSING)

        assert explain(response).code == "OAUTH_SCOPE_MISMATCH"
        assert explain(library.module.Response(401)).family is TOKEN
        assert explain(library.module.Response(200)).family is OTHER

    @pytest.mark.parametrize("host", ["xn--0.example", "xn--", "a_b.example", "127.0.0.1:8080", "[::1]"])
    def test_from_a_host_of_any_name(self, library, host):
        sent = {**SIGNED, "Host": "any"}  # httpx decodes the name where it has to make this one up
        response = answered(library, 401, SCOPE_IS_MISSING, f"https://{host}/x", sent)

        assert explain(response).family is SCOPE


class TestHints:
    def test_a_request_without_the_header_explains_itself(self, library):
        for body in (DEAD_TOKEN.body, b"", b'{"code": "AUTHENTICATION_FAILURE"}'):
            meaning = explain(answered(library, 401, body, sent={}))

            assert (meaning.family, meaning.calls_for_refresh) == (CREDENTIAL, False)
            assert meaning.hint == "This request carried no Authorization header."

    def test_but_not_what_is_about_something_else(self, library):
        assert explain(answered(library, 401, SCOPE_IS_MISSING, sent={})).family is SCOPE
        assert explain(answered(library, 200, b"", sent={})).family is OTHER

    @pytest.mark.parametrize(
        ("body", "begins"),
        [
            (
                DEAD_TOKEN.body,
                "If the token is fresh, suspect the data center or the scope. CRM says the same",
            ),
            (SCOPE_IS_MISSING, "The owner has to consent to more scopes"),
            (b'{"code": "NO_PERMISSION"}', "Another token does not help"),
            (b'{"code": "TOO_MANY_REQUESTS"}', "Wait, and send fewer requests"),
            (b'["INVALID_TICKET"]', "A token was sent and did not arrive"),
        ],
    )
    def test_each_family_says_what_to_do(self, library, body, begins):
        assert explain(answered(library, 401, body)).hint.startswith(begins)


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("120", 120.0),
            ("0", 0.0),
            ("9" * 400, 3600.0),
            ("Fri, 02 Jan 2026 12:10:00 GMT", 600.0),
            ("Fri, 02 Jan 2026 11:00:00 GMT", 0.0),
            ("soon", None),
            ("-1", None),
            ("", None),
            (None, None),
        ],
    )
    def test_it_is_in_seconds(self, library, monkeypatch, text, seconds):
        monkeypatch.setattr(_explain.SystemClock, "wall", lambda _: NOON)
        headers = {} if text is None else {"retry_after": text}

        meaning = explain(answered(library, 429, b"", **headers))
        assert (meaning.family, meaning.retry_after) == (RATE_LIMIT, seconds)

    def test_also_where_the_auth_has_looked(self, library):
        response = answered(library, 400, b"", retry_after="7")
        response.extensions[_explain.EXTENSION] = Meaning(family=RATE_LIMIT, product="crm")

        assert explain(response) == Meaning(family=RATE_LIMIT, product="crm", retry_after=7.0)


class TestTheValue:
    def test_it_is_frozen_hashable_and_can_be_sent_elsewhere(self, library):
        meaning = explain(answered(library, 401, DEAD_TOKEN.body, retry_after="7"))

        assert hash(meaning) == hash(evolve(meaning))
        assert {pickle.loads(pickle.dumps(meaning)), copy.deepcopy(meaning)} == {meaning}
        with pytest.raises(exceptions.FrozenInstanceError):
            meaning.code = "another"

    def test_its_repr_is_short_and_repeats_no_body(self, library):
        for each in REJECTIONS:
            response = answered(library, each.status, each.body, f"https://{each.url}")
            assert len(repr(explain(response))) < 400

        told = {
            "code": CANARY,
            "message": CANARY,
            "details": [CANARY, "INVALID_OAUTHSCOPE", {CANARY: CANARY}],
        }
        meaning = explain(answered(library, 401, json.dumps(told).encode(), f"{CRM}/{CANARY}"))
        assert meaning.family is SCOPE
        assert CANARY not in repr(meaning)

    def test_what_others_put_into_the_extensions_is_not_taken_for_one(self, library):
        response = answered(library, 401, SCOPE_IS_MISSING)
        response.extensions[_explain.EXTENSION] = "a meaning"

        assert explain(response).family is SCOPE


class TestAfterTheAuth:
    """What the auth has seen, the caller's `explain` knows: more than the response itself says."""

    @pytest.mark.anyio
    async def test_it_is_what_the_event_says(self, world):
        world.fake.answer_next(SCOPE_MISMATCH)
        async with world.client() as client:
            meaning = explain(await client.get(LEADS))

        assert (meaning.family, meaning.product, meaning.code) == (SCOPE, "crm", "OAUTH_SCOPE_MISMATCH")
        assert [each.meaning for each in rejections(world)] == [meaning]

    @pytest.mark.anyio
    async def test_of_a_stream_that_the_caller_has_not_read(self, world):
        world.fake.answer_next(SCOPE_MISMATCH)
        async with world.client() as client, client.stream("GET", LEADS) as response:
            meaning = explain(response)
            assert not response.is_stream_consumed
            assert await response.aread() == SCOPE_MISMATCH.body

        assert (meaning, meaning.family) == (explain(response), SCOPE)

    @pytest.mark.anyio
    async def test_a_new_token_that_is_rejected_too_is_fresh(self, world):
        world.fake.answer_next(DEAD_TOKEN, times=2)
        async with world.client() as client:
            meaning = explain(await client.get(LEADS))

        assert meaning.hint.startswith("The token is fresh: suspect the data center or the scope.")
        assert "This account lives in eu, and the request went there." in meaning.hint

    @pytest.mark.anyio
    async def test_one_that_was_taken_over_may_not_be(self, world):
        """The control: the header was there, and nothing shows that the token is new."""
        async with world.client() as client:
            response = await client.get(LEADS)
        response.status_code = 401

        assert explain(response).hint.startswith("If the token is fresh,")

    @pytest.mark.anyio
    async def test_another_data_center_is_named_with_the_accounts(self, world):
        auth = auth_with(world, allow_hosts=["https://www.zohoapis.com"])
        async with world.client(auth) as client:
            response = await client.get(f"https://www.zohoapis.com{LEADS}")

        meaning = explain(response)
        assert (response.status_code, meaning.family) == (401, TOKEN)
        assert "This account lives in eu, the request went to us." in meaning.hint

    @pytest.mark.anyio
    async def test_a_request_that_is_not_sent_again_has_a_token_on_its_way(self, world):
        async def pieces():
            yield b"once"

        world.fake.answer_next(DEAD_TOKEN)
        async with world.client() as client:
            response = await client.post(LEADS, content=pieces())

        assert explain(response).hint.startswith("A new token is asked for.")

    @pytest.mark.anyio
    async def test_a_users_own_code_is_known(self, world):
        mine = ErrorCode(code="LOCKED", at="reason", family=PERMISSION, hint="Unlock it.")
        auth = auth_with(world, error_codes=[mine])
        world.fake.answer_next(json_answer({"reason": "locked"}, 401))
        async with world.client(auth) as client:
            meaning = explain(await client.get(LEADS))

        assert (meaning.family, meaning.code, meaning.hint) == (PERMISSION, "LOCKED", "Unlock it.")

    @pytest.mark.anyio
    async def test_what_the_auth_does_not_look_at_is_explained_too(self, world):
        world.fake.answer_next(Answer(429, b"", (("retry-after", "30"),)))
        async with world.client() as client:
            meaning = explain(await client.get(LEADS))

        assert (meaning.family, meaning.retry_after) == (RATE_LIMIT, 30.0)
        assert rejections(world) == []

    @pytest.mark.anyio
    async def test_a_limit_that_the_auth_has_read_keeps_its_wait(self, world):
        headers = (("content-type", JSON), ("retry-after", "30"))
        world.fake.answer_next(Answer(400, b'{"code": "TOO_MANY_REQUESTS"}', headers))
        async with world.client() as client:
            meaning = explain(await client.get(LEADS))

        assert (meaning.code, meaning.retry_after) == ("TOO_MANY_REQUESTS", 30.0)
        assert len(rejections(world)) == 1
