"""Faults do what they say: measured in bytes on a bare socket, and as errors in process."""

import socket
import time
import zlib
from urllib.parse import urlsplit

import anyio
import httpx
import httpx2
import pytest

from zoho_oauth.testing import FakeZoho, answers, faults

from .world import WAYS, world

MEGABYTE = 1_048_576


@pytest.fixture(scope="module")
def fake():
    fake = FakeZoho()
    with fake.serving():
        yield fake


def connection_to(fake):
    address = urlsplit(fake.data_center.accounts)
    return socket.create_connection((address.hostname, address.port), timeout=10)


REQUEST = (
    b"POST /oauth/v2/token HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 24\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ngrant_type=refresh_token"
)


def post(connection, path=b"/oauth/v2/token"):
    connection.sendall(REQUEST.replace(b"/oauth/v2/token", path))


def received(connection, *, until_close=True, at_most=64 * MEGABYTE):
    """Every byte up to the end of the connection, or up to the end of a chunked or counted body."""
    parts = []
    while sum(map(len, parts)) < at_most:
        part = connection.recv(65_536)
        if not part:
            break
        parts.append(part)
        if not until_close and part.endswith(b"0\r\n\r\n"):
            break
    return b"".join(parts)


def test_a_cut_before_the_headers_sends_not_one_byte(fake):
    fake.fail_next(faults.CutBeforeHeaders())
    with connection_to(fake) as connection:
        post(connection)

        assert received(connection) == b""


def test_a_cut_after_the_headers_sends_less_than_it_promised(fake):
    fake.fail_next(faults.CutAfterHeaders(piece=b'{"acc'))
    with connection_to(fake) as connection:
        post(connection)
        head, _, body = received(connection).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 105" in head
    assert body == b'{"acc'


def test_a_cut_connection_is_the_only_one_that_is_cut(fake):
    with connection_to(fake) as other, connection_to(fake) as cut:
        fake.fail_next(faults.CutBeforeHeaders())
        post(cut)
        received(cut)
        post(other, b"/oauth/v2/nowhere")

        assert other.recv(65_536).startswith(b"HTTP/1.1 404")


def test_a_drip_comes_byte_by_byte(fake):
    fake.fail_next(faults.Drip(pause=0.02, body=b"drip"))
    begun = time.monotonic()
    with connection_to(fake) as connection:
        post(connection)
        pieces = []
        while not b"".join(pieces).endswith(b"drip"):
            pieces.append(connection.recv(65_536))

    assert len(pieces) >= 4
    assert time.monotonic() - begun >= 0.06


def test_a_huge_body_is_huge_and_unannounced(fake):
    fake.fail_next(faults.HugeBody(size=10 * MEGABYTE))
    with connection_to(fake) as connection:
        post(connection)
        answer = received(connection, until_close=False)

    assert b"content-length" not in answer[:200]
    assert 10 * MEGABYTE < len(answer) < 11 * MEGABYTE


def test_a_huge_body_stops_when_the_client_has_left(fake):
    fake.fail_next(faults.HugeBody(size=10 * MEGABYTE))
    with connection_to(fake) as connection:
        post(connection)
        received(connection, at_most=1)
    with connection_to(fake) as connection:
        post(connection, b"/oauth/v2/nowhere")

        assert connection.recv(65_536).startswith(b"HTTP/1.1 404")


def test_a_gzip_bomb_is_small_on_the_wire_and_big_inside(fake):
    fake.fail_next(faults.GzipBomb(size=5 * MEGABYTE))
    with connection_to(fake) as connection:
        post(connection)
        connection.shutdown(socket.SHUT_WR)
        head, _, body = received(connection).partition(b"\r\n\r\n")

    assert b"content-encoding: gzip" in head
    assert len(body) < MEGABYTE / 100
    assert len(zlib.decompress(body, wbits=16 + zlib.MAX_WBITS)) == 5 * MEGABYTE


