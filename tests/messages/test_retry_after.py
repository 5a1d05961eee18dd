"""When an answer says that one may ask again."""

import calendar
import time

import pytest

from tests.corpus_answers import THROTTLED
from zoho_oauth._messages import read_retry_after

from .reading import NOW, read


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
