"""
The httpx side: sets the header, reads a 401, and sends once more.

Rules for editors: the token request is never yielded and never goes through the user's client; nothing is held
across a `yield`; a 401's body is read before anything is waited for, or a full connection pool deadlocks; a
request is sent again at most once, and only whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

import httpx

from . import _policy, errors, events
from ._data_centers import DataCenter, why_foreign
from ._rejections import Meaning, read_rejection
from ._secrets import wrapped
from ._seeded import seeded_source
from ._sources import TokenSource

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Any, Protocol

    from ._policy import RefreshPolicy
    from ._secrets import Secret
    from ._tokens import Token
    from .stores.base import TokenStore

    class _Url(Protocol):
        """What httpx and httpx2 URLs have in common here."""

        @property
        def scheme(self) -> str: ...
        @property
        def raw_host(self) -> bytes: ...
        @property
        def port(self) -> int | None: ...
        @property
        def userinfo(self) -> bytes: ...

    class _Request(Protocol):
        @property
        def url(self) -> Any: ...
        @property
        def headers(self) -> Any: ...
        @property
        def stream(self) -> Any: ...
        @property
        def content(self) -> bytes: ...

    class _Response(Protocol):
        @property
        def status_code(self) -> int: ...
        @property
        def request(self) -> Any: ...
        @property
        def content(self) -> bytes: ...
        def read(self) -> bytes: ...
        async def aread(self) -> bytes: ...


Request = TypeVar("Request", bound="_Request")
Response = TypeVar("Response", bound="_Response")
Auth = TypeVar("Auth", bound="FlowAuth")

SCHEME = "Zoho-oauthtoken"


class Flow:
    """The auth flow, for either httpx and either colour."""

    def __init__(self, source: TokenSource) -> None:
        self.source = source
        self._clock = source.setup.clock
        self._proved: set[tuple[str, bytes, int | None, bytes, str]] = set()

    async def run(self, request: Request, _: type[Response]) -> AsyncGenerator[Request, Response]:
        """One request of an async client, sent once or twice."""
        held = self.source.held()
        if held is None:
            self._check_before_waiting(request.url)
            token = await self.source.token()
        else:
            token = held.token
        sent_at = self._sign(request, token)
        response = yield request
        if self._is_settled(request, response):
            return
        await response.aread()
        if not self._calls_for_another_token(request, response, token):
            return
        if not is_replayable(request):
            self.source.renew(token)
            return
        token = await self.source.token(token)
        self._sign(request, token)
        response = yield request
        if not self._is_settled(request, response):
            await response.aread()
            self._judge_the_second(request, response, token, sent_at)

    def run_blocking(self, request: Request, _: type[Response]) -> Generator[Request, Response, None]:
        """The same for a sync client."""
        held = self.source.held(background=False)
        if held is None:
            self._check_before_waiting(request.url)
            token = _blocking_token(self.source)
        else:
            token = held.token
        sent_at = self._sign(request, token)
        response = yield request
        if self._is_settled(request, response):
            return
        response.read()
        if not self._calls_for_another_token(request, response, token):
            return
        if not is_replayable(request):
            self.source.reject(token)
            return
        token = _blocking_token(self.source, token)
        self._sign(request, token)
        response = yield request
        if not self._is_settled(request, response):
            response.read()
            self._judge_the_second(request, response, token, sent_at)

    # --- where the token may go ---------------------------------------------------------------------------

    def _sign(self, request: _Request, token: Token) -> float:
        """Set the header, on Zoho's hosts only; returns when (monotonic)."""
        url = request.url
        if (url.scheme, url.raw_host, url.port, url.userinfo, token.data_center) not in self._proved:
            self._prove(url, token.data_center)
        request.headers["Authorization"] = f"{SCHEME} {token.access_token.reveal()}"
        return self._clock.monotonic()

    def _prove(self, url: _Url, code: str) -> None:
        data_center = self.source.setup.registration.data_center_of(code)
        reason = why_foreign(
            _origin(url),
            userinfo=bool(url.userinfo),
            data_center=data_center,
            allowed=self.source.setup.allowed,
        )
        if reason is not None:
            raise errors.ForeignHostError(reason, owner=self.source.owner, data_center=code)
        self._proved.add((url.scheme, url.raw_host, url.port, url.userinfo, code))

    def _check_before_waiting(self, url: _Url) -> None:
        """Refuse a host that is nobody's before anything is loaded or sent for it."""
        held, registration = self.source.entry.held, self.source.setup.registration
        if held is not None:
            return self._prove(url, held.token.data_center)
        anyones = (registration.data_center, *DataCenter.all())
        if url.userinfo or not any(_origin(url) in each.origins for each in anyones):
            self._prove(url, registration.data_center.code)
        return None

    # --- what a rejection means ---------------------------------------------------------------------------

    def _is_settled(self, request: _Request, response: _Response) -> bool:
        """Whether there is nothing to read: not a 401, or one to a redirected request that went without the token."""
        if response.status_code != 401:
            if self.source.entry.distrusted:
                self._trust(_host(request.url))
            return True
        # httpx takes the header off at a foreign origin, and does not put it on again on the way back.
        carried = "Authorization" in response.request.headers
        return not carried or _origin(response.request.url) != _origin(request.url)

    def _calls_for_another_token(self, request: _Request, response: _Response, token: Token) -> bool:
        meaning = read_rejection(response.status_code, response.content)
        if meaning is None:
            return False
        self._tell(_host(request.url), meaning, token)
        if not meaning.calls_for_refresh:
            self._trust(_host(request.url))
            return False
        return not self._is_distrusted(_host(request.url), token)

    def _judge_the_second(self, request: _Request, response: _Response, token: Token, sent_at: float) -> None:
        meaning = read_rejection(response.status_code, response.content)
        if meaning is None or not meaning.calls_for_refresh:
            return
        self._tell(_host(request.url), meaning, token)
        held, entry = self.source.entry.held, self.source.entry
        if held is None or held.token is not token or held.minted_here_at is None:
            return
        # Only a token minted here after the request was first sent proves that the token was not the cause.
        if held.minted_here_at >= sent_at:
            distrusted = entry.distrusted or {}
            distrusted[_host(request.url)] = (token.generation, self._clock.monotonic())
            entry.distrusted = distrusted

    def _trust(self, host: str) -> None:
        # Looked at once: another thread may empty the entry meanwhile.
        distrusted = self.source.entry.distrusted
        if distrusted:
            distrusted.pop(host, None)

    def _is_distrusted(self, host: str, token: Token) -> bool:
        generation, since = (self.source.entry.distrusted or {}).get(host, (-1, 0.0))
        recent = self.source.setup.clock.monotonic() - since < _policy.DISTRUST
        return generation == token.generation and recent

    def _tell(self, host: str, meaning: Meaning, token: Token) -> None:
        self.source.setup.tell(
            events.TokenRejected(
                owner=self.source.owner, data_center=token.data_center, host=host, meaning=meaning.value
            )
        )


