"""A host whose 401s turn out not to be about the token: design, the httpx side, rule 5."""

from __future__ import annotations

import pytest

from tests.auth import LEADS, OWNER, SameStore, naive_auth
from tests.scale import count
from zoho_oauth import _policy, errors, events, explain
from zoho_oauth._explain import FRESH, IF_FRESH, RENEWED
from zoho_oauth._held import Entry
from zoho_oauth.testing.answers import DEAD_TOKEN, NO_TOKEN, SCOPE_MISMATCH, Answer

CRM, DESK, MAIL = (
    f"https://www.zohoapis.eu{LEADS}",
    "https://desk.zoho.eu/api/v1/tickets",
    "https://mail.zoho.eu/api/v1",
)
MINUTES = 60.0


def ambiguous(world, path=""):
    """From now on every answer is a 401 that may be about anything."""
    world.fake.answer_next(NO_TOKEN, times=1_000_000, path=path)


def well_again(world):
    world.fake._resource_server.plan.__init__()


async def statuses(client, *urls):
    return [(await client.get(url)).status_code for url in urls]


def most_in_a_window(world):
    """The most token requests within any ten minutes."""
    times = [each.time for each in world.fake.token_request_log]
    return max(sum(1 for other in times if start <= other < start + 600) for start in times)


def hints(world):
    """How the hint about each rejection begins."""
    said = [event.meaning.hint for event in world.events if isinstance(event, events.TokenRejected)]
    return [next(each for each in (RENEWED, FRESH, IF_FRESH) if hint.startswith(each)) for hint in said]


class TestDistrust:
    @pytest.mark.anyio
    async def test_a_rejected_new_token_makes_the_next_rejections_cost_nothing(self, world):
        ambiguous(world)
        async with world.client() as client:
            assert await statuses(client, *[CRM] * 5) == [401] * 5

        assert world.fake.token_requests == 2
        assert world.fake.requests.resources == 6

    @pytest.mark.anyio
    async def test_an_auth_without_memory_pays_for_each(self, world):
        """The control; what stops it is the budget."""
        ambiguous(world)
        async with world.client(naive_auth(world.library, world.source())) as client:
            assert await statuses(client, *[CRM] * 5) == [401] * 5

        assert world.fake.token_requests == 6

    def test_a_sync_client_learns_the_same(self, served):
        ambiguous(served)
        with served.sync_client() as client:
            assert [client.get(LEADS).status_code for _ in range(5)] == [401] * 5

        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_another_host_is_not_distrusted(self, world):
        ambiguous(world)
        async with world.client() as client:
            await statuses(client, CRM, CRM, DESK)

        assert world.fake.token_requests == 3

    @pytest.mark.anyio
    async def test_another_owner_is_not_affected(self, world):
        world.connect("another", world.fake.consent(world.registration))
        ambiguous(world)
        async with world.client() as client, world.client(world.auth("another")) as another:
            await statuses(client, CRM, CRM)
            await statuses(another, CRM, CRM)

        assert world.fake.token_requests == 4

    @pytest.mark.anyio
    @pytest.mark.parametrize("answer", [Answer(200), Answer(404), Answer(500), SCOPE_MISMATCH, Answer(403)])
    async def test_any_other_answer_restores_the_trust(self, world, answer):
        ambiguous(world)
        async with world.client() as client:
            await statuses(client, CRM, CRM)
            well_again(world)
            world.fake.answer_next(answer)
            await statuses(client, CRM)
            ambiguous(world)
            await statuses(client, CRM, CRM)

        assert world.fake.token_requests == 3

    @pytest.mark.anyio
    async def test_an_answer_of_another_host_does_not(self, world):
        ambiguous(world, path=LEADS)
        async with world.client() as client:
            await statuses(client, CRM, CRM, DESK, CRM)

        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_token_renewed_for_another_reason_is_given_a_chance(self, world):
        ambiguous(world)
        async with world.client() as client:
            await statuses(client, CRM, CRM)
            await world.source().refresh()
            await statuses(client, CRM, CRM)

        assert world.fake.token_requests == 4

    @pytest.mark.anyio
    async def test_it_ends_after_ten_minutes(self, world):
        ambiguous(world)
        async with world.client() as client:
            await statuses(client, CRM)
            world.fake.clock.advance(_policy.DISTRUST - 1)
            await statuses(client, CRM)
            before = world.fake.token_requests
            world.fake.clock.advance(1)
            await statuses(client, CRM)

        assert (before, world.fake.token_requests) == (2, 3)

    @pytest.mark.anyio
    async def test_a_jump_of_the_wall_clock_does_not_end_it(self, world):
        ambiguous(world)
        async with world.client() as client:
            await statuses(client, CRM)
            world.fake.clock.set_wall(world.fake.clock.wall() + 900)
            await statuses(client, CRM)

        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_token_taken_over_proves_nothing(self, world):
        """Another process minted the second token: it may be as old and as dead as the first."""
        other = world.other_process(SameStore(world.store))
        async with world.client() as client:
            await statuses(client, CRM)
            await other.source(OWNER).refresh()
            ambiguous(world)
            await statuses(client, CRM)
            taken_over = world.fake.token_requests
            await statuses(client, CRM)
            minted = world.fake.token_requests
            await statuses(client, CRM, CRM)

        assert (taken_over, minted) == (2, 3)
        assert world.fake.token_requests == 3


