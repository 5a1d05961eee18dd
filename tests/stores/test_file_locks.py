"""The lock of the file store: who has it, and who must never have it."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import importlib.util
import os
import sys
import threading
from types import ModuleType

import anyio
import anyio.to_thread
import pytest

from tests.stores.programs import run_program
from zoho_oauth.stores import FileStore, Record, _locks
from zoho_oauth.stores.file import OwnerFile

OWNER = "client/customer"

TRY = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        getattr(fcntl, sys.argv[2])(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("busy")
    else:
        print("free")
"""

KILL_A_HOLDER_WHO_HAS_FORKED = """
import os, signal, sys, threading, time
from zoho_oauth.stores import _locks

path, variant = sys.argv[1:]
if variant == "broken":
    # The hooks find nothing to close.
    _locks._descriptors = type("Forgets", (set,), {"add": lambda self, descriptor: None})()

holder = os.fork()
if not holder:
    held = threading.Event()

    def hold():
        with _locks.exclusive(path):
            held.set()
            time.sleep(60)

    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"here")
        time.sleep(60)
    os.read(reader, 4)
    with open(path + ".child", "w") as file:
        file.write(str(child))
    os.kill(os.getpid(), signal.SIGKILL)

os.waitpid(holder, 0)
try:
    with _locks.exclusive(path):
        print("free")
except _locks.Busy:
    print("busy")
os.kill(int(open(path + ".child").read()), signal.SIGKILL)
"""


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "tokens")


@pytest.fixture
def file(store, tmp_path):
    return OwnerFile(str(tmp_path / "tokens"), OWNER)


def is_free(path):
    try:
        with _locks.exclusive(path):
            return True
    except _locks.Busy:
        return False


def try_flock(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# Holding


def test_one_at_a_time_holds_the_lock(file):
    with _locks.exclusive(file.lock):
        assert not is_free(file.lock)
    assert is_free(file.lock)


def test_the_lock_is_let_go_after_an_error(file):
    with pytest.raises(KeyError), _locks.exclusive(file.lock):
        raise KeyError
    assert is_free(file.lock)
    assert not _locks._descriptors


def test_the_lock_is_let_go_even_if_somebody_else_has_the_open_file(file):
    """A child that was started without Python's fork hooks, for instance."""
    with _locks.exclusive(file.lock):
        (descriptor,) = _locks._descriptors
        copy = os.dup(descriptor)
    try:
        assert is_free(file.lock)
    finally:
        os.close(copy)


def test_another_process_finds_it_taken(file):
    with _locks.exclusive(file.lock):
        assert run_program(TRY, file.lock, "flock") == ["busy"]
    assert run_program(TRY, file.lock, "flock") == ["free"]


def test_replacing_the_file_does_not_give_the_lock_away(file):
    with _locks.exclusive(file.lock):
        assert file.swap(Record("text", "1"), None)
        assert not is_free(file.lock)


def test_a_lock_on_the_file_itself_is_given_away_by_replacing_it(tmp_path):
    """The control: the lock stays with the old inode."""
    (tmp_path / "file").touch()
    (tmp_path / "new").touch()
    with open(tmp_path / "file") as first:
        assert try_flock(first)
        os.replace(tmp_path / "new", tmp_path / "file")
        with open(tmp_path / "file") as second:
            assert try_flock(second)


def test_closing_another_descriptor_does_not_give_the_lock_away(file):
    with _locks.exclusive(file.lock):
        open(file.lock).close()
        assert run_program(TRY, file.lock, "flock") == ["busy"]


def test_lockf_is_given_away_by_closing_another_descriptor(tmp_path):
    """The control: that is what POSIX says."""
    path = tmp_path / "lock"
    with open(path, "w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        assert run_program(TRY, path, "lockf") == ["busy"]
        open(path).close()
        assert run_program(TRY, path, "lockf") == ["free"]


def test_lock_files_are_at_most_256_and_stay(tmp_path):
    locks = {OwnerFile(str(tmp_path), f"client/{number}").lock for number in range(5000)}

    assert len(locks) == 256


@pytest.mark.anyio
async def test_deleting_an_owner_leaves_the_lock_file(store, file):
    await store.save(OWNER, "text", replacing=None)
    await store.delete(OWNER)

    assert os.listdir(os.path.join(file.directory, ".writing")) == [os.path.basename(file.lock)]


# Forks


@pytest.mark.parametrize(("variant", "outcome"), [("ours", "free"), ("broken", "busy")])
def test_a_forked_child_does_not_keep_the_lock_of_a_killed_parent(tmp_path, variant, outcome):
    """The control does not close its copy of the open file in the child."""
    assert run_program(KILL_A_HOLDER_WHO_HAS_FORKED, tmp_path / "lock", variant) == [outcome]


# Waiting


@pytest.fixture
def tries(monkeypatch):
    """One entry for each try of the lock."""
    made = []
    real = _locks._try_lock

    def counting(descriptor):
        made.append(descriptor)
        return real(descriptor)

    monkeypatch.setattr(_locks, "_try_lock", counting)
    return made


async def until(condition):
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 -- the event happens in a thread
            await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_a_cancelled_waiter_never_takes_the_lock(store, file, tries):
    with _locks.exclusive(file.lock):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: store.save(OWNER, "cancelled", replacing=None))
            await until(lambda: len(tries) > 3)
            tasks.cancel_scope.cancel()

    with anyio.fail_after(5):
        assert await store.save(OWNER, "text", replacing=None)
    assert is_free(file.lock)


@pytest.mark.asyncio
async def test_a_natively_cancelled_waiter_never_takes_the_lock(store, file, tries):
    with _locks.exclusive(file.lock):
        task = asyncio.create_task(store.save(OWNER, "cancelled", replacing=None))
        await until(lambda: len(tries) > 3)
        task.cancel()
        await asyncio.wait([task])

    with anyio.fail_after(5):
        assert await store.save(OWNER, "text", replacing=None)
    assert is_free(file.lock)


@pytest.mark.anyio
async def test_a_waiter_in_a_thread_takes_the_lock_after_it_was_cancelled(file):
    """The control: nobody is left to let it go."""
    started, taken = threading.Event(), threading.Event()

    def wait_for_lock():
        started.set()
        fcntl.flock(waiting, fcntl.LOCK_EX)
        taken.set()

    with _locks.exclusive(file.lock), anyio.move_on_after(5) as scope:
        waiting = os.open(file.lock, os.O_RDWR)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: anyio.to_thread.run_sync(wait_for_lock, abandon_on_cancel=True))
            await until(started.is_set)
            tasks.cancel_scope.cancel()
    try:
        await until(taken.is_set)
        assert not scope.cancelled_caught
        assert not is_free(file.lock)
    finally:
        os.close(waiting)


