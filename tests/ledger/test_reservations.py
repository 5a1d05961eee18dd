"""Who may send a token request: reserving and releasing."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, LINEAGE, NOW, TIMES, documents, failures, relatives, tokens
from zoho_oauth._documents import Reservation
from zoho_oauth._ledger import open_reservation, released, reserved, without_holders_but

from .ledgers import EMPTY, MINE, POLICY, glance


class TestReserved:
    @EXAMPLES
    @given(documents(), TIMES)
    def test_it_raises_the_generation_and_leaves_one_reservation_open(self, document, now):
        after = reserved(
            document, holder=MINE, cause="expired", sight=glance(document, wall=now), policy=POLICY
        )

        assert after.generation == document.generation + 1
        assert [each for each in after.reservations if each.is_open] == [after.reservations[-1]]
        mine = open_reservation(after)
        assert (mine.generation, mine.at, mine.holder) == (after.generation, now, MINE)

    @EXAMPLES
    @given(documents(), TIMES)
    def test_it_touches_nothing_but_the_ledger(self, document, now):
        after = reserved(
            document, holder=MINE, cause="expired", sight=glance(document, wall=now), policy=POLICY
        )

        assert evolve(after, generation=document.generation, reservations=document.reservations) == document

    @EXAMPLES
    @given(documents(), TIMES, st.integers(3, 10))
    def test_what_counts_in_the_budget_is_kept_and_nothing_else(self, document, now, mints):
        policy = evolve(POLICY, mints=mints)
        sight = glance(document, wall=now)
        after = reserved(document, holder=MINE, cause="expired", sight=sight, policy=policy)

        kept = after.reservations[:-1]
        assert all(sight.dated(each) > now - policy.mint_window for each in kept)
        assert len(kept) == sum(sight.dated(each) > now - 600 for each in document.reservations)

    @EXAMPLES
    @given(documents(), TIMES)
    def test_the_text_of_a_busy_owner_does_not_grow(self, document, now):
        seen = {}
        for seconds in range(0, 2400, 80):
            sight = glance(document, wall=now + seconds, monotonic=seconds, before=seen)
            document = reserved(document, holder=MINE, cause="expired", sight=sight, policy=POLICY)
            seen = sight.first

        assert len(document.reservations) <= POLICY.mints


class TestReleased:
    @EXAMPLES
    @given(relatives(), tokens(grant=LINEAGE) | failures())
    def test_nothing_is_open_any_more_and_every_reservation_still_counts(self, document, outcome):
        after = released(document, outcome)

        assert open_reservation(after) is None
        assert len(after.reservations) == len(document.reservations)

    @EXAMPLES
    @given(relatives(), tokens(grant=LINEAGE))
    def test_a_token_clears_the_failure(self, document, fresh):
        after = released(document, fresh)

        assert (after.token, after.failure) == (fresh, None)

    @EXAMPLES
    @given(relatives(), failures())
    def test_a_failure_keeps_the_token(self, document, new):
        after = released(document, new)

        assert (after.token, after.failure) == (document.token, new)


class TestWithoutHolders:
    def test_what_came_by_fork_is_void_and_still_counts(self):
        document = evolve(
            EMPTY,
            reservations=tuple(
                Reservation(generation=number, at=NOW, holder=holder, cause="expired")
                for number, holder in enumerate(("parent-1", "child-1"), start=1)
            ),
        )
        after = without_holders_but(document, "child")

        assert [each.is_open for each in after.reservations] == [False, True]
        assert len(after.reservations) == 2

    @EXAMPLES
    @given(relatives())
    def test_what_holds_nothing_foreign_is_the_same_object(self, document):
        after = without_holders_but(document, "one")

        assert all(not each.is_open or each.holder.startswith("one") for each in after.reservations)
        assert without_holders_but(after, "one") is after
