"""
A lock between threads and processes, on a file of its own.

Rules for editors:

1. Never lock a file that is ever replaced or deleted: the lock stays with the old
   inode, and the next comer gets one too.
2. Never `fcntl.lockf`: closing any descriptor of the same file, anywhere in the process, silently drops it.
3. Never wait for the lock in a thread: a cancelled caller would leave a thread that takes it for nobody.
4. Let go with an explicit unlock: a forked child shares the open file, and closing alone would not free it.
5. A child forked meanwhile closes its copies: if the parent is killed, the lock must not live on in the
   child. Opening and closing are done under a mutex that a fork takes, so that no descriptor is missed.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ._disk import open_checked

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class Busy(Exception):
    """Someone else holds the lock; try again a little later."""


@contextmanager
def exclusive(path: str) -> Iterator[None]:
    """Hold the lock on the file `path`, made if it is missing; raise `Busy` at once if it is taken."""
    descriptor = _open(path)
    try:
        if not _try_lock(descriptor):
            raise Busy
        try:
            yield
        finally:
            _unlock(descriptor)
    finally:
        _close(descriptor)


_mutex = threading.Lock()
_descriptors: set[int] = set()


def _open(path: str) -> int:
    with _mutex:
        descriptor = open_checked(path, os.O_RDWR | os.O_CREAT)
        _descriptors.add(descriptor)
        return descriptor


def _close(descriptor: int) -> None:
    with _mutex:
        _descriptors.discard(descriptor)
        os.close(descriptor)


def _before_fork() -> None:
    _mutex.acquire()


def _after_fork_in_parent() -> None:
    _mutex.release()


def _after_fork_in_child() -> None:
    global _mutex
    _mutex = threading.Lock()
    while _descriptors:
        with suppress(OSError):
            os.close(_descriptors.pop())


if sys.platform != "win32":
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
