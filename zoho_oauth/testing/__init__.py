"""
All of Zoho in one object, for tests that never leave the machine.

`FakeZoho` plays every accounts server and API gateway, `ManualClock` is its clock, `StoreContract` tests a
token store, `answers` and `faults` are what the fake can be told to say or do. Everything is loaded when it
is first asked for, because the pytest plugin makes every test run of every user import this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import answers, faults
    from ._clock import ManualClock
    from ._fake_zoho import FakeZoho
    from ._gates import Gate
    from ._records import Counters, TokenRequest
    from ._rules import Rules
    from .store_contract import StoreContract

__all__ = [
    "Counters",
    "FakeZoho",
    "Gate",
    "ManualClock",
    "Rules",
    "StoreContract",
    "TokenRequest",
    "answers",
    "faults",
]

_HOMES = {
    "Counters": "_records",
    "FakeZoho": "_fake_zoho",
    "Gate": "_gates",
    "ManualClock": "_clock",
    "Rules": "_rules",
    "StoreContract": "store_contract",
    "TokenRequest": "_records",
}
_MODULES = ("answers", "faults")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
