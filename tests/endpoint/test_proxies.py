"""The proxy of the environment, and one that was given."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator

import httpx
import pytest
import trustme

from tests import endpoint_servers as servers
from tests.endpoint_servers import OK, Server, Tunnel, reply
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._failures import Refusal
from zoho_oauth._messages import TokenResponse
from zoho_oauth.errors import ConfigurationError

from .sending import PROXY_NAMES, SECRET, answering, send


@pytest.fixture
def accounts(ca: trustme.CA) -> Iterator[Server]:
    """An accounts server whose name only the proxy can resolve; `localhost` leads to it too."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("accounts.zoho.example", "localhost").configure_cert(tls)
    with Server(reply(), tls=tls) as server:
        yield server


@pytest.fixture
def tunnel(accounts: Server) -> Tunnel:
    return Tunnel(accounts.port)


@pytest.fixture
def proxy(tunnel: Tunnel) -> Iterator[Server]:
    with Server(tunnel) as server:
        yield server


def address(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


HIDDEN = "https://accounts.zoho.example/oauth/v2/token"


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
async def test_the_proxy_of_the_environment_is_used(
    name: str, proxy: Server, tunnel: Tunnel, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, address(proxy))

    answer = await send(HIDDEN, verify=ca_file)

    assert isinstance(answer, TokenResponse)
    assert tunnel.asked == ["CONNECT accounts.zoho.example:443 HTTP/1.1"]


@pytest.mark.anyio
async def test_the_proxy_sees_no_secret(
    proxy: Server, accounts: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))

    await send(HIDDEN, verify=ca_file)

    assert SECRET not in proxy.requests[0].head
    assert SECRET.encode() in accounts.requests[0].body


@pytest.mark.anyio
async def test_no_proxy_is_respected(
    proxy: Server, accounts: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))
    monkeypatch.setenv("NO_PROXY", "localhost")

    answer = await send(accounts.url, verify=ca_file)

    assert isinstance(answer, TokenResponse)
    assert proxy.connections == 0


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [str, httpx.URL, httpx.Proxy])
async def test_proxy_wins_over_the_environment(
    kind: Callable[[str], object], proxy: Server, ca_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(servers.hang_up) as unwanted:
        monkeypatch.setenv("HTTPS_PROXY", address(unwanted))
        answer = await send(HIDDEN, verify=ca_file, proxy=kind(address(proxy)))

    assert isinstance(answer, TokenResponse)
    assert (proxy.connections, unwanted.connections) == (1, 0)


@pytest.mark.anyio
async def test_a_transport_wins_over_proxy_and_environment(
    proxy: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address(proxy))

    answer = await send(HIDDEN, transport=answering(content=OK), proxy=address(proxy))

    assert isinstance(answer, TokenResponse)
    assert proxy.connections == 0


@pytest.mark.anyio
async def test_a_proxy_that_refuses_is_not_asked_again() -> None:
    with Server(reply(b"", status="407 Proxy Authentication Required")) as proxy:
        answer = await send(HIDDEN, proxy=address(proxy), verify=ssl.create_default_context())

    assert answer == Refusal(kind="unavailable", detail="No complete answer (ProxyError).")
    assert proxy.connections == 1


@pytest.mark.anyio
async def test_an_unusable_proxy_of_the_environment_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://somebody:password@proxy.example")

    answer = await send(HIDDEN, verify=ssl.create_default_context())

    assert answer == Refusal(kind="unavailable", detail="No complete answer (ValueError).")


@pytest.mark.parametrize(
    "proxy", ["gopher://somebody:password@proxy.example", "http://somebody:password@proxy:port", 7]
)
def test_an_unusable_proxy_is_refused_without_its_password(proxy: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TokenEndpoint(proxy=proxy)

    assert "password" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_environment_of_these_tests_names_no_proxy() -> None:
    assert not any(os.environ.get(name) for name in PROXY_NAMES)
