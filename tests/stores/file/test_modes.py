"""Modes, planted files, and drafts of killed writers."""

from __future__ import annotations

import logging
import os
import stat

import anyio
import pytest

from zoho_oauth import errors
from zoho_oauth.stores import FileStore, _disk
from zoho_oauth.stores.file import OwnerFile

from .files import NOBODY, ON_POSIX, OWNER, drafts_in, mode_of, workshop_of

pytestmark = ON_POSIX

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
