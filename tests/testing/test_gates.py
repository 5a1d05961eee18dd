"""Gates hold requests, and whoever waits for them: tasks of either library, and threads."""

import anyio
import anyio.to_thread
import pytest

from zoho_oauth.testing import FakeZoho

from .world import WAYS, world


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_token_requests_wait_until_they_are_released(way):
    async with world(FakeZoho(), way) as zoho, anyio.create_task_group() as tasks:
        answered = []

        async def refresh():
            answered.append(await zoho.refresh())

        with anyio.fail_after(10), zoho.fake.hold_tokens() as gate:
            for _ in range(3):
                tasks.start_soon(refresh)
            await gate.arrived(3)
            held = (len(answered), zoho.fake.requests.mints, gate.arrivals)

    assert held == (0, 0, 3)
    assert [response.status_code for response in answered] == [200, 200, 200]


@pytest.mark.anyio
async def test_without_a_gate_nothing_is_held():
    """The control of the test above: the same tasks, and all are answered before the count is taken."""
    async with world(FakeZoho()) as zoho:
        answered = [await zoho.refresh() for _ in range(3)]

    assert (len(answered), zoho.fake.requests.mints) == (3, 3)


@pytest.mark.anyio
@pytest.mark.parametrize("way", WAYS)
async def test_a_gate_lets_through_as_many_as_it_is_told(way):
    async with world(FakeZoho(), way) as zoho, anyio.create_task_group() as tasks:
        answered = []
        progress = anyio.Event()

        async def refresh():
            answered.append(await zoho.refresh())
            progress.set()

        with anyio.fail_after(10), zoho.fake.hold_tokens() as gate:
            tasks.start_soon(refresh)
            tasks.start_soon(refresh)
            await gate.arrived(2)
            gate.let_through()
            await progress.wait()
            minted = zoho.fake.requests.mints

    assert (minted, len(answered)) == (1, 2)


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["in process", "socket"])
async def test_an_answer_can_be_held_after_the_token_was_made(way):
    async with world(FakeZoho(), way) as zoho, anyio.create_task_group() as tasks:
        with anyio.fail_after(10), zoho.fake.hold_tokens(at="answer") as gate:
            tasks.start_soon(zoho.refresh)
            await gate.arrived()
            minted = zoho.fake.requests.mints

    assert minted == 1


@pytest.mark.anyio
@pytest.mark.parametrize("way", ["in process", "socket"])
async def test_a_401_can_be_held_until_its_token_was_replaced(way):
    async with world(FakeZoho(), way) as zoho, anyio.create_task_group() as tasks:
        token, late = await zoho.access_token(), []

        async def call():
            late.append(await zoho.call(token))

        zoho.fake.expire_all()
        with anyio.fail_after(10), zoho.fake.hold_resources(at="answer") as gate:
            tasks.start_soon(call)
            await gate.arrived()
            zoho.fake.mint(zoho.refresh_token)

    assert [response.status_code for response in late] == [401]


@pytest.mark.anyio
async def test_a_gate_holds_its_own_path_only():
    async with world(FakeZoho()) as zoho, anyio.create_task_group() as tasks:
        token = await zoho.access_token()
        with anyio.fail_after(10), zoho.fake.hold_resources("/crm/v8/Leads") as gate:
            tasks.start_soon(zoho.call, token)
            await gate.arrived()
            other = await zoho.call(token, "/crm/v8/Deals")

    assert (other.status_code, gate.arrivals) == (200, 1)


@pytest.mark.anyio
async def test_a_gate_that_was_opened_holds_nothing_more():
    async with world(FakeZoho()) as zoho:
        with zoho.fake.hold_tokens() as gate:
            gate.release()
        with anyio.fail_after(10):
            await zoho.refresh()

    assert (gate.arrivals, gate.is_open) == (0, True)


@pytest.mark.anyio
async def test_a_thread_can_wait_for_a_request_and_release_it():
    async with world(FakeZoho()) as zoho, anyio.create_task_group() as tasks:
        gate = zoho.fake.hold_tokens()

        def from_outside():
            gate.wait_arrived()
            gate.release()

        with anyio.fail_after(10):
            tasks.start_soon(anyio.to_thread.run_sync, from_outside)
            response = await zoho.refresh()

    assert response.status_code == 200


def test_waiting_for_what_never_comes_ends():
    gate = FakeZoho().hold_tokens()

    with pytest.raises(TimeoutError):
        gate.wait_arrived(timeout=0.01)


@pytest.mark.anyio
async def test_a_cancelled_waiter_leaves_nothing_behind():
    gate = FakeZoho().hold_tokens()
    with anyio.move_on_after(0.01) as scope:
        await gate.arrived()

    assert scope.cancelled_caught
    assert len(gate._arrivals._sleepers) == 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_waiter_whose_loop_has_ended_is_no_error(backend):
    gate = FakeZoho().hold_tokens()

    async def wait():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gate.arrived)
            while not gate._arrivals._sleepers:
                await anyio.lowlevel.checkpoint()
            sleepers.extend(gate._arrivals._sleepers)
            tasks.cancel_scope.cancel()

    sleepers = []
    anyio.run(wait, backend=backend)
    for sleeper in sleepers:
        sleeper.wake()

    assert len(sleepers) == 1


@pytest.mark.anyio
async def test_a_thousand_requests_are_held_and_released_together():
    async with world(FakeZoho()) as zoho, anyio.create_task_group() as tasks:
        token, statuses = await zoho.access_token(), []

        async def call():
            statuses.append((await zoho.call(token)).status_code)

        with anyio.fail_after(60), zoho.fake.hold_resources() as gate:
            for _ in range(1000):
                tasks.start_soon(call)
            await gate.arrived(1000)
            before = len(statuses)

    assert (before, statuses) == (0, [200] * 1000)
