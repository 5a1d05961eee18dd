"""
Private files in a private directory, safe from crashes and from neighbours.

Rules for editors:

1. Open first, then look at what was opened (`fstat`): a path can be exchanged between a look and the opening.
2. Follow no symbolic link, wait for no FIFO, share no inode with another name.
3. A file is never written to: a new one is written beside it, synced and put in its place.
4. Where something can raise, no local variable holds a stored text: tracebacks show locals. A `memoryview`
   shows nothing.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from zoho_oauth import errors

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("zoho_oauth")
Result = TypeVar("Result")

#: Without O_NONBLOCK, opening a FIFO waits for its other end. Windows has none of these but the last.
_CAREFUL: Final = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
#: What opening a link, a directory or a socket gives.
_NOT_A_FILE: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO, errno.ENOTDIR})
#: Windows refuses to replace a file that someone is reading, which takes microseconds.
_REPLACE_PAUSES: Final = (0.01, 0.02, 0.04, 0.08, 0.16) if sys.platform == "win32" else ()


def with_typed_errors(path: str, action: Callable[[], Result]) -> Result:
    """What `action` returns. An OSError becomes an error of this library that names the path."""
    try:
        return action()
    except OSError as error:
        problem = _typed(path, error)
    raise problem


def _typed(path: str, error: OSError) -> errors.ZohoOAuthError:
    named = error.filename or path
    if error.errno in _NOT_A_FILE:
        return _not_a_private_file(str(named), "it is not a regular file")
    if isinstance(error, PermissionError):
        return errors.ConfigurationError(
            f"{named}: {error.strerror}.", hint="Give this process the right to read and write there."
        )
    return errors.StoreUnavailable(
        f"{named}: {error.strerror}.", hint="Nothing was overwritten; see to the disk and try again."
    )


def _not_a_private_file(path: str, reason: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"{path} is not used: {reason}.", hint="Find out who put it there, then remove it."
    )


def prepare_directory(path: str) -> None:
    """Make `path` with mode 0700, parents too, unless it is there; refuse one that others can write to."""
    missing = []
    ancestor = path
    while not os.path.lexists(ancestor):
        missing.append(ancestor)
        ancestor = os.path.dirname(ancestor)
    for directory in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)
    reason = _why_unsafe(path)
    if reason:
        raise errors.ConfigurationError(
            f"{path} cannot hold tokens: {reason}.", hint="Name a directory that only this user can write to."
        )


def _why_unsafe(path: str) -> str | None:
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a directory"
    if sys.platform != "win32" and found.st_uid != os.geteuid():
        return "it belongs to another user"
    if sys.platform != "win32" and found.st_mode & 0o022:
        return f"others can write to it (mode {stat.S_IMODE(found.st_mode):04o})"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return "this process cannot write to it"
    return None


def open_checked(path: str, flags: int) -> int:
    """A descriptor of a regular file that is ours alone; created with mode 0600 if `flags` say so."""
    descriptor = os.open(path, flags | _CAREFUL, 0o600)
    try:
        _check(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise _not_a_private_file(path, "it is not a regular file")
    # 0 links: replaced since it was opened, which is no harm to a reader.
    if found.st_nlink > 1:
        raise _not_a_private_file(path, "it has a second name (hard link)")
    if sys.platform == "win32":
        return
    if found.st_uid != os.geteuid():
        raise _not_a_private_file(path, "it belongs to another user")
    if found.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
        log.warning(
            "%s had mode %04o and is now 0600: others could read it", path, stat.S_IMODE(found.st_mode)
        )


def read_file(path: str) -> bytes | None:
    """All of the file, or None if there is none."""
    try:
        descriptor = open_checked(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        return file.read()


def replace_file(path: str, content: memoryview, *, draft: str) -> None:
    """Put `content` at `path`, whole and lasting, or leave `path` as it was; `draft` must be a new name."""
    try:
        _write_new(draft, content)
        _put_in_place(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    sync_directory(os.path.dirname(path))


def _write_new(path: str, content: memoryview) -> None:
    descriptor = open_checked(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(draft: str, path: str) -> None:
    for pause in _REPLACE_PAUSES:
        with suppress(PermissionError):
            os.replace(draft, path)
            return
        time.sleep(pause)
    os.replace(draft, path)


def remove_file(path: str) -> None:
    """No file at `path`, lastingly; no error if there was none."""
    with suppress(FileNotFoundError):
        os.unlink(path)
        sync_directory(os.path.dirname(path))


def sync_directory(path: str) -> None:
    """Make names in `path` outlive a power cut; Windows has no such call."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
