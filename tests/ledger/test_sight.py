"""How long a reservation stands, by watching it."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, NOW, TIMES, documents, reservations
from zoho_oauth import _policy
from zoho_oauth._documents import Reservation
from zoho_oauth._ledger import Sight, is_over, open_reservation, reserved

from .ledgers import EMPTY, POLICY, failure, glance, spent


class TestIsOver:
    def held(self, at=NOW):
        return evolve(
            EMPTY,
            generation=1,
            reservations=(Reservation(generation=1, at=at, holder="other-1", cause="expired"),),
        )

    def over_after(self, seconds, *, at=NOW, wall=NOW):
        document = self.held(at)
        first = glance(document, wall=wall)
        sight = glance(document, wall=wall + seconds, monotonic=seconds, before=first.first)
        return is_over(open_reservation(document), sight, POLICY)

    def test_it_is_after_a_send_deadline_of_watching(self):
        assert not self.over_after(9.99)
        assert self.over_after(10.0)

    @pytest.mark.parametrize("skew", [-3600, -600, -30, 0, 30, 600, 3600])
    def test_its_date_does_not_matter_while_clocks_disagree_by_an_hour(self, skew):
        assert not self.over_after(0, at=NOW + skew)
        assert not self.over_after(9.99, at=NOW + skew)
        assert self.over_after(10, at=NOW + skew)

    def over_by_date(self, age, *, set_back=0.0):
        """The holder's clocks are this process's own, or were until somebody set the wall clock back."""
        taken = reserved(
            EMPTY, holder="other-1", cause="expired", sight=glance(EMPTY, monotonic=50.0), policy=POLICY
        )
        sight = glance(taken, wall=NOW + age - set_back, monotonic=50.0 + age)
        return is_over(open_reservation(taken), sight, POLICY)

    def test_its_date_is_proof_for_whoever_has_the_same_clocks(self):
        assert not self.over_by_date(9.99)
        assert self.over_by_date(10.0)

    @pytest.mark.parametrize("set_back", [-3600, -60, 60])
    def test_its_date_is_no_proof_after_the_wall_clock_was_set(self, set_back):
        assert not self.over_by_date(20.0, set_back=set_back)

    def test_one_from_hours_ago_is_over_at_first_sight(self):
        assert not self.over_after(0, at=NOW - _policy.CLOCKS_DISAGREE + 1)
        assert self.over_after(0, at=NOW - _policy.CLOCKS_DISAGREE)

    def test_a_wall_clock_that_jumps_ahead_by_less_ends_nothing(self):
        document = self.held()
        first = glance(document)
        sight = glance(document, wall=NOW + 3600, monotonic=1.0, before=first.first)

        assert not is_over(open_reservation(document), sight, POLICY)

    def test_watching_begins_anew_with_another_reservation(self):
        first = glance(self.held())
        other = evolve(self.held(), reservations=(evolve(self.held().reservations[0], holder="third-1"),))
        sight = glance(other, wall=NOW + 10, monotonic=10.0, before=first.first)

        assert not is_over(open_reservation(other), sight, POLICY)

    @EXAMPLES
    @given(reservations(is_open=True), TIMES, st.floats(0, 9.99))
    def test_an_unknown_recent_one_is_never_over_before_the_deadline(self, found, wall, watched):
        assume(wall - found.at < _policy.CLOCKS_DISAGREE - 10)
        assume(found.clock is None or abs(found.clock - wall) > 1)
        document = evolve(EMPTY, reservations=(found,))
        first = glance(document, wall=wall)
        sight = glance(document, wall=wall + watched, monotonic=watched, before=first.first)

        assert not is_over(found, sight, POLICY)


class TestLook:
    @EXAMPLES
    @given(documents(), TIMES, st.floats(0, 1e6))
    def test_what_was_seen_first_is_remembered_while_it_stands(self, document, wall, later):
        first = glance(document, wall=wall)
        again = glance(document, wall=wall + later, monotonic=later, before=first.first)

        assert again.first == first.first

    def test_what_no_longer_stands_is_forgotten(self):
        busy = evolve(EMPTY, reservations=spent(NOW + 5), failure=failure())
        first = glance(busy)

        assert len(first.first) == 2
        assert glance(EMPTY, before=first.first).first == {}

    def test_an_ordinary_ledger_costs_no_memory(self):
        assert glance(evolve(EMPTY, reservations=spent(NOW - 5, NOW - 1))).first == {}

    def test_a_sight_without_a_memory_has_watched_nothing(self):
        sight = Sight(NOW, 0.0, {})

        assert sight.watched(failure()) == 0
        assert sight.dated(failure(at=NOW + 5)) == NOW
