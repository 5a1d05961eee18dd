"""Whose certificates are trusted, and when they are loaded."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest
import trustme

from tests import endpoint_servers as servers
from tests.endpoint_servers import Server, reply
from zoho_oauth import _endpoint
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenResponse
from zoho_oauth.errors import ConfigurationError

from .sending import Recorder, certified, posted, send


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    ca.configure_trust(trust)
    return trust


@pytest.mark.anyio
async def test_a_ca_file_given_as_verify_is_trusted(ca: trustme.CA, ca_file: str) -> None:
    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=ca_file), TokenResponse)


@pytest.mark.anyio
async def test_an_ssl_context_given_as_verify_is_used_as_it_is(ca: trustme.CA) -> None:
    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=trusting(ca)), TokenResponse)


@pytest.mark.anyio
@pytest.mark.parametrize("verify", [None, True])
async def test_a_ca_in_ssl_cert_file_is_trusted(
    verify: bool | None, ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)

    with Server(reply(), tls=certified(ca)) as server:
        assert isinstance(await send(server.url, verify=verify), TokenResponse)


@pytest.mark.anyio
async def test_a_later_ssl_cert_file_counts(
    ca: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = TokenEndpoint()
    with Server(reply(), tls=certified(ca)) as server:
        before = await endpoint.send(posted(server.url), seconds=5)
        monkeypatch.setenv("SSL_CERT_FILE", ca_file)
        after = await endpoint.send(posted(server.url), seconds=5)

    assert [type(before), type(after)] == [Refusal, TokenResponse]


@pytest.mark.anyio
async def test_verify_wins_over_ssl_cert_file(ca: trustme.CA, ca_file: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))

    with pytest.MonkeyPatch.context() as environment, Server(reply(), tls=certified(ca)) as server:
        environment.setenv("SSL_CERT_FILE", ca_file)
        answer = await send(server.url, verify=str(other))

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"


def _unknown_issuer(ca: trustme.CA) -> ssl.SSLContext:
    return certified(trustme.CA())


def _expired(ca: trustme.CA) -> ssl.SSLContext:
    start = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
    return certified(ca, not_before=start, not_after=start + datetime.timedelta(days=1))


def _other_host(ca: trustme.CA) -> ssl.SSLContext:
    return certified(ca, "accounts.zoho.example")


@pytest.mark.anyio
@pytest.mark.parametrize("broken", [_unknown_issuer, _expired, _other_host])
async def test_a_certificate_that_proves_nothing_stops_everything(
    broken: Callable[[trustme.CA], ssl.SSLContext], ca: trustme.CA, ca_file: str
) -> None:
    with Server(reply(), tls=broken(ca)) as server:
        answer = await send(server.url, verify=ca_file)

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"
    assert (server.connections, server.requests) == (1, [])


@pytest.mark.anyio
async def test_without_verification_the_secret_would_have_been_sent(ca: trustme.CA) -> None:
    """The control of the test above."""
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE

    with Server(reply(), tls=_unknown_issuer(ca)) as server:
        await send(server.url, transport=httpx.AsyncHTTPTransport(verify=careless))

    assert len(server.requests) == 1


@pytest.mark.anyio
async def test_a_server_that_does_not_speak_tls_is_unavailable(ca_file: str) -> None:
    with Server(servers.hang_up) as server:
        answer = await send(server.url.replace("http:", "https:"), verify=ca_file)

    assert isinstance(answer, Refusal)
    assert answer.kind == "unavailable"


@pytest.mark.anyio
async def test_a_certificate_error_that_the_caller_was_handling_is_not_ours() -> None:
    transport = Recorder(httpx.ReadError(""))

    try:
        raise ssl.SSLCertVerificationError
    except ssl.SSLCertVerificationError:
        answer = await send("https://accounts.zoho.example/", transport=transport)

    assert isinstance(answer, Refusal)
    assert answer.kind == "unavailable"


@pytest.mark.anyio
@pytest.mark.parametrize("present", [True, False])
async def test_ca_certificates_that_cannot_be_loaded_are_a_tls_refusal(present: bool, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if present:
        path.write_text("not a certificate")

    answer = await send("https://accounts.zoho.example/", verify=str(path))

    assert isinstance(answer, Refusal)
    assert answer.kind == "tls"
    assert str(path) not in str(answer.detail)


def _not_verifying() -> ssl.SSLContext:
    careless = ssl.create_default_context()
    careless.check_hostname = False
    return careless


@pytest.mark.parametrize("verify", [False, 0, "", Path("ca.pem"), _not_verifying()])
def test_verification_cannot_be_turned_off(verify: object) -> None:
    with pytest.raises(ConfigurationError, match="CA file"):
        TokenEndpoint(verify=verify)


# When certificates are loaded


@pytest.fixture
def loaders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads in which CA certificates were loaded."""
    threads: list[int] = []
    load = ssl.SSLContext.load_verify_locations

    def recording(trust: ssl.SSLContext, *places: str, **named: str) -> None:
        threads.append(threading.get_ident())
        load(trust, *places, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", recording)
    return threads


@pytest.mark.anyio
async def test_certificates_are_loaded_once_and_never_by_the_event_loop(loaders: list[int]) -> None:
    await send("https://127.0.0.1:1/")
    await send("https://127.0.0.1:1/")

    assert len(loaders) == 1
    assert threading.get_ident() not in loaders


@pytest.mark.anyio
async def test_a_client_without_our_certificates_loads_them_in_the_event_loop(loaders: list[int]) -> None:
    """The control of the test above."""
    async with httpx.AsyncClient():
        pass

    assert loaders == [threading.get_ident()]


@pytest.mark.anyio
async def test_concurrent_first_uses_load_certificates_once(loaders: list[int]) -> None:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(send, "https://127.0.0.1:1/")

    assert len(loaders) == 1


@pytest.mark.anyio
async def test_an_http_server_on_loopback_needs_no_certificates(loaders: list[int]) -> None:
    with Server(reply()) as server:
        assert isinstance(await send(server.url), TokenResponse)

    assert loaders == []


@pytest.mark.anyio
async def test_loading_certificates_is_inside_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = threading.Event()
    monkeypatch.setattr(_endpoint, "_load_trust", lambda _: disk.wait(10))

    answer = await send("https://accounts.zoho.example/", seconds=0.1)
    disk.set()

    assert answer == Refusal(kind="unavailable", detail="No complete answer within 0.1 s.")
