"""`FileStore`: one private file per owner in a directory, for one host."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from attrs import frozen

from zoho_oauth import errors

from . import _disk, _locks
from .base import Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Result = TypeVar("Result")

#: Raised when a file's shape changes; a file with a higher number is refused, never overwritten.
FORMAT: Final = 1
#: Disk work is short, and more threads would only wait for the same disk.
THREADS: Final = 8
#: Seconds between two tries for a lock: from well below one synced write to a few of them.
FIRST_PAUSE: Final = 0.002
LONGEST_PAUSE: Final = 0.05
#: Owners read in one thread call, so that a long listing lets others in between.
LISTED_AT_ONCE: Final = 100

_NAME: Final = re.compile(r".*-[0-9a-f]{32}\.json")
_threads: RunVar[anyio.CapacityLimiter] = RunVar("zoho_oauth.stores.file")


class FileStore:
    """
    Keeps each owner's text in a file of its own below `path`, shared by every process of this host.

    One file per owner, because then owners do not wait for each other, a damaged file hurts one owner only,
    and a save writes one text, not all. Files have mode 0600 and are replaced whole; the directory is made
    with 0700 and refused if others can write to it (`ConfigurationError`). `~` is expanded.

    Local disks only: network file systems do not keep the promises of `flock` and rename.

    A cancelled `save` may or may not have happened, or happen a moment later; the next one finds out.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if not os.fspath(path):
            raise errors.ConfigurationError("FileStore(''): name a directory.")
        self._directory = os.path.realpath(os.path.expanduser(path))
        for directory in (self._directory, _workshop(self._directory)):
            _disk.with_typed_errors(directory, partial(_disk.prepare_directory, directory))

    def __repr__(self) -> str:
        return f"FileStore({self._directory!r})"

    async def load(self, owner: str) -> Record | None:
        """What is stored for `owner`, or None; `StoreCorrupted` if the file cannot be understood."""
        file = OwnerFile(self._directory, owner)
        return await _in_thread(file.path, file.load)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        """Store `text` if the version is still `replacing`; the new version, or None: someone was faster."""
        record = Record(text, os.urandom(16).hex())
        del text
        file = OwnerFile(self._directory, owner)
        swapped = await _exclusively(file, partial(file.swap, record, replacing))
        return record.version if swapped else None

    async def delete(self, owner: str) -> None:
        """Remove the owner's file and what a killed writer may have left of it; no error if there is none."""
        file = OwnerFile(self._directory, owner)
        await _exclusively(file, file.delete)

    async def owners(self) -> AsyncIterator[str]:
        """Every owner with a readable file; one that cannot be read is logged and left out."""
        names = await _in_thread(self._directory, partial(_names, self._directory))
        for start in range(0, len(names), LISTED_AT_ONCE):
            some = names[start : start + LISTED_AT_ONCE]
            for owner in await _in_thread(self._directory, partial(_owners_of, self._directory, some)):
                yield owner