class TestSaid:
    """The hint goes with what was proved."""

    @pytest.mark.anyio
    async def test_each_rejection_is_told_with_what_it_proves(self, world):
        world.fake.answer_next(DEAD_TOKEN, times=1_000)
        async with world.client() as client:
            responses = [await client.get(CRM) for _ in range(2)]

        assert hints(world) == [RENEWED, FRESH, FRESH]
        told = [event.meaning for event in world.events if isinstance(event, events.TokenRejected)]
        assert [explain(each) for each in responses] == told[1:]

    @pytest.mark.anyio
    async def test_a_token_taken_over_is_not_called_fresh(self, world):
        """The control."""
        other = world.other_process(SameStore(world.store))
        async with world.client() as client:
            await statuses(client, CRM)
            await other.source(OWNER).refresh()
            world.fake.answer_next(DEAD_TOKEN, times=1_000)
            await statuses(client, CRM)

        assert hints(world) == [RENEWED, IF_FRESH]


class TestAdoptedMeanwhile:
    """Another thread may empty the owner's memory at any moment: here between any two looks at it."""

    class EmptiedMeanwhile(Entry):
        __slots__ = ("looks",)

        @property
        def distrusted(self):
            self.looks = getattr(self, "looks", 0) + 1
            return {"www.zohoapis.eu": (0, 0.0)} if self.looks % 2 else None

        @distrusted.setter
        def distrusted(self, value):
            """Forgotten at once."""

    @pytest.mark.anyio
    @pytest.mark.parametrize("looks_before", [0, 1])
    @pytest.mark.parametrize("answer", [Answer(200), NO_TOKEN, SCOPE_MISMATCH])
    async def test_no_request_fails_for_it(self, world, looks_before, answer):
        await world.source().token()
        auth = world.auth()
        entry = self.EmptiedMeanwhile(world.fake.clock)
        entry.held, entry.looks = world.source().entry.held, looks_before
        auth.source._entry = entry
        world.fake.answer_next(answer, times=2)
        async with world.client(auth) as client:
            response = await client.get(CRM)

        assert response.status_code == answer.status
        assert entry.looks > looks_before


class TestBudget:
    @pytest.mark.anyio
    async def test_an_hour_of_ambiguous_401s_stays_within_the_budget(self, world):
        ambiguous(world)
        per_minute, sent = count(100), 0
        async with world.client() as client:
            for _ in range(60):
                for _ in range(per_minute):
                    sent += await statuses(client, CRM) == [401]
                world.fake.clock.advance(MINUTES)

        assert sent == 60 * per_minute > 0
        tokens, most = world.fake.token_requests, most_in_a_window(world)
        print(f"\n{sent} rejections, {tokens} token requests, {most} in ten minutes at most")
        assert (tokens <= 8, most <= 2) == (True, True)
        assert world.fake.requests.throttled == 0

    @pytest.mark.anyio
    async def test_hosts_that_reject_in_turn_leave_two_mints_for_expiry(self, world):
        """Each renewal gives the other hosts another chance; the budget ends it, and only for rejections."""
        ambiguous(world)
        throttled, answered = 0, 0
        async with world.client() as client:
            for url in (CRM, DESK, MAIL) * 10:
                try:
                    answered += await statuses(client, url) == [401]
                except errors.Throttled:
                    throttled += 1

        assert (throttled > 0, throttled + answered) == (True, 30)
        assert world.fake.token_requests == 1 + 8 - _policy.KEPT_FOR_EXPIRY

    @pytest.mark.anyio
    async def test_an_hour_of_an_auth_without_memory_spends_all_that_rejections_may(self, world):
        """The control: only the budget in the store holds it, and the callers get errors instead of answers."""
        ambiguous(world)
        throttled = 0
        async with world.client(naive_auth(world.library, world.source())) as client:
            for _ in range(60):
                for _ in range(2):
                    try:
                        await statuses(client, CRM)
                    except errors.Throttled:
                        throttled += 1
                world.fake.clock.advance(MINUTES)

        assert throttled > 0
        assert world.fake.token_requests > 20
        assert most_in_a_window(world) <= 8
