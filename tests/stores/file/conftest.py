from __future__ import annotations

import pytest

from zoho_oauth.stores import FileStore
from zoho_oauth.stores.file import OwnerFile

from .files import OWNER


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "tokens")


@pytest.fixture
def file(store, tmp_path):
    return OwnerFile(str(tmp_path / "tokens"), OWNER)
