"""What a file store does with damage, full disks, loose modes and planted files."""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import stat
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests.scale import count
from tests.stores.programs import run_program
from zoho_oauth import errors
from zoho_oauth.stores import FileStore, _disk
from zoho_oauth.stores.file import OwnerFile
from zoho_oauth.testing.store_contract import StoreContract

CANARY = "canary-3b1f"
OWNER = "client/customer"
NOBODY = 65534

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes, links and flock")


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return FileStore(tmp_path / "tokens")


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "tokens")


@pytest.fixture
def file(store, tmp_path):
    return OwnerFile(str(tmp_path / "tokens"), OWNER)


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


# Damage


async def refuses(store, path, content, expected=errors.StoreCorrupted):
    """Load and save both raise, naming the path, and leave the file alone."""
    write(path, content)
    with pytest.raises(expected, match=os.path.basename(path)):
        await store.load(OWNER)
    with pytest.raises(expected, match=os.path.basename(path)):
        await store.save(OWNER, "new", replacing=None)
    return read(path) == content


@pytest.mark.anyio
async def test_a_file_cut_at_any_byte_is_refused_and_not_touched(store, file):
    await store.save(OWNER, 'text with "quotes"', replacing=None)
    whole = read(file.path)

    kept = [await refuses(store, file.path, whole[:length]) for length in range(len(whole))]

    assert len(kept) > 100
    assert all(kept)


@pytest.mark.anyio
async def test_random_bytes_are_refused_and_not_touched(store, file):
    noise = random.Random(1)
    cases = count(200)
    kept = [await refuses(store, file.path, noise.randbytes(noise.randrange(1, 400))) for _ in range(cases)]

    assert len(kept) == cases > 0
    assert all(kept)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": 0, "owner": "client/customer", "version": "1", "text": "t"}',
        b'{"format": "1", "owner": "client/customer", "version": "1", "text": "t"}',
        b'{"format": 1, "owner": "client/customer", "version": 1, "text": "t"}',
        b'{"format": 1, "owner": "client/customer", "version": "", "text": "t"}',
        b'{"format": 1, "owner": "client/customer", "version": "1", "text": null}',
        b'{"format": 1, "owner": null, "version": "1", "text": "t"}',
        b'{"format": 1, "owner": "client/customer", "version": "1", "text": "t"} ...',
        b"\xff\xfe",
    ],
)
async def test_json_of_another_shape_is_refused_and_not_touched(store, file, content):
    assert await refuses(store, file.path, content)


@pytest.mark.anyio
async def test_a_file_of_a_newer_version_is_refused_and_not_touched(store, file):
    assert await refuses(store, file.path, b'{"format": 2, "news": true}', errors.DocumentTooNew)


@pytest.mark.anyio
async def test_a_file_of_another_owner_is_refused_and_not_touched(store, file):
    await store.save("client/other", "text", replacing=None)
    copied = read(OwnerFile(file.directory, "client/other").path)

    assert await refuses(store, file.path, copied, errors.ForeignDocument)


@pytest.mark.anyio
async def test_a_damaged_file_can_be_deleted(store, file):
    write(file.path, b"damaged")
    await store.delete(OWNER)

    assert await store.load(OWNER) is None


@pytest.mark.anyio
async def test_reading_damage_as_nothing_would_lose_the_grant(store, file):
    """The control: a store that shrugs at damage lets the next create overwrite what could be restored."""

    class Shrugs(FileStore):
        async def load(self, owner):
            try:
                return await super().load(owner)
            except errors.StoreCorrupted:
                await self.delete(owner)
                return None

    content = b'{"format": 1, "owner": "client/customer", "te'
    write(file.path, content)
    shrugging = Shrugs(file.directory)

    assert await shrugging.load(OWNER) is None
    assert await shrugging.save(OWNER, "new", replacing=None)
    assert read(file.path) != content


@pytest.mark.anyio
async def test_one_damaged_file_hurts_one_owner(store, file, caplog):
    await store.save("client/other", "text", replacing=None)
    write(file.path, b"damaged")

    assert (await store.load("client/other")).text == "text"
    assert [owner async for owner in store.owners()] == ["client/other"]
    assert file.path in caplog.text


@pytest.mark.anyio
async def test_other_peoples_files_are_not_owners(store, file, caplog):
    for name in ("README", ".hidden", "notes.json", f"{file.name}.bak"):
        write(f"{file.directory}/{name}", b"not ours")

    assert [owner async for owner in store.owners()] == []
    assert caplog.text == ""


@pytest.mark.anyio
async def test_a_renamed_file_is_not_listed(store, file, caplog):
    """Its owner cannot be loaded either."""
    await store.save(OWNER, "text", replacing=None)
    os.rename(file.path, OwnerFile(file.directory, "client/other").path)

    assert [owner async for owner in store.owners()] == []


@pytest.mark.anyio
async def test_a_directory_that_has_gone_is_not_an_empty_store(store, file):
    await store.save(OWNER, "text", replacing=None)
    os.rename(file.directory, f"{file.directory}-unmounted")

    with pytest.raises(errors.StoreUnavailable):
        await store.load(OWNER)
    with pytest.raises(errors.StoreUnavailable):
        await store.save(OWNER, "text", replacing=None)


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


