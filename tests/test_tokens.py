"""What a token is still good for."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, JITTERS, LIVES, NOW, SPANS, TIMES, policies, tokens
from zoho_oauth import RefreshPolicy, Secret, Token
from zoho_oauth._tokens import as_seen_here, background_pace, expired_at, is_rejected, stale_at

POLICY = RefreshPolicy()
DAY = 86_400.0


def token(life=3600.0, *, text="1000.fake-access-1", generation=1, grant="a grant"):
    return Token(
        access_token=Secret(text),
        minted_at=NOW,
        expires_at=NOW + life,
        data_center="us",
        generation=generation,
        grant=grant,
    )


class TestWindows:
    @pytest.mark.parametrize(
        ("life", "early", "leeway"),
        [
            (3600, 300, 60),
            (1200, 300, 60),
            (600, 150, 60),
            (300, 75, 30),
            (30, 7.5, 3),
            (1, 0.25, 0.1),
            (86_400, 300, 60),
        ],
    )
    def test_they_are_those_of_the_policy_or_shares_of_a_short_life(self, life, early, leeway):
        assert NOW + life - stale_at(token(life), POLICY, 0.0) == pytest.approx(early)
        assert NOW + life - expired_at(token(life), POLICY) == pytest.approx(leeway)

    def test_jitter_cuts_the_early_window_by_up_to_two_fifths(self):
        assert token().expires_at - stale_at(token(), POLICY, 0.999_999) == pytest.approx(180, abs=0.01)

    @pytest.mark.parametrize(("life", "pace"), [(3600, 60), (600, 60), (300, 30), (30, 3)])
    def test_background_refreshes_are_paced_by_a_minute_or_a_tenth_of_the_life(self, life, pace):
        assert background_pace(token(life)) == pytest.approx(pace)

    def test_a_margin_larger_than_the_life_leaves_most_of_the_life(self):
        greedy = RefreshPolicy(early=7200, leeway=7200)

        assert stale_at(token(30), greedy, 0.0) - NOW == pytest.approx(22.5)
        assert expired_at(token(30), greedy) - NOW == pytest.approx(27)

    @EXAMPLES
    @given(LIVES, JITTERS, SPANS, SPANS)
    def test_stale_comes_before_expired_and_expired_before_the_end(self, life, jitter, early, more):
        policy = RefreshPolicy(early=early + more, leeway=early * 0.6)

        assert NOW < stale_at(token(life), policy, jitter) < expired_at(token(life), policy) < NOW + life

    @EXAMPLES
    @given(LIVES, JITTERS, policies())
    def test_no_policy_calls_a_token_fresh_that_has_expired(self, life, jitter, policy):
        assert NOW < stale_at(token(life), policy, jitter) <= expired_at(token(life), policy) < NOW + life

    @EXAMPLES
    @given(JITTERS, JITTERS)
    def test_processes_spread_over_two_minutes(self, one, other):
        apart = stale_at(token(), POLICY, one) - stale_at(token(), POLICY, other)

        assert apart == pytest.approx((one - other) * 120, abs=1e-5)


class TestAsSeenHere:
    @EXAMPLES
    @given(tokens(), SPANS, st.none() | SPANS)
    def test_correct_clocks_change_nothing(self, seen, later, earlier):
        born_after = None if earlier is None else seen.minted_at - earlier

        assert as_seen_here(seen, born_after=born_after, now=seen.minted_at + later) is seen

    @EXAMPLES
    @given(tokens(), st.floats(-DAY, DAY), st.none() | st.floats(-DAY, DAY))
    def test_a_wrong_clock_neither_stretches_nor_shrinks_the_life(self, seen, skew, earlier):
        here = as_seen_here(
            seen,
            born_after=None if earlier is None else seen.minted_at + min(earlier, skew),
            now=seen.minted_at + skew,
        )

        assert here.life == pytest.approx(seen.life, abs=1e-5)
        assert here.access_token == seen.access_token
        assert (here.generation, here.grant) == (seen.generation, seen.grant)

    @EXAMPLES
    @given(tokens(), st.floats(-DAY, DAY), SPANS)
    def test_a_life_begins_neither_in_the_future_nor_before_it_was_seen_missing(self, seen, skew, watched):
        now = seen.minted_at + skew
        here = as_seen_here(seen, born_after=now - watched, now=now)

        assert now - watched - 1e-5 <= here.minted_at <= now + 1e-5

    def test_a_host_a_day_behind_does_not_call_a_dead_token_alive(self):
        here = as_seen_here(token(), born_after=None, now=NOW - DAY)

        assert here.expires_at == NOW - DAY + 3600

    def test_a_host_a_day_ahead_uses_a_token_that_it_saw_being_made(self):
        here = as_seen_here(token(), born_after=NOW + DAY - 10, now=NOW + DAY)

        assert here.expires_at == NOW + DAY - 10 + 3600

    @EXAMPLES
    @given(tokens(), TIMES, st.none() | TIMES)
    def test_looking_twice_is_looking_once(self, seen, now, born_after):
        once = as_seen_here(seen, born_after=born_after, now=now)
        twice = as_seen_here(once, born_after=born_after, now=now)

        assert twice.expires_at == pytest.approx(once.expires_at, abs=1e-5)


class TestOrder:
    @EXAMPLES
    @given(tokens(), tokens())
    def test_of_one_grant_at_most_one_replaces_the_other(self, one, other):
        assert not (one.replaces(other) and other.replaces(one))
        assert one.replaces(other) == (one.generation > other.generation)

    @EXAMPLES
    @given(tokens(), tokens(), tokens())
    def test_replacing_is_transitive_within_a_grant(self, one, other, third):
        if one.replaces(other) and other.replaces(third):
            assert one.replaces(third)

    @EXAMPLES
    @given(tokens(grant="one"), tokens(grant="other"))
    def test_another_grant_replaces_whatever_the_clocks_and_generations_say(self, one, other):
        assert one.replaces(other)
        assert other.replaces(one)

    @EXAMPLES
    @given(tokens(), TIMES)
    def test_no_clock_decides_what_is_newer(self, one, when):
        moved = evolve(one, minted_at=when, expires_at=when + 1)

        assert not one.replaces(moved)
        assert not moved.replaces(one)

    @EXAMPLES
    @given(tokens())
    def test_nothing_replaces_itself(self, one):
        assert not one.replaces(one)
        assert is_rejected(one, [one])

    @EXAMPLES
    @given(tokens(), st.lists(tokens(), max_size=4), tokens())
    def test_more_rejections_never_acquit(self, one, rejected, more):
        assert not is_rejected(one, [])
        if is_rejected(one, rejected):
            assert is_rejected(one, [more, *rejected])

    def test_an_older_token_of_the_grant_is_rejected_with_a_newer_one(self):
        assert is_rejected(token(generation=1, text="old"), [token(generation=2)])
        assert not is_rejected(token(generation=3, text="new"), [token(generation=2)])

    def test_the_same_text_is_rejected_under_any_generation_and_grant(self):
        assert is_rejected(token(generation=9, grant="another"), [token(generation=1)])

    def test_another_grants_token_is_not_rejected(self):
        assert not is_rejected(token(grant="another", generation=1, text="new"), [token(generation=5)])


class TestToken:
    def test_it_does_not_show_its_secrets(self):
        shown = repr(evolve(token(), refresh_token=Secret("1000.fake-refresh-1")))

        assert "fake" not in shown
        assert Secret("1000.fake-access-1").fingerprint in shown

    def test_it_names_its_grant_by_eight_digits(self):
        assert "grant=<01234567>" in repr(token(grant="0123456789abcdef"))
