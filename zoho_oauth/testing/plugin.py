"""The pytest plugin: one fixture, and nothing imported before a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._fake_zoho import FakeZoho

# The contract's assertions run in the users' tests and should explain themselves there.
pytest.register_assert_rewrite("zoho_oauth.testing.store_contract")


@pytest.fixture
def fake_zoho() -> Iterator[FakeZoho]:
    """A fresh `FakeZoho` (data center us), in process; `with fake_zoho.serving():` puts it on a socket."""
    from ._fake_zoho import FakeZoho

    fake = FakeZoho()
    yield fake
    fake.release_all()
