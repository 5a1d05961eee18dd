"""The pytest plugin: a fixture, and no cost for those who do not use it."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from zoho_oauth import testing
from zoho_oauth.testing import plugin

pytest_plugins = ["pytester"]


def test_the_plugin_loads_neither_the_fake_nor_a_server():
    program = "import sys; import zoho_oauth.testing.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert "zoho_oauth.testing.plugin" in loaded
    assert not loaded & {
        "uvicorn",
        "httpx2",
        "zoho_oauth.testing._fake_zoho",
        "zoho_oauth.testing.store_contract",
    }


def test_the_fixture_gives_each_test_a_fake_of_its_own(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(testing.__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(
        """
        from zoho_oauth.testing.plugin import fake_zoho

        seen = []

        def test_one(fake_zoho):
            fake_zoho.consent(fake_zoho.register_client())
            seen.append(fake_zoho)

        def test_other(fake_zoho):
            assert fake_zoho is not seen[0]
            assert "us" == fake_zoho.data_center.code
        """
    )
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=2)


def test_the_fixture_lets_everything_go_in_the_end():
    generator = plugin.fake_zoho.__wrapped__()
    gate = next(generator).hold_tokens()
    with pytest.raises(StopIteration):
        next(generator)

    assert gate.is_open


def test_every_public_name_can_be_imported():
    assert all(hasattr(testing, name) for name in testing.__all__)
    assert sorted(testing.__all__) == dir(testing)


def test_other_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018


def test_the_fake_is_importable_without_pytest():
    program = "import sys; sys.modules['pytest'] = None; from zoho_oauth.testing import FakeZoho; FakeZoho()"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.anyio
async def test_the_transport_is_httpx_own(anyio_backend):
    transport = testing.FakeZoho().transport

    assert isinstance(transport, httpx.AsyncBaseTransport)
