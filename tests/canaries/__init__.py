"""
Secret canaries: secrets that can be told from all other text, and everything a program says, searched for them.

A canary is looked for as it is and URL-encoded, JSON-escaped, in Python's escapes, in hex and in base64 at each
alignment. The fake's tokens all begin alike, so their beginnings stand for all of them.
"""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
from attrs import define, field, frozen

#: Each character that an encoding might change is in it.
CLIENT_SECRET = 'hush-"/+&=\u00e9 9c417d2f0b8'
PROXY_PASSWORD = "hush-proxy-5e3a91"
CANARIES = {
    "client secret": CLIENT_SECRET,
    "proxy password": PROXY_PASSWORD,
    "access token": "1000.fake-access-",
    "refresh token": "1000.fake-refresh-",
}
LOGGERS = ("", "httpx", "httpcore", "h11", "hpack", "asyncio", "zoho_oauth", "anyio", "trio", "uvicorn")


def encodings(text: str) -> set[str]:
    """How `text` may look in a log."""
    raw = text.encode()
    found = {
        text,
        quote(text, safe=""),
        quote(text),
        quote_plus(text),
        json.dumps(text)[1:-1],
        repr(text)[1:-1],
    }
    found |= {ascii(text)[1:-1], repr(raw)[2:-1], raw.hex(), raw.hex().upper()}
    for shift in range(3):
        # Cut off what depends on the neighbours.
        whole = base64.b64encode(b"\x00" * shift + raw + b"\x00\x00").decode()
        begin, end = (shift * 8 + 5) // 6, (shift + len(raw)) * 8 // 6
        found |= {whole[begin:end], whole[begin:end].replace("+", "-").replace("/", "_")}
    return found


NEEDLES = [(name, each) for name, canary in CANARIES.items() for each in sorted(encodings(canary))]


def hits(text: str) -> set[str]:
    """Which canaries are in `text`."""
    return {name for name, needle in NEEDLES if needle in text}


class Wire:
    """Keeps a text that holds canaries out of the tests' own frames."""

    def __init__(self, text: str) -> None:
        self.text = text


@frozen
class Leak:
    """Where a canary was found."""

    sink: str
    place: str
    canaries: tuple[str, ...]


@define
class Sinks:
    """Everything that was said while it listened."""

    records: list[logging.LogRecord] = field(factory=list)
    warnings: list[Any] = field(factory=list)
    errors: list[BaseException] = field(factory=list)
    events: list[Any] = field(factory=list)
    objects: list[Any] = field(factory=list)
    printed: str = ""
    folder: Path | None = None
    stores: set[str] = field(factory=set)

    def leaks(self) -> list[Leak]:
        """Every leak, by sink."""
        found = [
            Leak(sink, place, tuple(sorted(hits(text)))) for sink, place, text in self._texts() if hits(text)
        ]
        return sorted(set(found), key=lambda leak: (leak.sink, leak.place))

    def _texts(self) -> Iterator[tuple[str, str, str]]:
        for record in self.records:
            yield "log", record.name, logged(record)
        for warning in self.warnings:
            yield "warning", warning.category.__name__, str(warning.message)
        for error in self.errors:
            yield from said_by(error)
        for event in self.events:
            yield "event", type(event).__name__, f"{event!r} {event} {_asdict(event)}"
            yield "pickle", type(event).__name__, _pickled(event)
        for each in self.objects:
            yield "repr", type(each).__name__, f"{each!r} {each} {getattr(each, '__dict__', '')}"
        yield "printed", "stdout and stderr", self.printed
        yield from self._files()

    def _files(self) -> Iterator[tuple[str, str, str]]:
        for path in sorted(self.folder.rglob("*")) if self.folder else ():
            if path.is_file() and path.name not in self.stores:
                yield "file", path.name, path.name + path.read_bytes().decode("utf-8", "backslashreplace")


def _asdict(event: object) -> str:
    return str(attrs.asdict(event)) if attrs.has(type(event)) else ""  # type: ignore[arg-type]


def logged(record: logging.LogRecord) -> str:
    """What any formatter could make of a log record."""
    text = logging.Formatter("%(name)s %(levelname)s %(message)s").format(record)
    return text + repr({name: value for name, value in vars(record).items() if name != "exc_info"})


def said_by(error: BaseException) -> Iterator[tuple[str, str, str]]:
    """Text, facts, pickle and frames of an error and of all that hangs on it."""
    for link in chain(error):
        name = type(link).__name__
        yield "error", name, f"{link!r} {link} {link.args!r} {vars(link)!r} {getattr(link, '__notes__', '')}"
        yield "pickle", name, _pickled(link)
        for frame, _ in traceback.walk_tb(link.__traceback__):
            yield from _locals(frame)
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    yield "traceback", type(error).__name__, "".join(lines)


def _pickled(value: object) -> str:
    try:
        return pickle.dumps(value, 0).decode("latin-1")
    except Exception as refusal:
        return repr(refusal)


def _locals(frame: FrameType) -> Iterator[tuple[str, str, str]]:
    place = f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_qualname}"
    for name, value in frame.f_locals.items():
        yield "frame", f"{place} {name}", _shown(value)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return type(error).__name__


def chain(error: BaseException) -> list[BaseException]:
    """The error, its causes, contexts, group members, and exceptions in args and attributes."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        link = queue.pop()
        if any(link is other for other in found):
            continue
        found.append(link)
        near = [link.__cause__, link.__context__, *link.args, *vars(link).values()]
        near += getattr(link, "exceptions", ())
        queue += [each for each in near if isinstance(each, BaseException)]
    return found


class _Listener(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@contextmanager
def listening(sinks: Sinks) -> Iterator[Sinks]:
    """All loggers at DEBUG and all warnings, until the end."""
    listener = _Listener(sinks.records)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    logging.getLogger().addHandler(listener)
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield sinks
            sinks.warnings.extend(caught)
    finally:
        logging.getLogger().removeHandler(listener)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
