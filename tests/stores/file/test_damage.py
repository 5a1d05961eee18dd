"""What a file store does with damaged files, and with those of others."""

from __future__ import annotations

import os
import random

import pytest

from tests.scale import count
from zoho_oauth import errors
from zoho_oauth.stores import FileStore
from zoho_oauth.stores.file import OwnerFile

from .files import ON_POSIX, OWNER, read, write

pytestmark = ON_POSIX


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
