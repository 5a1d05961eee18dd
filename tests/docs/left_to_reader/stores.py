"""The database of the page on stores: three calls, over SQLite."""

import sqlite3

import pytest


class Database:
    def __init__(self):
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._connection.execute("CREATE TABLE tokens (owner TEXT PRIMARY KEY, text TEXT, version TEXT)")

    async def fetch_one(self, statement, *values):
        return self._connection.execute(statement, values).fetchone()

    async def execute(self, statement, *values):
        return self._connection.execute(statement, values).rowcount

    def close(self):
        self._connection.close()


@pytest.fixture
def database():
    database = Database()
    yield database
    database.close()
