"""
Shows the library at work: `python -m zoho_oauth.demo`, or one real call: `python -m zoho_oauth.demo URL`.

The show needs no Zoho account: four times it sends a thousand requests at once to a fake Zoho on a loopback
port, while tokens die and Zoho throttles, and checks its own claims. The real call goes by the ZOHO_… variables of
`ZohoOAuth.from_env`.
"""

from __future__ import annotations

import argparse
import importlib.util
import ssl
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import httpx
from attrs import define, field, frozen

from . import TokenEndpoint, ZohoOAuth, errors
from .testing import FakeZoho, Rules

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from typing import TextIO

#: At once, in each act.
REQUESTS: Final = 1_000
ACTS: Final = 4
#: As the parts of an application have: httpx's pool takes time that grows with the square of those who wait for it.
CLIENTS: Final = 20
CONNECTIONS: Final = 5
#: Real seconds, so that requests overlap as they do on a network.
TOKEN_LATENCY: Final = 0.2
RESOURCE_LATENCY: Final = 0.02
#: Seconds before a token's end at which a refresh is due and nobody has to wait for it.
SHORTLY_BEFORE: Final = 120.0
#: A terminal is not asked to draw faster than people read.
DRAW_EVERY: Final = 20

#: The fake is reached by http: no certificates are loaded, and none would be trusted.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

#: So that nobody takes the latency for the library's own; docs/benchmarks.md has that.
NOTE: Final = (
    "Latency: a thousand requests at once, 20 clients, 100 connections, the server in the same process."
)
MISSING: Final = "The demo needs uvicorn: pip install 'zoho-oauth[testing]'"


@frozen(kw_only=True)
class Expected:
    """What a run of the show has to end with."""

    failures: int = 0
    minted: int = 2
    throttled: int = 1


@define
class Progress:
    """A line that is drawn over and over on a terminal, and plain lines elsewhere."""

    out: TextIO
    total: int
    done: int = 0
    title: str = ""

    def begin(self, title: str) -> None:
        """Name what happens next."""
        self.title = title
        self._draw()

    def step(self) -> None:
        """One request has ended."""
        self.done += 1
        if self.done % DRAW_EVERY == 0:
            self._draw()

    def end(self) -> None:
        """Leave the line as it is, and say it where none was drawn."""
        self._draw()
        self.out.write("\n" if self.out.isatty() else f"{self._line().rstrip()}\n")

    def _draw(self) -> None:
        if self.out.isatty():
            self.out.write(f"\r{self._line()}")
            self.out.flush()

    def _line(self) -> str:
        return f"{self.done:>6,} of {self.total:,}  {self.title:<63}"


