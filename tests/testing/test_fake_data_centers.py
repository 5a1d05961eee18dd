"""What the fake knows at which data center, host and client."""

import pytest

from zoho_oauth.testing import FakeZoho

from .world import world

pytestmark = pytest.mark.anyio


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


async def test_the_loopback_server_plays_its_own_data_center_only():
    async with world(FakeZoho("in"), "socket") as zoho:
        own = await zoho.refresh()
        foreign = await zoho.refresh(refresh_token=zoho.fake.consent(zoho.client, data_center="us"))

    assert ("in-loopback", zoho.api) == (zoho.client.data_center.code, own.json()["api_domain"])
    assert foreign.json() == {"error": "invalid_code"}


def test_an_unknown_data_center_is_refused():
    with pytest.raises(ValueError, match="not one of us, eu"):
        FakeZoho("mars")