def test_a_hang_says_nothing_until_it_is_released(fake):
    hang = faults.Hang()
    fake.fail_next(hang)
    with connection_to(fake) as connection:
        post(connection)
        hang.gate.wait_arrived()
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        hang.gate.release()
        connection.settimeout(10)

        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("reply", "status", "beginning"),
    [
        (answers.html_page(500), 500, b"<!DOCTYPE html>"),
        (answers.html_page(502), 502, b"<!DOCTYPE html>"),
        (answers.html_page(503), 503, b"<!DOCTYPE html>"),
        (answers.html_page(200), 200, b"<!DOCTYPE html>"),
        (answers.truncated_json(), 200, b'{"access_token": "1000.fake-acc'),
        (answers.Answer(429, b"slow down", (("Retry-After", "7"),)), 429, b"slow down"),
        (answers.redirect("https://elsewhere.example/", 302), 302, b""),
        (answers.redirect("https://elsewhere.example/", 307), 307, b""),
        (answers.json_answer({"error": "Zoë"}), 200, '{"error": "Zoë"}'.encode()),
    ],
)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.anyio
async def test_a_planned_answer_comes_once_and_as_it_is(reply, status, beginning, way):
    async with world(FakeZoho(), way) as zoho:
        zoho.fake.fail_next(reply)
        planned = await zoho.refresh()
        next_one = await zoho.refresh()

    assert (status, True) == (planned.status_code, planned.content.startswith(beginning))
    assert all(planned.headers[name] == value for name, value in reply.headers)
    assert "access_token" in next_one.json()
    assert (zoho.fake.token_requests, zoho.fake.requests.faults, zoho.fake.requests.mints) == (2, 1, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", [faults.CutBeforeHeaders(), faults.CutAfterHeaders()])
@pytest.mark.anyio
async def test_a_cut_is_the_same_error_in_process_and_on_a_socket(fault, way):
    async with world(FakeZoho(), way) as zoho:
        zoho.fake.fail_next(fault)
        with pytest.raises((httpx.RemoteProtocolError, httpx2.RemoteProtocolError)):
            await zoho.refresh()
        recovered = await zoho.refresh()

    assert "access_token" in recovered.json()


@pytest.mark.anyio
async def test_an_answer_may_be_lost_after_the_token_was_made():
    async with world(FakeZoho()) as zoho:
        zoho.fake.fail_next(answers.html_page(502), after_mint=True)
        lost = await zoho.refresh()

    assert lost.status_code == 502
    assert len(zoho.fake.access_tokens(zoho.refresh_token)) == 1
    assert (zoho.fake.requests.mints, zoho.fake.requests.faults) == (1, 1)


@pytest.mark.anyio
async def test_faults_happen_times_in_a_row():
    async with world(FakeZoho()) as zoho:
        zoho.fake.fail_next(answers.html_page(503), times=2)
        statuses = [(await zoho.refresh()).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]


@pytest.mark.parametrize("way", ["socket", "socket, httpx2"])
@pytest.mark.anyio
async def test_the_api_has_faults_too(way):
    async with world(FakeZoho(), way) as zoho:
        token = await zoho.access_token()
        zoho.fake.answer_next(faults.CutBeforeHeaders(), path="/crm/v8/Leads")
        other = await zoho.call(token, "/crm/v8/Deals")
        with pytest.raises((httpx.RemoteProtocolError, httpx2.RemoteProtocolError)):
            await zoho.call(token)

    assert other.status_code == 200


@pytest.mark.parametrize("waiting", ["hang", "drip", "gate", "latency"])
@pytest.mark.anyio
async def test_a_server_with_requests_in_it_stops_at_once_and_in_silence(waiting, caplog):
    fake = FakeZoho()
    with anyio.fail_after(10):
        async with fake.serve():
            gate = _make_wait(fake, waiting)
            address = urlsplit(fake.data_center.accounts)
            connection = await anyio.connect_tcp(address.hostname, address.port)
            await connection.send(REQUEST)
            await _until_requested(fake, gate)
        await connection.aclose()

    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def _make_wait(fake, waiting):
    if waiting == "gate":
        return fake.hold_tokens()
    if waiting == "hang":
        hang = faults.Hang()
        fake.fail_next(hang)
        return hang.gate
    if waiting == "drip":
        fake.fail_next(faults.Drip(pause=60))
    else:
        fake.rules.token_latency = 60
    return None


async def _until_requested(fake, gate):
    if gate is not None:
        await gate.arrived()
    while fake.token_requests == 0:
        await anyio.lowlevel.checkpoint()
