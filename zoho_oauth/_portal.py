"""
Tokens for synchronous callers, through one event loop in a thread of its own per process.

They reach the same state as everyone else; they never refresh in the background, since nobody would be there
when it ends.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from anyio.from_thread import BlockingPortalProvider
from anyio.lowlevel import current_token

from . import errors

if TYPE_CHECKING:
    from ._sources import TokenSource
    from ._tokens import Token

_provider = BlockingPortalProvider("asyncio")


def blocking_token(source: TokenSource, rejected: Token | None = None) -> Token:
    """`source.token(rejected)` for a caller that cannot await, and without a background refresh."""
    held = source.held(rejected, background=False)
    if held is not None:
        return held.token
    _refuse_what_could_never_end(source)
    with _provider as portal:
        return portal.call(source.awaited, rejected)


def _refuse_what_could_never_end(source: TokenSource) -> None:
    if source.setup.loop_bound:
        raise errors.ConfigurationError(
            "This token store's driver works in one event loop only, so a sync client cannot use it.",
            owner=source.owner,
            hint="Use httpx.AsyncClient, or give the store a synchronous driver.",
        )
    loop = _running_loop()
    if loop is not None and loop in source.entry.attempts:
        raise errors.ConfigurationError(
            "This thread's event loop is refreshing the token, and a sync call would keep it from ending.",
            owner=source.owner,
            hint="Use httpx.AsyncClient here.",
        )


def _running_loop() -> Any:
    try:
        return current_token().native_token
    except RuntimeError:
        return None


def _forked() -> None:
    global _provider
    _provider = BlockingPortalProvider("asyncio")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
