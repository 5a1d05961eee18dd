"""The token endpoint: as exact and as unhelpful as Zoho's."""

import base64
import re

import httpx
import pytest

from zoho_oauth.testing import FakeZoho, Rules, answers

from .world import WAYS, world

pytestmark = pytest.mark.anyio

ENGLISH = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}
CHINESE = {
    "error_description": "您已连续提出过多请求，请稍后再试。",
    "error": "拒绝访问",
    "status": "failure",
}


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


@pytest.mark.parametrize(
    ("form", "status", "body"), [("400", 400, ENGLISH), ("200", 200, ENGLISH), ("localized", 400, CHINESE)]
)
async def test_the_eleventh_request_in_ten_minutes_is_throttled(form, status, body):
    async with world(FakeZoho(rules=Rules(throttle_form=form))) as zoho:
        served = [await zoho.refresh() for _ in range(10)]
        throttled = await zoho.refresh()

    assert all("access_token" in response.json() for response in served)
    assert (status, body) == (throttled.status_code, throttled.json())
    assert (zoho.fake.token_requests, zoho.fake.requests.mints, zoho.fake.requests.throttled) == (11, 10, 1)


async def test_the_throttle_speaks_more_than_one_language():
    async with world(FakeZoho(rules=Rules(throttle_form="localized"))) as zoho:
        zoho.fake.throttle()
        bodies = [(await zoho.refresh()).json() for _ in range(4)]

    assert len({body["error"] for body in bodies}) == 4
    assert {"failure"} == {body["status"] for body in bodies}


async def test_a_throttle_lasts_until_the_oldest_request_leaves_the_window():
    async with world(FakeZoho()) as zoho:
        for _ in range(10):
            await zoho.refresh()
            zoho.fake.clock.advance(10)
        zoho.fake.clock.advance(499)
        early = await zoho.refresh()
        zoho.fake.clock.advance(1)
        late = await zoho.refresh()

    assert early.json()["error"] == "Access Denied"
    assert "access_token" in late.json()


async def test_a_throttle_can_last_as_long_as_a_test_wants():
    async with world(FakeZoho(rules=Rules(throttle_for=1800))) as zoho:
        for _ in range(11):
            await zoho.refresh()
        zoho.fake.clock.advance(1799)
        early = await zoho.refresh()
        zoho.fake.clock.advance(1)
        late = await zoho.refresh()

    assert "error" in early.json()
    assert "access_token" in late.json()


async def test_a_jump_of_the_wall_clock_does_not_end_a_throttle():
    async with world(FakeZoho()) as zoho:
        zoho.fake.throttle(seconds=60)
        zoho.fake.clock.set_wall(4_000_000_000)
        throttled = await zoho.refresh()

    assert throttled.status_code == 400


async def test_failed_token_requests_count_for_the_throttle():
    async with world(FakeZoho()) as zoho:
        for _ in range(10):
            await zoho.refresh(client_secret="wrong")
        response = await zoho.refresh()

    assert response.json()["error"] == "Access Denied"


async def test_the_throttle_counts_each_refresh_token_by_itself():
    async with world(FakeZoho()) as zoho:
        for _ in range(11):
            await zoho.refresh()
        other = await zoho.refresh(refresh_token=zoho.fake.consent(zoho.client, owner="another"))

    assert "access_token" in other.json()


async def test_the_throttle_can_be_switched_off():
    async with world(FakeZoho(rules=Rules(throttle_after=None))) as zoho:
        responses = [await zoho.refresh() for _ in range(12)]

    assert all("access_token" in response.json() for response in responses)


async def test_a_throttle_can_be_ordered_by_number_and_by_time_and_ended():
    async with world(FakeZoho()) as zoho:
        zoho.fake.throttle(times=2)
        by_number = [(await zoho.refresh()).status_code for _ in range(3)]
        zoho.fake.throttle(seconds=30)
        in_time = await zoho.refresh()
        zoho.fake.clock.advance(30)
        after = await zoho.refresh()
        zoho.fake.throttle()
        zoho.fake.throttle(seconds=0)
        ended = await zoho.refresh()

    assert by_number == [400, 400, 200]
    assert [in_time.status_code, after.status_code, ended.status_code] == [400, 200, 200]


@pytest.mark.parametrize("limit", [10, 15])
async def test_one_access_token_too_many_kills_the_oldest_in_silence(limit):
    rules = Rules(throttle_after=None, live_access_tokens=limit)
    async with world(FakeZoho(rules=rules)) as zoho:
        tokens = [await zoho.access_token() for _ in range(limit)]
        before = await zoho.call(tokens[0])
        newest = zoho.fake.mint(zoho.refresh_token)
        after = [(await zoho.call(token)).status_code for token in (tokens[0], tokens[1], newest)]

    assert before.status_code == 200
    assert after == [401, 200, 200]
    assert [*tokens[1:], newest] == zoho.fake.access_tokens(zoho.refresh_token)


async def test_the_21st_consent_deletes_the_first_refresh_token_and_its_access_tokens():
    async with world(FakeZoho()) as zoho:
        access_token = await zoho.access_token()
        for _ in range(19):
            zoho.fake.consent(zoho.client)
        before = await zoho.refresh()
        zoho.fake.consent(zoho.client)
        after = await zoho.refresh()
        called = await zoho.call(access_token)

    assert "access_token" in before.json()
    assert after.json() == {"error": "invalid_code"}
    assert called.status_code == 401


