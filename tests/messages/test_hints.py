"""What a refusal advises."""

import pytest

from zoho_oauth._data_centers import DataCenter
from zoho_oauth._hints import hint

from .reading import GRANTS, US


class TestHint:
    @pytest.mark.parametrize("kind", ["grant", "client", "throttled", "refused", "unavailable", "malformed"])
    @pytest.mark.parametrize("grant_type", GRANTS)
    def test_every_answer_has_one(self, kind, grant_type):
        text = hint(kind, grant_type=grant_type, code="some_code", data_center=DataCenter.get("ca"))

        assert text.endswith((".", "?"))
        assert "{" not in text

    @pytest.mark.parametrize("kind", ["grant", "client", "refused"])
    def test_the_data_center_is_named_where_it_may_be_the_cause(self, kind):
        text = hint(kind, grant_type="refresh_token", code=None, data_center=DataCenter.get("jp"))

        assert "data center jp" in text

    def test_a_rejected_client_is_told_that_secrets_differ_between_data_centers(self):
        text = hint(
            "client", grant_type="refresh_token", code="invalid_client", data_center=DataCenter.get("eu")
        )

        assert "secrets differ between data centers" in text
        assert "https://accounts.zoho.eu" in text

    def test_a_code_that_was_not_taken_has_another_cause_than_a_refresh_token(self):
        text = hint("refused", grant_type="authorization_code", code="invalid_code", data_center=US)

        assert "works once" in text
        assert "https://accounts.zoho.com" in text

    def test_a_throttle_names_zohos_limit(self):
        assert "ten token requests in ten minutes" in hint(
            "throttled", grant_type="refresh_token", code="Access Denied", data_center=US
        )

    def test_a_kind_that_says_everything_itself_has_none(self):
        assert hint("tls", grant_type="refresh_token", code=None, data_center=US) == ""