@define
class Show:
    """One run: the fake, the client that calls it, and what came of each request."""

    fake: FakeZoho
    zoho: ZohoOAuth
    clients: Sequence[httpx.AsyncClient]
    progress: Progress
    seconds: list[float] = field(factory=list)
    failures: int = 0

    async def wave(
        self, title: str, size: int, meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Send `size` requests at once and wait for all; `meanwhile` runs while they are on their way."""
        self.progress.begin(title)
        async with anyio.create_task_group() as tasks:
            for number in range(size):
                tasks.start_soon(self._call, self.clients[number % CLIENTS])
            if meanwhile is not None:
                await meanwhile()
        await self.zoho.aclose()
        self.progress.end()

    async def _call(self, crm: httpx.AsyncClient) -> None:
        begun = time.perf_counter()
        try:
            response = await crm.get("/crm/v8/Leads")
            self.failures += response.is_error
        except (httpx.HTTPError, errors.ZohoOAuthError):
            self.failures += 1
        self.seconds.append(time.perf_counter() - begun)
        self.progress.step()

    async def kill_tokens_on_the_way(self) -> None:
        """Let Zoho drop the token when requests that carry it have arrived and are not answered yet."""
        with self.fake.hold_resources() as gate:
            await gate.arrived()
            self.fake.expire_all()


async def act(show: Show, requests: int) -> None:
    """The four acts, each with all the requests at once."""
    clock, life = show.fake.clock, show.fake.rules.token_life
    await show.wave("All is well.", requests)
    await show.wave(
        "Zoho drops the token while requests carry it: 401.", requests, show.kill_tokens_on_the_way
    )
    clock.advance(life - SHORTLY_BEFORE)
    show.fake.throttle(times=1)
    await show.wave("The token is about to expire, and Zoho throttles the refresh.", requests)
    clock.advance(life)
    await show.wave("The token has expired by the clock.", requests)


@asynccontextmanager
async def stage(out: TextIO, requests: int) -> AsyncIterator[Show]:
    """A fake on a loopback port, a connected owner, and a client."""
    fake = FakeZoho("eu", rules=Rules(token_latency=TOKEN_LATENCY, resource_latency=RESOURCE_LATENCY))
    # Straight to the loopback port, whatever proxy the environment names.
    direct = httpx.AsyncHTTPTransport(verify=NO_TLS)
    async with fake.serve(), direct:
        registration = fake.register_client()
        zoho = ZohoOAuth(registration, clock=fake.clock, endpoint=TokenEndpoint(transport=direct))
        await zoho.adopt(fake.consent(registration.client_id))
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        auth=zoho.auth(),
                        base_url=fake.data_center.api,
                        limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=None),
                        timeout=60,
                        trust_env=False,
                        verify=NO_TLS,
                    )
                )
                for _ in range(CLIENTS)
            ]
            yield Show(fake, zoho, clients, Progress(out, ACTS * requests))


async def perform(out: TextIO, requests: int, expected: Expected | None = None) -> bool:
    """Run the show and print its table; whether it ended as expected."""
    async with stage(out, requests) as show:
        await act(show, requests)
        out.write(table(show))
        verdict = judged(show, expected or Expected())
    out.write(f"{verdict or 'As promised: nobody failed, and each dead token cost one token request.'}\n")
    return not verdict


def table(show: Show) -> str:
    """The numbers of a run, as text."""
    counted = show.fake.requests
    rows = (
        ("requests", f"{len(show.seconds):,}"),
        ("failures", f"{show.failures:,}"),
        ("token requests", f"{counted.tokens}"),
        ("  to connect", "1"),
        ("  for a dead token", f"{counted.mints - 1}"),
        ("  throttled", f"{counted.throttled}"),
        ("retries after a 401", f"{counted.retries:,}"),
        ("latency p50", f"{percentile(show.seconds, 50) * 1_000:,.0f} ms"),
        ("latency p99", f"{percentile(show.seconds, 99) * 1_000:,.0f} ms"),
    )
    lines = "".join(f"  {name:<22}{value:>10}\n" for name, value in rows)
    return f"\n{lines}\n{NOTE}\n"


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * share // 100, len(ordered) - 1)]


def judged(show: Show, expected: Expected) -> str:
    """Empty if the run ended as expected, otherwise a sentence that says how it differs."""
    counted = show.fake.requests
    found = Expected(failures=show.failures, minted=counted.mints - 1, throttled=counted.throttled)
    if found == expected:
        return ""
    return f"This is not what was promised. Expected: {_in_words(expected)}. Found: {_in_words(found)}."


def _in_words(result: Expected) -> str:
    return f"failures {result.failures}, tokens for dead ones {result.minted}, throttled {result.throttled}"


async def call(url: str, zoho: ZohoOAuth, out: TextIO) -> bool:
    """Send one GET to `url` and print the body, or what to do about the error; whether it worked."""
    try:
        async with zoho, httpx.AsyncClient(auth=zoho.auth()) as client:
            response = await client.get(url)
    except errors.ZohoOAuthError as error:
        out.write(f"{error.family}: {error}\n")
        return False
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        out.write(f"The request did not get through ({type(error).__name__}).\n")
        return False
    out.write(f"{response.text}\n")
    if not response.is_success:
        out.write(f"Zoho answered with status {response.status_code}.\n")
    return response.is_success


def main(
    arguments: Sequence[str] | None = None, *, connect: Callable[[], ZohoOAuth] = ZohoOAuth.from_env
) -> int:
    """Run by the command line and return the exit code; `connect` says who makes the real call, and where."""
    url: str | None = _parser().parse_args(arguments).url
    if url is not None:
        return _called(url, connect)
    if importlib.util.find_spec("uvicorn") is None:
        print(MISSING)
        return 1
    return 0 if anyio.run(perform, sys.stdout, REQUESTS) else 1


def _called(url: str, connect: Callable[[], ZohoOAuth]) -> int:
    try:
        zoho = connect()
    except errors.ZohoOAuthError as error:
        print(f"{error.family}: {error}")
        return 1
    return 0 if anyio.run(call, url, zoho, sys.stdout) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zoho_oauth.demo",
        description="A thousand requests to a fake Zoho that does its worst; or one real call.",
        epilog="With a URL: ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN are needed, "
        "outside the US also ZOHO_DATA_CENTER.",
    )
    parser.add_argument("url", nargs="?", help="what to GET, as in https://www.zohoapis.eu/crm/v8/org")
    return parser


if __name__ == "__main__":
    sys.exit(main())
