"""API errors that repeat the token, in the shape of every product: nothing that is told about them holds it."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from attrs import field, frozen

from tests.canaries import Leak
from tests.canaries.play import LEADS, OWNER, Play, played
from zoho_oauth import ErrorCode, Family, Meaning, MemoryStore, RefreshPolicy, errors, events, explain
from zoho_oauth._error_codes import ANY_STATUS, ERROR_CODES
from zoho_oauth._policy import LONGEST_ANSWER
from zoho_oauth._rejections import ApiAnswer
from zoho_oauth.testing._asgi import Exchange

JSON = "application/json;charset=UTF-8"
#: For rows that come with any status.
STATUSES = (401, 403, 429)


@frozen
class Echo:
    """An error that repeats the token it was asked with, wherever the template says TOKEN."""

    status: int
    template: str
    content_type: str = JSON
    packed: bool = False
    row: ErrorCode | None = field(default=None, eq=False)

    async def send_to(self, exchange: Exchange) -> None:
        token = exchange.headers[b"authorization"].decode().removeprefix("Zoho-oauthtoken ")
        body = self.template.replace("TOKEN_", token).encode()
        headers = [("content-type", self.content_type)]
        if self.packed:
            body, headers = gzip.compress(body), [*headers, ("content-encoding", "gzip")]
        await exchange.start(self.status, headers)
        await exchange.write(body)

    @property
    def path(self) -> str:
        """Where a host that is not Zoho's is taken for this product's."""
        product = self.row.products[0] if self.row and self.row.products else "other"
        return f"/{product.partition('-')[0]}/v1/echo"


def shaped(row: ErrorCode, steps: list[str]) -> Any:
    """The row's code where it belongs, and the token everywhere around it."""
    if not steps:
        return row.code
    step, *rest = steps
    inner = shaped(row, rest)
    if step == "*":
        return [inner, "TOKEN_", {"TOKEN_": "TOKEN_"}]
    around = {"TOKEN_": "TOKEN_", "message": f"{row.message} TOKEN_", "details": ["Zoho-oauthtoken TOKEN_"]}
    return {**around, step: inner}


def in_every_shape() -> Iterator[Echo]:
    for row in ERROR_CODES:
        template = json.dumps(shaped(row, row.at.split(".")))
        for status in sorted(row.statuses) or STATUSES:
            yield Echo(status, template, row=row)


UNKNOWN = (
    "TOKEN_",
    '"TOKEN_"',
    '["TOKEN_"]',
    "<html>TOKEN_</html>",
    '{"code": "TOKEN_"}',
    '{"code": "INVALID_TOKEN TOKEN_"}',
    '{"errorCode": {"TOKEN_": "TOKEN_"}}',
    '{"code": "INVALID_TOKEN", "message": "TOKEN_',
    "[" * 2_000 + '"TOKEN_"' + "]" * 2_000,
    '{"message": "TOKEN_", "padding": "' + "x" * LONGEST_ANSWER + '"}',
)
ECHOES = (
    *in_every_shape(),
    *(
        Echo(status, text, packed=packed)
        for text in UNKNOWN
        for status in (400, 401)
        for packed in (False, True)
    ),
)


def tolerant(play: Play) -> None:
    """Each rejection may cost a token request here."""
    play.fake.rules.throttle_after = None
    play.zoho = play.connected(MemoryStore(), policy=RefreshPolicy(mints=10_000, send_deadline=1))


def look_at(play: Play, response: httpx.Response) -> Meaning:
    """Put all that can be said of an answer into the sinks."""
    fresh = httpx.Response(
        response.status_code, headers=response.headers, content=response.content, request=response.request
    )
    fresh.headers.pop("content-encoding", None)
    for meaning in (explain(response), explain(fresh)):
        play.sinks.objects += [meaning, pickle.dumps(meaning, 0).decode("latin-1")]
    return explain(response)


async def answered(play: Play) -> None:
    tolerant(play)
    await play.adopt()
    recognised = 0
    async with play.client() as client:
        for echo in ECHOES:
            play.fake.answer_next(echo, times=2, path=echo.path)
            response = await client.get(echo.path)
            recognised += echo.row is not None and look_at(play, response).code == echo.row.code
            play.fake._resource_server.plan.__init__()  # type: ignore[misc]
            assert (await client.get(LEADS)).status_code == 200  # the host is trusted again
    assert recognised == len(list(in_every_shape()))
    told = [event for event in play.sinks.events if isinstance(event, events.TokenRejected)]
    assert {event.meaning.family for event in told} == set(Family) - {Family.OTHER}


