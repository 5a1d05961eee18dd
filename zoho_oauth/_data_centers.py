"""
Where Zoho is, and which URLs may carry a token.

Rules for editors:
- An origin is allowed if it *is* in a set. No prefix, suffix or pattern is ever compared with a host.
- Zoho's sets are complete at import: each product of `_products` in each data center, whether or not it is sold
  there, since the domains are Zoho's. Nothing is built, or learned, from an answer.
- Messages never repeat what was configured: it may hold a password.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import Attribute, Factory, field, frozen

from ._products import Product
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Scheme, host (lower-case ASCII, IPv6 without brackets), port; None is the scheme's own port.
Origin = tuple[str, str, int | None]


class _Row(NamedTuple):
    code: str
    accounts: str
    api: str
    products: str


# https://zoho.com/accounts/protocol/oauth/multi-dc.html, https://www.bigin.com/developer/docs/apis/multi-dc.html;
# ae, sg and the gateway of uk are in neither: live answers. Canada's products are not where its gateway is.
_TABLE: Final = (
    _Row("us", "https://accounts.zoho.com", "https://www.zohoapis.com", "zoho.com"),
    _Row("eu", "https://accounts.zoho.eu", "https://www.zohoapis.eu", "zoho.eu"),
    _Row("in", "https://accounts.zoho.in", "https://www.zohoapis.in", "zoho.in"),
    _Row("au", "https://accounts.zoho.com.au", "https://www.zohoapis.com.au", "zoho.com.au"),
    _Row("jp", "https://accounts.zoho.jp", "https://www.zohoapis.jp", "zoho.jp"),
    _Row("ca", "https://accounts.zohocloud.ca", "https://www.zohoapis.ca", "zohocloud.ca"),
    _Row("sa", "https://accounts.zoho.sa", "https://www.zohoapis.sa", "zoho.sa"),
    _Row("uk", "https://accounts.zoho.uk", "https://www.zohoapis.uk", "zoho.uk"),
    _Row("cn", "https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn", "zoho.com.cn"),
    _Row("ae", "https://accounts.zoho.ae", "https://www.zohoapis.ae", "zoho.ae"),
    _Row("sg", "https://accounts.zoho.sg", "https://www.zohoapis.sg", "zoho.sg"),
)
_ROWS: Final = {row.code: row for row in _TABLE}

_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_ADDRESS: Final = re.compile(
    r"(?:(https?)://)?(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(?::([0-9]{1,5}))?/?", re.IGNORECASE
)
_LABEL: Final = re.compile(r"[0-9a-z](?:[0-9a-z-]{0,61}[0-9a-z])?")
_CODE: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?")
_SHOWN: Final = re.compile(r"[0-9a-z.:-]{1,253}")

_WHAT_TO_GIVE: Final = (
    "Give scheme, host and at most a port, as in 'https://host.example:8443': no user name, path, query or "
    "wildcard, internationalised names as xn--…, and http only for localhost, 127.0.0.0/8 and [::1]."
)


def origin_of(url: str) -> Origin:
    """
    Read a configured origin: `files.example.com` (https is meant) or `https://host:8443`.

    One trailing slash is ignored. http is taken for loopback only. Anything else: `ConfigurationError`.
    """
    match = _ADDRESS.fullmatch(url) if isinstance(url, str) and url.isascii() else None
    if match is None:
        raise ConfigurationError("This is not an origin.", hint=_WHAT_TO_GIVE)
    scheme, host, port = (match[1] or "https").lower(), _host(match[2].lower()), _port(match[3])
    if scheme == "http" and not _is_loopback(host):
        raise ConfigurationError("Tokens do not travel in clear: use https.", hint=_WHAT_TO_GIVE)
    return scheme, host, None if port == _DEFAULT_PORTS[scheme] else port


def url_of(origin: Origin) -> str:
    """`https://host:8443`: no trailing slash, no default port."""
    scheme, host, port = origin
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port is None else f"{scheme}://{shown}:{port}"


def _host(text: str) -> str:
    host = _ipv6(text[1:-1]) if text.startswith("[") else _name_or_ipv4(text)
    if host is None:
        raise ConfigurationError("This is not the name of a host.", hint=_WHAT_TO_GIVE)
    return host


def _ipv6(text: str) -> str | None:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        return None


def _name_or_ipv4(text: str) -> str | None:
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    # WHATWG URL §3.5: a last label that is a number makes it an address; resolvers take 127.1 and 0x7f000001.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return _ipv4(text)
    return text


def _ipv4(text: str) -> str | None:
    try:
        return str(IPv4Address(text))
    except AddressValueError:
        return None


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not 0 < int(text) < 65_536:
        raise ConfigurationError("This is not a port.", hint=_WHAT_TO_GIVE)
    return int(text)


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "::1"):
        return True
    address = _ipv4(host)
    return address is not None and IPv4Address(address) in _LOOPBACK


def _base_url(url: str) -> str:
    if not isinstance(url, str) or "://" not in url:
        raise ConfigurationError("A data center's address begins with https://.", hint=_WHAT_TO_GIVE)
    return url_of(origin_of(url))


def _unlike_zohos(center: DataCenter, _: Attribute[str], code: str) -> None:
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ConfigurationError("The code of a data center is up to 32 characters of a-z, 0-9, '-' and '_'.")
    row = _ROWS.get(code)
    if row is not None and (center.accounts, center.api) != (row.accounts, row.api):
        raise ConfigurationError(f"{code!r} is one of Zoho's own data centers: give yours another code.")


def _origins(center: DataCenter) -> frozenset[Origin]:
    row = _ROWS.get(center.code)
    hosts = _zoho_hosts(row) if row else iter(())
    own = {origin_of(center.accounts), origin_of(center.api)}
    return frozenset(own.union(("https", host, None) for host in hosts))


def _zoho_hosts(row: _Row) -> Iterator[str]:
    for product in Product.all():
        yield from _hosts_of(product, row)


def _hosts_of(product: Product, row: _Row) -> Iterator[str]:
    yield _host_of(product, row)
    yield from (f"{subdomain}.{row.products}" for subdomain in product.also)


def _host_of(product: Product, row: _Row) -> str:
    gateway = row.api.removeprefix("https://www.")
    return product.host(row.code, gateway=gateway, products=row.products)


@frozen(kw_only=True)
class DataCenter:
    """
    One of Zoho's data centers, or your own: where tokens come from and where they may go.

    `accounts` and `api` are origins without a trailing slash: https, or http on loopback. Anything else is a
    `ConfigurationError`. Zoho's own: `DataCenter.get("eu")`.
    """

    code: str = field(validator=_unlike_zohos)
    accounts: str = field(converter=_base_url)
    api: str = field(converter=_base_url)
    origins: frozenset[Origin] = field(
        init=False, repr=False, eq=False, default=Factory(_origins, takes_self=True)
    )
    """Every origin that may carry a token of this data center."""

    @classmethod
    def get(cls, code: str | DataCenter) -> DataCenter:
        """
        Zoho's data center of this code, in any case; a `DataCenter` comes back as it is.

        The codes are us, eu, in, au, jp, ca, sa, uk, cn, ae and sg; another one is a `ConfigurationError`.
        """
        if isinstance(code, DataCenter):
            return code
        known = _BY_CODE.get(code.strip().lower()) if isinstance(code, str) else None
        if known is None:
            raise ConfigurationError(
                f"There is no such data center; the codes are {', '.join(_BY_CODE)}.",
                hint="For another accounts server pass DataCenter(code=…, accounts='https://…', api='https://…').",
            )
        return known

    @classmethod
    def all(cls) -> tuple[DataCenter, ...]:
        """Zoho's own data centers."""
        return tuple(_BY_CODE.values())

    def base_url(self, product: str | Product = "crm") -> str:
        """
        Where a product answers, without a path: `https://www.zohoapis.eu` for crm, `https://desk.zoho.eu` for desk.

        A data center of your own has one address for all. An unknown product is a `ConfigurationError`.
        """
        known, row = Product.get(product), _ROWS.get(self.code)
        return self.api if row is None else f"https://{_host_of(known, row)}"


