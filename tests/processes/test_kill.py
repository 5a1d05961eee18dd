"""Processes that are killed or stopped at every point of a refresh, and those that come after them."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.processes.conftest import Worker, World
from tests.scale import count
from zoho_oauth import RefreshPolicy, errors
from zoho_oauth._documents import Document
from zoho_oauth.testing import answers

HELD = "answer held"
#: Where a process dies, and how many token requests it and its successor send together.
POINTS = {
    "before load": 1,
    "after load": 1,
    "reserved": 1,
    "before send": 1,
    HELD: 2,
    "before release": 2,
    "in the release": 2,
    "released": 1,
}
#: In the middle of the release's save: half of the draft is written, all of it is synced, it is in its place.
IN_THE_RELEASE = {"release: written": 2, "release: fsynced": 2, "release: replaced": 1}
#: The same in the save that takes the reservation.
IN_THE_RESERVATION = {"reservation: written": 1, "reservation: fsynced": 1, "reservation: replaced": 1}
REQUESTS = {**POINTS, **IN_THE_RELEASE, **IN_THE_RESERVATION}
AT_ONCE = 16
BRIEF = {"send_deadline": 1.0}
#: What a busy machine may add to the send deadline.
SLACK = 3.0


def schedule(kills: int) -> list[str]:
    """Where each process dies: the eight points in turn, and in turn the steps within the release."""
    steps = list(IN_THE_RELEASE)
    points = [list(POINTS)[number % len(POINTS)] for number in range(kills)]
    return [
        steps[number // len(POINTS) % len(steps)] if point == "in the release" else point
        for number, point in enumerate(points)
    ]


@frozen
class Life:
    """One owner with a directory of its own, whose first process dies at `point`."""

    point: str
    owner: str
    directory: Path
    refresh_token: str


@frozen(kw_only=True)
class Afterwards:
    """What was there after the kill, and what the next process came to."""

    point: str
    is_readable: bool
    keeps_refresh_token: bool
    token_requests: int
    seconds: float
    errors: dict[str, int]
    has_token: bool

    def is_right(self, send_deadline: float) -> bool:
        whole = self.is_readable and self.keeps_refresh_token and self.has_token and not self.errors
        in_time = self.seconds <= send_deadline + SLACK
        return whole and in_time and self.token_requests == REQUESTS[self.point] <= 2


def lives(world: World, points: list[str], first: int = 0) -> list[Life]:
    found = []
    for number, point in enumerate(points, first):
        owner, directory = f"owner {number}", world.directory / str(number)
        found.append(Life(point, owner, directory, world.connect(owner, directory)))
    return found


def worker_of(world: World, life: Life, number: int, **options: Any) -> Worker:
    return world.worker(number, directory=str(life.directory), **options)


def killed_by_the_test(world: World, some: list[Life], **options: Any) -> None:
    """Those whose token request has been granted and whose answer is on its way."""
    workers = [worker_of(world, life, number, **options) for number, life in enumerate(some)]
    with world.fake.hold_tokens(at="answer") as gate:
        for worker, life in zip(workers, some, strict=True):
            worker.ask(life.owner)
        gate.wait_arrived(len(some))
        for worker in workers:
            worker.kill()


def killed_by_themselves(world: World, some: list[Life], **options: Any) -> None:
    workers = [worker_of(world, life, number, **options) for number, life in enumerate(some)]
    for worker, life in zip(workers, some, strict=True):
        worker.ask(life.owner, die_at=life.point)
    assert [worker.ended() for worker in workers] == [-signal.SIGKILL] * len(workers)


def read_after(world: World, life: Life) -> Document | None:
    try:
        return world.stored(life.owner, life.directory)
    except errors.StoreCorrupted:
        return None


def aftermath(world: World, points: list[str], first: int = 0, **options: Any) -> list[Afterwards]:
    """Kill a process at each of the points, look at the store, and let another process ask for a token."""
    some = lives(world, points, first)
    killed_by_the_test(world, [life for life in some if life.point == HELD], **options)
    killed_by_themselves(world, [life for life in some if life.point != HELD], **options)
    documents = [read_after(world, life) for life in some]
    successors = [worker_of(world, life, number, **options) for number, life in enumerate(some, 1)]
    for successor, life in zip(successors, some, strict=True):
        successor.ask(life.owner)
    ends = [successor.expect("done") for successor in successors]
    for successor in successors:
        successor.end()
    return [
        afterwards_of(world, life, document, end)
        for life, document, end in zip(some, documents, ends, strict=True)
    ]


def afterwards_of(world: World, life: Life, document: Document | None, end: dict[str, Any]) -> Afterwards:
    grant = document.grant if document else None
    return Afterwards(
        point=life.point,
        is_readable=document is not None,
        keeps_refresh_token=grant is not None and grant.refresh_token.reveal() == life.refresh_token,
        token_requests=world.token_requests(life.refresh_token),
        seconds=end["seconds"],
        errors=end["errors"],
        has_token=len(end["tokens"]) == 1,
    )


def test_a_kill_at_any_point_costs_one_token_request_and_a_send_deadline_at_most(world):
    kills, found = count(200, least=24), []
    points = schedule(kills)
    for first in range(0, kills, AT_ONCE):
        found += aftermath(world, points[first : first + AT_ONCE], first, policy=BRIEF)
    slowest = max(each.seconds for each in found)
    print(f"{len(found)} kills: {dict(Counter(each.point for each in found))}, slowest {slowest:.2f} s")

    assert len(found) == kills > 0
    assert {each.point for each in found} == {*POINTS, *IN_THE_RELEASE} - {"in the release"}
    assert [each for each in found if not each.is_right(1.0)] == []


def test_a_kill_is_survived_with_every_number_as_shipped(world):
    found = aftermath(world, schedule(8), system_clock=True)

    assert len(found) == len(POINTS)
    assert [each for each in found if not each.is_right(RefreshPolicy().send_deadline)] == []


def test_a_kill_in_the_middle_of_taking_the_reservation_costs_no_token_request(world):
    found = aftermath(world, list(IN_THE_RESERVATION), policy=BRIEF)

    assert len(found) == len(IN_THE_RESERVATION)
    assert [each for each in found if not each.is_right(1.0)] == []


def test_a_kill_while_a_rejected_token_is_replaced_costs_one_token_request(world):
    """The next process finds in the store a token that looks good, and that Zoho rejects."""
    refresh_token = world.connect("owner")
    leader, other = world.workers(2, policy=BRIEF)
    leader.ask("owner")
    leader.expect("done")
    world.fake.expire_all()
    with world.fake.hold_tokens(at="answer") as gate:
        leader.ask("owner", requests=5)
        gate.wait_arrived(1)
        leader.kill()
    other.ask("owner", requests=5)
    end = other.expect("done")
    other.end()

    assert (end["statuses"], end["errors"]) == ({"200": 5}, {})
    assert end["seconds"] <= 1.0 + SLACK
    assert world.token_requests(refresh_token) == 3


def test_a_row_of_killed_processes_costs_one_token_request_each(world):
    """Each dies with its answer under way, and the next takes over from it."""
    refresh_token = world.connect("owner")
    kills = 4
    life = Life(HELD, "owner", world.directory, refresh_token)
    for _ in range(kills):
        killed_by_the_test(world, [life], policy=BRIEF)
    last = world.worker(policy=BRIEF)
    last.ask("owner", requests=5)
    end = last.expect("done")
    last.end()

    assert (end["statuses"], end["errors"]) == ({"200": 5}, {})
    assert end["seconds"] <= 1.0 + SLACK
    assert world.token_requests(refresh_token) == kills + 1


def test_a_store_that_writes_in_place_is_unreadable_after_some_kill(world):
    """The control: the same schedule."""
    found = aftermath(world, schedule(8), policy=BRIEF, twin="written in place")
    broken = [each for each in found if not each.is_right(1.0)]

    assert [each.point for each in broken] == ["release: written"]
    assert not broken[0].is_readable
    assert broken[0].errors == {"StoreCorrupted": 1}


def test_of_eight_that_wait_for_a_killed_process_one_sends(world):
    refresh_token = world.connect("owner")
    leader, *others = world.workers(9, policy=BRIEF)
    with world.fake.hold_tokens(at="answer") as gate:
        leader.ask("owner")
        gate.wait_arrived(1)
        for worker in others:
            worker.ask("owner", requests=5)
        for worker in others:
            worker.expect("waiting")
        leader.kill()
        gate.wait_arrived(2)
    ends = [worker.expect("done") for worker in others]
    for worker in others:
        worker.end()

    assert [(end["statuses"], end["errors"]) for end in ends] == [({"200": 5}, {})] * len(others)
    assert max(end["seconds"] for end in ends) <= 1.0 + SLACK
    assert world.token_requests(refresh_token) == 2
    assert len({token for end in ends for token in end["tokens"]}) == 1


# --- stopped and continued -------------------------------------------------------------------------------


@frozen(kw_only=True)
class Pause:
    """What came of a process that was stopped for longer than its reservation lived."""

    errors: Counter[str]
    token_requests: int
    is_newest_stored: bool

    def is_right(self) -> bool:
        return self.is_newest_stored and self.token_requests <= 2 and not self.errors


def pause_of(world: World, refresh_token: str, paused: Worker, other: Worker) -> Pause:
    """The other one takes over meanwhile; then the first goes on, and each asks once more."""
    other.ask("owner", requests=5)
    second = other.expect("done")
    generation = world.stored("owner").generation
    paused.signal(signal.SIGCONT)
    ends = [second, paused.expect("done")]
    for worker in (paused, other):
        worker.ask("owner", requests=5)
        ends.append(worker.expect("done"))
        worker.end()
    stored = world.stored("owner")
    assert stored.token is not None
    others = [stored.token.access_token.fingerprint] == second["tokens"]
    return Pause(
        errors=sum((Counter(end["errors"]) for end in ends), Counter()),
        token_requests=world.token_requests(refresh_token),
        is_newest_stored=others and stored.token.generation == stored.generation == generation,
    )


def stopped_at(world: World, step: str, number: int = 0, **options: Any) -> tuple[Worker, Worker]:
    """A process that has stopped itself at this step, and another one."""
    paused, other = (world.worker(each, **options) for each in (number, number + 1))
    paused.ask("owner", stop_at=step)
    paused.expect(step)
    return paused, other


def test_a_leader_stopped_while_its_answer_is_held_spoils_nothing(world):
    refresh_token = world.connect("owner")
    paused, other = world.workers(2, policy=BRIEF)
    with world.fake.hold_tokens(at="answer") as gate:
        paused.ask("owner")
        gate.wait_arrived(1)
        paused.signal(signal.SIGSTOP)
    found = pause_of(world, refresh_token, paused, other)

    assert found.is_right(), found
    assert found.token_requests == 2


@pytest.mark.parametrize("store_deadline", [30.0, 0.9])
@pytest.mark.parametrize("number", [0, 1])
def test_a_leader_stopped_before_its_release_does_not_overwrite_the_newer_token(
    world, store_deadline, number
):
    """With the answer in its hand; the stop is also longer than the store's deadline, or shorter."""
    refresh_token = world.connect("owner")
    policy = {**BRIEF, "store_deadline": store_deadline}
    paused, other = stopped_at(world, "before release", number, policy=policy)
    found = pause_of(world, refresh_token, paused, other)

    assert found.is_right(), found
    assert found.token_requests == 2


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("step", ["after load", "before reservation", "reserved", "before send"])
def test_a_process_stopped_before_it_sends_sends_nothing_later(world, step, number):
    """By then its reservation is another's, or over."""
    refresh_token = world.connect("owner")
    paused, other = stopped_at(world, step, number, policy={**BRIEF, "store_deadline": 30.0})
    found = pause_of(world, refresh_token, paused, other)

    assert found.is_right(), found
    assert found.token_requests == 1


