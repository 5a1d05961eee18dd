"""How many token requests, access tokens and refresh tokens the fake allows."""

import pytest

from zoho_oauth.testing import FakeZoho, Rules

from .world import world

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