@pytest.mark.anyio
async def test_a_lock_that_is_held_delays_only_owners_that_share_it(store, file, tries):
    async with anyio.create_task_group() as tasks:
        with _locks.exclusive(file.lock):
            tasks.start_soon(lambda: store.save(OWNER, "text", replacing=None))
            await until(lambda: len(tries) > 3)
            with anyio.fail_after(5):
                assert await store.save("client/another", "text", replacing=None)
            assert await store.load(OWNER) is None
            tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_reading_does_not_wait_for_the_lock(store, file):
    await store.save(OWNER, "text", replacing=None)

    with _locks.exclusive(file.lock), anyio.fail_after(5):
        assert (await store.load(OWNER)).text == "text"


# Windows


class StandInMsvcrt(ModuleType):
    """`msvcrt.locking` as documented: a byte range from the current position, refused with EACCES."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self):
        super().__init__("msvcrt")
        self.held = {}

    def locking(self, descriptor, mode, length):
        start = os.lseek(descriptor, 0, os.SEEK_CUR)
        region = (os.fstat(descriptor).st_ino, start, length)
        if mode == self.LK_UNLCK:
            assert self.held.pop(region) == descriptor
        elif region in self.held:
            raise PermissionError(errno.EACCES, "locked")
        else:
            self.held[region] = descriptor


@pytest.fixture
def windows_locks(monkeypatch):
    """The lock module as Windows would import it."""
    monkeypatch.setitem(sys.modules, "msvcrt", StandInMsvcrt())
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("zoho_oauth.stores._locks", _locks.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_on_windows_one_at_a_time_holds_the_lock(windows_locks, tmp_path):
    path = str(tmp_path / "lock")
    with windows_locks.exclusive(path), pytest.raises(windows_locks.Busy), windows_locks.exclusive(path):
        pass
    with windows_locks.exclusive(path):
        assert len(windows_locks.msvcrt.held) == 1
    assert not windows_locks.msvcrt.held
