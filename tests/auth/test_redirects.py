"""A 401 from where we were redirected to says nothing about the token, and no token arrives there."""

from __future__ import annotations

import anyio
import pytest

from tests.auth import LEADS, digest, echoed, naive_auth
from tests.endpoint_servers import Server, reply
from zoho_oauth.testing.answers import DEAD_TOKEN

UNAUTHORIZED = b'{"code": "INVALID_TOKEN"}'


@pytest.fixture
def stranger():
    """Another origin: every request is a 401 there."""
    with Server(reply(UNAUTHORIZED, status="401 Unauthorized")) as server:
        yield server


def address(server):
    return f"http://127.0.0.1:{server.port}/"


def tokens_that_arrived(server):
    return [each for each in server.requests if "authorization" in each.headers]


class TestForeignTarget:
    @pytest.mark.anyio
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_its_401_is_returned_without_a_refresh(self, served, stranger, status):
        async with served.client(follow_redirects=True) as client:
            with anyio.fail_after(10):
                response = await client.get(
                    "/redirect", params={"to": address(stranger), "status": str(status)}
                )

        assert response.status_code == 401
        assert served.fake.token_requests == 1
        assert (len(stranger.requests), tokens_that_arrived(stranger)) == (1, [])

    @pytest.mark.anyio
    async def test_the_same_host_by_another_name_is_another_origin(self, served, stranger):
        to = address(stranger).replace("127.0.0.1", "localhost")
        async with served.client(follow_redirects=True) as client:
            await client.get("/redirect", params={"to": to})

        assert served.fake.token_requests == 1
        assert tokens_that_arrived(stranger) == []

    @pytest.mark.anyio
    @pytest.mark.parametrize("status", [301, 302, 303])
    async def test_a_post_that_was_answered_by_a_redirect_is_not_done_twice(self, served, status):
        """What was rejected is the GET that followed; the next call has a new token."""
        served.fake.answer_next(DEAD_TOKEN, path=LEADS)
        parameters = {"to": f"{served.api}{LEADS}", "status": str(status)}
        async with served.client(follow_redirects=True) as client:
            response = await client.post("/redirect", params=parameters, json={"Last_Name": "Lee"})

            assert (response.status_code, response.request.method) == (401, "GET")
            assert served.fake.requests.resources == 2
            assert (await client.get(LEADS)).status_code == 200

    @pytest.mark.anyio
    async def test_a_post_that_was_sent_on_as_a_post_is_sent_again(self, served):
        """A 307 has done nothing yet (RFC 9110 §15.4.8)."""
        served.fake.answer_next(DEAD_TOKEN, path=LEADS)
        parameters = {"to": f"{served.api}{LEADS}", "status": "307"}
        async with served.client(follow_redirects=True) as client:
            response = await client.post("/redirect", params=parameters, json={"Last_Name": "Lee"})

        assert response.status_code == 200
        assert served.fake.requests.resources == 4

    @pytest.mark.anyio
    async def test_an_auth_that_asks_no_questions_does_the_post_twice(self, served):
        """The control."""
        served.fake.answer_next(DEAD_TOKEN, path=LEADS)
        auth = naive_auth(served.library, served.source())
        async with served.client(auth, follow_redirects=True) as client:
            await client.post("/redirect", params={"to": f"{served.api}{LEADS}", "status": "303"}, json={})

        assert served.fake.requests.resources == 4

    @pytest.mark.anyio
    async def test_an_auth_that_asks_no_questions_refreshes_for_every_stranger(self, served, stranger):
        """The control: whoever we are redirected to spends the budget."""
        auth = naive_auth(served.library, served.source())
        async with served.client(auth, follow_redirects=True) as client:
            for _ in range(3):
                await client.get("/redirect", params={"to": address(stranger)})

        assert served.fake.token_requests == 4

    @pytest.mark.anyio
    async def test_a_redirect_back_home_came_without_the_token_and_says_nothing_about_it(self, served):
        """httpx does not put the header back on."""
        home = f"{served.api}{LEADS}"
        with Server(reply(b"", status="302 Found", location=home)) as there_and_back:
            async with served.client(follow_redirects=True) as client:
                response = await client.get("/redirect", params={"to": address(there_and_back)})

        assert response.status_code == 401
        assert str(response.url) == home
        assert served.fake.token_requests == 1
        assert tokens_that_arrived(there_and_back) == []

    def test_a_sync_client_does_not_refresh_for_it_either(self, served, stranger):
        with served.sync_client(follow_redirects=True) as client:
            response = client.get("/redirect", params={"to": address(stranger)})

        assert response.status_code == 401
        assert served.fake.token_requests == 1
        assert tokens_that_arrived(stranger) == []

    @pytest.mark.anyio
    async def test_a_body_that_follows_a_307_takes_no_token_along(self, served, stranger):
        async with served.client(follow_redirects=True) as client:
            await client.post("/redirect", params={"to": address(stranger), "status": "307"}, content=b"abc")

        assert [(each.body, "authorization" in each.headers) for each in stranger.requests] == [
            (b"abc", False)
        ]


class TestSameOrigin:
    @pytest.mark.anyio
    async def test_a_401_behind_it_is_about_the_token(self, served):
        async with served.client(follow_redirects=True) as client:
            await client.get(LEADS)
            served.fake.expire_all()
            response = await client.get("/redirect", params={"to": LEADS})

        assert response.status_code == 200
        assert [each.status_code for each in response.history] == [401, 302]
        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_post_is_sent_again_from_the_beginning_with_its_body(self, served):
        body = b"x" * 100_000
        async with served.client(follow_redirects=True) as client:
            await client.get(LEADS)
            served.fake.expire_all()
            response = await client.post("/redirect", params={"to": LEADS, "status": "307"}, content=body)

        assert echoed(response) == digest(body)
        assert served.fake.requests.retries == 1
        assert served.fake.token_requests == 2

    def test_a_sync_post_is_sent_again_with_its_body(self, served):
        with served.sync_client(follow_redirects=True) as client:
            client.get(LEADS)
            served.fake.expire_all()
            response = client.post("/redirect", params={"to": LEADS, "status": "308"}, content=b"abc")

        assert echoed(response) == digest(b"abc")
