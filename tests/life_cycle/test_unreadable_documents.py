"""A document that cannot be read is never written over."""

from __future__ import annotations

import anyio
import pytest

from tests.life_cycle.support import OWNER, PATIENCE, World, together
from zoho_oauth import _records, errors
from zoho_oauth._documents import write_document

pytestmark = pytest.mark.anyio


def garbage(world: World, text: str) -> str:
    return text[:-20]


def newer(world: World, text: str) -> str:
    return text.replace('"version":1', '"version":2')


def foreign(world: World, text: str) -> str:
    return text.replace(f'"owner":"{OWNER}"', '"owner":"somebody"')


def unknown_grant(world: World, text: str) -> str:
    return text.replace('"type":"refresh_token"', '"type":"device_code"')


UNREADABLE = [
    (garbage, errors.StoreCorrupted),
    (newer, errors.DocumentTooNew),
    (foreign, errors.ForeignDocument),
    (unknown_grant, errors.DocumentTooNew),
]


async def check_unreadable(world: World, spoil, error: type[Exception]) -> None:
    await world.adopt()
    key = f"{world.registration.client_id}/{OWNER}"
    record = await world.stored()
    spoilt = spoil(world, record.text)
    assert spoilt != record.text
    await world.store.save(key, spoilt, replacing=record.version)
    before, zoho = await world.stored(), world.other_process()
    consent = world.fake.consent(world.registration)
    calls = [
        zoho.source(OWNER).token,
        zoho.source(OWNER).refresh,
        lambda: zoho.adopt(consent, OWNER),
        lambda: zoho.adopt(consent, OWNER, verify=False),
        lambda: zoho.base_url(OWNER),
    ]
    for call in calls:
        (found,) = await together(1, call)
        assert type(found) is error, found
    assert await world.stored() == before


@pytest.mark.parametrize(("spoil", "error"), UNREADABLE)
async def test_a_document_that_cannot_be_read_is_never_written_over(spoil, error) -> None:
    await check_unreadable(World(), spoil, error)


@pytest.mark.parametrize(("spoil", "error"), UNREADABLE)
async def test_the_check_finds_an_unreadable_document_that_is_taken_for_none(
    spoil, error, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_records.Records, "_read", lambda records, record: None)
    with pytest.raises(AssertionError):
        await check_unreadable(World(), spoil, error)


async def test_a_document_that_becomes_unreadable_during_a_refresh_is_not_written_over() -> None:
    world = World()
    source = await world.adopt()
    world.clock.advance(3600)
    key = f"{world.registration.client_id}/{OWNER}"
    found: list = []

    async def ask() -> None:
        found.extend(await together(3, source.token))

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            with world.fake.hold_tokens() as gate:
                group.start_soon(ask)
                await gate.arrived()
                record = await world.stored()
                await world.store.save(key, newer(world, record.text), replacing=record.version)
    assert [type(each) for each in found] == [errors.DocumentTooNew] * 3
    assert '"version":2' in (await world.stored()).text


async def test_a_written_document_is_read_as_it_was() -> None:
    world = World()
    await world.adopt()
    document = await world.document()
    assert write_document(document) == (await world.stored()).text