def fail(monkeypatch, call, number):
    """The next `os.<call>` on a file of the store fails."""
    real = getattr(os, call)

    def failing(first, *args, **named):
        if call in ("write", "fsync") or ".tmp-" in str(first):
            raise OSError(number, os.strerror(number))
        return real(first, *args, **named)

    monkeypatch.setattr(_disk.os, call, failing)


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


# The directory


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


# Modes


@pytest.mark.anyio
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_every_file_is_private_from_birth(tmp_path, umask, monkeypatch):
    """The control is a plain `open`: 0644 with the usual umask."""
    births = []
    real = os.open

    def watching(path, *args, **named):
        descriptor = real(path, *args, **named)
        births.append(stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077)
        return descriptor

    before = os.umask(umask)
    try:
        store = FileStore(tmp_path / "tokens")
        monkeypatch.setattr(_disk.os, "open", watching)
        await store.save(OWNER, "text", replacing=None)
        (tmp_path / "plain").write_text("text")
    finally:
        os.umask(before)

    files = [path for path in (tmp_path / "tokens").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {mode_of(path) for path in files} == {0o600}
    # The directory, opened to be synced, is 0700; so nothing opened was open to others.
    assert set(births) == {0}
    assert mode_of(tmp_path / "plain") == 0o666 & ~umask


@pytest.mark.anyio
@pytest.mark.parametrize("part", ["path", "lock"])
async def test_a_loose_mode_is_tightened_with_a_warning(store, file, part, caplog):
    version = await store.save(OWNER, "text", replacing=None)
    path = getattr(file, part)
    os.chmod(path, 0o644)
    with caplog.at_level(logging.WARNING, logger="zoho_oauth"):
        assert await store.save(OWNER, "text", replacing=version)

    assert mode_of(path) == 0o600
    assert path in caplog.text


@pytest.mark.anyio
async def test_reading_tightens_too(store, file, caplog):
    await store.save(OWNER, "text", replacing=None)
    os.chmod(file.path, 0o604)
    await store.load(OWNER)

    assert mode_of(file.path) == 0o600
    assert "0604" in caplog.text


# Planted files


def link(path, victim):
    os.symlink(victim, path)


def dangling_link(path, victim):
    os.symlink(f"{victim}-missing", path)


def hard_link(path, victim):
    os.link(victim, path)


def fifo(path, victim):
    os.mkfifo(path)


def directory(path, victim):
    os.mkdir(path)


@pytest.mark.anyio
@pytest.mark.parametrize("plant", [link, dangling_link, hard_link, fifo, directory])
@pytest.mark.parametrize("part", ["path", "lock"])
async def test_what_is_not_a_file_of_ours_is_refused(store, file, tmp_path, plant, part):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    plant(getattr(file, part), victim)

    with anyio.fail_after(5), pytest.raises(errors.ConfigurationError, match=getattr(file, part)):
        await store.save(OWNER, "text", replacing=None)
    assert victim.read_text() == "untouched"
    assert "victim-missing" not in os.listdir(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.anyio
async def test_a_file_of_another_user_is_refused(store, file):
    await store.save(OWNER, "text", replacing=None)
    os.chown(file.path, NOBODY, NOBODY)

    with pytest.raises(errors.ConfigurationError, match="another user"):
        await store.load(OWNER)


@pytest.mark.anyio
@pytest.mark.parametrize("plant", [link, hard_link, fifo, directory])
async def test_a_draft_never_opens_what_is_there(store, file, tmp_path, monkeypatch, plant):
    """Even if somebody guessed its name. The control, a plain `open`, writes through the link."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    monkeypatch.setattr(os, "urandom", bytes)
    draft = workshop_of(file) / f"{file.name}.tmp-{bytes(8).hex()}"
    # Sweeping would remove it first; here it comes a moment later.
    monkeypatch.setattr(OwnerFile, "_sweep", lambda self: None)
    plant(draft, victim)

    with pytest.raises(errors.ZohoOAuthError):
        await store.save(OWNER, "text", replacing=None)
    assert victim.read_text() == "untouched"

    link(tmp_path / "link", victim)
    (tmp_path / "link").write_text("lost")
    assert victim.read_text() == "lost"


# Drafts of killed writers


@pytest.mark.anyio
@pytest.mark.parametrize("action", ["save", "delete"])
async def test_drafts_of_killed_writers_go_with_the_next_change(store, file, action):
    await store.save("client/another lock", "text", replacing=None)
    workshop = workshop_of(file)
    others = f"{OwnerFile(file.directory, 'client/another lock').name}.tmp-{'0' * 16}"
    for name in (f"{file.name}.tmp-{'0' * 16}", f"{file.name}.tmp-{'1' * 16}", others):
        (workshop / name).write_text("half a te")

    await (store.save(OWNER, "text", replacing=None) if action == "save" else store.delete(OWNER))

    assert drafts_in(file) == [others]


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
