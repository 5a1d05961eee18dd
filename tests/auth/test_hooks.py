"""A response hook that raises runs before any Auth sees the answer: known, documented, and no disaster."""

from __future__ import annotations

import pytest

from tests.auth import LEADS


@pytest.fixture
def raising():
    async def raise_for_status(response):
        response.raise_for_status()

    return {"response": [raise_for_status]}


class TestRaisingHook:
    @pytest.mark.anyio
    async def test_it_hides_a_401_from_the_flow(self, world, raising):
        async with world.client(event_hooks=raising) as client:
            await client.get(LEADS)
            world.fake.expire_all()
            with pytest.raises(world.library.module.HTTPStatusError, match="401"):
                await client.get(LEADS)

        assert world.fake.token_requests == 1
        assert world.rejections() == []

    @pytest.mark.anyio
    async def test_without_it_the_401_is_seen(self, world):
        """The control."""
        async with world.client() as client:
            await client.get(LEADS)
            world.fake.expire_all()
            assert (await client.get(LEADS)).status_code == 200

        assert world.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_the_clock_still_renews_the_token(self, world, raising):
        async with world.client(event_hooks=raising) as client:
            await client.get(LEADS)
            for _ in range(3):
                world.fake.clock.advance(3600)
                assert (await client.get(LEADS)).status_code == 200

        assert world.fake.token_requests == 4
        assert world.fake.requests.rejected == 0

    def test_the_same_holds_for_sync_clients(self, served):
        hooks = {"response": [lambda response: response.raise_for_status()]}
        with served.sync_client(event_hooks=hooks) as client:
            client.get(LEADS)
            served.fake.clock.advance(3600)
            client.get(LEADS)
            served.fake.expire_all()
            with pytest.raises(served.library.module.HTTPStatusError):
                client.get(LEADS)

        assert served.fake.token_requests == 2

    @pytest.mark.anyio
    async def test_a_request_hook_that_looks_at_the_header_sees_the_token_of_each_send(self, world):
        seen = []

        async def look(request):
            seen.append(request.headers["Authorization"])

        async with world.client(event_hooks={"request": [look]}) as client:
            await client.get(LEADS)
            world.fake.expire_all()
            await client.get(LEADS)

        assert len(seen) == 3
        assert seen[0] == seen[1] != seen[2]
