"""What to do about a refused token request: the likely causes, by grant and data center."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ._data_centers import DataCenter

# https://zoho.com/accounts/protocol/oauth: /web-apps/access-token-expiry, /multi-dc, /token-limits
_BY_CODE: Final = {
    ("refresh_token", "invalid_scope"): "A refresh names no scopes: ask the owner for consent to more.",
    ("authorization_code", "invalid_code"): (
        "A code works once, for a minute or two, with the client and redirect URI it was asked for, at the "
        "owner's accounts server ({accounts} was asked). Begin again with a new authorization request."
    ),
    ("authorization_code", "invalid_redirect_uri"): (
        "The redirect URI must be the registered one to the letter: scheme, port and trailing slash included."
    ),
    ("authorization_code", "invalid_request"): (
        "A code that was asked for with a code_challenge is exchanged with its code_verifier only."
    ),
    ("client_credentials", "missing_org_info"): (
        "Name the organization: soid='ZohoCRM.<organization id>', with the service that the scope is for."
    ),
    ("client_credentials", "invalid_soid"): (
        "soid is '<service>.<organization id>', of an organization in data center {data_center}."
    ),
    ("client_credentials", "invalid_scope"): (
        "Scopes are separated by commas, as in 'ZohoCRM.modules.READ,ZohoCRM.settings.READ'."
    ),
}

_BY_KIND: Final = {
    "grant": (
        "The refresh token was revoked, or dropped (Zoho keeps an owner's last twenty), "
        "or is not one of this client in data center {data_center}. Ask the owner for consent again."
    ),
    "client": (
        "Client id and secret must be those that the API console shows for data center {data_center} "
        "({accounts}): secrets differ between data centers unless the console was told otherwise, and an id "
        "begins with '1000.'. A grant of another data center also gets this answer."
    ),
    "throttled": (
        "Zoho allows ten token requests in ten minutes, then blocks; asking again prolongs it. "
        "Let everything that uses this grant share one store."
    ),
    "refused": (
        "{accounts} of data center {data_center} was asked: is that where this client and owner are at home?"
    ),
    "unavailable": "What is stored is kept. Is {accounts} reachable from here, past any proxy?",
    "malformed": "What is stored is kept. Does something between here and {accounts} rewrite answers?",
}


def hint(kind: str, *, grant_type: str, code: str | None, data_center: DataCenter) -> str:
    """One to three sentences for `error.hint`; empty for a kind that needs none."""
    special = _BY_CODE.get((grant_type, code or "")) if kind == "refused" else None
    text = special or _BY_KIND.get(kind, "")
    return text.format(data_center=data_center.code, accounts=data_center.accounts)