_BY_CODE: Final = {
    code: DataCenter(code=code, accounts=row.accounts, api=row.api) for code, row in _ROWS.items()
}
#: The data center that a host belongs to, by its name on the wire.
OWNERS: Final = {host: center.code for center in _BY_CODE.values() for _, host, _ in center.origins}


@cache
def _products_by_host() -> dict[str, tuple[Product, ...]]:
    found: dict[str, tuple[Product, ...]] = {}
    for row, product in itertools.product(_TABLE, Product.all()):
        for host in _hosts_of(product, row):
            found[host] = (*found.get(host, ()), product)
    return found


def products_at(host: str, path: str) -> tuple[Product, ...]:
    """
    The products that answer at this host and path; empty if that cannot be told.

    A host that is not Zoho's (a loopback address, a gateway of the user's) is told by the path alone.
    """
    there = _products_by_host().get(host)
    if there is None:
        return tuple(each for each in Product.all() if _is_named_by(path, each))
    if len(there) == 1:
        return there
    return tuple(each for each in there if _is_named_by(path, each) or _is_below(path, each))


def _is_named_by(path: str, product: Product) -> bool:
    return path.startswith(f"/{product.code.partition('-')[0]}/")


def _is_below(path: str, product: Product) -> bool:
    """For products that share one of Zoho's hosts only: elsewhere `/api/v1` may be anybody's."""
    return bool(product.path) and path.startswith(f"{product.path}/")


def why_foreign(
    origin: Origin, *, userinfo: bool, data_center: DataCenter, allowed: frozenset[Origin] = frozenset()
) -> str | None:
    """
    None if a URL of this origin may carry a token of `data_center`; otherwise one sentence that says why not.

    `origin` is what the URL class read, with the host in ASCII and as it goes on the wire.
    `userinfo`: the URL holds a user name or password. `allowed`: the user's own additions.
    """
    if userinfo:
        return "A URL with a user name or password in it may not carry a token."
    if origin in data_center.origins or origin in allowed:
        return None
    return _reason(origin, data_center, data_center.origins | allowed)


def _reason(origin: Origin, data_center: DataCenter, known: frozenset[Origin]) -> str:
    host = origin[1]
    shown = host if _SHOWN.fullmatch(host) else "This host"
    owner = OWNERS.get(host)
    if owner is not None and owner != data_center.code:
        return (
            f"{shown} belongs to data center {owner!r} and this owner's token to {data_center.code!r}: "
            "tokens are bound to their data center."
        )
    meant = sorted(url_of(other) for other in known if other[1] == host)
    if meant:
        return f"A token for {shown} is sent to {' and '.join(meant)} only."
    return (
        f"{shown} is not a host that tokens of data center {data_center.code!r} are sent to: name it in "
        "`allow_hosts`, or pass auth=None with the request if it needs no token."
    )
