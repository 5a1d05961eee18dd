"""The directory of a file store: private, ours, and no link."""

from __future__ import annotations

import os
import tempfile

import pytest

from tests.stores.programs import run_program
from zoho_oauth import errors
from zoho_oauth.stores import FileStore

from .files import NOBODY, ON_POSIX, OWNER, mode_of

pytestmark = ON_POSIX


def test_the_directory_is_made_private_with_its_parents(tmp_path):
    before = os.umask(0)
    try:
        FileStore(tmp_path / "a" / "b")
    finally:
        os.umask(before)

    assert [mode_of(tmp_path / path) for path in ("a", "a/b", "a/b/.writing")] == [0o700] * 3


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
@pytest.mark.parametrize("below", [".", ".writing"])
def test_a_directory_that_others_can_write_to_is_refused(tmp_path, mode, below):
    FileStore(tmp_path / "tokens")
    (tmp_path / "tokens" / below).chmod(mode)

    with pytest.raises(errors.ConfigurationError, match="others can write"):
        FileStore(tmp_path / "tokens")


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_directory_that_only_we_can_write_to_is_used(tmp_path, mode):
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens").chmod(mode)

    FileStore(tmp_path / "tokens")


def test_a_sticky_parent_is_no_hindrance(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)

    FileStore(tmp_path / "shared" / "tokens")


def test_a_file_in_place_of_the_directory_is_refused(tmp_path):
    (tmp_path / "tokens").touch()

    with pytest.raises(errors.ConfigurationError, match="not a directory"):
        FileStore(tmp_path / "tokens")


def test_a_link_in_place_of_the_workshop_is_refused(tmp_path):
    (tmp_path / "tokens").mkdir(mode=0o700)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "tokens" / ".writing").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(errors.ConfigurationError, match="not a directory"):
        FileStore(tmp_path / "tokens")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_a_directory_of_another_user_is_refused(tmp_path):
    (tmp_path / "tokens").mkdir(mode=0o700)
    os.chown(tmp_path / "tokens", NOBODY, NOBODY)

    with pytest.raises(errors.ConfigurationError, match="another user"):
        FileStore(tmp_path / "tokens")


READ_ONLY = """
import os, sys
from zoho_oauth import errors
from zoho_oauth.stores import FileStore

if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
try:
    FileStore(sys.argv[1])
except errors.ConfigurationError as error:
    print(error)
"""


def test_a_read_only_directory_is_refused():
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o755)
        tokens = os.path.join(parent, "tokens")
        os.mkdir(tokens, 0o500)
        if os.geteuid() == 0:
            os.chown(tokens, NOBODY, NOBODY)
        (line,) = run_program(READ_ONLY, tokens)

    assert "cannot write to it" in line


def test_no_path_is_refused():
    with pytest.raises(errors.ConfigurationError):
        FileStore("")


@pytest.mark.anyio
async def test_the_path_may_be_relative_to_home_and_is_not_moved_by_chdir(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    store = FileStore("~/tokens")
    monkeypatch.chdir("/")
    await store.save(OWNER, "text", replacing=None)

    assert repr(store) == f"FileStore({str(tmp_path / 'tokens')!r})"
    assert len(list((tmp_path / "tokens").glob("*.json"))) == 1
