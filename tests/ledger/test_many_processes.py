"""Many processes, one cell: whatever happens, one sends at a time."""

from __future__ import annotations

import heapq
import itertools
import random

import pytest
from attrs import define, evolve, field

from tests.scale import count
from tests.strategies import NOW, SEED
from zoho_oauth import Secret
from zoho_oauth._documents import Document, RefreshTokenGrant
from zoho_oauth._ledger import exhausted_until, is_over, look, merged, open_reservation, released, reserved

from .ledgers import EMPTY, POLICY, failure, token


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
