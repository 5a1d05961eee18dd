"""Clients and tokens as Zoho keeps them: bound to their data center, dying in silence."""

from __future__ import annotations

import re
import secrets
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from ._clock import ManualClock
    from ._rules import Rules


@frozen
class FakeClient:
    """
    A client as Zoho knows it.

    `secrets` names the client secret of data centers where it differs (Zoho's default), `data_centers`
    the only ones that know the client (as with a Self Client); None: all of them.
    """

    client_id: str
    client_secret: str = field(repr=False)
    secrets: Mapping[str, str] = field(factory=dict, repr=False)
    data_centers: Collection[str] | None = None

    def secret_at(self, data_center: str) -> str:
        """The client secret of that data center."""
        return self.secrets.get(data_center, self.client_secret)


@define(eq=False)
class AccessToken:
    """One access token."""

    text: str = field(repr=False)
    data_center: str
    scope: str
    expires_at: float


@define(eq=False)
class Grant:
    """What an owner consented to, or what client credentials stand for; its access tokens, oldest first."""

    data_center: str
    client_id: str
    scope: str
    living: deque[AccessToken] = field(factory=deque, repr=False)


def split_scope(scope: str) -> list[str]:
    """Scopes are asked for with commas and returned with spaces."""
    return re.split(r"[\s,]+", scope.strip())


def covers(granted: str, demanded: str) -> bool:
    """Whether one of the `granted` scopes is `demanded`, or its `.ALL`."""
    wanted = demanded.lower()
    owned = [scope.lower() for scope in split_scope(granted)]
    return any(
        scope == wanted or (scope.endswith(".all") and wanted.startswith(scope[:-3])) for scope in owned
    )


@define(eq=False)
class Accounts:
    """Everything the accounts servers know, for all data centers. Thread-safe."""

    _clock: ManualClock
    _rules: Rules
    clients: dict[str, FakeClient] = field(factory=dict)
    lock: threading.RLock = field(factory=threading.RLock)
    _grants: dict[str, Grant] = field(factory=dict)
    _access_tokens: dict[str, AccessToken] = field(factory=dict)
    _refresh_tokens: dict[tuple[str, str, str], deque[str]] = field(factory=dict)
    _numbers: count[int] = field(factory=lambda: count(1))

    def invent(self, sort: str) -> str:
        """A new token or id that no scanner takes for a real one."""
        return f"1000.fake-{sort}-{next(self._numbers)}-{secrets.token_hex(4)}"

    def consent(self, client_id: str, scope: str, *, owner: str, data_center: str) -> str:
        """A new refresh token; too many of them delete the oldest, in silence."""
        with self.lock:
            refresh_token = self.invent("refresh")
            self._grants[refresh_token] = Grant(data_center, client_id, " ".join(split_scope(scope)))
            kept = self._refresh_tokens.setdefault((data_center, client_id, owner), deque())
            kept.append(refresh_token)
            while len(kept) > self._rules.refresh_tokens:
                self.revoke(kept.popleft())
        return refresh_token

    def grant(self, refresh_token: str | None, client_id: str | None, data_center: str) -> Grant | None:
        """The grant behind a refresh token, if it is this client's and this data center's."""
        grant = self._grants.get(refresh_token or "")
        if grant is None or (grant.client_id, grant.data_center) != (client_id, data_center):
            return None
        return grant

    def credentials_grant(self, client_id: str, scope: str, *, soid: str, data_center: str) -> Grant:
        """The grant that client credentials stand for."""
        key = f"{data_center} {client_id} {soid} {scope}"
        return self._grants.setdefault(key, Grant(data_center, client_id, " ".join(split_scope(scope))))

    def mint(self, grant: Grant) -> AccessToken:
        """A new access token; too many of them kill the oldest, in silence."""
        with self.lock:
            expires_at = self._clock.monotonic() + self._rules.token_life
            token = AccessToken(self.invent("access"), grant.data_center, grant.scope, expires_at)
            self._access_tokens[token.text] = token
            grant.living.append(token)
            while len(grant.living) > self._rules.live_access_tokens:
                self._access_tokens.pop(grant.living.popleft().text, None)
        return token

    def grant_of(self, refresh_token: str) -> Grant:
        """The grant behind a refresh token; LookupError if it is dead or was never given."""
        grant = self._grants.get(refresh_token)
        if grant is None:
            raise LookupError("this refresh token is dead or was never given")
        return grant

    def living_token(self, access_token: str, data_center: str) -> AccessToken | None:
        """The access token, if that data center takes it now."""
        token = self._access_tokens.get(access_token)
        if token is None or token.data_center != data_center or token.expires_at <= self._clock.monotonic():
            return None
        return token

    def living_tokens(self, grant: Grant) -> list[AccessToken]:
        """The grant's access tokens that its data center takes now, oldest first."""
        with self.lock:
            return [token for token in grant.living if self.living_token(token.text, grant.data_center)]

    def evict(self, access_token: str) -> bool:
        """Kill one access token; False if it was not alive."""
        with self.lock:
            return self._access_tokens.pop(access_token, None) is not None

    def expire_all(self) -> None:
        """Kill every access token."""
        with self.lock:
            self._access_tokens.clear()

    def revoke(self, refresh_token: str) -> bool:
        """Kill a refresh token and its access tokens; False if it was not alive."""
        with self.lock:
            grant = self._grants.pop(refresh_token, None)
            self._drop(grant.living if grant else ())
        return grant is not None

    def _drop(self, tokens: Iterable[AccessToken]) -> None:
        for token in tokens:
            self._access_tokens.pop(token.text, None)
