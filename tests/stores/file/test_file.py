"""What a file store is for everybody: the contract, threads, event loops and Windows."""

from __future__ import annotations

import errno
import os
import threading

import anyio
import anyio.to_thread
import pytest

from zoho_oauth.stores import FileStore, _disk
from zoho_oauth.stores.file import OwnerFile
from zoho_oauth.testing.store_contract import StoreContract

from .files import ON_POSIX, OWNER

pytestmark = ON_POSIX


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FileStore(tmp_path / "tokens")


# Threads and event loops


def test_one_store_serves_many_event_loops(store):
    async def replace(replacing):
        return await store.save(OWNER, "text", replacing=replacing)

    version = None
    for number in range(10):
        version = anyio.run(replace, version, backend=("asyncio", "trio")[number % 2])
        assert version


@pytest.mark.anyio
async def test_the_store_does_not_wait_for_other_peoples_threads(store):
    """Its thread limiter is its own; a call through the common one, the control, has to wait."""
    common = anyio.to_thread.current_default_thread_limiter()
    before, common.total_tokens = common.total_tokens, 1
    done = threading.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: anyio.to_thread.run_sync(done.wait, abandon_on_cancel=True))
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(0.2) as control:
                await anyio.to_thread.run_sync(int)
            with anyio.fail_after(5):
                assert await store.save(OWNER, "text", replacing=None)
            done.set()
    finally:
        done.set()
        common.total_tokens = before

    assert control.cancelled_caught


@pytest.mark.anyio
async def test_a_disk_that_hangs_does_not_hold_a_cancelled_caller(store, monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(OwnerFile, "load", lambda self: done.wait(20))
    try:
        with anyio.fail_after(5), anyio.move_on_after(0.05) as scope:
            await store.load(OWNER)
    finally:
        done.set()

    assert scope.cancelled_caught


# Replacing on Windows


def test_a_file_being_read_on_windows_is_replaced_a_moment_later(tmp_path, monkeypatch):
    refusals = iter([PermissionError(), PermissionError()])
    real = os.replace

    def refusing(*paths):
        for refusal in refusals:
            raise refusal
        real(*paths)

    monkeypatch.setattr(_disk, "_REPLACE_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(_disk.os, "replace", refusing)
    _disk.replace_file(str(tmp_path / "file"), memoryview(b"text"), draft=str(tmp_path / "draft"))

    assert (tmp_path / "file").read_bytes() == b"text"


def test_replacing_on_windows_is_not_tried_for_ever(tmp_path, monkeypatch):
    tries = []

    def refusing(*paths):
        tries.append(paths)
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(_disk, "_REPLACE_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(_disk.os, "replace", refusing)
    with pytest.raises(PermissionError):
        _disk.replace_file(str(tmp_path / "file"), memoryview(b"text"), draft=str(tmp_path / "draft"))

    assert len(tries) == 4
    assert os.listdir(tmp_path) == []