async def test_refresh_tokens_are_counted_per_owner():
    async with world(FakeZoho()) as zoho:
        for number in range(25):
            zoho.fake.consent(zoho.client, owner=f"owner {number}")
        response = await zoho.refresh()

    assert "access_token" in response.json()


async def test_a_refresh_token_is_unknown_at_another_data_center():
    async with world(FakeZoho("eu")) as zoho:
        response = await zoho.refresh(accounts="https://accounts.zoho.com")

    assert response.json() == {"error": "invalid_code"}


async def test_a_refresh_token_is_unknown_to_another_client():
    async with world(FakeZoho()) as zoho:
        other = zoho.fake.register_client()
        response = await zoho.refresh(client_id=other.client_id, client_secret=other.client_secret.reveal())

    assert response.json() == {"error": "invalid_code"}


async def test_the_secret_of_another_data_center_is_an_invalid_client():
    async with world(FakeZoho("eu")) as zoho:
        client = zoho.fake.register_client(client_secret="for-us", secrets={"eu": "for-eu"})
        refresh_token = zoho.fake.consent(client)
        mine = {"client_id": client.client_id, "refresh_token": refresh_token}
        right = await zoho.refresh(**mine, client_secret="for-eu")
        wrong = await zoho.refresh(**mine, client_secret="for-us")

    assert "access_token" in right.json()
    assert wrong.json() == {"error": "invalid_client"}
    assert client.client_secret.reveal() == "for-eu"


async def test_a_self_client_is_unknown_elsewhere():
    async with world(FakeZoho("eu")) as zoho:
        client = zoho.fake.register_client(data_centers=["eu"])
        changes = {"client_id": client.client_id, "client_secret": client.client_secret.reveal()}
        elsewhere = await zoho.refresh(accounts="https://accounts.zoho.in", **changes)

    assert elsewhere.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    ("code", "accounts", "api"),
    [
        ("us", "accounts.zoho.com", "www.zohoapis.com"),
        ("ca", "accounts.zohocloud.ca", "www.zohoapis.ca"),
        ("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn"),
        ("eu", "accounts.zoho.eu", "sandbox.zohoapis.eu"),
        ("in", "accounts.zoho.in", "content.zohoapis.in"),
        ("us", "accounts.zoho.com", "api.catalyst.zoho.com"),
        ("au", "accounts.zoho.com.au:443", "WWW.ZOHOAPIS.COM.AU"),
    ],
)
async def test_one_fake_plays_all_data_centers_by_host(code, accounts, api):
    async with world(FakeZoho("jp")) as zoho:
        refresh_token = zoho.fake.consent(zoho.client, data_center=code)
        body = (await zoho.refresh(accounts=f"https://{accounts}", refresh_token=refresh_token)).json()
        there = await zoho.call(body["access_token"], api=f"https://{api}")
        elsewhere = await zoho.call(body["access_token"], api="https://www.zohoapis.jp")

    assert there.status_code == 200
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "INVALID_TOKEN")


async def test_an_accounts_server_has_no_api_and_a_gateway_no_token_endpoint():
    async with world(FakeZoho()) as zoho:
        token = await zoho.access_token()
        api_there = await zoho.call(token, api=zoho.accounts)
        token_there = await zoho.refresh(accounts=zoho.api)

    assert api_there.status_code == 404
    assert token_there.status_code == 404
    assert zoho.fake.token_requests == 1


async def test_a_host_that_is_not_zohos_is_turned_away_and_leaks_are_counted():
    async with world(FakeZoho()) as zoho:
        clean = await zoho.http.get("https://www.zohoapis.com.attacker.example/crm/v8/Leads")
        before = zoho.fake.requests.leaked
        await zoho.call("1000.fake-access-1", api="https://zohoapis.example")
        await zoho.refresh(accounts="https://accounts.zoho.example")

    assert clean.status_code == 421
    assert before == 0
    assert (zoho.fake.requests.strangers, zoho.fake.requests.leaked) == (3, 2)


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


async def test_the_loopback_server_plays_its_own_data_center_only():
    async with world(FakeZoho("in"), "socket") as zoho:
        own = await zoho.refresh()
        foreign = await zoho.refresh(refresh_token=zoho.fake.consent(zoho.client, data_center="us"))

    assert ("in-loopback", zoho.api) == (zoho.client.data_center.code, own.json()["api_domain"])
    assert foreign.json() == {"error": "invalid_code"}


def test_minting_with_a_dead_refresh_token_names_no_token():
    fake = FakeZoho()
    refresh_token = fake.consent(fake.register_client())
    fake.revoke(refresh_token)

    with pytest.raises(LookupError) as caught:
        fake.mint(refresh_token)
    assert refresh_token not in repr(caught.value)


def test_an_unknown_data_center_is_refused():
    with pytest.raises(ValueError, match="not one of us, eu"):
        FakeZoho("mars")


async def test_other_protocols_than_http_are_refused():
    with pytest.raises(NotImplementedError):
        await FakeZoho()({"type": "lifespan"}, None, None)


async def test_plain_httpx_asgi_transport_will_do():
    fake = FakeZoho()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=fake)) as http:
        response = await http.get("https://www.zohoapis.com/crm/v8/Leads")

    assert response.status_code == 401