def test_a_failure_that_comes_late_does_not_stand_beside_a_newer_token(world):
    refresh_token = world.connect("owner")
    world.fake.fail_next(answers.html_page(500))
    paused, other = stopped_at(world, "before release", policy=BRIEF)
    found = pause_of(world, refresh_token, paused, other)

    assert found.is_right(), found
    assert world.stored("owner").failure is None


def test_without_compare_and_swap_a_late_release_overwrites_the_newer_token(world):
    """The control: the same stop."""
    refresh_token = world.connect("owner")
    paused, other = stopped_at(world, "before release", policy=BRIEF, twin="last writer wins")
    found = pause_of(world, refresh_token, paused, other)

    assert not found.is_right()
    assert not found.is_newest_stored


def test_a_process_stopped_in_the_middle_of_a_save_costs_others_a_typed_error_only(world):
    """It holds the file's lock: nobody can take that from it, and nobody waits longer than the store's deadline."""
    refresh_token = world.connect("owner")
    policy = {**BRIEF, "store_deadline": 1.5}
    paused, other = stopped_at(world, "release: written", policy=policy)
    other.ask("owner")
    refused = other.expect("done")
    paused.signal(signal.SIGCONT)
    first = paused.expect("done")
    # Longer than a process believes its memory of a failure.
    other.ask("owner", requests=5, advance=2.0)
    served = other.expect("done")
    for worker in (paused, other):
        worker.end()

    assert refused["errors"] == {"StoreUnavailable": 1}
    assert refused["seconds"] <= 1.0 + 1.5 + SLACK
    assert (first["errors"], served["errors"]) == ({}, {})
    assert world.token_requests(refresh_token) <= 2
