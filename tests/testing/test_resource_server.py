"""The API: echoes what it got, if the token is good."""

import hashlib

import anyio
import pytest

from zoho_oauth.testing import FakeZoho, Rules, answers

from .world import WAYS, world

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_good_token_gets_an_echo_of_method_length_and_digest(way, method):
    body = b"" if method == "GET" else bytes(range(256)) * 1000
    async with world(FakeZoho(), way) as zoho:
        response = await zoho.call(
            await zoho.access_token(), "/crm/v8/Leads?a=1", method=method, content=body
        )

    assert response.status_code == 200
    assert {
        "data": [
            {
                "method": method,
                "path": "/crm/v8/Leads",
                "query": "a=1",
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
            }
        ]
    } == response.json()


@pytest.mark.parametrize("authorization", [None, "Bearer {}", "zoho-oauthtoken {}", "Basic eDp5", "{}"])
async def test_without_zohos_own_scheme_nobody_is_authenticated(authorization):
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        headers = {} if authorization is None else {"Authorization": authorization.format(token)}
        response = await zoho.http.get(f"{zoho.api}/crm/v8/Leads", headers=headers)

    assert response.status_code == 401
    assert response.json() == {
        "code": "AUTHENTICATION_FAILURE",
        "details": {},
        "message": "Authentication failed",
        "status": "error",
    }


async def test_bearer_is_taken_where_the_rules_say_so():
    async with world(FakeZoho(rules=Rules(bearer=True))) as zoho:
        headers = {"Authorization": f"Bearer {await zoho.access_token()}"}
        response = await zoho.http.get(f"{zoho.api}/crm/v8/Leads", headers=headers)

    assert response.status_code == 200


async def _expire_by_clock(zoho, token):
    zoho.fake.clock.advance(3600)


async def _expire_all(zoho, token):
    zoho.fake.expire_all()


async def _evict(zoho, token):
    zoho.fake.evict(token)


async def _revoke(zoho, token):
    zoho.fake.revoke(zoho.refresh_token)


@pytest.mark.parametrize("death", [_expire_by_clock, _expire_all, _evict, _revoke])
async def test_a_dead_token_is_invalid_however_it_died(death):
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        zoho.fake.clock.advance(0)
        before = await zoho.call(token)
        await death(zoho, token)
        after = await zoho.call(token)

    assert before.status_code == 200
    assert after.status_code == 401
    assert after.json() == {
        "code": "INVALID_TOKEN",
        "details": {},
        "message": "invalid oauth token",
        "status": "error",
    }


async def test_a_token_lives_to_its_last_second():
    async with world(FakeZoho(rules=Rules(token_life=10))) as zoho:
        token = await zoho.access_token()
        zoho.fake.clock.advance(9.999)
        alive = await zoho.call(token)

    assert alive.status_code == 200


async def test_a_new_token_works_after_all_others_died():
    async with world(FakeZoho()) as zoho:
        await zoho.access_token()
        zoho.fake.expire_all()
        response = await zoho.call(await zoho.access_token())

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("granted", "demanded", "status"),
    [
        ("ZohoCRM.modules.ALL", "ZohoCRM.modules.READ", 200),
        ("ZohoCRM.modules.ALL", "ZohoCRM.modules.leads.READ", 200),
        ("ZohoCRM.org.READ,ZohoCRM.modules.READ", "ZohoCRM.modules.READ", 200),
        ("ZohoCRM.modules.READ", "ZohoCRM.modules.CREATE", 401),
        ("ZohoCRM.settings.ALL", "ZohoCRM.modules.READ", 401),
    ],
)
async def test_a_path_may_demand_a_scope(granted, demanded, status):
    async with world(FakeZoho()) as zoho:
        zoho.fake.require_scope("/crm/v8/Leads", demanded)
        token = zoho.fake.mint(zoho.fake.consent(zoho.client, granted))
        response = await zoho.call(token)
        other = await zoho.call(token, "/crm/v8/Deals")

    assert status == response.status_code
    assert other.status_code == 200
    if status == 401:
        assert (
            response.json()["code"],
            response.json()["message"],
        ) == ("OAUTH_SCOPE_MISMATCH", "Unauthorized")


async def test_the_next_answers_can_be_ordered_by_path():
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        zoho.fake.answer_next(answers.NO_PERMISSION, times=2, path="/crm/v8/Deals")
        statuses = [
            (await zoho.call(token, path)).status_code
            for path in ("/crm/v8/Leads", "/crm/v8/Deals", "/crm/v8/Deals", "/crm/v8/Deals")
        ]

    assert statuses == [200, 403, 403, 200]


@pytest.mark.parametrize("path", ["/", "/crm", "/crm/Leads", "/oauth/v2x"])
async def test_paths_outside_the_api_are_not_found(path):
    async with world(FakeZoho()) as zoho:
        response = await zoho.call(await zoho.access_token(), path)

    assert response.status_code == 404


async def test_retries_after_a_401_are_recognised():
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        zoho.fake.expire_all()
        await zoho.call(token, method="POST", content=b"a")
        await zoho.call(token, method="POST", content=b"another body")
        good = await zoho.access_token()
        await zoho.call(good, method="POST", content=b"a")
        await zoho.call(good, method="POST", content=b"a")

    counted = zoho.fake.requests
    assert (counted.resources, counted.rejected, counted.retries) == (4, 2, 1)


async def test_tokens_in_the_query_are_counted():
    async with world(FakeZoho()) as zoho:
        await zoho.call("1000.fake-access-1", "/crm/v8/Leads?access_token=1000.fake-access-1")

    assert zoho.fake.requests.secrets_in_query == 1


@pytest.mark.parametrize("status", [302, 307])
async def test_the_redirect_endpoint_leads_anywhere(status):
    async with world(FakeZoho()) as zoho:
        query = f"to=https%3A%2F%2Felsewhere.example%2Fx&status={status}"
        response = await zoho.http.get(f"{zoho.api}/redirect?{query}")

    assert (status, "https://elsewhere.example/x") == (response.status_code, response.headers["location"])


@pytest.mark.parametrize("way", ["socket", "socket, httpx2"])
async def test_a_stream_is_paced_by_its_gate(way):
    async with world(FakeZoho(), way) as zoho:
        token = await zoho.access_token()
        headers = {"Authorization": f"Zoho-oauthtoken {token}"}
        with anyio.fail_after(10), zoho.fake.hold_stream() as gate:
            async with zoho.http.stream("GET", f"{zoho.api}/crm/v8/stream?chunks=3", headers=headers) as held:
                chunks = held.aiter_raw()
                await gate.arrived(1)
                other = await zoho.call(token)
                gate.let_through(1)
                first = await anext(chunks)
                gate.release()
                rest = b"".join([chunk async for chunk in chunks])

    assert other.status_code == 200
    assert first == b'{"chunk": 0}\n'
    assert rest == b'{"chunk": 1}\n{"chunk": 2}\n'
