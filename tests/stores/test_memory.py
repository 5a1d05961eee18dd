from __future__ import annotations

import sys
import tracemalloc

import anyio
import pytest

from tests.scale import count
from tests.stores.programs import run_program
from zoho_oauth.stores import MemoryStore
from zoho_oauth.testing.store_contract import StoreContract

FORK_WHILE_ANOTHER_THREAD_HOLDS_THE_MUTEX = """
import os, signal, sys, threading
import anyio
from zoho_oauth.stores import MemoryStore, memory

if sys.argv[1] == "broken":
    mutex = memory._mutex
    os.register_at_fork(after_in_child=lambda: setattr(memory, "_mutex", mutex))

held, done = threading.Event(), threading.Event()

def hold():
    with memory._mutex:
        held.set()
        done.wait()

thread = threading.Thread(target=hold)
thread.start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(2)
    anyio.run(lambda: MemoryStore().save("owner", "text", replacing=None))
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
done.set()
thread.join()
print("saved" if status == 0 else "hung")
"""


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()


@pytest.mark.anyio
async def test_a_text_is_kept_without_a_copy():
    store = MemoryStore()
    text = "".join(("a", "text"))
    await store.save("owner", text, replacing=None)

    assert (await store.load("owner")).text is text


@pytest.mark.anyio
async def test_an_owner_costs_less_than_half_a_kilobyte():
    """100,000 owners: under 50 MB beside their names and texts."""
    owners = [f"client/customer-{number}" for number in range(count(100_000))]
    store = MemoryStore()
    tracemalloc.start()
    try:
        for owner in owners:
            await store.save(owner, "text", replacing=None)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(owners) >= 10_000
    assert used / len(owners) < 512


def test_one_store_serves_many_event_loops():
    store = MemoryStore()

    async def replace(replacing):
        return await store.save("owner", "text", replacing=replacing)

    version = None
    for number in range(20):
        version = anyio.run(replace, version, backend=("asyncio", "trio")[number % 2])
        assert version


@pytest.mark.anyio
async def test_listing_goes_on_while_owners_come_and_go():
    store = MemoryStore()
    for owner in "abc":
        await store.save(owner, "text", replacing=None)

    found = []
    async for owner in store.owners():
        found.append(owner)
        await store.delete("c")
        await store.save(f"new {owner}", "text", replacing=None)

    assert found == ["a", "b", "c"]


def test_it_says_that_it_is_not_shared_between_processes():
    assert MemoryStore.process_local


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize(("variant", "outcome"), [("ours", "saved"), ("broken", "hung")])
def test_a_forked_child_is_not_stopped_by_a_mutex_held_in_the_parent(variant, outcome):
    """The control keeps the parent's mutex in the child, where nobody releases it."""
    assert run_program(FORK_WHILE_ANOTHER_THREAD_HOLDS_THE_MUTEX, variant) == [outcome]
