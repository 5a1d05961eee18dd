"""An answer with a token."""

import pytest

from tests.corpus_answers import ACCESS, GRANTED, LIVES, NO_TOKENS, REFRESH
from zoho_oauth._data_centers import DataCenter
from zoho_oauth._messages import Granted, TokenResponse
from zoho_oauth._secrets import Secret

from .reading import GRANTS, US, answer, read


class TestGranted:
    @pytest.mark.parametrize("body", GRANTED)
    @pytest.mark.parametrize("grant_type", GRANTS)
    def test_every_documented_answer_is_a_token_for_an_hour(self, body, grant_type):
        granted = read(body, grant_type=grant_type)

        assert isinstance(granted, Granted)
        assert granted.access_token == Secret(ACCESS)
        assert granted.expires_in == 3600.0

    @pytest.mark.parametrize("status", [200, 201])
    def test_any_2xx_will_do(self, status):
        assert isinstance(read(answer(), status), Granted)

    def test_a_byte_order_mark_and_blanks_do_no_harm(self):
        assert isinstance(read(b"\xef\xbb\xbf \r\n" + answer() + b"\n"), Granted)

    def test_unknown_members_are_ignored(self):
        assert isinstance(
            read(answer(id_token="x.y.z", location={"dc": [1, None]}, status="success")), Granted
        )

    @pytest.mark.parametrize("token", ["a", "A-Za-z0-9._~+/=", "1004.fake-device-1", "x" * 4096])
    def test_every_character_of_a_token_is_taken(self, token):
        assert read(answer(access_token=token)).access_token.reveal() == token

    @pytest.mark.parametrize("token", NO_TOKENS)
    def test_an_access_token_that_is_none_is_malformed(self, token):
        assert read(b'{"access_token":%s,"expires_in":3600}' % token.encode()).kind == "malformed"

    def test_no_access_token_at_all_is_malformed(self):
        body = b'{"refresh_token":"1000.fake-refresh-1","token_type":"Bearer","expires_in":3600}'

        assert read(body).kind == "malformed"

    @pytest.mark.parametrize(
        "token_type", ["Bearer", "bearer", "BEARER", "Zoho-oauthtoken", "zoho-oauthtoken", None]
    )
    def test_a_token_type_that_is_understood(self, token_type):
        assert isinstance(read(answer(token_type=token_type)), Granted)

    @pytest.mark.parametrize(
        "token_type", ["", "mac", "DPoP", "Bearer ", "B\u0435arer", 7, True, ["Bearer"], {}]
    )
    def test_a_token_of_another_type_is_malformed(self, token_type):
        assert read(answer(token_type=token_type)).kind == "malformed"

    @pytest.mark.parametrize("member", ["expires_in", "expires_in_sec"])
    @pytest.mark.parametrize("given", LIVES)
    def test_the_life_is_read_in_every_spelling(self, given, member):
        outcome = read(b'{"access_token":"a","%s":%s}' % (member.encode(), given.encode()))

        if LIVES[given] is None:
            assert outcome.kind == "malformed"
        else:
            assert outcome.expires_in == LIVES[given]
            assert type(outcome.expires_in) is float

    def test_a_life_that_is_missing_is_an_hour(self):
        assert read(b'{"access_token":"a"}').expires_in == 3600.0

    @pytest.mark.parametrize(
        ("sec", "other", "life"), [(60, 3_600_000, 60.0), (None, 120, 120.0), ("90", -1, 90.0)]
    )
    def test_expires_in_sec_wins(self, sec, other, life):
        assert read(answer(expires_in_sec=sec, expires_in=other)).expires_in == life

    def test_a_refresh_token_in_the_answer_is_kept(self):
        assert read(answer(refresh_token=REFRESH)).refresh_token == Secret(REFRESH)

    @pytest.mark.parametrize("absent", [None, ""])
    def test_no_refresh_token_is_no_error(self, absent):
        assert read(answer(refresh_token=absent)).refresh_token is None

    @pytest.mark.parametrize("broken", ["two words", 7, True, ["1000.x"], {"x": 1}, "x" * 4097])
    def test_a_refresh_token_that_is_none_is_malformed(self, broken):
        assert read(answer(refresh_token=broken)).kind == "malformed"

    @pytest.mark.parametrize(
        ("given", "scope"),
        [
            ("ZohoCRM.modules.ALL", "ZohoCRM.modules.ALL"),
            ("ZohoCRM.a.ALL ZohoCRM.b.READ", "ZohoCRM.a.ALL ZohoCRM.b.READ"),
            (" ZohoCRM.a.ALL,ZohoCRM.b.READ,\n\tx ", "ZohoCRM.a.ALL ZohoCRM.b.READ x"),
            ("", None),
            (" , ", None),
            (None, None),
            (7, None),
            (["a"], None),
            ("\u00e4", None),
            ('"', None),
            (f"x {ACCESS}", None),
        ],
    )
    def test_scope_is_separated_by_spaces_or_unknown(self, given, scope):
        assert read(answer(scope=given)).scope == scope

    def test_texts_that_all_owners_share_are_kept_once(self):
        first, second = (
            read(answer(scope="a.b,c.d", api_domain="https://www.zohoapis.com")) for _ in range(2)
        )

        assert first.scope is second.scope
        assert first.api_domain is second.api_domain

    @pytest.mark.parametrize(
        ("given", "api_domain"),
        [
            ("https://www.zohoapis.com", "https://www.zohoapis.com"),
            ("https://www.zohoapis.com/", "https://www.zohoapis.com"),
            ("https://sandbox.zohoapis.com", "https://sandbox.zohoapis.com"),
            ("https://desk.zoho.com", "https://desk.zoho.com"),
            ("https://www.zohoapis.com//", None),
            ("https://www.zohoapis.com/crm", None),
            ("https://www.zohoapis.com:443", None),
            ("https://WWW.zohoapis.com", None),
            ("https://www.zohoapis.com.", None),
            ("https://www.zohoapis.com ", None),
            ("https://www.zohoapis.com@evil.example", None),
            ("https://www.zohoapis.com.evil.example", None),
            ("http://www.zohoapis.com", None),
            ("https://www.zohoapis.eu", None),
            ("https://api.zoho.com", None),
            ("https://evil.example", None),
            ("www.zohoapis.com", None),
            ("", None),
            (None, None),
            (7, None),
            (["https://www.zohoapis.com"], None),
        ],
    )
    def test_an_api_domain_is_kept_if_it_is_the_data_centers_own(self, given, api_domain):
        assert read(answer(api_domain=given)).api_domain == api_domain

    def test_an_api_domain_of_ones_own_data_center_is_kept(self):
        own = DataCenter(code="own", accounts="http://127.0.0.1:8000", api="http://127.0.0.1:8001")

        assert read(answer(api_domain=own.api), data_center=own).api_domain == own.api
        assert read(answer(api_domain=US.api), data_center=own).api_domain is None

    def test_no_token_shows_in_a_repr(self):
        shown = repr(read(answer(refresh_token=REFRESH)))

        assert ACCESS not in shown
        assert REFRESH not in shown
        assert ACCESS not in repr(TokenResponse(status=200, body=answer(), retry_after=ACCESS))
