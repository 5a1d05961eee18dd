"""One hour of rejections by a clock that is moved by hand, the flow driven by hand: what it costs in token requests."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from contextlib import aclosing, closing, suppress
from itertools import cycle, islice

import anyio
import pytest
from attrs import define, field, frozen

from tests.auth import OWNER, SameStore, World, naive_auth, signed
from tests.corpus_rejections import REJECTIONS, Rejection
from tests.scale import count
from zoho_oauth import DataCenter, Family, RefreshPolicy, TokenEndpoint, TokenSource, ZohoOAuth, errors
from zoho_oauth.testing import FakeZoho, Rules

HOUR, WINDOW = 3600.0, 600.0
BOUND = 8
A_MINUTE = 100
#: Real seconds; an hour takes less than one.
PATIENCE = 60.0


KNOWN = {host for _, host, _ in DataCenter.get("eu").origins}
HERE = [each for each in REJECTIONS if each.place[0] in KNOWN and each.status >= 400]
SCOPE = [each for each in HERE if each.family is Family.SCOPE]
ABOUT_ELSE = (Family.PERMISSION, Family.RATE_LIMIT, Family.CREDENTIAL)
NOT_THE_TOKEN = [each for each in HERE if each.family in ABOUT_ELSE and not each.refreshes]
#: What is said to a dead token, and to much else: by code, or in a body that says nothing.
AMBIGUOUS = tuple(
    each
    for each in HERE
    if each.status == 401
    and (each.product, each.code)
    in {
        ("crm", "INVALID_TOKEN"),
        ("analytics", "8535"),
        ("books", "57"),
        ("campaigns", "1007"),
        ("sheet", "2401"),
        ("bookings", None),
        ("cliq", None),
    }
    and each.family is Family.TOKEN
)


async def answered(flow, reply):
    """Drive a flow to its end with what `reply` says to each token; returns how often it sent, and the last status."""
    sent = 0
    async with aclosing(flow):
        request = await anext(flow)
        while True:
            sent += 1
            response = reply(request)
            try:
                request = await flow.asend(response)
            except StopAsyncIteration:
                return sent, response.status_code


def answered_blocking(flow, reply):
    """The same for a sync flow."""
    sent = 0
    with closing(flow):
        request = next(flow)
        while True:
            sent += 1
            response = reply(request)
            try:
                request = flow.send(response)
            except StopIteration:
                return sent, response.status_code


def most_in_a_window(fake):
    """The most token requests within any ten minutes."""
    times = [each.time for each in fake.token_request_log]
    return max(bisect_left(times, start + WINDOW) - number for number, start in enumerate(times))


# --- answers that are recognised -------------------------------------------------------------------------


@pytest.fixture
def long_lived(library):
    """Nothing expires within the hour, so each token request but the first is for a rejection."""
    fake = FakeZoho("eu", rules=Rules(token_life=3 * HOUR))
    yield World(fake, library)
    fake.release_all()


def asked(library, each):
    return library.request(url=f"https://{each.url}")


def replies(library, each):
    headers = {"Content-Type": each.content_type}
    return lambda request: library.module.Response(
        each.status, request=request, headers=headers, content=each.body
    )


def an_hour_of(table):
    return islice(cycle(table), int(HOUR / 60) * A_MINUTE)


@pytest.mark.parametrize("table", [SCOPE, NOT_THE_TOKEN], ids=["scope", "not-the-token"])
class TestRecognised:
    @pytest.mark.anyio
    async def test_an_hour_of_them_costs_nothing(self, long_lived, library, table):
        auth, sends = long_lived.auth(), Counter()
        for each in an_hour_of(table):
            sends[await answered(auth.async_auth_flow(asked(library, each)), replies(library, each))] += 1
            long_lived.fake.clock.advance(60 / A_MINUTE)

        print(f"\n{sends.total()} rejections, {long_lived.fake.token_requests} token request")
        assert {sent for sent, _ in sends} == {1}
        assert {status for _, status in sends} == {each.status for each in table}
        assert (sends.total(), long_lived.fake.token_requests) == (6_000, 1)

    def test_nor_does_it_with_a_sync_client(self, long_lived, library, table):
        auth, sends = long_lived.auth(), Counter()
        for each in an_hour_of(table):
            sends[answered_blocking(auth.sync_auth_flow(asked(library, each)), replies(library, each))] += 1
            long_lived.fake.clock.advance(60 / A_MINUTE)

        assert {sent for sent, _ in sends} == {1}
        assert (sends.total(), long_lived.fake.token_requests) == (6_000, 1)

    @pytest.mark.anyio
    async def test_an_auth_that_blames_the_token_pays(self, long_lived, library, table):
        """The control; a fiftieth of the hour's rejections is enough."""
        auth = naive_auth(library, long_lived.source())
        for each in islice(an_hour_of(table), 0, None, 53):
            with suppress(errors.Throttled):
                await answered(auth.async_auth_flow(asked(library, each)), replies(library, each))
            long_lived.fake.clock.advance(53 * 60 / A_MINUTE)

        assert long_lived.fake.token_requests > 1 + 20


