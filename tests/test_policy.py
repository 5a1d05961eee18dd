"""The numbers of the life cycle, and how they hang together."""

from __future__ import annotations

import inspect
import math
import re
from pathlib import Path

import pytest
from attrs import fields
from attrs.exceptions import FrozenInstanceError

from zoho_oauth import RefreshPolicy, _policy, errors

SECONDS = ("early", "leeway", "send_deadline", "mint_window", "store_deadline")
DEFAULTS = {
    "early": 300,
    "leeway": 60,
    "send_deadline": 10,
    "mints": 8,
    "mint_window": 600,
    "store_deadline": 3,
    "store_down": "strict",
}


def test_the_defaults_are_the_documented_ones():
    policy = RefreshPolicy()

    assert {each.name: getattr(policy, each.name) for each in fields(RefreshPolicy)} == DEFAULTS


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [0, -1, math.inf, -math.inf, math.nan])
def test_seconds_are_positive_and_finite(name, value):
    with pytest.raises(errors.ConfigurationError, match=name):
        RefreshPolicy(**{name: value})


@pytest.mark.parametrize("name", [*SECONDS, "mints"])
@pytest.mark.parametrize("value", ["60", None, [1]])
def test_what_is_no_number_is_a_configuration_error(name, value):
    with pytest.raises(errors.ConfigurationError, match=name):
        RefreshPolicy(**{name: value})


@pytest.mark.parametrize("mints", [2, 1, 0, -1, 8.0, math.inf])
def test_mints_leave_room_for_rejections(mints):
    with pytest.raises(errors.ConfigurationError, match="mints"):
        RefreshPolicy(mints=mints)


@pytest.mark.parametrize("store_down", ["", "Strict", "ignore", None, True])
def test_only_the_two_ways_are_taken_when_the_store_is_down(store_down):
    with pytest.raises(errors.ConfigurationError, match="store_down"):
        RefreshPolicy(store_down=store_down)


@pytest.mark.parametrize(
    "policy", [{"store_down": "degrade"}, {"mints": 3}, {"early": 0.5}, {"leeway": 7200}]
)
def test_what_is_allowed_is_taken(policy):
    assert {name: getattr(RefreshPolicy(**policy), name) for name in policy} == policy


def test_it_is_frozen_and_takes_names_only():
    with pytest.raises(FrozenInstanceError):
        RefreshPolicy().early = 1
    with pytest.raises(TypeError):
        RefreshPolicy(300)


class TestNumbers:
    def test_the_jittered_early_window_stays_above_the_leeway(self):
        assert _policy.EARLY_SHARE * (1 - _policy.EARLY_JITTER) > _policy.LEEWAY_SHARE
        assert DEFAULTS["early"] * (1 - _policy.EARLY_JITTER) > DEFAULTS["leeway"]

    def test_the_budget_stays_below_zoho_s_ten(self):
        assert DEFAULTS["mints"] < 10
        assert DEFAULTS["mints"] > _policy.KEPT_FOR_EXPIRY

    def test_a_life_is_longer_than_a_window_of_the_budget(self):
        assert DEFAULTS["mint_window"] < _policy.DEFAULT_LIFE

    def test_pauses_and_back_offs_grow(self):
        assert 0 < _policy.FIRST_POLL < _policy.LONGEST_POLL < DEFAULTS["send_deadline"]
        assert 0 < _policy.FIRST_BACK_OFF < _policy.LONGEST_BACK_OFF
        assert _policy.LONGEST_BACK_OFF <= _policy.THROTTLE_COOL_DOWN <= _policy.LONGEST_RETRY_AFTER

    def test_each_has_its_reason(self):
        lines = Path(inspect.getfile(_policy)).read_text().splitlines()
        bare = [
            line
            for above, line in zip(["", *lines], lines, strict=False)
            if re.match(r"[A-Z_]+: Final", line)
            and not re.match(r"#:|[A-Z_]+: Final", above)
            and not above.startswith("#")
        ]

        assert bare == []
        assert sum(bool(re.match(r"[A-Z_]+: Final", line)) for line in lines) >= 15
