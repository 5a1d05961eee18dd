"""The price per request while the token is good: alone, by hand without a client, and with a thousand in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from anyio import lowlevel

from . import world
from .measures import Comparison, Effort, Figure, compare, progress

if TYPE_CHECKING:
    from types import ModuleType

    from .measures import Arm


def measure(effort: Effort) -> list[Figure]:
    """All three, for each library and event loop."""
    figures: list[Figure] = []
    for loop in world.loops():
        for name, library in world.LIBRARIES.items():
            progress(f"requests: {name}, {loop}")
            figures += world.run(loop, _one_request, name, library, loop, effort)
            figures.append(world.run(loop, _many_tasks, name, library, loop, effort))
    figures.append(world.run("asyncio", _by_hand, effort))
    return figures


async def _one_request(name: str, library: ModuleType, loop: str, effort: Effort) -> list[Figure]:
    zoho, client = await world.connected(), world.client(library)

    def block(auth: object) -> Arm:
        async def arm() -> None:
            for _ in range(effort.block):
                await world.get_leads(client, auth)

        return arm

    found = await _against_trivial(block, zoho, library, rounds=effort.rounds, operations=effort.block)
    return [
        _limited(f"one request, {name}, {loop}", found, 0.02),
        Figure(name=f"… which adds, {name}, {loop}", value=found.added * 1e6, unit="µs"),
    ]


async def _many_tasks(name: str, library: ModuleType, loop: str, effort: Effort) -> Figure:
    async def answer(_: object) -> Any:
        await lowlevel.checkpoint()
        return library.Response(200, content=world.LEADS)

    zoho, client = await world.connected(), world.client(library, answer)

    def crowd(auth: object) -> Arm:
        async def arm() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(effort.tasks):
                    tasks.start_soon(world.get_leads, client, auth)

        return arm

    found = await _against_trivial(crowd, zoho, library, rounds=effort.task_rounds, operations=effort.tasks)
    return _limited(f"{effort.tasks:,} concurrent tasks, {name}, {loop}", found, 0.05)


async def _by_hand(effort: Effort) -> Figure:
    library = world.LIBRARIES["httpx"]
    zoho, block = await world.connected(), effort.block * 5
    request = library.Request("GET", f"{world.API}/crm/v8/Leads")
    response = library.Response(200, content=world.LEADS, request=request)

    def flows(auth: Any) -> Arm:
        async def arm() -> None:
            for _ in range(block):
                await _drive(auth.async_auth_flow(request), response)

        return arm

    found = await _against_trivial(flows, zoho, library, rounds=effort.rounds, operations=block)
    return Figure(name="the flow by hand, asyncio", value=found.ratio, limit=2.0, noise=found.noise)


async def _drive(flow: Any, response: object) -> None:
    await flow.__anext__()
    try:
        await flow.asend(response)
    except StopAsyncIteration:
        return
    raise AssertionError("the flow wanted to send again")


async def _against_trivial(
    arms: Any, zoho: Any, library: ModuleType, *, rounds: int, operations: int
) -> Comparison:
    return await compare(
        arms(world.zoho_auth(zoho, library)),
        arms(world.trivial_auth(library)),
        arms(world.trivial_auth(library)),
        rounds=rounds,
        operations=operations,
    )


def _limited(name: str, found: Comparison, allowance: float) -> Figure:
    limit = max(1, found.noise) + allowance
    return Figure(name=name, value=found.ratio, limit=limit, noise=found.noise)
