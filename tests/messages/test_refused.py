"""An answer without one: refused, throttled, and nothing of the wire repeated."""

import json

import pytest

from tests.corpus_answers import ACCESS, NOT_AN_ANSWER, NOT_JSON, REFRESH, REFUSED, THROTTLED
from zoho_oauth import errors
from zoho_oauth._failures import KINDS, Refusal

from .reading import GRANTS, answer, read


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
