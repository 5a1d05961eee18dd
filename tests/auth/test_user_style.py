"""As a user would test his own code: respx, pytest-asyncio, and nothing of ours but the auth."""

from __future__ import annotations

from itertools import count

import httpx
import pytest
import respx

from zoho_oauth import ZohoAuth, errors

ACCOUNTS = "https://accounts.zoho.eu/oauth/v2/token"
LEADS = "https://www.zohoapis.eu/crm/v8/Leads"
_numbers = count(1)


@pytest.fixture
def auth():
    return ZohoAuth.from_refresh_token(
        client_id="1000.MYCLIENT",
        client_secret="my-client-secret",
        # Another one for each test: auths of the same refresh token share their access token.
        refresh_token=f"1000.my-refresh-token-{next(_numbers)}",
        data_center="eu",
    )


def granted(access_token):
    return httpx.Response(
        200, json={"access_token": access_token, "expires_in": 3600, "token_type": "Bearer"}
    )


@pytest.mark.asyncio
async def test_my_leads_are_fetched(auth):
    with respx.mock:
        token = respx.post(ACCOUNTS).mock(return_value=granted("my-access-token"))
        leads = respx.get(LEADS, headers={"Authorization": "Zoho-oauthtoken my-access-token"}).respond(
            json={"data": [{"Last_Name": "Miller"}]}
        )
        async with httpx.AsyncClient(auth=auth) as crm:
            response = await crm.get(LEADS)

    assert response.json() == {"data": [{"Last_Name": "Miller"}]}
    assert (token.call_count, leads.call_count) == (1, 1)


@pytest.mark.asyncio
async def test_a_token_that_zoho_revoked_is_replaced(auth):
    with respx.mock:
        respx.post(ACCOUNTS).mock(side_effect=[granted("first"), granted("second")])
        leads = respx.get(LEADS)
        leads.side_effect = [
            httpx.Response(401, json={"code": "INVALID_TOKEN"}),
            httpx.Response(200, json={}),
        ]
        async with httpx.AsyncClient(auth=auth) as crm:
            response = await crm.get(LEADS)

    assert response.status_code == 200
    assert [call.request.headers["Authorization"] for call in leads.calls] == [
        "Zoho-oauthtoken first",
        "Zoho-oauthtoken second",
    ]


@pytest.mark.asyncio
async def test_i_learn_that_the_customer_has_to_reconnect(auth):
    with respx.mock:
        respx.post(ACCOUNTS).respond(json={"error": "invalid_code"})
        async with httpx.AsyncClient(auth=auth) as crm:
            with pytest.raises(errors.ReauthorizationRequired) as caught:
                await crm.get(LEADS)

    assert caught.value.code == "invalid_code"
    assert "my-refresh-token" not in str(caught.value)


def test_a_sync_client_in_a_script_works_as_well(auth):
    with respx.mock:
        respx.post(ACCOUNTS).mock(return_value=granted("my-access-token"))
        respx.get(LEADS).respond(json={"data": []})
        with httpx.Client(auth=auth) as crm:
            assert crm.get(LEADS).json() == {"data": []}


@pytest.mark.asyncio
async def test_an_upload_that_streams_is_not_sent_again(auth):
    """respx consumes a stream as a socket does, so this can be tested with it."""

    async def parts():
        yield b"a"
        yield b"b"

    with respx.mock:
        token = respx.post(ACCOUNTS).mock(side_effect=[granted("first"), granted("second")])
        upload = respx.post(LEADS)
        upload.side_effect = [
            httpx.Response(401, json={"code": "INVALID_TOKEN"}),
            httpx.Response(200, json={}),
        ]
        async with httpx.AsyncClient(auth=auth) as crm:
            rejected = await crm.post(LEADS, content=parts())
            accepted = await crm.post(LEADS, content=parts())

    assert (rejected.status_code, accepted.status_code) == (401, 200)
    assert (token.call_count, upload.call_count) == (2, 2)
