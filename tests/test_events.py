"""What `on_event` is told."""

from __future__ import annotations

import json
import pickle
from typing import get_args

import attrs
import pytest
from attrs.exceptions import FrozenInstanceError

from zoho_oauth import Family, Meaning, Secret, Token, events

FACTS = {
    "owner": "customer-42",
    "data_center": "eu",
    "cause": "expired",
    "expires_at": 1_800_003_600.0,
    "seconds": 0.25,
    "error": "Throttled",
    "code": "Access Denied",
    "retry_at": 1_800_000_600.0,
    "host": "www.zohoapis.eu",
    "meaning": Meaning(family=Family.TOKEN, product="crm", code="INVALID_TOKEN", is_ambiguous=True),
}
PLAIN = {"str", "float", "bool", "str | None", "float | None"}
EVENTS = get_args(events.AnyEvent)


def made(event_class):
    return event_class(**{each.name: FACTS[each.name] for each in attrs.fields(event_class)})


def as_plain(event):
    """The event as a program writes it into JSON."""
    return attrs.asdict(
        event, value_serializer=lambda _, __, value: value.name if isinstance(value, Family) else value
    )


def test_every_event_of_the_module_is_in_the_union():
    defined = {
        value
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, events.Event)
    }

    assert set(EVENTS) == defined - {events.Event}


@pytest.mark.parametrize("event_class", EVENTS)
class TestEach:
    def test_it_says_whose_token_it_is_about(self, event_class):
        event = made(event_class)

        assert (event.owner, event.data_center) == ("customer-42", "eu")
        assert isinstance(event, events.Event)

    def test_it_is_frozen(self, event_class):
        with pytest.raises(FrozenInstanceError):
            made(event_class).owner = "another"

    def test_it_takes_names_only(self, event_class):
        with pytest.raises(TypeError):
            event_class("customer-42", "eu")

    def test_it_is_a_value_that_can_be_sent_elsewhere(self, event_class):
        event = made(event_class)

        assert pickle.loads(pickle.dumps(event)) == event
        assert hash(event) == hash(made(event_class))
        assert json.loads(json.dumps(as_plain(event))) == as_plain(event)

    def test_it_has_no_room_for_a_secret(self, event_class):
        # Read as text: the module's annotations are strings.
        kinds = {each.type for each in attrs.fields(event_class)}

        assert kinds <= {*PLAIN, "Meaning"}
        assert not any(
            word in each.name for each in attrs.fields(event_class) for word in ("token", "secret")
        )

    def test_it_has_a_docstring(self, event_class):
        assert event_class.__doc__


def test_a_meaning_has_no_room_for_a_secret_either():
    kinds = {each.type for each in attrs.fields(Meaning)}

    assert kinds - PLAIN == {"Family"}


def test_a_meaning_in_an_event_is_written_as_plain_data():
    written = as_plain(made(events.TokenRejected))["meaning"]

    assert (written["family"], written["product"], written["code"]) == ("TOKEN", "crm", "INVALID_TOKEN")


def test_a_wrapped_secret_in_an_event_would_not_show_either():
    token = Token(access_token=Secret("1000.fake-access-1"), expires_at=1.0, minted_at=0.0, data_center="us")

    assert "fake" not in repr(events.Event(owner=str(token), data_center="us"))
