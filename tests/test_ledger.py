"""Who may send a token request, how many there may be, what stands, and who wins a conflict."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from attrs import define, evolve, field
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.scale import count
from tests.strategies import (
    EXAMPLES,
    LINEAGE,
    LINEAGE_GRANT,
    NOW,
    SEED,
    SPANS,
    TIMES,
    documents,
    failures,
    relatives,
    reservations,
    tokens,
)
from zoho_oauth import RefreshPolicy, Secret, Token, _policy
from zoho_oauth._documents import Document, RefreshTokenGrant, Reservation
from zoho_oauth._failures import KINDS, Failure
from zoho_oauth._ledger import (
    Sight,
    credential,
    exhausted_until,
    is_over,
    look,
    merged,
    open_reservation,
    released,
    reserved,
    standing_failure,
    without_holders_but,
)
from zoho_oauth._tokens import is_rejected

POLICY = RefreshPolicy()
MINE = "0123456789ab-1"
EMPTY = Document(client_id="1000.CLIENT", owner="owner", data_center="us", grant=LINEAGE_GRANT)


def glance(document, *, wall=NOW, monotonic=0.0, before=None):
    return look(document, {} if before is None else before, wall=wall, monotonic=monotonic)


def spent(*dates, cause="expired"):
    """Closed reservations at these times."""
    return tuple(
        Reservation(generation=number, at=at, holder=f"other-{number}", cause=cause, is_open=False)
        for number, at in enumerate(dates, start=1)
    )


def token(generation=1, text="1000.fake-access-1"):
    return Token(
        access_token=Secret(text),
        minted_at=NOW,
        expires_at=NOW + 3600,
        data_center="us",
        generation=generation,
        grant=LINEAGE,
    )


def failure(kind="unavailable", at=NOW, wait=60.0):
    until = None if wait is None else at + wait
    return Failure(kind=kind, at=at, until=until, credential="same")


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


class TestStandingFailure:
    @pytest.mark.parametrize("kind", sorted(KINDS))
    def test_it_stands_until_its_time_and_not_longer(self, kind):
        wait = None if kind == "grant" else 30.0
        document = evolve(EMPTY, failure=failure(kind, wait=wait))

        assert standing_failure(document, "same", glance(document)) is document.failure
        assert standing_failure(document, "same", glance(document, wall=NOW + 29.99)) is document.failure
        at_last = standing_failure(document, "same", glance(document, wall=NOW + 30))
        assert at_last is (document.failure if kind == "grant" else None)

    @pytest.mark.parametrize("kind", sorted(set(KINDS) - {"grant"}))
    @pytest.mark.parametrize(
        "at", [NOW - 86_400 * 365, NOW, NOW + 86_400 * 365], ids=["past", "now", "future"]
    )
    def test_it_never_stands_longer_from_first_sight_than_its_kind_allows(self, kind, at):
        document = evolve(EMPTY, failure=failure(kind, at=at, wait=86_400 * 1000))
        longest = KINDS[kind].longest
        first = glance(document)

        later = glance(document, wall=NOW + longest, monotonic=longest, before=first.first)
        assert standing_failure(document, "same", later) is None
        # Also where the wall clock stands still, or was turned back meanwhile.
        stopped = glance(document, wall=NOW - 86_400, monotonic=longest, before=first.first)
        assert standing_failure(document, "same", stopped) is None

    @EXAMPLES
    @given(st.sampled_from(sorted(set(KINDS) - {"grant"})), st.floats(0.1, 3600), st.floats(-1e6, 1e6))
    def test_at_its_retry_at_a_request_is_allowed(self, kind, wait, moment):
        assume(wait <= KINDS[kind].longest)
        at = NOW + moment
        document = evolve(EMPTY, failure=failure(kind, at=at, wait=wait))

        assert standing_failure(document, "same", glance(document, wall=at + wait)) is None
        assert standing_failure(document, "same", glance(document, wall=at + wait - 1e-3)) is not None

    def test_a_dead_grant_stands_for_years(self):
        document = evolve(EMPTY, failure=failure("grant", wait=None))
        first = glance(document)
        later = glance(document, wall=NOW + 1e9, monotonic=1e9, before=first.first)

        assert standing_failure(document, "same", later) is document.failure

    def test_any_other_credential_clears_it(self):
        document = evolve(EMPTY, failure=failure("grant", wait=None))

        assert standing_failure(document, "another", glance(document)) is None

    def test_there_may_be_none(self):
        assert standing_failure(EMPTY, "same", glance(EMPTY)) is None


class TestCredential:
    def of(
        self, document=EMPTY, *, client_id="1000.CLIENT", secret="hush", accounts="https://accounts.zoho.com"
    ):
        wrapped = None if secret is None else Secret(secret)
        return credential(document, client_id=client_id, client_secret=wrapped, accounts=accounts)

    def test_it_changes_with_everything_a_request_proves_itself_with(self):
        other_grant = evolve(EMPTY, grant=RefreshTokenGrant(Secret("1000.fake-refresh-2")))
        names = {
            self.of(),
            self.of(other_grant),
            self.of(evolve(EMPTY, data_center="eu")),
            self.of(client_id="1000.OTHER"),
            self.of(secret="other"),
            self.of(secret=None),
            self.of(accounts="https://accounts.zoho.eu"),
        }

        assert len(names) == 7

    def test_it_changes_with_nothing_else(self):
        busy = evolve(EMPTY, generation=7, token=token(), failure=failure(), seeds=("x",))

        assert self.of(busy) == self.of()

    def test_parts_cannot_be_moved_from_one_to_the_next(self):
        assert self.of(client_id="ab", secret="c") != self.of(client_id="a", secret="bc")

    def test_it_gives_nothing_away(self):
        assert "hush" not in self.of()
        assert len(self.of()) == 16


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


# --- many processes, one cell ----------------------------------------------------------------------------


@define
class Cell:
    """A store with one record, by compare-and-swap."""

    document: Document = EMPTY
    version: int = 0

    def save(self, document, replacing):
        if replacing != self.version:
            return None
        self.document, self.version = document, self.version + 1
        return self.version


class Blind(Cell):
    """The broken twin: whoever saves last wins."""

    def save(self, document, replacing):
        self.document, self.version = document, self.version + 1
        return self.version


@define
class Process:
    """One process: it wants a new token again and again, and may die between any two steps."""

    world: World
    name: str
    skew: float
    seen: dict = field(factory=dict)
    known: tuple[Document, int] | None = None
    turn: tuple[Document, int] | None = None
    begun: float = 0.0
    lives: int = 0

    def step(self):
        """One step: look, take, answer or release."""
        if self.turn is not None:
            return self.release()
        if self.known is None:
            self.known = (self.world.cell.document, self.world.cell.version)
            return None
        (document, version), self.known = self.known, None
        return self.take(document, version)

    def take(self, document, version):
        world = self.world
        sight = look(document, self.seen, wall=world.now + self.skew, monotonic=world.now)
        self.seen = dict(sight.first)
        standing = open_reservation(document)
        if standing is not None and not world.is_over(standing, sight, POLICY):
            return
        if exhausted_until(document, "expired", sight, POLICY) is not None:
            world.exhausted += 1
            return
        holder = f"{self.name}.{self.lives}-{next(world.numbers)}"
        mine = reserved(document, holder=holder, cause="expired", sight=sight, policy=POLICY)
        self.begun = world.now
        saved = world.cell.save(mine, version)
        if saved is not None:
            self.turn = (mine, saved)
            world.taken(self, mine, version)

    def release(self):
        world, (mine, version) = self.world, self.turn
        self.turn = None
        world.senders.pop(mine.reservations[-1].holder, None)
        outcome = world.answer(mine, sent_for=world.now - self.begun)
        mine = released(mine, outcome)
        while world.cell.save(mine, version) is None:
            stored, version = world.cell.document, world.cell.version
            world.conflicts += 1
            if stored.lineage != mine.lineage:
                break
            mine = merged(mine, stored, ())
        world.check_the_token()

    def die(self):
        self.known = self.turn = None
        self.seen = {}
        self.lives += 1


@define
class World:
    """Processes with wrong wall clocks, one scheduler, and what must always hold."""

    source: random.Random
    cell: Cell
    is_over: object = is_over
    now: float = NOW
    numbers: object = field(factory=itertools.count)
    #: Since when each holder may send; one that died may have sent its request.
    senders: dict = field(factory=dict)
    history: list = field(factory=list)
    versions: set = field(factory=set)
    newest: tuple[str, int] = ("", -1)
    exhausted: int = 0
    conflicts: int = 0
    crashes: int = 0
    consents: int = 0
    steps: int = 0

    def run(self, processes, steps):
        queue = [(self.now + self.source.random() * 5, number) for number in range(len(processes))]
        heapq.heapify(queue)
        for _ in range(steps):
            self.now, number = heapq.heappop(queue)
            self.steps += 1
            self.happen(processes[number])
            pause = self.source.choice((0.001, 0.05, 0.2, 3.0, 9.0, 15.0, 80.0))
            heapq.heappush(queue, (self.now + pause * self.source.random(), number))

    def happen(self, process):
        chance = self.source.random()
        if chance < 0.04:
            self.crashes += 1
            process.die()
        elif chance < 0.045:
            self.consent()
        else:
            process.step()

    def consent(self):
        """A new grant wins over everything."""
        self.consents += 1
        grant = RefreshTokenGrant(Secret(f"1000.fake-refresh-new-{self.consents}"))
        stored = self.cell.document
        fresh = evolve(EMPTY, grant=grant, generation=stored.generation + 1)
        assert self.cell.save(fresh, self.cell.version) is not None
        self.senders.clear()
        self.history.clear()

    def taken(self, process, mine, version):
        assert version not in self.versions, "two reservations were taken at one version"
        self.versions.add(version)
        assert sum(each.is_open for each in mine.reservations) == 1
        if self.history:
            assert mine.generation > self.history[-1][1], "the generation did not rise"
        sending = [since for since in self.senders.values() if self.now - since < POLICY.send_deadline]
        assert not sending, "two may send at once"
        self.senders[mine.reservations[-1].holder] = process.begun
        self.history.append((self.now, mine.generation))

    def answer(self, mine, *, sent_for):
        """What came back: nothing later than the send deadline."""
        in_time = sent_for <= POLICY.send_deadline
        if in_time and self.source.random() < 0.8:
            return evolve(token(mine.generation, f"t-{mine.generation}"), grant=mine.lineage)
        return failure("unavailable", at=self.now, wait=1.0)

    def check_the_token(self):
        document = self.cell.document
        if document.token is not None:
            lineage, generation = self.newest
            if lineage == document.lineage:
                assert document.token.generation >= generation, "an older token came back"
            assert document.token.grant == document.lineage
            self.newest = (document.lineage, document.token.generation)
        assert sum(each.is_open for each in document.reservations) <= 1


def by_its_date_only(reservation, sight, policy):
    """A broken twin: it believes other hosts' clocks."""
    return sight.wall - reservation.at >= policy.send_deadline


