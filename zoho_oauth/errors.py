"""
Everything this library raises, by what you should do about it.

    ZohoOAuthError
    ├── MustReconnect                 ask the owner for consent again
    │   ├── ReauthorizationRequired     the refresh token is dead: revoked, replaced, or of another data center
    │   ├── NotConnected                nothing is stored for this owner, or it was revoked
    │   ├── NoRefreshToken              the answer carried none: access_type=offline and prompt=consent
    │   └── AuthorizationDenied         the owner said no
    ├── MustReconfigure               fix the configuration or the code
    │   ├── ConfigurationError          an argument or environment variable is wrong
    │   ├── ClientRejected              client id or secret is wrong, or belongs to another data center
    │   ├── TokenRequestRefused         Zoho named another reason (`code`)
    │   ├── TLSVerificationFailed       the accounts server's certificate did not prove itself
    │   ├── ForeignHostError            the URL is not one this owner's token may be sent to
    │   ├── UntrustedAccountsServer     an accounts server that is not in the table
    │   ├── StateMismatch               the authorization response does not belong to this request
    │   ├── StoreCorrupted              the stored record cannot be read; it was not touched
    │   │   └── ForeignDocument           ... because it belongs to another owner or client
    │   ├── DocumentTooNew              written by a newer version of this library; it was not touched
    │   └── DecryptionFailed            sealed with another key; it was not touched
    └── MustWait                      try again later, `retry_at` says when
        ├── Throttled                   Zoho's quota, or this library's budget below it
        ├── TokenEndpointUnavailable    no usable answer from the accounts server
        │   ├── MalformedTokenResponse    ... it answered something that is not a token response
        │   └── RefreshReturnedSameToken  ... it answered with the token that was just rejected
        └── StoreUnavailable            the token store did not answer

`except errors.MustWait` is the usual way to use this tree: catch what you can act on.

No error holds a request, a response, a wire body or a secret, and none has a cause or context that does.
All survive pickling.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable


class ZohoOAuthError(Exception):
    """
    Base of every error here; never raised itself.

    `owner`, `data_center` and `fingerprint` (8 hex digits of the SHA-256 of the grant) say whose token it
    was, `hint` says what to do, `code` is Zoho's own word where there was one, `retry_at` is in seconds since 1970.
    """

    family: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        owner: str | None = None,
        data_center: str | None = None,
        fingerprint: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        retry_at: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.owner = owner
        self.data_center = data_center
        self.fingerprint = fingerprint
        self.hint = hint
        self.code = code
        self.retry_at = retry_at

    def __str__(self) -> str:
        about = {"owner": self.owner, "data center": self.data_center, "grant": self.fingerprint}
        named = ", ".join(f"{name} {value}" for name, value in about.items() if value is not None)
        return " ".join(part for part in (self.message, named and f"({named})", self.hint) if part)

    def __reduce__(self) -> tuple[Callable[..., ZohoOAuthError], tuple[str]]:
        return partial(type(self), **self._facts()), (self.message,)

    def _facts(self) -> dict[str, Any]:
        names = ("owner", "data_center", "fingerprint", "hint", "code", "retry_at")
        return {name: getattr(self, name) for name in names}


class MustReconnect(ZohoOAuthError):
    """Only the owner can help: ask for consent again."""

    family = "reconnect"


class ReauthorizationRequired(MustReconnect):
    """Zoho no longer takes the stored refresh token."""


class NotConnected(MustReconnect):
    """There is no grant for this owner."""


class NoRefreshToken(MustReconnect):
    """Zoho's answer carried no refresh token; one that was stored is kept."""


class AuthorizationDenied(MustReconnect):
    """The owner refused consent."""


class MustReconfigure(ZohoOAuthError):
    """Somebody has to change the configuration or the code."""

    family = "configure"


class ConfigurationError(MustReconfigure):
    """An argument or an environment variable cannot be used."""


class ClientRejected(MustReconfigure):
    """Zoho does not accept the client id or the client secret."""


class TokenRequestRefused(MustReconfigure):
    """Zoho refused the token request for the reason in `code`."""


class TLSVerificationFailed(MustReconfigure):
    """The accounts server's certificate is not trusted here; nothing was sent."""


class ForeignHostError(MustReconfigure):
    """This URL may not carry this owner's token; nothing was sent."""


class UntrustedAccountsServer(MustReconfigure):
    """An accounts server was named that is not in the table; nothing was sent to it."""


class StateMismatch(MustReconfigure):
    """The authorization response does not belong to this authorization request."""


class StoreCorrupted(MustReconfigure):
    """The stored record cannot be read. It was not changed."""


class ForeignDocument(StoreCorrupted):
    """The stored record belongs to another owner or client. It was not changed."""


class DocumentTooNew(MustReconfigure):
    """The stored record was written by a newer version of this library. It was not changed."""


class DecryptionFailed(MustReconfigure):
    """The stored record was sealed with a key that is not among the given ones. It was not changed."""


class MustWait(ZohoOAuthError):
    """Nothing is wrong with the configuration: try again at `retry_at`."""

    family = "wait"


class Throttled(MustWait):
    """Zoho's quota for token requests is used up, or this library's own budget below it."""


class TokenEndpointUnavailable(MustWait):
    """The accounts server gave no usable answer; the refresh token is kept."""


class MalformedTokenResponse(TokenEndpointUnavailable):
    """The accounts server answered something that is not a token response."""


class RefreshReturnedSameToken(TokenEndpointUnavailable):
    """The refresh returned the very token that the API had just rejected."""


class StoreUnavailable(MustWait):
    """
    The token store did not answer.

    `token` is set in one case only: a code was exchanged and could not be saved. Keep it with
    `await zoho.save(error.token, owner)`. It is not part of repr, args or pickle.
    """

    token: Any = None
