"""The token endpoint: as exact and as unhelpful as Zoho's."""

import base64
import re

import httpx
import pytest

from zoho_oauth.testing import FakeZoho, Rules, answers

from .world import WAYS, world

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("way", WAYS)
async def test_a_refresh_token_buys_an_access_token_that_the_api_takes(way):
    async with world(FakeZoho("eu"), way) as zoho:
        response = await zoho.refresh()
        body = response.json()
        called = await zoho.call(body["access_token"])

    assert response.status_code == 200
    assert {"access_token", "token_type", "scope", "api_domain", "expires_in"} == set(body)
    assert ("Bearer", "ZohoCRM.modules.ALL", zoho.api, 3600) == (
        body["token_type"],
        body["scope"],
        body["api_domain"],
        body["expires_in"],
    )
    assert called.status_code == 200
    assert (zoho.fake.token_requests, zoho.fake.requests.mints, zoho.fake.requests.resources) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client_secret"),
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"refresh_token": None}, "invalid_code"),
        ({"refresh_token": "1000.fake-refresh-0-00000000"}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_client"),
    ],
)
async def test_refusals_come_with_status_200(changes, error):
    async with world(FakeZoho()) as zoho:
        response = await zoho.refresh(**changes)

    assert (200, {"error": error}) == (response.status_code, response.json())
    assert (zoho.fake.requests.refused, zoho.fake.requests.mints) == (1, 0)


async def test_a_missing_grant_type_and_a_get_are_bare_400s():
    async with world(FakeZoho()) as zoho:
        missing = await zoho.refresh(grant_type=None)
        got = await zoho.http.get(f"{zoho.accounts}/oauth/v2/token", params={"grant_type": "refresh_token"})

    assert (missing.status_code, missing.content) == (400, b"Bad Request")
    assert (got.status_code, got.content) == (400, b"Bad Request")
    assert zoho.fake.token_requests == 1


async def test_parameters_are_taken_from_the_query_and_secrets_there_are_counted():
    async with world(FakeZoho()) as zoho:
        response = await zoho.http.post(f"{zoho.accounts}/oauth/v2/token", params=zoho.form())
        await zoho.refresh()

    assert "access_token" in response.json()
    assert zoho.fake.requests.secrets_in_query == 1


async def test_the_client_may_authenticate_with_basic():
    async with world(FakeZoho()) as zoho:
        pair = f"{zoho.client.client_id}:{zoho.client.client_secret.reveal()}".encode()
        form = zoho.form(client_id=None, client_secret=None)
        headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        response = await zoho.http.post(f"{zoho.accounts}/oauth/v2/token", data=form, headers=headers)

    assert "access_token" in response.json()


async def test_client_credentials_buy_a_token_and_no_refresh_token():
    async with world(FakeZoho()) as zoho:
        response = await zoho.refresh(
            grant_type="client_credentials", refresh_token=None, scope="ZohoCRM.modules.READ,ZohoCRM.org.READ"
        )
        called = await zoho.call(response.json()["access_token"])

    assert "refresh_token" not in response.json()
    assert response.json()["scope"] == "ZohoCRM.modules.READ ZohoCRM.org.READ"
    assert called.status_code == 200


@pytest.mark.parametrize(
    ("form", "life"),
    [
        ("seconds", {"expires_in": 3600}),
        ("milliseconds", {"expires_in": 3_600_000}),
        ("expires_in_sec", {"expires_in_sec": 3600}),
        ("both", {"expires_in": 3_600_000, "expires_in_sec": 3600}),
        ("string", {"expires_in": "3600"}),
        ("missing", {}),
    ],
)
async def test_the_life_of_a_token_is_told_in_each_form_that_zoho_has_used(form, life):
    async with world(FakeZoho(rules=Rules(expires_in_form=form))) as zoho:
        body = (await zoho.refresh()).json()

    assert life == {name: value for name, value in body.items() if name.startswith("expires_in")}


async def test_scope_and_api_domain_can_be_left_out():
    rules = Rules(scope_in_answer=False, api_domain_in_answer=False)
    async with world(FakeZoho(rules=rules)) as zoho:
        body = (await zoho.refresh()).json()

    assert {"access_token", "token_type", "expires_in"} == set(body)


async def test_no_token_looks_like_a_real_one():
    real = re.compile(r"1000\.[0-9a-f]{32}\.[0-9a-f]{32}")
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()

    assert re.fullmatch(r"1000\.fake-access-\d+-[0-9a-f]{8}", token)
    assert re.fullmatch(r"1000\.fake-refresh-\d+-[0-9a-f]{8}", zoho.refresh_token)
    assert not real.search(token + zoho.refresh_token)


async def test_revoking_kills_the_refresh_token_and_its_access_tokens():
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        url = f"{zoho.accounts}/oauth/v2/token/revoke"
        revoked = await zoho.http.post(url, data={"token": zoho.refresh_token})
        again = await zoho.http.post(url, data={"token": zoho.refresh_token})
        refreshed, called = await zoho.refresh(), await zoho.call(token)

    assert revoked.json() == {"status": "success"}
    assert (again.status_code, again.text.startswith("<!DOCTYPE html>")) == (400, True)
    assert refreshed.json() == {"error": "invalid_code"}
    assert called.status_code == 401


async def test_the_log_tells_every_token_request_and_no_secret():
    async with world(FakeZoho("eu")) as zoho:
        await zoho.refresh()
        zoho.fake.clock.advance(5)
        await zoho.refresh(client_secret="wrong")
        zoho.fake.fail_next(answers.html_page(502))
        await zoho.refresh()
        log = zoho.fake.token_request_log

    assert [request.outcome for request in log] == ["minted", "invalid_client_secret", "fault"]
    assert [request.status for request in log] == [200, 200, None]
    assert log[1].time - log[0].time == 5
    assert {("eu", zoho.client.client_id)} == {(request.data_center, request.client_id) for request in log}
    for secret in (zoho.refresh_token, zoho.client.client_secret.reveal(), "wrong"):
        assert secret not in repr(log) + repr(zoho.fake.requests)


async def test_nothing_is_logged_that_is_secret(caplog):
    caplog.set_level("DEBUG", logger="uvicorn")
    async with world(FakeZoho(), "socket") as zoho:
        await zoho.http.post(f"{zoho.accounts}/oauth/v2/token", params=zoho.form())
        zoho.fake.fail_next(answers.html_page(500))
        await zoho.refresh()

    theirs = "".join(record.getMessage() for record in caplog.records if record.name.startswith("uvicorn"))
    assert zoho.refresh_token not in theirs
    assert zoho.client.client_secret.reveal() not in theirs


def test_minting_with_a_dead_refresh_token_names_no_token():
    fake = FakeZoho()
    refresh_token = fake.consent(fake.register_client())
    fake.revoke(refresh_token)

    with pytest.raises(LookupError) as caught:
        fake.mint(refresh_token)
    assert refresh_token not in repr(caught.value)


async def test_other_protocols_than_http_are_refused():
    with pytest.raises(NotImplementedError):
        await FakeZoho()({"type": "lifespan"}, None, None)


async def test_plain_httpx_asgi_transport_will_do():
    fake = FakeZoho()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=fake)) as http:
        response = await http.get("https://www.zohoapis.com/crm/v8/Leads")

    assert response.status_code == 401
