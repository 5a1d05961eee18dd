import calendar
import json
import time
from urllib.parse import parse_qsl

import pytest

from tests.corpus_answers import (
    ACCESS,
    GRANTED,
    LIVES,
    NO_TOKENS,
    NOT_AN_ANSWER,
    NOT_JSON,
    REFRESH,
    REFUSED,
    THROTTLED,
)
from zoho_oauth import errors
from zoho_oauth._data_centers import DataCenter
from zoho_oauth._failures import KINDS, Refusal
from zoho_oauth._hints import hint
from zoho_oauth._messages import (
    Granted,
    TokenRequest,
    TokenResponse,
    read_retry_after,
    read_token_response,
    refresh_request,
)
from zoho_oauth._secrets import Secret

US = DataCenter.get("us")
NOW = 1_800_000_000.0
SECRET = Secret("secret&=\u00e9")
GRANTS = ("refresh_token", "authorization_code", "client_credentials")


def read(body, status=200, *, retry_after=None, grant_type="refresh_token", data_center=US):
    response = TokenResponse(status=status, body=body, retry_after=retry_after)
    return read_token_response(response, grant_type=grant_type, data_center=data_center, now=NOW)


def answer(**members):
    return json.dumps(
        {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, **members}
    ).encode()


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


class TestRefused:
    @pytest.mark.parametrize(("body", "kind", "code"), REFUSED)
    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403])
    def test_the_body_decides_whatever_the_status(self, body, kind, code, status):
        refusal = read(body, status)

        assert (refusal.kind, refusal.code) == (kind, code)

    @pytest.mark.parametrize(("body", "kind", "code"), REFUSED)
    def test_an_error_wins_over_a_token_beside_it(self, body, kind, code):
        members = json.loads(body)

        refusal = read(answer(**members))

        assert (refusal.kind, refusal.code) == (kind, code)

    @pytest.mark.parametrize("code", ["invalid_code", "invalid_grant", "invalid_token"])
    @pytest.mark.parametrize("grant_type", ["authorization_code", "client_credentials"])
    def test_only_a_refresh_can_say_that_the_grant_is_dead(self, code, grant_type):
        assert read(json.dumps({"error": code}).encode(), grant_type=grant_type).kind == "refused"

    @pytest.mark.parametrize("grant_type", GRANTS)
    def test_a_rejected_client_is_one_for_every_grant(self, grant_type):
        assert read(b'{"error":"invalid_client"}', grant_type=grant_type).kind == "client"

    @pytest.mark.parametrize("status", [500, 503])
    def test_a_5xx_with_an_unknown_error_is_unavailable_and_with_a_known_one_is_not(self, status):
        assert read(b'{"error":"something_odd"}', status).kind == "unavailable"
        assert read(b'{"error":""}', status).kind == "unavailable"
        assert read(b'{"error":"invalid_code"}', status).kind == "grant"
        assert read(b'{"error":"invalid_client"}', status).kind == "client"

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (100, "malformed"),
            (301, "unavailable"),
            (302, "unavailable"),
            (304, "unavailable"),
            (307, "unavailable"),
            (308, "unavailable"),
            (400, "malformed"),
            (401, "malformed"),
            (403, "malformed"),
            (404, "malformed"),
            (429, "throttled"),
            (500, "unavailable"),
            (502, "unavailable"),
            (503, "unavailable"),
            (599, "unavailable"),
        ],
    )
    def test_a_token_with_any_other_status_is_an_error(self, status, kind):
        assert read(answer(), status).kind == kind

    @pytest.mark.parametrize("body", NOT_JSON)
    @pytest.mark.parametrize("status", [200, 302, 400, 404, 500, 502, 503])
    def test_what_is_no_json_is_unavailable(self, body, status):
        assert read(body, status).kind == "unavailable"

    @pytest.mark.parametrize("body", NOT_AN_ANSWER, ids=lambda body: repr(body[:40]))
    def test_json_that_is_no_answer_is_malformed(self, body):
        assert read(body).kind == "malformed"

    @pytest.mark.parametrize("body", NOT_AN_ANSWER, ids=lambda body: repr(body[:40]))
    def test_json_that_is_no_answer_is_unavailable_with_a_5xx(self, body):
        assert read(body, 503).kind == "unavailable"

    def test_malformed_is_a_way_of_being_unavailable(self):
        assert issubclass(KINDS["malformed"].error, errors.TokenEndpointUnavailable)


