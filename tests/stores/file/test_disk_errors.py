"""Full and failing disks, and errors that carry no text."""

from __future__ import annotations

import errno
import json
import traceback

import pytest

from tests.stores.programs import run_program
from zoho_oauth import errors
from zoho_oauth.stores import _disk

from .files import ON_POSIX, OWNER, drafts_in, fail, write

pytestmark = ON_POSIX

CANARY = "canary-3b1f"


# Errors carry no text


def shown(error):
    """All that a crash reporter would send."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


async def error_of(action, *args, **named):
    try:
        await action(*args, **named)
    except errors.ZohoOAuthError as error:
        # Without this function's own frame, whose arguments are the test's.
        return error.with_traceback(error.__traceback__.tb_next)
    raise AssertionError("nothing was raised")


@pytest.mark.anyio
async def test_an_error_about_a_damaged_file_shows_nothing_of_it(store, file):
    write(file.path, json.dumps({"format": 1, "owner": OWNER, "text": CANARY})[:-1].encode())
    error = await error_of(store.load, OWNER)

    assert CANARY not in shown(error)
    assert error.__context__ is error.__cause__ is None


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
async def test_an_error_about_the_disk_shows_nothing_of_the_text(store, monkeypatch, call):
    fail(monkeypatch, call, errno.EIO)
    error = await error_of(store.save, OWNER, CANARY, replacing=None)

    assert isinstance(error, errors.StoreUnavailable)
    assert CANARY not in shown(error)
    assert error.__context__ is error.__cause__ is None


@pytest.mark.anyio
async def test_an_error_about_a_draft_shows_nothing_of_the_text(store, monkeypatch):
    def refuse(path, descriptor):
        if ".tmp-" in path:
            raise errors.ConfigurationError("refused")

    monkeypatch.setattr(_disk, "_check", refuse)
    error = await error_of(store.save, OWNER, CANARY, replacing=None)

    assert "refused" in shown(error)
    assert CANARY not in shown(error)


def test_a_plain_error_would_show_the_text():
    """The control for the three above."""
    text = json.dumps({"text": CANARY})[:-1]
    with pytest.raises(ValueError) as caught:
        json.loads(text)

    assert CANARY in shown(caught.value)


# Full and failing disks


@pytest.mark.anyio
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
async def test_a_failing_disk_leaves_the_old_file_and_no_draft(store, file, call, number):
    version = await store.save(OWNER, "old", replacing=None)
    with pytest.MonkeyPatch.context() as patch:
        fail(patch, call, number)
        with pytest.raises(errors.StoreUnavailable, match=file.name):
            await store.save(OWNER, "new", replacing=version)

    assert (await store.load(OWNER)).text == "old"
    assert drafts_in(file) == []
    assert await store.save(OWNER, "new", replacing=version)


FULL_DISK = """
import resource, sys
import anyio
from zoho_oauth import errors
from zoho_oauth.stores import FileStore

async def main(directory, plain):
    store = FileStore(directory)
    version = await store.save("owner", "old", replacing=None)
    open(plain, "w").write("old" * 100)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        await store.save("owner", "x" * 5000, replacing=version)
    except errors.StoreUnavailable:
        print("refused", (await store.load("owner")).text)
    try:
        with open(plain, "w") as file:
            file.write("x" * 5000)
    except OSError:
        print("plain", open(plain).read()[:3])

anyio.run(main, *sys.argv[1:])
"""


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """The control, `open(path, "w")`, has lost it."""
    lines = run_program(FULL_DISK, tmp_path / "tokens", tmp_path / "plain")

    assert lines == ["refused old", "plain xxx"]
    assert not list((tmp_path / "tokens" / ".writing").glob("*.tmp-*"))