# --- answers that may be about anything ------------------------------------------------------------------


def rule_5(library, source):
    """The Auth under test."""
    return library.auth_class(source)


@frozen
class Process:
    """One of the processes that share the store, with a memory of its own."""

    zoho: ZohoOAuth
    source: TokenSource
    auth: object


@define
class Hour:
    """
    An hour of two processes on one store, in which all kinds of things happen, drawn by `seed`.

    A token that newer ones pushed out is rejected everywhere. Besides, a URL may reject every token for a while,
    as it does where the scope is missing.
    """

    library: object
    seed: int
    auth_of: object = rule_5
    policy: RefreshPolicy = field(factory=RefreshPolicy)
    throttle_after: int | None = 10
    rng: random.Random = field(init=False)
    world: World = field(init=False)
    processes: list[Process] = field(factory=list)
    trouble: float = field(init=False)
    unwilling: set[Rejection] = field(factory=set)
    counts: Counter[str] = field(factory=Counter)
    longest_wait: float = 0.0
    most_sends: int = 0

    def __attrs_post_init__(self):
        self.rng = random.Random(self.seed)
        self.trouble = self.rng.choice([0.002, 0.01, 0.05])
        # With short lives some hours also spend the mints that are kept for expiry.
        life = self.rng.choice([HOUR, HOUR, 900.0, 300.0])
        rules = Rules(token_life=life, throttle_after=self.throttle_after)
        self.world = World(FakeZoho("eu", rules=rules), self.library)

    @property
    def fake(self):
        return self.world.fake

    async def lived(self):
        """This hour, over; and everything works again after it."""
        with anyio.fail_after(PATIENCE):
            self.processes = [self._started(), self._started()]
            end = self.fake.clock.monotonic() + HOUR
            while self.fake.clock.monotonic() < end:
                await self._step()
            await self._recovered()
        return self

    def _started(self):
        zoho = ZohoOAuth(
            self.world.registration,
            SameStore(self.world.store),
            policy=self.policy,
            clock=self.fake.clock,
            endpoint=TokenEndpoint(transport=self.fake.transport),
        )
        source = zoho.source(OWNER)
        return Process(zoho, source, self.auth_of(self.library, source))

    async def _step(self):
        chance = self.rng.random()
        if chance < 0.02:
            self._evict()
        elif chance < 0.04:
            self._restart()
        elif chance < 0.04 + self.trouble:
            self.unwilling ^= {self.rng.choice(AMBIGUOUS)}
        elif chance < 0.15:
            await self._all_at_once()
        else:
            await self._sent(self.rng.choice(self.processes), self.rng.choice(AMBIGUOUS))
        await self._moved(self.rng.uniform(1, 8))

    def _evict(self):
        """Another application asks for so many tokens that ours die."""
        for _ in range(self.fake.rules.live_access_tokens):
            self.fake.mint(self.world.refresh_token)
        self.counts["evictions"] += 1

    def _restart(self):
        self.processes[self.rng.randrange(2)] = self._started()
        self.counts["restarts"] += 1

    async def _all_at_once(self):
        async with anyio.create_task_group() as tasks:
            for process in self.processes * 2:
                tasks.start_soon(self._sent, process, self.rng.choice(AMBIGUOUS))

    async def _moved(self, seconds):
        # Time that passes during a token request would be an endpoint that takes as long.
        for process in self.processes:
            if process.source.entry.attempts:
                await process.zoho.aclose()
        self.fake.clock.advance(seconds)

    async def _sent(self, process, url):
        self.counts["requests"] += 1
        sends = []
        flow = process.auth.async_auth_flow(asked(self.library, url))
        try:
            _, status = await answered(flow, lambda request: self._reply(url, request, sends))
            self.counts[str(status)] += 1
        except errors.Throttled as error:
            self.counts["Throttled"] += 1
            self.longest_wait = max(self.longest_wait, error.retry_at - self.fake.clock.wall())
        self.most_sends = max(self.most_sends, len(sends))

    def _reply(self, url, request, sends):
        sends.append(request)
        is_alive = signed(request) in self.fake.access_tokens(self.world.refresh_token)
        if is_alive and url not in self.unwilling:
            return self.library.response(200, request)
        self.counts["rejections"] += 1
        return self.library.response(401, request, url.body)

    async def _recovered(self):
        self.unwilling.clear()
        await self._moved(WINDOW)
        before = self.counts["200"]
        for process in self.processes:
            await self._sent(process, AMBIGUOUS[0])
        assert self.counts["200"] == before + 2

    def figures(self):
        """What it cost."""
        return (
            f"seed {self.seed}, life {self.fake.rules.token_life:.0f} s: {dict(sorted(self.counts.items()))}, "
            f"{self.fake.token_requests} token requests, {most_in_a_window(self.fake)} in {WINDOW:.0f} s at most"
        )