async def streamed(play: Play) -> None:
    tolerant(play)
    await play.adopt()
    async with play.client() as client:
        for echo in [echo for echo in ECHOES if echo.row is None or echo.row.statuses != ANY_STATUS]:
            play.fake.answer_next(echo, times=2, path=echo.path)
            async with client.stream("GET", echo.path) as response:
                play.sinks.objects.append(explain(response))
                await response.aread()
            play.fake._resource_server.plan.__init__()  # type: ignore[misc]
            await client.get(LEADS)


async def then_throttled(play: Play) -> None:
    await play.adopt()
    play.fake.throttle()
    play.fake.answer_next(Echo(401, '{"code": "INVALID_TOKEN", "message": "TOKEN_"}'))
    await play.fails(play.get, errors.Throttled)


async def then_cancelled(play: Play) -> None:
    async def impatient() -> None:
        with anyio.fail_after(0.3):
            await play.get()

    await play.adopt()
    play.fake.answer_next(Echo(401, '{"code": "INVALID_TOKEN", "message": "TOKEN_"}'))
    with play.fake.hold_tokens():
        await play.fails(impatient, TimeoutError)


async def then_throttled_without_async(play: Play) -> None:
    await play.adopt()

    def get() -> None:
        with httpx.Client(auth=play.zoho.auth(OWNER), base_url=play.fake.data_center.api) as client:
            client.get(LEADS)

    play.fake.throttle()
    play.fake.answer_next(Echo(401, '{"code": "INVALID_TOKEN", "message": "TOKEN_"}'))
    await play.fails(lambda: anyio.to_thread.run_sync(get), errors.Throttled)


@frozen
class BreaksOff:
    """A body that repeats the token and then ends before its length is reached."""

    async def send_to(self, exchange):
        echoed = exchange.headers[b"authorization"].rpartition(b" ")[2]
        await exchange.start(401, (("content-type", "application/json"), ("content-length", "60000")))
        await exchange.write(b'{"message": "' + echoed + b'"}', more=True)
        await exchange.cut()


async def then_broken_off(play: Play) -> None:

    async def stream() -> None:
        async with play.client() as client, client.stream("GET", LEADS):
            raise AssertionError("the answer was whole")

    await play.adopt()
    play.fake.answer_next(BreaksOff())
    await play.fails(stream, httpx.RemoteProtocolError)


SCENARIOS = (
    answered,
    streamed,
    then_throttled,
    then_cancelled,
    then_throttled_without_async,
)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_no_token_is_said(scenario, backend, tmp_path, capfd):
    sinks = played(scenario, backend, tmp_path, capfd)

    assert sinks.leaks() == []
    assert any(isinstance(event, events.TokenRejected) for event in sinks.events)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_answer_that_breaks_off_is_in_no_frame_but_httpxs_own(backend, tmp_path, capfd):
    """Those hold the last piece, with this auth or without."""
    found = played(then_broken_off, backend, tmp_path, capfd).leaks()

    files = {leak.place.partition(":")[0] for leak in found if leak.sink == "frame"}
    assert "_client.py" in files
    assert files.isdisjoint({"_bodies.py", "_flow.py", "_verdicts.py"})


def quoting(answer: ApiAnswer, _: object) -> Meaning:
    """The broken twin: a reading as one writes it at first."""
    return Meaning(family=Family.TOKEN, hint=f"Zoho says: {answer.body[:400].decode('latin-1')}")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_reading_that_quotes_the_answer_says_it_in_many_places(backend, tmp_path, capfd, monkeypatch):
    async def once(play: Play) -> None:
        tolerant(play)
        await play.adopt()
        play.fake.answer_next(Echo(401, '{"message": "TOKEN_"}'), times=2)
        look_at(play, await play.get())

    monkeypatch.setattr("zoho_oauth._verdicts.read_rejection", quoting)
    found = played(once, backend, tmp_path, capfd).leaks()

    assert {"event", "log", "pickle", "repr"} <= {leak.sink for leak in found}
    assert any(isinstance(leak, Leak) and leak.place == "TokenRejected" for leak in found)