class TestThrottled:
    @pytest.mark.parametrize("body", THROTTLED)
    @pytest.mark.parametrize("status", [200, 400, 403, 429])
    @pytest.mark.parametrize("grant_type", GRANTS)
    def test_it_is_recognised_in_every_language_and_status(self, body, status, grant_type):
        assert read(body, status, grant_type=grant_type).kind == "throttled"

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", answer(), b'{"error":"invalid_client"}', b'{"error":"invalid_code"}']
    )
    def test_status_429_is_a_throttle_whatever_it_says(self, body):
        assert read(body, 429).kind == "throttled"

    @pytest.mark.parametrize("code", ["invalid_client", "invalid_code"])
    def test_a_throttle_never_reads_as_bad_credentials(self, code):
        body = json.dumps({"error": code, "error_description": "You have made too many requests"}).encode()

        assert read(body, 400).kind == "throttled"

    def test_access_denied_with_an_underscore_is_no_throttle(self):
        assert read(b'{"error":"access_denied"}', 400).kind == "refused"

    def test_zohos_words_are_kept_where_they_are_plain(self):
        assert read(THROTTLED[0], 400).code == "Access Denied"
        assert read(THROTTLED[1], 400).code is None

    @pytest.mark.parametrize("body", THROTTLED[1:5])
    def test_a_reader_of_english_alone_would_miss_the_localized_ones(self, body):
        assert b"denied" not in body.lower()
        assert b"too many" not in body.lower()

    def test_a_failure_of_the_server_in_words_is_no_throttle(self):
        body = b'{"error":"Internal Error","error_description":"try later","status":"failure"}'

        assert read(body, 500).kind == "unavailable"


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("0", 0.0),
            ("1", 1.0),
            ("120", 120.0),
            (" 120\t", 120.0),
            ("0120", 120.0),
            ("3600", 3600.0),
            ("3601", 3600.0),
            ("1000000000", 3600.0),
            ("1" + "0" * 21, 3600.0),
            ("9" * 10_000, 3600.0),
            ("Fri, 15 Jan 2027 08:05:00 GMT", 300.0),
            ("Friday, 15-Jan-27 08:05:00 GMT", 300.0),
            ("Fri Jan 15 08:05:00 2027", 300.0),
            ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
            (None, None),
            ("", None),
            (" ", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e9", None),
            ("0x10", None),
            ("1_0", None),
            ("12 0", None),
            ("\u0661\u0662", None),
            ("\uff11", None),
            ("\u00b2", None),
            ("soon", None),
            ("NaN", None),
            ("inf", None),
            ("120\x00", None),
            ("Fri, 15 Jan 2027 08:05:00 PST", None),
            ("Fri, 15 Jan 2027 08:05:00 +0000", None),
            ("Fri, 99 Jan 2027 08:05:00 GMT", None),
            ("Fri, 15 Foo 2027 08:05:00 GMT", None),
            ("Fri, 15 Jan 2027 99:99:99 GMT", None),
            ("Fri, 15 Jan 2027 ::::::: GMT", None),
            ("2027-01-15T08:05:00Z", None),
            ("Fri, 15 Jan 2027", None),
        ],
    )
    def test_seconds_and_dates_are_read_and_bounded(self, text, seconds):
        assert calendar.timegm((2027, 1, 15, 8, 0, 0)) == NOW
        assert read_retry_after(text, now=NOW) == seconds

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system's zone cannot be set")
    def test_a_date_without_a_zone_is_utc_wherever_this_runs(self, monkeypatch):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("TZ", "XYZ+5")
            time.tzset()
            seconds = read_retry_after("Fri Jan 15 08:05:00 2027", now=NOW)
        time.tzset()

        assert seconds == 300.0

    @pytest.mark.parametrize(
        ("body", "status"), [(THROTTLED[0], 400), (THROTTLED[1], 200), (b"", 429), (b"", 503)]
    )
    def test_it_is_taken_from_throttles_and_5xx(self, body, status):
        assert read(body, status, retry_after="90").retry_after == 90.0

    @pytest.mark.parametrize(
        ("body", "status"), [(b'{"error":"invalid_client"}', 400), (b"<html>", 404), (b"{}", 200)]
    )
    def test_it_is_not_taken_from_anything_else(self, body, status):
        assert read(body, status, retry_after="90").retry_after is None

    @pytest.mark.parametrize("text", [None, "-1", "later"])
    def test_a_throttle_without_a_usable_one_names_no_time(self, text):
        refusal = read(THROTTLED[0], 400, retry_after=text)

        assert (refusal.kind, refusal.retry_after) == ("throttled", None)


class TestNothingOfTheWireIsRepeated:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            ("some_code", "some_code"),
            ("Some Code (17)", "Some Code (17)"),
            ("line\r\nbreak", "linebreak"),
            ('qu"ote\\', "quote"),
            ("tab\tand\x1b[31mred", "taband[31mred"),
            ("gr\u00fcn", "grn"),
            ("\u202eevil", "evil"),
            ("\u7e41\u5fd9", None),
            ("x " * 300, "x " * 100),
            (ACCESS, None),
            (f"bad token {ACCESS}", None),
            (f"bad={REFRESH}", None),
            ("1000.\u200bfake\u200b", None),
            ("x " * 95 + "1000." + "f" * 60, None),
            ("x " * 98 + REFRESH, None),
            ("0123456789abcdef", None),
            ("eyJhbGciOiJIUzI1NiJ9.e30.x", None),
            ("a" * 60_000, "a" * 200),
        ],
    )
    def test_a_code_is_plain_short_and_no_token(self, error, code):
        assert read(json.dumps({"error": error}).encode()).code == code

    @pytest.mark.parametrize("status", [200, 400, 429, 500])
    @pytest.mark.parametrize(
        "body",
        [
            answer(error="invalid_code", error_description=f"{ACCESS} is dead"),
            answer(error=ACCESS),
            answer(token_type=ACCESS),
            answer(expires_in=ACCESS),
            answer(refresh_token=f"{REFRESH} {REFRESH}"),
            answer(status=ACCESS, message=ACCESS),
            f"<html>{ACCESS}".encode(),
            f'{{"access_token":"{ACCESS}'.encode(),
        ],
    )
    def test_no_token_shows_in_a_refusal(self, body, status):
        outcome = read(body, status, retry_after=ACCESS)

        assert ACCESS not in repr(outcome)
        assert REFRESH not in repr(outcome)

    @pytest.mark.parametrize("body", [*NOT_JSON, *NOT_AN_ANSWER, *THROTTLED, *(row[0] for row in REFUSED)])
    @pytest.mark.parametrize("status", [200, 400, 503])
    def test_every_refusal_has_a_kind_that_can_be_raised(self, body, status):
        refusal = read(body, status)

        assert isinstance(refusal, Refusal)
        assert refusal.kind in KINDS


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
