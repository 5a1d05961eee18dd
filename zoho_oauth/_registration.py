"""`ClientRegistration`: your application as Zoho's API console knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from . import errors
from ._data_centers import DataCenter
from ._secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping


def _secret(value: str | Secret | None) -> Secret | None:
    return Secret(value) if isinstance(value, str) else value


def _secrets(values: Mapping[str, str | Secret] | None) -> Mapping[str, Secret]:
    given = (values or {}).items()
    return {code.strip().lower(): Secret(each) if isinstance(each, str) else each for code, each in given}


def _data_center(value: str | DataCenter) -> DataCenter:
    return DataCenter.get(value)


def _stripped(client_id: str) -> str:
    if not client_id or not client_id.strip():
        raise errors.ConfigurationError(
            "The client id is empty.", hint="Copy it from Zoho's API console, with its leading '1000.'."
        )
    if not client_id.strip().isascii() or not client_id.strip().isprintable():  # RFC 6749 A.1
        raise errors.ConfigurationError("The client id holds characters that no client id has.")
    return client_id.strip()


@frozen(init=False, repr=False)
class ClientRegistration:
    """
    The client (RFC 6749 §2): id, secret, redirect URI and the data center where consent begins.

    `secrets` holds the client secrets of data centers where they differ, by data center code: in Zoho's
    console they do, unless "Use the same OAuth credentials for all data centers" is chosen.
    """

    client_id: str = field(converter=_stripped)
    client_secret: Secret | None = field(default=None, converter=_secret)
    redirect_uri: str | None = field(default=None, kw_only=True)
    data_center: DataCenter = field(default=DataCenter.get("us"), converter=_data_center, kw_only=True)
    secrets: Mapping[str, Secret] = field(default=None, converter=_secrets, kw_only=True, hash=False)

    def __init__(
        self,
        client_id: str,
        client_secret: str | Secret | None = None,
        *,
        redirect_uri: str | None = None,
        data_center: str | DataCenter = "us",
        secrets: Mapping[str, str | Secret] | None = None,
    ) -> None:
        # Wrapped before anything can raise: a traceback shows the arguments of every frame in it.
        client_secret, secrets = _secret(client_secret), _secrets(secrets)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue]
            client_id, client_secret, redirect_uri=redirect_uri, data_center=data_center, secrets=secrets
        )
        for code in self.secrets:
            self.data_center_of(code)

    def __repr__(self) -> str:
        # Tracebacks show a registration that could not be made, too: it has no members yet.
        client_id, data_center = getattr(self, "client_id", None), getattr(self, "data_center", None)
        return f"ClientRegistration({client_id!r}, data_center={data_center and data_center.code!r})"

    def data_center_of(self, code: str) -> DataCenter:
        """The data center with this code: the registration's own, or one of the table."""
        return self.data_center if code == self.data_center.code else DataCenter.get(code)

    def secret_for(self, data_center: DataCenter) -> Secret | None:
        """The client secret that this data center knows."""
        return self.secrets.get(data_center.code, self.client_secret)
