"""Eight processes on one `FileStore`: one token request, whoever finds the token dead, and however."""

from __future__ import annotations

from collections import Counter

import pytest
from attrs import field, frozen

from tests.processes.conftest import Worker, World
from tests.scale import count

PROCESSES = 8
REQUESTS = 50
LIFE = 3600.0
#: They wait for each other inside a load, which the real deadline would not bear on a busy machine.
PATIENT = {"store_deadline": 30.0}


@frozen(kw_only=True)
class Round:
    """What one round came to."""

    token_requests: int
    sending: int
    waiting: int
    served: int
    errors: Counter[str] = field(factory=Counter)
    tokens: frozenset[str] = frozenset()

    def is_right(self) -> bool:
        """One token request while the seven others wait, all served, and with one token."""
        one = (self.token_requests, self.sending, self.waiting, len(self.tokens)) == (1, 1, PROCESSES - 1, 1)
        return one and self.served == PROCESSES * REQUESTS and not self.errors


def round_of(world: World, workers: list[Worker], owner: str, *, meets=False, advance=0.0) -> Round:
    """
    All of them ask at once.

    The answer is held until each has either sent a token request or seen in the store that another may;
    `meets`: each has loaded the document before any of them goes on.
    """
    before = world.fake.token_requests
    with world.fake.hold_tokens(at="answer"):
        for worker in workers:
            worker.ask(owner, requests=REQUESTS, meets=meets, advance=advance)
        if meets:
            for worker in workers:
                worker.expect("met")
            for worker in workers:
                worker.send(do="go")
        steps = Counter(worker.expect("before send", "waiting")["event"] for worker in workers)
    ends = [worker.expect("done") for worker in workers]
    return Round(
        token_requests=world.fake.token_requests - before,
        sending=steps["before send"],
        waiting=steps["waiting"],
        served=sum(end["statuses"].get("200", 0) for end in ends),
        errors=sum((Counter(end["errors"]) for end in ends), Counter()),
        tokens=frozenset(token for end in ends for token in end["tokens"]),
    )


def rounds_of(world: World, workers: list[Worker], how: str, rounds: int) -> list[Round]:
    if how == "cold":
        owners = [f"owner {number}" for number in range(rounds)]
        for owner in owners:
            world.connect(owner)
        return [round_of(world, workers, owner, meets=True) for owner in owners]
    world.connect("owner")
    found = [round_of(world, workers, "owner", meets=True)]
    for _ in range(rounds):
        if how == "expired":
            world.fake.clock.advance(LIFE)
        else:
            world.fake.expire_all()
        advance = LIFE if how == "expired" else 0.0
        found.append(round_of(world, workers, "owner", meets=True, advance=advance))
    return found


@pytest.mark.parametrize("how", ["cold", "expired", "rejected"])
def test_eight_processes_that_find_a_token_dead_send_one_token_request(world, how):
    workers = world.workers(PROCESSES, policy=PATIENT)
    found = rounds_of(world, workers, how, rounds := count(5, least=2))
    for worker in workers:
        worker.end()
    print(f"{how}: {len(found)} rounds of {PROCESSES} processes with {REQUESTS} requests each")

    assert len(found) >= rounds > 0
    assert [each for each in found if not each.is_right()] == []
    assert len({each.tokens for each in found}) == len(found), "each round has a token of its own"
    if how == "rejected":
        assert world.fake.requests.rejected >= rounds * PROCESSES


def test_eight_processes_send_one_token_request_with_every_number_as_shipped(world):
    """Nothing is patched but the store's and the transport's reports, not even the clock."""
    refresh_token = world.connect("owner")
    workers = world.workers(PROCESSES, system_clock=True)
    found = round_of(world, workers, "owner")
    for worker in workers:
        worker.end()

    assert found.is_right(), found
    assert world.token_requests(refresh_token) == 1
    assert world.stored("owner").token.access_token.fingerprint in found.tokens


def test_eight_processes_that_begin_with_the_same_seed_send_one_token_request(world):
    """There is no record yet: the environment says what all of them begin with."""
    refresh_token = world.fake.consent(world.registration)
    workers = world.workers(PROCESSES, policy=PATIENT, seed=refresh_token)
    found = round_of(world, workers, "default", meets=True)
    for worker in workers:
        worker.end()

    assert found.is_right(), found
    assert world.token_requests(refresh_token) == 1


def test_old_and_new_workers_of_a_rolling_deployment_do_not_take_turns(world):
    """Half of the processes were started with another refresh token; the newer one wins, once."""
    old, new = (world.fake.consent(world.registration, owner=name) for name in ("old", "new"))
    half = PROCESSES // 2
    workers = world.workers(half, policy=PATIENT, seed=old)
    first = round_of(world, workers, "default", meets=True)
    workers += world.workers(half, policy=PATIENT, seed=new)
    lives = []
    for _ in range(count(5, least=3)):
        world.fake.clock.advance(LIFE)
        lives.append(round_of(world, workers, "default", meets=True, advance=LIFE))
    for worker in workers:
        worker.end()

    served = [each.served for each in lives]
    assert (first.token_requests, first.served) == (1, half * REQUESTS)
    assert (served, [each.errors for each in lives]) == (
        [PROCESSES * REQUESTS] * len(lives),
        [{}] * len(lives),
    )
    # An old process may have begun before a new one brought the new grant.
    assert lives[0].token_requests <= 2
    assert [each.is_right() for each in lives[1:]] == [True] * (len(lives) - 1)
    assert world.token_requests(old) <= 2
    assert world.token_requests(new) == len(lives)


@pytest.mark.parametrize("twin", ["last writer wins", "without reservation"])
def test_without_a_reservation_or_compare_and_swap_each_process_sends_one(world, twin):
    """The control: the same round."""
    world.connect("owner")
    workers = world.workers(PROCESSES, policy=PATIENT, twin=twin)
    found = round_of(world, workers, "owner", meets=True)
    for worker in workers:
        worker.end()

    assert not found.is_right()
    assert found.token_requests == found.sending == PROCESSES


@pytest.mark.parametrize(
    ("misfortune", "error"), [("revoked", "ReauthorizationRequired"), ("throttled", "Throttled")]
)
def test_a_failure_that_one_process_met_keeps_the_others_from_asking(world, misfortune, error):
    refresh_token = world.connect("owner")
    if misfortune == "revoked":
        world.fake.revoke(refresh_token)
    else:
        world.fake.throttle()
    workers = world.workers(PROCESSES, policy=PATIENT)
    together = round_of(world, workers, "owner", meets=True)
    # Longer than a process believes its memory, and a process that has none.
    workers.append(world.worker())
    for worker in workers:
        worker.ask("owner", requests=1, advance=2.0)
    later = [worker.expect("done") for worker in workers]
    for worker in workers:
        worker.end()

    assert together.errors == {error: PROCESSES * (REQUESTS + 1)}
    assert [end["errors"] for end in later] == [{error: 2}] * (PROCESSES + 1)
    assert world.token_requests(refresh_token) == 1
