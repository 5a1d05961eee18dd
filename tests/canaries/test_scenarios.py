"""Whatever happens, no secret is said: 0 canaries in any sink, over sockets, on asyncio (in debug mode) and trio."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
import trustme

from tests.canaries import CLIENT_SECRET, PROXY_PASSWORD, Leak, Wire
from tests.endpoint_servers import Server, reply
from zoho_oauth import (
    ClientRegistration,
    DataCenter,
    MemoryStore,
    RefreshPolicy,
    TokenEndpoint,
    ZohoAuth,
    errors,
)
from zoho_oauth.testing import answers, faults

from .play import LEADS, OWNER, Play, played
from .store_scenarios import corrupted, failing_store, on_disk, store_fails_after_the_answer


async def used(play: Play) -> None:
    await play.adopt()
    assert (await play.get()).status_code == 200
    play.fake.clock.advance(3500)
    assert (await play.get()).status_code == 200
    play.fake.clock.advance(7200)
    assert (await play.get()).status_code == 200


async def rejected(play: Play) -> None:
    await play.adopt()
    play.fake.expire_all()
    assert (await play.get()).status_code == 200
    for answer in (answers.SCOPE_MISMATCH, answers.NO_TOKEN, answers.NO_PERMISSION):
        play.fake.answer_next(answer)
        await play.get()


async def dead_grant(play: Play) -> None:
    await play.adopt()
    play.fake.revoke(play.consent.text)
    play.fake.clock.advance(4000)
    await play.fails(play.zoho.source(OWNER).token, errors.ReauthorizationRequired)
    await play.fails(play.get, errors.ReauthorizationRequired)
    await play.fails(play.adopt, errors.ReauthorizationRequired)


async def wrong_secret(play: Play) -> None:
    registration = ClientRegistration(
        play.registration.client_id, CLIENT_SECRET + "-wrong", data_center=play.fake.data_center
    )
    zoho = play.connected(MemoryStore(), registration=registration)
    await play.fails(lambda: play.adopt(zoho), errors.ZohoOAuthError)


async def throttled(play: Play) -> None:
    await play.adopt(verify=False)
    play.fake.throttle()
    await play.fails(play.zoho.source(OWNER).token, errors.Throttled)
    await play.fails(play.zoho.source(OWNER).refresh, errors.Throttled)
    await play.fails(play.get, errors.Throttled)


ECHOES = (
    (200, '{"access_token": 5, "refresh_token": "REFRESH", "error_description": "ACCESS"}'),
    (200, '{"access_token": "ACCESS", "expires_in": "SECRET"}'),
    (200, '{"access_token": "ACCESS", "token_type": "REFRESH"}'),
    (200, '{"access_token": "ACCESS'),
    (200, '["ACCESS"]'),
    (200, "<html>ACCESS</html>"),
    (400, '{"error": "ACCESS", "error_description": "REFRESH"}'),
    (400, '{"error": "bad client_secret SECRET"}'),
    (400, '{"error": "invalid_code", "error_description": "REFRESH SECRET"}'),
    (500, "<html>POST client_secret=SECRET&refresh_token=REFRESH</html>"),
    (503, '{"error": "general_error", "trace": "REFRESH"}'),
    (429, "too many: REFRESH"),
)


async def echoed(play: Play) -> None:
    for number, (status, template) in enumerate(ECHOES):
        owner, before = f"owner-{number}", len(play.sinks.errors)
        await play.zoho.adopt(play.consent.text, owner, verify=False)
        body = play.wire(template)
        headers = (("location", "https://evil.example/"), ("retry-after", "90"), ("set-cookie", "a=b"))
        play.fake.fail_next(answers.Answer(status, body, headers))
        del body
        await play.fails(play.zoho.source(owner).token, errors.ZohoOAuthError)
        assert len(play.sinks.errors) == before + 1


async def cut(play: Play) -> None:
    for number, fault in enumerate((faults.CutBeforeHeaders(), faults.CutAfterHeaders(), faults.GzipBomb())):
        await play.zoho.adopt(play.consent.text, f"owner-{number}", verify=False)
        play.fake.fail_next(fault)
        await play.fails(play.zoho.source(f"owner-{number}").token, errors.TokenEndpointUnavailable)


async def too_slow(play: Play) -> None:
    zoho = play.connected(MemoryStore(), policy=RefreshPolicy(send_deadline=0.2))
    await play.adopt(zoho, verify=False)
    with play.fake.hold_tokens():
        await play.fails(zoho.source(OWNER).token, errors.TokenEndpointUnavailable)


async def cancelled(play: Play) -> None:
    async def impatient(call: Callable[[], Awaitable[Any]]) -> None:
        with anyio.fail_after(0.2):
            await call()

    await play.adopt(verify=False)
    with play.fake.hold_tokens():
        await play.fails(lambda: impatient(play.zoho.source(OWNER).token), TimeoutError)
        await play.fails(lambda: impatient(play.get), TimeoutError)
        await play.fails(lambda: impatient(play.adopt), TimeoutError)


async def untrusted(play: Play) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    server = Server(reply(), tls=context)
    with server:
        origin = f"https://localhost:{server.port}"
        where = DataCenter(code="untrusted", accounts=origin, api=origin)
        registration = ClientRegistration("1000.CLIENT", CLIENT_SECRET, data_center=where)
        zoho = play.connected(MemoryStore(), registration=registration)
        await play.fails(lambda: play.adopt(zoho), errors.TLSVerificationFailed)


async def behind_a_dead_proxy(play: Play) -> None:
    endpoint = TokenEndpoint(proxy=Wire(f"http://user:{PROXY_PASSWORD}@127.0.0.1:1").text)
    play.sinks.objects.append(endpoint)
    registration = ClientRegistration("1000.CLIENT", CLIENT_SECRET, data_center="eu")
    zoho = play.connected(MemoryStore(), registration=registration, endpoint=endpoint)
    await play.fails(lambda: play.adopt(zoho), errors.TokenEndpointUnavailable)


async def foreign_hosts(play: Play) -> None:
    await play.adopt()
    for url in ("https://evil.example/x", "https://www.zohoapis.in/x", "http://www.zohoapis.eu/x"):
        await play.fails(lambda url=url: play.get(url), errors.ForeignHostError)
    play.fake.answer_next(answers.redirect("https://evil.example/x"))
    assert (await play.get()).status_code == 302


async def sync_client(play: Play) -> None:
    await play.adopt(verify=False)

    def get() -> None:
        with httpx.Client(auth=play.zoho.auth(OWNER), base_url=play.fake.data_center.api) as client:
            assert client.get(LEADS).status_code == 200
            play.fake.expire_all()
            assert client.get(LEADS).status_code == 200
            play.fake.clock.advance(4000)
            play.fake.throttle()
            client.get(LEADS)

    await play.fails(lambda: anyio.to_thread.run_sync(get), errors.Throttled)


async def loud_listener(play: Play) -> None:
    def on_event(event: object) -> None:
        raise RuntimeError("no")

    zoho = play.connected(MemoryStore(), on_event=on_event)
    await play.adopt(zoho, verify=False)
    await zoho.source(OWNER).token()


async def misconfigured(play: Play) -> None:
    options = Wire("")
    options.text = {  # type: ignore[assignment]
        "client_id": "1000.C",
        "client_secret": CLIENT_SECRET,
        "refresh_token": play.consent.text,
    }
    calls = (
        lambda: ClientRegistration("", CLIENT_SECRET),
        lambda: ClientRegistration("1000.C", CLIENT_SECRET, data_center="zz"),
        lambda: ClientRegistration("1000.C", secrets={"zz": CLIENT_SECRET}),
        lambda: ZohoAuth.from_refresh_token(**options.text, data_center="zz"),
        lambda: ZohoAuth.from_refresh_token(**options.text, owner=42),
        lambda: TokenEndpoint(proxy=Wire(f"ftp://user:{PROXY_PASSWORD}@localhost:1").text),
    )
    for call in calls:

        async def attempt(call: Callable[[], Any] = call) -> None:
            call()

        await play.fails(attempt, errors.ConfigurationError)
    for options_of_adopt in ({"data_center": "zz"}, {"data_center": "https://evil.example"}):
        await play.fails(lambda given=options_of_adopt: play.adopt(**given), errors.ConfigurationError)


SCENARIOS = (
    *(used, rejected, dead_grant, wrong_secret, throttled, echoed, cut, too_slow, cancelled, untrusted),
    *(behind_a_dead_proxy, failing_store, store_fails_after_the_answer, foreign_hosts, corrupted),
    *(sync_client, on_disk, loud_listener, misconfigured),
)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_no_secret_is_said(scenario, backend, tmp_path, capfd):
    sinks = played(scenario, backend, tmp_path, capfd)

    assert sinks.leaks() == []
    # It was not silent: there was something to search.
    assert len(sinks.records) + len(sinks.errors) > 0


async def leaking(play: Play) -> None:
    """The broken twin: a client as one writes it at first."""

    async def refreshed() -> Any:
        form = {
            "grant_type": "refresh_token",
            "client_secret": play.registration.client_secret.reveal(),
            "refresh_token": play.consent.text,
        }
        async with httpx.AsyncClient() as client:
            response = await client.post(f"{play.fake.data_center.accounts}/oauth/v2/token", params=form)
            raise ValueError(f"unexpected answer to {form}: {response.json()}")

    await play.fails(refreshed, ValueError)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_client_as_one_writes_it_at_first_says_them_in_many_places(backend, tmp_path, capfd):
    found = played(leaking, backend, tmp_path, capfd).leaks()

    assert {"log", "error", "frame", "traceback", "pickle"} <= {leak.sink for leak in found}
    assert any(isinstance(leak, Leak) and leak.place == "httpx" for leak in found)


async def broken_api_call(play: Play) -> None:
    """The user's own request breaks off: what is raised is httpx's."""
    await play.adopt()
    play.fake.answer_next(faults.CutBeforeHeaders())
    await play.fails(play.get, httpx.HTTPError)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_frame_of_ours_adds_a_secret_to_httpx_s_own_errors(backend, tmp_path, capfd):
    leaks = played(broken_api_call, backend, tmp_path, capfd).leaks()

    # httpx's errors hold the request with its header, and httpx pickles it: that is out of our hands.
    assert {(leak.sink, leak.place) for leak in leaks} == {("pickle", "RemoteProtocolError")}
