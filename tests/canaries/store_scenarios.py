"""Scenarios of stores: failing, talkative, damaged, on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from tests.canaries import Wire
from zoho_oauth import FileStore, MemoryStore, Record, RefreshPolicy, errors

from .play import OWNER, Play


class Talkative(MemoryStore):
    """Its errors repeat the text, as some drivers' do."""

    def __init__(self, failing: str) -> None:
        super().__init__()
        self.failing = ""
        self.will_fail = failing

    def __repr__(self) -> str:
        return "Talkative()"

    async def load(self, owner: str) -> Record | None:
        record = await super().load(owner)
        if self.failing == "load":
            raise ValueError(record and record.text)
        return record

    async def save(self, owner: str, text: str, *, replacing: str | None) -> str | None:
        if self.failing == "save":
            raise OSError(5, f"INSERT INTO tokens VALUES ('{text}')")
        return await super().save(owner, text, replacing=replacing)


async def failing_store(play: Play) -> None:
    for failing in ("load", "save"):
        for store_down in ("strict", "degrade"):
            store = Talkative(failing)
            zoho = play.connected(store, policy=RefreshPolicy(store_down=store_down))
            await play.adopt(zoho)
            play.fake.clock.advance(4000)
            store.failing = failing
            if store_down == "degrade":
                await zoho.source(OWNER).token()
            else:
                await play.fails(zoho.source(OWNER).token, errors.StoreUnavailable)
                await play.fails(lambda zoho=zoho: play.adopt(zoho), errors.StoreUnavailable)


async def store_fails_after_the_answer(play: Play) -> None:
    store = Talkative("save")
    zoho = play.connected(store)
    await play.adopt(zoho, verify=False)
    with play.fake.hold_tokens() as gate:
        async with anyio.create_task_group() as group:
            group.start_soon(zoho.source(OWNER).token)
            await gate.arrived()
            store.failing = "save"
            gate.release()
    assert any(type(event).__name__ == "StoreFailed" for event in play.sinks.events)


async def corrupted(play: Play) -> None:
    store = MemoryStore()
    zoho = play.connected(store)
    key = f"{play.registration.client_id}/{OWNER}"
    await play.adopt(zoho)
    for spoil in (lambda text: text[:-1], lambda text: text.replace("-access-", "-access-\\n")):
        record = await store.load(key)
        assert record is not None
        spoiled = Wire(spoil(record.text))
        await store.save(key, spoiled.text, replacing=record.version)
        del spoil
        other = play.connected(_Another(store))
        await play.fails(other.source(OWNER).token, errors.StoreCorrupted)
        await store.delete(key)
        await play.adopt(zoho)


class _Another:
    """Another process's view of a store."""

    def __init__(self, store: Any) -> None:
        self.load, self.save, self.delete = store.load, store.save, store.delete

    def __repr__(self) -> str:
        return "Another()"


def records_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.json"))


async def on_disk(play: Play) -> None:
    store = FileStore(play.folder / "tokens")
    zoho = play.connected(store)
    await play.adopt(zoho)
    record_files = await anyio.to_thread.run_sync(records_in, play.folder)
    play.sinks.stores |= {path.name for path in record_files}
    for _ in range(2):
        play.fake.clock.advance(4000)
        await zoho.source(OWNER).token()
    for path in record_files:
        path.write_text(path.read_text()[:-20])
    play.fake.clock.advance(4000)
    await play.fails(zoho.source(OWNER).token, errors.StoreCorrupted)
    assert len(record_files) == 1