def insisting_auth(library, source):
    """An Auth without an end of its own."""

    class Insisting(library.module.Auth):
        async def async_auth_flow(self, request):
            token, status = None, 401
            while status == 401:
                token = await source.token(token)
                request.headers["Authorization"] = f"Zoho-oauthtoken {token.access_token.reveal()}"
                status = (yield request).status_code

    return Insisting()


class TestAmbiguous:
    @pytest.mark.anyio
    async def test_no_hour_passes_the_bound_and_some_reach_it(self, library):
        hours = [await Hour(library, seed).lived() for seed in range(count(80))]
        print("", *(each.figures() for each in hours), sep="\n")

        most = {most_in_a_window(each.fake) for each in hours}
        assert max(most) == BOUND
        assert max(each.longest_wait for each in hours) <= WINDOW
        assert sum(each.fake.requests.throttled for each in hours) == 0
        counts = sum((each.counts for each in hours), Counter())
        assert counts["200"] + counts["401"] + counts["Throttled"] == counts["requests"]
        assert max(each.most_sends for each in hours) == 2
        assert min(counts["200"], counts["401"], counts["Throttled"]) > 100

    @pytest.mark.anyio
    @pytest.mark.parametrize("auth_of", [naive_auth, rule_5], ids=["neither", "only-rule-5"])
    async def test_without_the_budget_an_hour_passes_it(self, library, auth_of):
        """The control; evictions, restarts and many hosts are more than rule 5 can hold alone."""
        one = await Hour(library, 0, auth_of, RefreshPolicy(mints=10_000), throttle_after=None).lived()
        print("", one.figures(), sep="\n")

        assert most_in_a_window(one.fake) > 2 * BOUND

    @pytest.mark.anyio
    async def test_an_auth_that_insists_sends_more_than_twice(self, library):
        """The control for that number."""
        one = await Hour(library, 0, insisting_auth).lived()

        assert one.most_sends > 2
