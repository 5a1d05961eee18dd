"""
Which host plays what.

The table is written down a second time on purpose: one shared with the library could not find its mistakes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from attrs import frozen

#: Data center code → domain of accounts and products, domain of the API gateway.
DOMAINS: Final = {
    "us": ("zoho.com", "zohoapis.com"),
    "eu": ("zoho.eu", "zohoapis.eu"),
    "in": ("zoho.in", "zohoapis.in"),
    "au": ("zoho.com.au", "zohoapis.com.au"),
    "jp": ("zoho.jp", "zohoapis.jp"),
    "ca": ("zohocloud.ca", "zohoapis.ca"),
    "sa": ("zoho.sa", "zohoapis.sa"),
    "uk": ("zoho.uk", "zohoapis.uk"),
    "cn": ("zoho.com.cn", "zohoapis.com.cn"),
    "ae": ("zoho.ae", "zohoapis.ae"),
    "sg": ("zoho.sg", "zohoapis.sg"),
}
_CODES: Final = {domain: code for code, domains in DOMAINS.items() for domain in domains}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


@frozen
class Place:
    """What a host is: a data center, its role there, and the gateway that its token answers name."""

    data_center: str
    is_accounts: bool
    is_api: bool
    api: str
    host: str = ""
    """Without a port, in lower case; empty on loopback, where one address stands for all."""
    is_gateway: bool = False


@lru_cache(maxsize=1024)
def place(host: str, own_data_center: str) -> Place | None:
    """The place behind a Host header; None for a host that is not Zoho's."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name in _LOOPBACK:
        return Place(own_data_center, is_accounts=True, is_api=True, api=f"http://{host}")
    name = name.lower()
    code = _code(name)
    if code is None:
        return None
    is_accounts = name == f"accounts.{DOMAINS[code][0]}"
    return Place(
        code, is_accounts, not is_accounts, gateway(code), name, is_gateway=name == f"www.{DOMAINS[code][1]}"
    )


def _code(name: str) -> str | None:
    labels = name.split(".")
    domains = (".".join(labels[cut:]) for cut in range(1, len(labels)))
    return next((_CODES[each] for each in domains if each in _CODES), None)


def accounts_server(code: str) -> str:
    """Origin of the data center's accounts server."""
    return f"https://accounts.{DOMAINS[code][0]}"


def gateway(code: str) -> str:
    """Origin of the data center's API gateway."""
    return f"https://www.{DOMAINS[code][1]}"
