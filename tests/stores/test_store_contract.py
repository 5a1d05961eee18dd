"""The contract suite itself: stores that break one rule each, and the test that must notice."""

from __future__ import annotations

import inspect
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.lowlevel
import pytest

from zoho_oauth.stores import Record
from zoho_oauth.testing import store_contract
from zoho_oauth.testing.store_contract import StoreContract


class DictStore:
    """Keeps the contract in one event loop; each store below replaces one method by a wrong one."""

    loop_bound = True

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.numbers = itertools.count(1)

    async def load(self, owner: str) -> Record | None:
        return self.records.get(owner)

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        if self.version(owner) != replacing:
            return None
        return self.put(owner, text)

    async def delete(self, owner: str) -> None:
        self.records.pop(owner, None)

    async def owners(self) -> AsyncIterator[str]:
        for owner in list(self.records):
            yield owner

    def version(self, owner: str) -> str | None:
        record = self.records.get(owner)
        return record.version if record else None

    def put(self, owner: str, text: str) -> str:
        self.records[owner] = Record(text, str(next(self.numbers)))
        return self.records[owner].version


class IgnoresReplacing(DictStore):
    async def save(self, owner, text, *, replacing):
        return self.put(owner, text)


class OverwritesOnCreate(DictStore):
    async def save(self, owner, text, *, replacing):
        if replacing is not None and self.version(owner) != replacing:
            return None
        return self.put(owner, text)


class CreatesWhatIsMissing(DictStore):
    async def save(self, owner, text, *, replacing):
        if self.version(owner) not in (None, replacing):
            return None
        return self.put(owner, text)


class CountsFromOneAfterDelete(DictStore):
    def put(self, owner, text):
        self.records[owner] = Record(text, str(int(self.version(owner) or 0) + 1))
        return self.records[owner].version


class MakesVersionsFromTexts(DictStore):
    def put(self, owner, text):
        self.records[owner] = Record(text, f"{len(text)}{text[:9]}")
        return self.records[owner].version


class ReturnsTheOldVersion(DictStore):
    async def save(self, owner, text, *, replacing):
        saved = await super().save(owner, text, replacing=replacing)
        return replacing or saved if saved else None


class ReturnsTrue(DictStore):
    async def save(self, owner, text, *, replacing):
        return bool(await super().save(owner, text, replacing=replacing)) or None


class MixesUpNames(DictStore):
    async def load(self, owner):
        return await super().load(owner.casefold().strip())

    async def save(self, owner, text, *, replacing):
        return await super().save(owner.casefold().strip(), text, replacing=replacing)


class StripsTexts(DictStore):
    def put(self, owner, text):
        return super().put(owner, text.strip())


class LooksThenLeaps(DictStore):
    """Compares, lets others in, and then swaps."""

    async def save(self, owner, text, *, replacing):
        if self.version(owner) != replacing:
            return None
        await anyio.lowlevel.checkpoint()
        return self.put(owner, text)


class MissesDeletes(DictStore):
    async def delete(self, owner):
        del self.records[owner]


class ForgetsToDelete(DictStore):
    async def delete(self, owner):
        pass


class ListsTheDeleted(DictStore):
    def __init__(self):
        super().__init__()
        self.ever = set()

    def put(self, owner, text):
        self.ever.add(owner)
        return super().put(owner, text)

    async def owners(self):
        for owner in self.ever:
            yield owner


class KeepsItsLockWhenCancelled(DictStore):
    free = None

    async def save(self, owner, text, *, replacing):
        self.free = self.free or anyio.Semaphore(1)
        await self.free.acquire()
        await anyio.sleep(0.0005)
        self.free.release()
        return await super().save(owner, text, replacing=replacing)


BROKEN = {
    IgnoresReplacing: "test_a_stale_version_loses_and_changes_nothing",
    OverwritesOnCreate: "test_a_second_create_loses_and_changes_nothing",
    CreatesWhatIsMissing: "test_a_version_from_before_a_delete_loses",
    CountsFromOneAfterDelete: "test_versions_are_never_used_twice",
    MakesVersionsFromTexts: "test_the_same_text_gets_a_new_version",
    ReturnsTheOldVersion: "test_the_stored_version_can_be_replaced",
    ReturnsTrue: "test_a_first_save_creates_the_record",
    MixesUpNames: "test_awkward_owner_names_are_kept_apart",
    StripsTexts: "test_texts_come_back_as_they_were",
    LooksThenLeaps: "test_no_swap_is_lost_among_tasks",
    MissesDeletes: "test_deleting_twice_is_no_error",
    ForgetsToDelete: "test_a_deleted_record_is_gone",
    ListsTheDeleted: "test_owners_are_listed",
    KeepsItsLockWhenCancelled: "test_a_cancelled_save_leaves_the_store_usable",
}
FAILURES = (Exception, BaseExceptionGroup, pytest.fail.Exception)


def contract_tests() -> Iterator[tuple[str, dict[str, object]]]:
    """Every test of the suite, with the values of its table if it has one."""
    for name, test in inspect.getmembers(StoreContract, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        tables = [mark.args for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        for argument, values in tables or [(None, [None])]:
            for value in values:
                yield name, {argument: value} if argument else {}


async def fails(store: DictStore, name: str, given: dict[str, object], backend: str) -> bool:
    test = getattr(StoreContract(), name)
    offered = {
        "store": store,
        "owner": f"contract-{uuid.uuid4().hex}/customer",
        "anyio_backend_name": backend,
        **given,
    }
    try:
        await test(**{key: offered[key] for key in inspect.signature(test).parameters})
    except pytest.skip.Exception:
        return False
    except FAILURES:
        return True
    return False


@pytest.mark.anyio
@pytest.mark.parametrize("broken", BROKEN, ids=lambda store: store.__name__)
async def test_a_broken_store_is_found_out(broken, anyio_backend_name, monkeypatch):
    monkeypatch.setattr(store_contract, "PATIENCE", 0.5)

    found = {
        name for name, given in contract_tests() if await fails(broken(), name, given, anyio_backend_name)
    }

    assert BROKEN[broken] in found


@pytest.mark.anyio
async def test_a_store_that_keeps_the_contract_passes(anyio_backend_name):
    """The control: what fails above fails because of the one method that is wrong."""
    tests = list(contract_tests())

    found = [name for name, given in tests if await fails(DictStore(), name, given, anyio_backend_name)]

    assert len(tests) > len(BROKEN)
    assert found == []
