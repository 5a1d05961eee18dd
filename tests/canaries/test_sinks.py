"""The controls: a planted leak is found in every sink and in every encoding."""

from __future__ import annotations

import base64
import json
import logging
import sys
import warnings
from urllib.parse import quote, urlencode

import pytest

from tests.canaries import CANARIES, CLIENT_SECRET, Sinks, hits, listening
from zoho_oauth import Family, Meaning, events

TOKEN = "1000.fake-access-17-0a1b"


def in_sink(sink, sinks):
    found = {leak.sink for leak in sinks.leaks()}
    assert sink in found
    return found


@pytest.mark.parametrize(
    "logger", ["", "httpx", "httpcore.http11", "h11", "hpack.hpack", "asyncio", "zoho_oauth"]
)
@pytest.mark.parametrize("way", ["message", "args", "extra", "exception"])
def test_a_leak_in_a_log_is_found(logger, way):
    log = logging.getLogger(logger)
    with listening(Sinks()) as sinks:
        if way == "message":
            log.debug(f"sending {CLIENT_SECRET}")
        elif way == "args":
            log.debug("sending %s", {"token": TOKEN})
        elif way == "extra":
            log.debug("sending", extra={"token": TOKEN})
        else:
            try:
                raise ValueError(TOKEN)
            except ValueError:
                log.exception("failed")

    in_sink("log", sinks)


def test_nothing_is_found_where_nothing_is_said():
    with listening(Sinks()) as sinks:
        logging.getLogger("httpx").debug("HTTP Request: POST https://accounts.zoho.eu/oauth/v2/token")

    assert len(sinks.records) == 1
    assert sinks.leaks() == []


def test_a_leak_in_a_warning_is_found():
    with listening(Sinks()) as sinks:
        warnings.warn(f"this is {TOKEN}", stacklevel=1)

    in_sink("warning", sinks)


def raised(error, cause=None):
    try:
        raise error from cause
    except Exception as caught:
        return caught


def with_note(error):
    error.add_note(TOKEN)
    return error


def with_attribute(error):
    error.request = TOKEN
    return error


ERRORS = {
    "args": lambda: ValueError(TOKEN),
    "args of the cause": lambda: raised(ValueError("x"), KeyError(TOKEN)),
    "an error in args": lambda: ValueError(ValueError(TOKEN)),
    "an attribute": lambda: with_attribute(ValueError("x")),
    "a note": lambda: with_note(ValueError("x")),
    "a group": lambda: ExceptionGroup("x", [ValueError(TOKEN)]),
}


@pytest.mark.parametrize("way", ERRORS)
def test_a_leak_in_an_error_is_found(way):
    found = in_sink("error", Sinks(errors=[ERRORS[way]()]))

    assert "pickle" in found or way in ("args of the cause",)


def failing():
    header = f"Zoho-oauthtoken {TOKEN}"
    raise ValueError(len(header))


def test_a_leak_in_a_frame_is_found_and_named():
    try:
        failing()
    except ValueError as error:
        sinks = Sinks(errors=[error])

    assert {"frame", "traceback"} <= in_sink("frame", sinks)
    assert "test_sinks.py:failing header" in {leak.place for leak in sinks.leaks()}


def test_a_leak_in_an_event_is_found():
    assert "pickle" in in_sink("event", Sinks(events=[events.Event(owner=TOKEN, data_center="us")]))


@pytest.mark.parametrize("place", ["code", "hint", "product"])
def test_a_leak_in_the_meaning_of_an_event_is_found(place):
    meaning = Meaning(family=Family.TOKEN, **{place: TOKEN})
    event = events.TokenRejected(owner="a", data_center="us", host="b", meaning=meaning)

    assert "pickle" in in_sink("event", Sinks(events=[event]))


def test_a_leak_in_a_repr_is_found():
    in_sink("repr", Sinks(objects=[{"token": TOKEN}]))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_leak_that_is_printed_is_found(stream, capfd):
    print(TOKEN, file=getattr(sys, stream))

    in_sink("printed", Sinks(printed="".join(capfd.readouterr())))


@pytest.mark.parametrize("name", ["record.lock", "record.tmp", f"{TOKEN}.txt"])
def test_a_leak_in_a_file_or_in_its_name_is_found(name, tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / name).write_text("" if TOKEN in name else json.dumps({"token": TOKEN}))
    (tmp_path / "record.json").write_text(TOKEN)
    sinks = Sinks(folder=tmp_path, stores={"record.json"})

    in_sink("file", sinks)
    assert {leak.place for leak in sinks.leaks()} == {name}


ENCODERS = {
    "plain": str,
    "quoted": lambda text: quote(text, safe=""),
    "form": lambda text: urlencode({"client_secret": text}),
    "json": json.dumps,
    "repr": repr,
    "bytes": lambda text: repr(text.encode()),
    "hex": lambda text: text.encode().hex(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 + 1": lambda text: base64.b64encode(b"x" + text.encode()).decode(),
    "base64 + 2": lambda text: base64.b64encode(b"id" + text.encode()).decode(),
    "basic": lambda text: base64.urlsafe_b64encode(b"1000.CLIENT:" + text.encode()).decode(),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", CANARIES)
def test_a_canary_is_found_in_every_encoding(encoder, name):
    assert hits(f"before {ENCODERS[encoder](CANARIES[name] + '42')} after") == {name}
