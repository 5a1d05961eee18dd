"""The clock moves when the test says so."""

import pytest

from zoho_oauth._clock import SystemClock
from zoho_oauth.testing import ManualClock


def test_time_stands_still():
    clock = ManualClock(wall=100.0, monotonic=7.0)

    assert (100.0, 7.0) == (clock.wall(), clock.monotonic()) == (clock.wall(), clock.monotonic())


def test_advancing_moves_both_clocks():
    clock = ManualClock(wall=100.0, monotonic=7.0)
    clock.advance(2.5)

    assert (clock.wall(), clock.monotonic()) == (102.5, 9.5)


def test_the_wall_clock_jumps_alone():
    clock = ManualClock(wall=100.0, monotonic=7.0)
    clock.set_wall(1.0)

    assert (clock.wall(), clock.monotonic()) == (1.0, 7.0)


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="set_wall"):
        ManualClock().advance(-1)


def test_jitter_is_the_same_in_every_run():
    first, second, other = ManualClock(seed=1), ManualClock(seed=1), ManualClock(seed=2)
    series = [first.jitter() for _ in range(5)]

    assert series == [second.jitter() for _ in range(5)]
    assert series != [other.jitter() for _ in range(5)]
    assert all(0 <= jitter < 1 for jitter in series)


def test_it_can_follow_another_clock_and_still_be_moved():
    followed = ManualClock(wall=50.0, monotonic=5.0)
    clock = ManualClock(wall=100.0, monotonic=7.0, follows=followed)
    followed.advance(1)
    clock.advance(10)
    clock.set_wall(clock.wall() + 1000)
    followed.advance(1)

    assert (clock.wall(), clock.monotonic()) == (1112.0, 19.0)


def test_it_can_follow_the_machines_clock():
    system = SystemClock()
    before = system.monotonic()
    clock = ManualClock(monotonic=0.0, follows=system)

    assert 0 <= clock.monotonic() <= system.monotonic() - before
