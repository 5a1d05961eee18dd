"""
`Records`: one owner's document in the store, with the store's faults turned into typed errors.

Rules for editors: no exception of a store's driver leaves this file, not even as a cause, since it may carry the
text; a document that the store did not take is kept in memory until it does; nothing here decides about tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import anyio
from attrs import frozen

from . import _held, _ledger, errors
from ._documents import read_document, with_seed, write_document
from ._setup import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._documents import Document
    from ._held import Entry, Kept
    from ._setup import Setup
    from .stores.base import Record

Answer = TypeVar("Answer")


@frozen
class Version:
    """What a save has to replace: the store's version, and what was kept in memory while the store was down."""

    stored: str | None
    kept: Kept | None = None


@frozen
class Stored:
    """A document, None if there is none, with its version."""

    document: Document | None
    version: Version


class Records:
    """Loads and saves one owner's document."""

    def __init__(self, setup: Setup, entry: Entry) -> None:
        self._setup = setup
        self._entry = entry

    async def load(self) -> Stored:
        """The owner's document, after the seed was looked at and what was kept in memory was saved."""
        try:
            stored = await self._settled(await self.stored())
        except errors.StoreUnavailable:
            if not self._may_degrade():
                raise
            stored = self._remembered()
        return Stored(self._seeded(stored.document), stored.version)

    async def stored(self) -> Stored:
        """What the store holds, and nothing else."""
        setup = self._setup
        record = await self._call(lambda: setup.store.load(setup.key))
        document = None if record is None else self._read(record)
        self._know(document)
        return Stored(document, Version(None if record is None else record.version))

    def _read(self, record: Record) -> Document:
        setup = self._setup
        document = read_document(record, client_id=setup.registration.client_id, owner=setup.owner)
        return _ledger.without_holders_but(document, _held.process()) if setup.process_local else document

    async def save(self, document: Document, *, replacing: Version) -> Version | None:
        """Save by compare-and-swap: the new version, or None if someone was faster."""
        if replacing.kept is not None:
            return self._kept(document, replacing)
        try:
            return await self.saved(document, replacing=replacing.stored)
        except errors.StoreUnavailable:
            if not self._may_degrade():
                raise
        return self._kept(document, replacing)

    async def saved(self, document: Document, *, replacing: str | None) -> Version | None:
        """Save to the store, whatever the policy says about a store that is down."""
        setup, text = self._setup, _Text(write_document(document))
        version = await self._call(lambda: setup.store.save(setup.key, text.text, replacing=replacing))
        if version is None:
            return await self._second_look(document, replacing)
        self._know(document)
        return Version(version)

    async def _second_look(self, document: Document, replacing: str | None) -> Version | None:
        """A lost swap, looked at again: the answer may have been lost and not the swap."""
        stored = await self.stored()
        if stored.document == document:
            return stored.version
        if stored.version.stored == replacing:
            raise self._unavailable("it took no save although nobody else saved; does it pass StoreContract?")
        return None

    def forget(self) -> None:
        """Forget what this process held."""
        self._entry.empty()

    def keep(self, document: Document, lineage: str) -> None:
        """Keep what the store did not take; the next load saves it by the conflict rules."""
        self._entry.keep(document, lineage, replacing=self._entry.kept)

    # --- while the store is down --------------------------------------------------------------------------

    def _may_degrade(self) -> bool:
        return self._setup.policy.store_down == "degrade"

    def _know(self, document: Document | None) -> None:
        if self._may_degrade():
            self._entry.known = document

    def _remembered(self) -> Stored:
        kept = self._entry.kept
        document = self._entry.known if kept is None else kept.document
        if document is None and self._setup.seed is None:
            raise self._unavailable("and this process knows nothing of the owner")
        log.warning("The token store is down; owner %s goes on by this process's memory.", self._setup.owner)
        return Stored(document, Version(None, kept))

    def _kept(self, document: Document, replacing: Version) -> Version | None:
        lineage = document.lineage if replacing.kept is None else replacing.kept.lineage
        kept = self._entry.keep(document, lineage, replacing=replacing.kept)
        return None if kept is None else Version(replacing.stored, kept)

    async def _settled(self, stored: Stored) -> Stored:
        while (kept := self._entry.kept) is not None:
            document = self._reconciled(kept, stored.document)
            if document is not None:
                version = await self.saved(document, replacing=stored.version.stored)
                if version is None:
                    stored = await self.stored()
                    continue
                stored = Stored(document, version)
            self._entry.settle(kept)
        return stored

    def _reconciled(self, kept: Kept, stored: Document | None) -> Document | None:
        if stored is None:
            return kept.document if self._setup.seed is not None else None
        return _ledger.merged(kept.document, stored, ()) if stored.lineage == kept.lineage else None

    # --- faults -------------------------------------------------------------------------------------------

    def _seeded(self, stored: Document | None) -> Document | None:
        setup = self._setup
        client_id = setup.registration.client_id
        return with_seed(stored, setup.seed, client_id=client_id, owner=setup.owner)

    async def _call(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        deadline = self._setup.policy.store_deadline
        try:
            with anyio.fail_after(deadline):
                return await call()
        except errors.ZohoOAuthError as error:
            typed: errors.ZohoOAuthError = error
        except TimeoutError:
            typed = self._unavailable(f"no answer in {deadline:g} s")
        except Exception as error:
            typed = self._unavailable(type(error).__name__)
        typed.owner = typed.owner or self._setup.owner
        typed.__cause__ = typed.__context__ = None
        raise typed.with_traceback(None)

    def _unavailable(self, reason: str) -> errors.StoreUnavailable:
        return errors.StoreUnavailable(
            f"The token store did not answer ({reason}).",
            owner=self._setup.owner,
            hint="Nothing is lost; see to the store and call again.",
        )


class _Text:
    """A stored text on its way to the store, out of reach of a traceback's locals."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
