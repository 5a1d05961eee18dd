"""What is sent, and where: one form post, no redirect followed."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from tests.endpoint_servers import Server, reply
from zoho_oauth._endpoint import TokenEndpoint
from zoho_oauth._messages import TokenResponse

from .sending import SECRET, posted, send


@pytest.mark.anyio
async def test_the_answer_comes_back_with_status_body_and_retry_after() -> None:
    with Server(reply(b"slow down", status="429 Too Many Requests", retry_after="7")) as server:
        answer = await send(server.url)

    assert answer == TokenResponse(status=429, body=b"slow down", retry_after="7")


@pytest.mark.anyio
async def test_secrets_are_in_the_form_body_and_not_in_the_request_line_or_headers() -> None:
    with Server(reply()) as server:
        await send(server.url)

    (request,) = server.requests
    assert parse_qs(request.body.decode()) == {"refresh_token": [SECRET]}
    assert SECRET not in request.head


@pytest.mark.anyio
async def test_the_request_is_a_plain_http_1_1_form_post_of_this_library() -> None:
    with Server(reply()) as server:
        await send(server.url)

    (request,) = server.requests
    assert request.head.startswith("POST /oauth/v2/token HTTP/1.1\r\n")
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["user-agent"].startswith("zoho_oauth/")


@pytest.mark.anyio
async def test_no_netrc_entry_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))

    with Server(reply()) as server:
        await send(server.url)

    assert "authorization" not in server.requests[0].headers


async def _two_posts_of_one_client(url: str) -> None:
    async with httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
        await client.post(url)
        await client.post(url)


async def _two_sends_of_one_endpoint(url: str) -> None:
    endpoint = TokenEndpoint()
    for _ in range(2):
        await endpoint.send(posted(url), seconds=5)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("post_twice", "kept"), [(_two_sends_of_one_endpoint, False), (_two_posts_of_one_client, True)]
)
async def test_a_cookie_is_not_sent_back(post_twice: Callable[[str], Awaitable[None]], kept: bool) -> None:
    """The control is a client that is used twice."""
    with Server(reply(set_cookie="visitor=1; Path=/")) as server:
        await post_twice(server.url)

    assert [("cookie" in request.headers) for request in server.requests] == [False, kept]


@pytest.mark.anyio
async def test_no_log_record_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with Server(reply()) as server:
        await send(server.url)

    assert caplog.records
    assert SECRET not in caplog.text
    assert "fake-access" not in caplog.text


# Redirects


async def _follow(url: str) -> None:
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=bare, follow_redirects=True) as client:
        await client.post(url, content=f"refresh_token={SECRET}")


async def _send_and_get_the_redirect(url: str) -> None:
    answer = await send(url)
    assert isinstance(answer, TokenResponse)
    assert 300 <= answer.status < 400


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
@pytest.mark.parametrize(("post", "reached"), [(_send_and_get_the_redirect, 0), (_follow, 1)])
async def test_a_redirect_is_not_followed(
    post: Callable[[str], Awaitable[None]], reached: int, status: str
) -> None:
    """The control is a client that follows."""
    with Server(reply()) as target, Server(reply(b"", status=status, location=target.url)) as server:
        await post(server.url)

    assert len(target.requests) == reached
    assert len(server.requests) == 1
