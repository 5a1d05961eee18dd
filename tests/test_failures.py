"""What a refused token request leaves behind, and how it is told."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, JITTERS, NOW, failures
from zoho_oauth import DataCenter, errors
from zoho_oauth._failures import KINDS, Failure, Refusal, error_for, failed
from zoho_oauth._hints import hint

CREDENTIAL = "00000000000000aa"
BACKING_OFF = ("tls", "unavailable", "malformed", "same_token")
EXPECTED = {
    "grant": (errors.ReauthorizationRequired, "reconnect", None),
    "client": (errors.ClientRejected, "configure", 300.0),
    "refused": (errors.TokenRequestRefused, "configure", 300.0),
    "tls": (errors.TLSVerificationFailed, "configure", 1.0),
    "throttled": (errors.Throttled, "wait", 600.0),
    "unavailable": (errors.TokenEndpointUnavailable, "wait", 1.0),
    "malformed": (errors.MalformedTokenResponse, "wait", 1.0),
    "same_token": (errors.RefreshReturnedSameToken, "wait", 1.0),
}


def failure(kind="unavailable", *, retry_after=None, jitter=0.0, before=None, now=NOW):
    refusal = Refusal(kind=kind, code="code", detail="Detail.", retry_after=retry_after)
    return failed(refusal, credential=CREDENTIAL, now=now, jitter=jitter, before=before)


def waits(kind, times, *, jitter=0.0):
    """The pauses of `times` failures in a row."""
    row: list[Failure] = []
    for _ in range(times):
        row.append(failure(kind, jitter=jitter, before=row[-1] if row else None))
    return [each.until - each.at for each in row]


class TestCoolDown:
    @pytest.mark.parametrize("kind", BACKING_OFF)
    def test_a_failure_that_says_nothing_about_the_grant_backs_off_from_1_to_60_seconds(self, kind):
        assert waits(kind, 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]

    def test_jitter_halves_a_pause_at_most(self):
        assert waits("unavailable", 8, jitter=0.999_999) == pytest.approx(
            [0.5, 1, 2, 4, 8, 16, 30, 30], rel=1e-4
        )

    def test_a_row_of_failures_without_end_stays_at_60_seconds(self):
        endless = failure(before=evolve(failure(), strikes=10**9))

        assert endless.until == NOW + 60
        assert endless.strikes == 10**9 + 1

    def test_another_credential_begins_a_new_row(self):
        before = evolve(failure(), credential="another", strikes=7)

        assert failure(before=before).strikes == 1

    @pytest.mark.parametrize(
        ("named", "wait"), [(None, 600), (0, 60), (59, 60), (60, 60), (90, 90), (3600, 3600)]
    )
    def test_a_throttle_waits_for_what_zoho_names_and_for_a_minute_at_least(self, named, wait):
        assert failure("throttled", retry_after=named).until == NOW + wait

    @pytest.mark.parametrize(("named", "wait"), [(None, 1), (0.0, 1), (30, 30), (60, 60), (3600, 60)])
    def test_an_outage_waits_for_what_zoho_names_up_to_a_minute(self, named, wait):
        assert failure("unavailable", retry_after=named).until == NOW + wait

    @pytest.mark.parametrize("kind", ["client", "refused"])
    def test_a_wrong_configuration_is_asked_again_after_five_minutes(self, kind):
        assert waits(kind, 3) == [300, 300, 300]

    def test_a_dead_grant_stands_until_the_credential_changes(self):
        assert failure("grant").until is None

    @EXAMPLES
    @given(st.sampled_from(sorted(KINDS)), st.none() | st.floats(0, 3600), JITTERS, st.none() | failures())
    def test_no_failure_stands_longer_than_its_kind_allows(self, kind, retry_after, jitter, before):
        stands = failure(kind, retry_after=retry_after, jitter=jitter, before=before)

        longest = KINDS[kind].longest
        assert (stands.until is None) == (longest is None)
        assert stands.until is None or 0.5 <= stands.until - NOW <= longest
        assert stands.strikes >= 1

    @EXAMPLES
    @given(JITTERS, JITTERS, st.integers(1, 6))
    def test_the_next_pause_is_never_shorter_before_the_limit(self, one, other, strikes):
        first = failure(jitter=one, before=evolve(failure(), strikes=strikes - 1))
        second = failure(jitter=other, before=first)

        assert second.until - NOW >= (first.until - NOW) * 0.93


class TestErrors:
    def test_every_kind_is_in_the_table(self):
        assert set(EXPECTED) == set(KINDS)

    @pytest.mark.parametrize("kind", EXPECTED)
    @pytest.mark.parametrize("data_center", DataCenter.all(), ids=lambda each: each.code)
    def test_each_kind_and_data_center_gives_its_error_with_all_facts(self, kind, data_center):
        error_class, family, wait = EXPECTED[kind]
        text = hint(kind, grant_type="refresh_token", code="code", data_center=data_center)

        error = error_for(
            failure(kind),
            owner="customer-42",
            data_center=data_center.code,
            grant="0123456789abcdef",
            hint=text,
        )

        assert type(error) is error_class
        assert error.family == family
        assert error.retry_at == (None if wait is None else NOW + wait)
        assert (error.owner, error.data_center, error.fingerprint) == (
            "customer-42",
            data_center.code,
            "01234567",
        )
        assert (error.code, error.hint) == ("code", text)
        for shown in (
            "customer-42",
            f"data center {data_center.code}",
            "grant 01234567",
            "code",
            "Detail.",
            text,
        ):
            assert shown in str(error)
        assert error.__cause__ is error.__context__ is None

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"tls", "same_token"}))
    @pytest.mark.parametrize("data_center", DataCenter.all(), ids=lambda each: each.code)
    def test_a_hint_names_what_to_look_at(self, kind, data_center):
        text = hint(kind, grant_type="refresh_token", code=None, data_center=data_center)

        assert text.endswith((".", "?"))
        assert "{" not in text
        if kind not in ("throttled",):
            assert data_center.code in text or data_center.accounts in text

    def test_a_failure_without_words_of_zoho_s_is_told_without_any(self):
        bare = evolve(failure("malformed"), code=None, detail=None)

        error = error_for(bare, owner="owner", data_center="us", grant="0123456789abcdef")

        assert error.message == KINDS["malformed"].message
        assert "None" not in str(error)
