"""
Attach it to your httpx client and never think about Zoho tokens again.

    auth = ZohoAuth.from_refresh_token(client_id=…, client_secret=…, refresh_token=…, data_center="eu")
    async with httpx.AsyncClient(auth=auth, base_url="https://www.zohoapis.eu") as crm:
        leads = (await crm.get("/crm/v8/Leads", params={"fields": "Last_Name"})).json()

Layers, bottom first, each importing only from below: words (errors, secrets, data centers, numbers), rules
without I/O (tokens, documents, ledger, messages, rejections), ports (stores, endpoint), the life cycle (records,
turns, attempts, sources), the httpx side (auth), the facade (zoho).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors, events
from ._auth import ZohoAuth
from ._data_centers import DataCenter
from ._endpoint import TokenEndpoint
from ._policy import RefreshPolicy
from ._products import Product
from ._registration import ClientRegistration
from ._secrets import Secret
from ._sources import TokenSource
from ._tokens import Token
from ._zoho import ZohoOAuth
from .stores.base import Record, TokenStore
from .stores.memory import MemoryStore

if TYPE_CHECKING:
    from ._error_codes import ErrorCode
    from ._explain import explain
    from ._meanings import Family, Meaning
    from .stores.file import FileStore

__all__ = [
    "ClientRegistration",
    "DataCenter",
    "ErrorCode",
    "Family",
    "FileStore",
    "Meaning",
    "MemoryStore",
    "Product",
    "Record",
    "RefreshPolicy",
    "Secret",
    "Token",
    "TokenEndpoint",
    "TokenSource",
    "TokenStore",
    "ZohoAuth",
    "ZohoOAuth",
    "errors",
    "events",
    "explain",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


#: Loaded when they are asked for: modules for threads and file locks, and tables that only a rejection needs.
_LATE = {
    "ErrorCode": "._error_codes",
    "Family": "._meanings",
    "FileStore": ".stores.file",
    "Meaning": "._meanings",
    "explain": "._explain",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name], __name__), name)