def _host(url: _Url) -> str:
    # As it goes on the wire: `url.host` decodes internationalised names, and raises for malformed ones.
    return url.raw_host.decode("ascii", "replace")


def _blocking_token(source: TokenSource, rejected: Token | None = None) -> Token:
    # The modules for threads are a sixth of the import time, and async programs need none of them.
    from ._portal import blocking_token

    return blocking_token(source, rejected)


def _origin(url: _Url) -> tuple[str, str, int | None]:
    return (url.scheme, _host(url), url.port)


def is_replayable(request: _Request) -> bool:
    """Whether a request's body can be sent again whole: it is in memory, or all its files can be rewound."""
    fields = getattr(request.stream, "fields", None)
    if isinstance(fields, list):  # multipart of either httpx: its parts have a `file` or a `value`
        return all(_is_rewindable(getattr(each, "file", getattr(each, "value", None))) for each in fields)
    try:
        request.content  # noqa: B018
    except Exception:  # RequestNotRead of either httpx: a stream that only its own iterator knows
        return False
    return True


def _is_rewindable(file: object) -> bool:
    if isinstance(file, str | bytes):
        return True
    # httpx rewinds by `seek(0)`, and sends what is left, which is nothing, where there is no `seek`.
    seekable = getattr(file, "seekable", None) if hasattr(file, "seek") else None
    try:
        return bool(seekable is not None and seekable())
    except ValueError:  # closed meanwhile
        return False


class FlowAuth:
    """What the Auth classes for httpx and httpx2 share: construction, and a repr without secrets."""

    _flow: Flow
    requires_request_body: ClassVar[bool] = False
    requires_response_body: ClassVar[bool] = False

    def __init__(self, source: TokenSource) -> None:
        self._flow = Flow(source)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(owner={self._flow.source.owner!r})"

    @property
    def source(self) -> TokenSource:
        """Where the tokens come from."""
        return self._flow.source

    @classmethod
    def from_refresh_token(
        cls: type[Auth],
        *,
        client_id: str,
        client_secret: str | Secret,
        refresh_token: str | Secret,
        data_center: str | DataCenter = "us",
        store: TokenStore | None = None,
        owner: str = "default",
        policy: RefreshPolicy | None = None,
    ) -> Auth:
        """
        An auth for one refresh token that you already have; nothing is sent before the first request.

        Build it once or anew for each request: all that were made from the same refresh token share one
        refresh. With a `store` the access token also survives the process and is shared with others.
        """
        client_secret, refresh_token = wrapped(client_secret), wrapped(refresh_token)
        source = seeded_source(
            client_id=client_id,
            client_secret=client_secret,
            refresh_token=refresh_token,
            data_center=data_center,
            store=store,
            owner=owner,
            policy=policy,
        )
        return cls(source)


class ZohoAuth(FlowAuth, httpx.Auth):
    """
    `auth=` for `httpx.AsyncClient` and `httpx.Client`.

    Sends the token to Zoho's hosts of the owner's data center only (`ForeignHostError` otherwise, before
    anything is sent; pass `auth=None` with a request that goes elsewhere). A request whose token is rejected
    is sent once more with a new one if its body can be sent again whole; a second 401 is returned as it is.
    """

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For httpx."""
        return self._flow.run(request, httpx.Response)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For httpx."""
        return self._flow.run_blocking(request, httpx.Response)
