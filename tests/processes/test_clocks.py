"""Two hosts whose clocks are an hour apart, and the file they share."""

from __future__ import annotations

from collections import Counter

import pytest
from attrs import frozen

from tests.processes.conftest import Worker, World

HOUR = 3600.0
#: The leader's clock and the other's, in seconds off the right time.
APART = {
    "the leader is ahead": (HOUR, 0.0),
    "the leader is behind": (-HOUR, 0.0),
    "the other is ahead": (0.0, HOUR),
    "the other is behind": (0.0, -HOUR),
}
#: They wait for each other inside a load, which the real deadline would not bear on a busy machine.
PATIENT = {"store_deadline": 30.0}
BRIEF = {**PATIENT, "send_deadline": 1.0}
#: What a busy machine may add to the send deadline.
SLACK = 3.0


@frozen(kw_only=True)
class Race:
    """What came of two processes that found no token at the same moment."""

    token_requests: int
    served: int
    errors: Counter[str]
    tokens: int

    def is_right(self) -> bool:
        return (self.token_requests, self.served, self.tokens) == (1, 20, 1) and not self.errors


def pair(world: World, offsets: tuple[float, float], number: int = 0, **options) -> tuple[Worker, Worker]:
    leader, other = (
        world.worker(number + each, offset=offset, **{"policy": PATIENT, **options})
        for each, offset in enumerate(offsets)
    )
    return leader, other


def met(leader: Worker, other: Worker, *, advance: float = 0.0) -> None:
    """Both have loaded the document, the last token dead and no reservation in it."""
    for worker in (leader, other):
        worker.ask("owner", requests=10, meets=True, advance=advance)
    for worker in (leader, other):
        worker.expect("met")


def race_of(world: World, leader: Worker, other: Worker) -> Race:
    """Both look at the same moment, one is faster; the answer is held until the other has seen it and polled."""
    before = world.fake.token_requests
    met(leader, other)
    with world.fake.hold_tokens(at="answer") as gate:
        leader.send(do="go")
        leader.expect("before send")
        gate.wait_arrived(1)
        other.send(do="go")
        for _ in range(3):
            if other.expect("waiting", "before send")["event"] == "before send":
                gate.wait_arrived(2)
                break
    ends = [worker.expect("done") for worker in (leader, other)]
    for worker in (leader, other):
        worker.end()
    return Race(
        token_requests=world.fake.token_requests - before,
        served=sum(end["statuses"].get("200", 0) for end in ends),
        errors=sum((Counter(end["errors"]) for end in ends), Counter()),
        tokens=len({token for end in ends for token in end["tokens"]}),
    )


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("offsets", APART.values(), ids=list(APART))
def test_clocks_an_hour_apart_do_not_cost_a_second_token_request(world, offsets, number):
    world.connect("owner")
    found = race_of(world, *pair(world, offsets, number))

    assert found.is_right(), found


def test_trusting_the_reservations_date_costs_a_second_token_request(world):
    """The control: the same race."""
    world.connect("owner")
    offsets = APART["the leader is behind"]
    found = race_of(world, *pair(world, offsets, twin="trusting dates"))

    assert not found.is_right()
    assert found.token_requests == 2


@pytest.mark.parametrize("offsets", APART.values(), ids=list(APART))
def test_nobody_waits_longer_than_a_send_deadline_for_a_killed_host_whose_clock_is_wrong(world, offsets):
    refresh_token = world.connect("owner")
    leader, other = pair(world, offsets, policy=BRIEF)
    with world.fake.hold_tokens(at="answer") as gate:
        leader.ask("owner")
        gate.wait_arrived(1)
        other.ask("owner", requests=10)
        other.expect("waiting")
        leader.kill()
        gate.wait_arrived(2)
    end = other.expect("done")
    other.end()

    assert (end["statuses"], end["errors"]) == ({"200": 10}, {})
    assert 1.0 <= end["seconds"] <= 1.0 + SLACK
    assert world.token_requests(refresh_token) == 2


@pytest.mark.parametrize("offsets", [(HOUR, 0.0), (-HOUR, 0.0)], ids=["ahead", "behind"])
def test_clocks_an_hour_apart_take_turns_for_hours_with_one_token_request_a_life(world, offsets):
    """
    Whoever is first: a life passes, both ask at once, and neither takes the other's token for a dead one.

    At once: who comes when the other is done finds a token dated an hour ago, and no clock to doubt that by.
    """
    world.connect("owner")
    both = pair(world, offsets)
    lives = 4
    for life in range(lives):
        if life:
            world.fake.clock.advance(HOUR)
        met(*both, advance=HOUR if life else 0.0)
        for worker in both:
            worker.send(do="go")
        ends = [worker.expect("done") for worker in both]
        assert [(end["statuses"], end["errors"]) for end in ends] == [({"200": 10}, {})] * 2
        assert len({token for end in ends for token in end["tokens"]}) == 1
        assert world.fake.token_requests == life + 1
    for worker in both:
        worker.end()
