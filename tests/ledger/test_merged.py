"""Who wins a conflict."""

from __future__ import annotations

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.strategies import EXAMPLES, LINEAGE, relatives, tokens
from zoho_oauth._ledger import merged
from zoho_oauth._tokens import is_rejected

from .ledgers import EMPTY, failure, token


def ordered(document):
    return evolve(document, seeds=tuple(sorted(document.seeds)))


class TestMerged:
    @EXAMPLES
    @given(relatives())
    def test_with_itself_it_is_itself(self, document):
        assert merged(document, document, ()) == document

    @EXAMPLES
    @given(relatives(), relatives())
    def test_merging_again_changes_nothing(self, mine, stored):
        assume(len({*mine.seeds, *stored.seeds}) <= 16)
        once = merged(mine, stored, ())

        assert ordered(merged(mine, once, ())) == ordered(once)

    @EXAMPLES
    @given(relatives(), relatives())
    def test_ledger_and_generation_do_not_depend_on_who_was_first(self, one, other):
        first, second = merged(one, other, ()), merged(other, one, ())

        assert first.generation == second.generation == max(one.generation, other.generation)
        assert [(each.generation, each.holder, each.is_open) for each in first.reservations] == [
            (each.generation, each.holder, each.is_open) for each in second.reservations
        ]
        generations = [each and each.token and each.token.generation for each in (first, second)]
        assert generations[0] == generations[1]

    @EXAMPLES
    @given(relatives(), relatives())
    def test_the_token_of_the_higher_generation_stays(self, mine, stored):
        kept = merged(mine, stored, ()).token
        both = [each.token for each in (mine, stored) if each.token is not None]

        assert (kept is None) == (not both)
        assert all(kept.generation >= each.generation for each in both)

    @EXAMPLES
    @given(relatives(), relatives())
    def test_every_reservation_is_kept_once_and_closed_wins(self, mine, stored):
        def marks(document, *, is_open):
            return {
                (each.generation, each.holder) for each in document.reservations if each.is_open is is_open
            }

        after = merged(mine, stored, ())
        closed = marks(mine, is_open=False) | marks(stored, is_open=False)
        opened = marks(mine, is_open=True) | marks(stored, is_open=True)
        assert len(after.reservations) == len(closed | opened)
        assert marks(after, is_open=False) == closed
        assert marks(after, is_open=True) == opened - closed

    @EXAMPLES
    @given(relatives(), relatives())
    def test_no_seed_is_lost_up_to_sixteen(self, mine, stored):
        after = merged(mine, stored, ()).seeds
        both = set(mine.seeds) | set(stored.seeds)

        assert len(after) == len(set(after)) == min(len(both), 16)
        assert set(after) <= both

    def test_my_failure_goes_where_there_is_a_token_of_another(self):
        mine = evolve(EMPTY, generation=2, failure=failure())
        stored = evolve(EMPTY, generation=3, token=token(3))

        after = merged(mine, stored, ())
        assert (after.token, after.failure) == (stored.token, None)

    def test_my_failure_stays_where_that_token_was_rejected(self):
        mine = evolve(EMPTY, generation=2, failure=failure())
        stored = evolve(EMPTY, generation=3, token=token(3))

        assert merged(mine, stored, [token(3)]).failure is mine.failure

    def test_my_failure_stays_where_the_token_is_the_one_i_had(self):
        mine = evolve(EMPTY, generation=3, token=token(1), failure=failure())
        stored = evolve(EMPTY, generation=4, token=token(1, text="1000.fake-access-1"))

        assert merged(mine, stored, ()).failure is mine.failure

    def test_another_s_failure_stays_where_i_have_none(self):
        stored = evolve(EMPTY, generation=3, failure=failure("throttled", wait=600.0))

        assert merged(evolve(EMPTY, generation=2), stored, ()).failure is stored.failure

    def test_another_s_later_failure_stays_beside_my_token(self):
        stored = evolve(EMPTY, generation=3, failure=failure("throttled", wait=600.0))
        after = merged(evolve(EMPTY, generation=2, token=token(2)), stored, ())

        assert (after.token, after.failure) == (token(2), stored.failure)

    def test_my_new_token_proves_that_a_grant_called_dead_lives(self):
        stored = evolve(EMPTY, generation=3, token=token(1, "old"), failure=failure("grant", wait=None))
        after = merged(evolve(EMPTY, generation=4, token=token(4)), stored, ())

        assert (after.token, after.failure) == (token(4), None)

    def test_a_token_from_before_proves_nothing_about_the_grant(self):
        stored = evolve(EMPTY, generation=3, token=token(1), failure=failure("grant", wait=None))
        after = merged(evolve(EMPTY, generation=4, token=token(1)), stored, ())

        assert after.failure is stored.failure

    @EXAMPLES
    @given(relatives(), relatives(), st.lists(tokens(grant=LINEAGE), max_size=3))
    def test_a_failure_is_mine_or_the_stored_one(self, mine, stored, rejected):
        after = merged(mine, stored, rejected)

        assert after.failure in (None, mine.failure, stored.failure)
        if mine.failure is not None and after.failure is not mine.failure and after.failure != mine.failure:
            assert after.token is stored.token
            assert not is_rejected(after.token, rejected)
