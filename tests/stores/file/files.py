"""What these tests share: an owner, what is on the disk, and a disk that fails."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from zoho_oauth.stores import _disk

OWNER = "client/customer"
NOBODY = 65534
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and flock")


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def drafts_in(file):
    return [name for name in os.listdir(workshop_of(file)) if ".tmp-" in name]


def workshop_of(file):
    return Path(file.directory) / ".writing"


def write(path, content):
    Path(path).write_bytes(content)


def read(path):
    return Path(path).read_bytes()


def fail(monkeypatch, call, number):
    """The next `os.<call>` on a file of the store fails."""
    real = getattr(os, call)

    def failing(first, *args, **named):
        if call in ("write", "fsync") or ".tmp-" in str(first):
            raise OSError(number, os.strerror(number))
        return real(first, *args, **named)

    monkeypatch.setattr(_disk.os, call, failing)