@frozen
class OwnerFile:
    """One owner's file. Every method is short, blocks, and belongs in a worker thread."""

    directory: str
    owner: str

    @property
    def _digest(self) -> str:
        return hashlib.sha256(self.owner.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    @property
    def name(self) -> str:
        """The digest tells owners apart; what stands before it is for people who look into the directory."""
        readable = re.sub(r"[^A-Za-z0-9._-]", "_", self.owner).lstrip(".")[:80]
        return f"{readable}-{self._digest}.json"

    @property
    def path(self) -> str:
        """Where the text is."""
        return os.path.join(self.directory, self.name)

    @property
    def lock(self) -> str:
        """
        One of 256 lock files, never deleted.

        Deleting a lock file is never safe, and one per owner would stay for every owner there ever was.
        Sharing is harmless: the lock is held for one small synced write.
        """
        return os.path.join(_workshop(self.directory), f"{self._digest[:2]}.lock")

    def load(self) -> Record | None:
        """The record, checked to be this owner's."""
        stored = _read(self.path)
        if stored is None:
            # A directory that was unmounted or removed is not an empty store.
            os.stat(_workshop(self.directory))
            return None
        if stored.owner != self.owner:
            raise errors.ForeignDocument(
                f"{self.path} holds another owner's record.",
                owner=self.owner,
                hint="Was it copied or renamed?",
            )
        return stored.record

    def swap(self, record: Record, replacing: str | None) -> bool:
        """Under the lock: replace the version `replacing` by `record`, or return False."""
        found = self.load()
        if (found.version if found else None) != replacing:
            return False
        self._sweep()
        draft = os.path.join(_workshop(self.directory), f"{self.name}.tmp-{os.urandom(8).hex()}")
        _disk.replace_file(self.path, memoryview(_encode(self.owner, record)), draft=draft)
        return True

    def delete(self) -> None:
        """Under the lock: remove the file, and drafts that a killed writer left."""
        self._sweep()
        _disk.remove_file(self.path)

    def _sweep(self) -> None:
        """Remove drafts that belong to this lock: this caller holds it, so whoever wrote them is dead."""
        drafts = re.compile(rf".*-{self._digest[:2]}[0-9a-f]{{30}}\.json\.tmp-[0-9a-f]{{16}}")
        with os.scandir(_workshop(self.directory)) as entries:
            for entry in filter(lambda entry: drafts.fullmatch(entry.name), entries):
                with suppress(OSError):
                    os.unlink(entry.path)


@frozen
class _Stored:
    owner: str
    record: Record


def _workshop(directory: str) -> str:
    """Locks and unfinished files: apart from the rest, so that sweeping does not list every owner."""
    return os.path.join(directory, ".writing")


def _encode(owner: str, record: Record) -> bytes:
    fields = {"format": FORMAT, "owner": owner, "version": record.version, "text": record.text}
    return json.dumps(fields).encode("ascii")


def _decode(content: bytes) -> _Stored | type[errors.MustReconfigure]:
    """What the file says, or the error to raise: JSON's own errors carry the whole text."""
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return errors.StoreCorrupted
    match fields:
        case {"format": 1, "owner": str(owner), "version": str(version), "text": str(text)} if version:
            return _Stored(owner, Record(text, version))
        case {"format": int(number)} if number > FORMAT:
            return errors.DocumentTooNew
    return errors.StoreCorrupted


def _read(path: str) -> _Stored | None:
    content = _disk.read_file(path)
    if content is None:
        return None
    found = _decode(content)
    del content
    if isinstance(found, _Stored):
        return found
    if found is errors.DocumentTooNew:
        raise found(f"{path} was written by a newer version.", hint="Update zoho-oauth in this process.")
    raise found(f"{path} cannot be read.", hint="Restore it, or delete it and connect this owner again.")


def _names(directory: str) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries if _NAME.fullmatch(entry.name)]


def _owners_of(directory: str, names: list[str]) -> list[str]:
    found = (_owner_of(directory, name) for name in names)
    return [owner for owner in found if owner is not None]


def _owner_of(directory: str, name: str) -> str | None:
    path = os.path.join(directory, name)
    try:
        stored = _disk.with_typed_errors(path, partial(_read, path))
    except errors.MustReconfigure as problem:
        _disk.log.warning("left out of the listing: %s", problem)
        return None
    if stored is None or OwnerFile(directory, stored.owner).name != name:
        return None
    return stored.owner


async def _exclusively(file: OwnerFile, action: Callable[[], Result]) -> Result:
    """Take the lock, act and let go in one thread call, as often as it takes; nothing is held in between."""
    pause = FIRST_PAUSE
    while True:
        with suppress(_locks.Busy):
            return await _in_thread(file.path, partial(_under_lock, file.lock, action))
        await anyio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _under_lock(lock: str, action: Callable[[], Result]) -> Result:
    with _locks.exclusive(lock):
        return action()


async def _in_thread(path: str, action: Callable[[], Result]) -> Result:
    """Run `action` in a worker thread. A cancelled caller leaves at once; the thread ends by itself."""
    limiter = _threads.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(THREADS)
        _threads.set(limiter)
    call = partial(_disk.with_typed_errors, path, action)
    return await anyio.to_thread.run_sync(call, limiter=limiter, abandon_on_cancel=True)
