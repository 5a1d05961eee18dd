"""
The auth flow, free of httpx's own types: sets the header, reads a rejection, and sends once more.

Rules for editors: the token request is never yielded and never goes through the user's client; nothing is held
across a `yield`; a rejection's body is read before anything is waited for, or a full connection pool deadlocks; a
request is sent again at most once, and only whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from . import errors
from ._bodies import REJECTING, aseen, seen
from ._data_centers import DataCenter, why_foreign

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from typing import Any, Protocol

    from ._bodies import Begun
    from ._sources import TokenSource
    from ._tokens import Token
    from ._verdicts import Verdicts

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
        def headers(self) -> Any: ...
        @property
        def request(self) -> Any: ...
        @property
        def extensions(self) -> Any: ...


Request = TypeVar("Request", bound="_Request")
Response = TypeVar("Response", bound="_Response")

SCHEME: Final = "Zoho-oauthtoken"


class Flow:
    """The auth flow, for either httpx and either colour; `begun` is the class that this httpx takes for a stream."""

    def __init__(self, source: TokenSource, begun: type[Begun]) -> None:
        self.source = source
        self._begun = begun
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
        # No local for the body, here and below: it may repeat the token, and tracebacks show locals.
        verdict = self._verdicts.first(request, response, await aseen(response, self._begun), token)
        if not verdict.calls_for_refresh:
            return
        if not verdict.allows_replay:
            self.source.renew(token)
            return
        token = await self.source.token(token)
        self._sign(request, token)
        response = yield request
        if not self._is_settled(request, response):
            self._verdicts.second(request, response, await aseen(response, self._begun), token, sent_at)

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
        verdict = self._verdicts.first(request, response, seen(response, self._begun), token)
        if not verdict.calls_for_refresh:
            return
        if not verdict.allows_replay:
            self.source.reject(token)
            return
        token = _blocking_token(self.source, token)
        self._sign(request, token)
        response = yield request
        if not self._is_settled(request, response):
            self._verdicts.second(request, response, seen(response, self._begun), token, sent_at)

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

    # --- what came back -----------------------------------------------------------------------------------

    def _is_settled(self, request: _Request, response: _Response) -> bool:
        """Whether there is nothing to read: no rejection, or one of a redirected request, sent without the token."""
        if response.status_code not in REJECTING or not self._is_read(request, response):
            if self.source.entry.distrusted:
                self.source.entry.trust(host_of(request.url))
            return True
        # httpx takes the header off at a foreign origin, and does not put it on again on the way back.
        carried = "Authorization" in response.request.headers
        return not carried or _origin(response.request.url) != _origin(request.url)

    def _is_read(self, request: _Request, response: _Response) -> bool:
        """401 always; another status if the answer says that it is JSON, where a token is rejected so."""
        is_json = "json" in response.headers.get("Content-Type", "").lower()
        return response.status_code == 401 or (is_json and self._verdicts.are_given_by(request, response))

    @property
    def _verdicts(self) -> Verdicts:
        # Loaded when something is rejected: the tables are a sixth of the import time.
        from ._verdicts import Verdicts

        return Verdicts(self.source)


def host_of(url: _Url) -> str:
    """The host as it goes on the wire: `url.host` decodes internationalised names, and raises for malformed ones."""
    return url.raw_host.decode("ascii", "replace")


def _blocking_token(source: TokenSource, rejected: Token | None = None) -> Token:
    # The modules for threads are a sixth of the import time, and async programs need none of them.
    from ._portal import blocking_token

    return blocking_token(source, rejected)


def _origin(url: _Url) -> tuple[str, str, int | None]:
    return (url.scheme, host_of(url), url.port)
