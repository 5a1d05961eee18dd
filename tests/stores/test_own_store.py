"""The store of docs/stores.md, taken from there, keeps the contract."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from zoho_oauth.stores import Record
from zoho_oauth.testing.store_contract import StoreContract

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"


class Database:
    """The two calls that the page asks of a driver, on SQLite in memory."""

    def __init__(self):
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("CREATE TABLE tokens (owner TEXT UNIQUE, text TEXT, version TEXT)")

    async def fetch_one(self, statement, *values):
        return self.connection.execute(statement, values).fetchone()

    async def execute(self, statement, *values):
        return self.connection.execute(statement, values).rowcount


def store_of_the_page():
    program = re.search(r"```python\n(import uuid.*?)```", PAGE.read_text(), re.DOTALL)[1]
    names = {"Record": Record}
    exec(program.replace("from zoho_oauth import Record\n", ""), names)
    return names["TableStore"]


class TestTableStore(StoreContract):
    @pytest.fixture
    def store(self):
        database = Database()
        yield store_of_the_page()(database)
        database.connection.close()