def played(seed, *, cell=Cell, over=is_over, skews=True, steps=400):
    source = random.Random(seed)
    world = World(source, cell(), over)
    processes = [
        Process(world, f"p{number}", source.uniform(-3500, 3500) if skews else 0.0) for number in range(5)
    ]
    world.run(processes, steps)
    return world


GAMES = count(400, least=40)


def all_played(**options):
    return [played(f"{SEED} {number}", **options) for number in range(GAMES)]


class TestManyProcesses:
    def test_whatever_the_order_the_crashes_and_the_clocks_one_sends_at_a_time(self):
        worlds = all_played()

        assert len(worlds) == GAMES
        assert sum(len(each.versions) for each in worlds) > GAMES * 5
        for happened in ("crashes", "consents", "conflicts", "exhausted"):
            assert sum(getattr(each, happened) for each in worlds) > 0, happened

    def test_with_right_clocks_the_budget_holds_in_every_window(self):
        windows = 0
        for number in range(GAMES // 2):
            dates = [at for at, _ in played(f"{SEED} {number}", skews=False).history]
            for begin in dates:
                windows += 1
                assert sum(begin <= at < begin + POLICY.mint_window for at in dates) <= POLICY.mints

        assert windows > GAMES

    def test_without_compare_and_swap_it_fails(self):
        with pytest.raises(AssertionError):
            all_played(cell=Blind)

    def test_with_reservations_that_end_by_their_date_it_fails(self):
        with pytest.raises(AssertionError, match="two may send at once"):
            all_played(over=by_its_date_only)


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
