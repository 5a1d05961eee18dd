"""What a refresh sends."""

from urllib.parse import parse_qsl

from tests.corpus_answers import REFRESH
from zoho_oauth._data_centers import DataCenter
from zoho_oauth._messages import TokenRequest, refresh_request
from zoho_oauth._secrets import Secret

SECRET = Secret("secret&=\u00e9")


class TestRefreshRequest:
    def request(self, client_secret: Secret | None = SECRET) -> TokenRequest:
        return refresh_request(
            client_id="1000.CLIENT",
            client_secret=client_secret,
            refresh_token=Secret(REFRESH),
            data_center=DataCenter.get("ca"),
        )

    def test_it_goes_to_the_accounts_server_of_the_data_center(self):
        assert self.request().url == "https://accounts.zohocloud.ca/oauth/v2/token"

    def test_the_form_has_the_four_fields_of_a_refresh_and_no_more(self):
        assert dict(parse_qsl(self.request().body().decode("ascii"), strict_parsing=True)) == {
            "grant_type": "refresh_token",
            "client_id": "1000.CLIENT",
            "client_secret": "secret&=\u00e9",
            "refresh_token": REFRESH,
        }

    def test_a_public_client_sends_no_secret(self):
        assert b"client_secret" not in self.request(None).body()

    def test_neither_url_nor_repr_shows_a_secret(self):
        request = self.request()

        assert "?" not in request.url
        assert REFRESH not in repr(request) + request.url
        assert "form" not in repr(request)

    def test_a_secret_that_cannot_be_encoded_does_not_get_into_an_exception(self):
        assert b"client_secret=%ED%A0%80" in self.request(Secret("\ud800")).body()
