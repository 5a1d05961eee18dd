"""How many token requests there may be."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, NOW, SPANS
from zoho_oauth._ledger import exhausted_until, reserved

from .ledgers import EMPTY, MINE, POLICY, failure, glance, spent


class TestBudget:
    def test_eight_requests_in_ten_minutes_are_the_limit(self):
        seven, eight = (evolve(EMPTY, reservations=spent(*[NOW - 500] * number)) for number in (7, 8))

        assert exhausted_until(seven, "expired", glance(seven), POLICY) is None
        assert exhausted_until(eight, "expired", glance(eight), POLICY) == NOW + 100

    def test_rejections_leave_two_for_tokens_that_run_out(self):
        document = evolve(EMPTY, reservations=spent(*[NOW - 500] * 6, cause="rejected"))

        assert exhausted_until(document, "rejected", glance(document), POLICY) == NOW + 100
        assert exhausted_until(document, "expired", glance(document), POLICY) is None

    def test_requests_for_other_reasons_do_not_use_up_what_rejections_may_spend(self):
        document = evolve(EMPTY, reservations=spent(*[NOW - 500] * 6))

        assert exhausted_until(document, "rejected", glance(document), POLICY) is None

    def test_open_and_failed_requests_count_too(self):
        document = evolve(
            EMPTY,
            reservations=tuple(evolve(each, is_open=True) for each in spent(*[NOW] * 8)),
            failure=failure(),
        )

        assert exhausted_until(document, "expired", glance(document), POLICY) == NOW + 600

    @EXAMPLES
    @given(
        st.lists(st.floats(0, 599, exclude_max=True), min_size=3, max_size=14),
        st.sampled_from(("expired", "early", "rejected", "asked")),
        st.integers(3, 9),
    )
    def test_retry_at_is_the_first_moment_with_room(self, ages, cause, mints):
        policy = evolve(POLICY, mints=mints)
        document = evolve(EMPTY, reservations=spent(*sorted(NOW - age for age in ages), cause=cause))
        retry_at = exhausted_until(document, cause, glance(document), policy)
        limit = mints - 2 if cause == "rejected" else mints

        assert (retry_at is None) == (len(ages) < limit)
        if retry_at is not None:
            assert retry_at > NOW
            assert exhausted_until(document, cause, glance(document, wall=retry_at), policy) is None
            before = glance(document, wall=retry_at - 1e-3)
            assert exhausted_until(document, cause, before, policy) == retry_at

    @EXAMPLES
    @given(st.lists(SPANS, max_size=12))
    def test_obeying_it_never_sends_more_than_the_limit_in_any_window(self, pauses):
        document, now, sent = EMPTY, NOW, []
        for pause in pauses * 3:
            now += pause / 100
            now = exhausted_until(document, "expired", glance(document, wall=now), POLICY) or now
            sight = glance(document, wall=now)
            assert exhausted_until(document, "expired", sight, POLICY) is None
            document = reserved(document, holder=MINE, cause="expired", sight=sight, policy=POLICY)
            sent.append(now)

        for begin in sent:
            assert sum(begin <= each < begin + POLICY.mint_window for each in sent) <= POLICY.mints

    def test_requests_dated_in_the_future_count_from_when_they_were_first_seen(self):
        document = evolve(EMPTY, reservations=spent(*[NOW + 86_400] * 8))
        first = glance(document)
        later = glance(document, wall=NOW + 601, monotonic=601.0, before=first.first)

        assert exhausted_until(document, "expired", first, POLICY) == NOW + 600
        assert exhausted_until(document, "expired", later, POLICY) is None

    def test_without_remembering_what_was_seen_the_future_would_never_end(self):
        """The control of the above: a look without a memory."""
        document = evolve(EMPTY, reservations=spent(*[NOW + 86_400] * 8))

        assert exhausted_until(document, "expired", glance(document, wall=NOW + 601), POLICY) is not None
