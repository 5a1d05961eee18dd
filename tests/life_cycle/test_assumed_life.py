"""An answer that does not say how long its token lives is taken for Zoho's usual hour, and said aloud."""

from __future__ import annotations

import logging

import pytest

from zoho_oauth import TokenEndpoint, ZohoOAuth
from zoho_oauth.testing import FakeZoho, Rules


async def adopted(fake: FakeZoho) -> float:
    registration = fake.register_client()
    zoho = ZohoOAuth(registration, clock=fake.clock, endpoint=TokenEndpoint(transport=fake.transport))
    token = await zoho.adopt(fake.consent(registration), "customer-42")
    assert token is not None
    return token.life


@pytest.mark.anyio
async def test_a_missing_life_is_an_hour_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "zoho_oauth"):
        assert await adopted(FakeZoho("eu", rules=Rules(expires_in_form="missing"))) == 3600

    assert "how long the token of owner customer-42 lives" in caplog.text


@pytest.mark.anyio
async def test_a_life_that_is_told_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "zoho_oauth"):
        assert await adopted(FakeZoho("eu")) == 3600

    assert not caplog.text
