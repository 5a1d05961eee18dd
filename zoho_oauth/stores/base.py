"""
The contract of a token store: one short text per owner, and compare-and-swap.

A store does not know what the text says, has no lock, no lease, no clock and no expiry.
Anyone can write one in twenty lines; `zoho_oauth.testing.StoreContract` tests it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@frozen
class Record:
    """What a store holds for one owner: the text, and the version that the next save must name."""

    text: str = field(repr=False)
    version: str


class TokenStore(Protocol):
    """
    Keeps one text per owner.

    Two optional class attributes say where a store can be used: `process_local = True` (its contents are
    not shared with other processes) and `loop_bound = True` (its driver works in one event loop only, so
    sync clients cannot use it). Optional methods: `aclose()` and those of `ListsOwners`.
    """

    async def load(self, owner: str) -> Record | None:
        """What is stored for `owner`, or None."""
        ...

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        """
        Store `text` if the stored version is still `replacing`, and return the new version.

        `replacing=None` means that there must be no record. Returns None if someone was faster.
        A version is opaque and never used twice for an owner, not even after `delete`.
        """
        ...

    async def delete(self, owner: str) -> None:
        """Forget `owner`; no error if there was nothing."""
        ...


@runtime_checkable
class ListsOwners(Protocol):
    """A store that can also say whose records it holds."""

    def owners(self) -> AsyncIterator[str]:
        """Every owner with a record, in no order."""
        ...
