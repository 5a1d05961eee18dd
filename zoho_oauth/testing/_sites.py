"""
Where each product answers: hosts and paths.

Rules for editors: one row per product and host; of several that share a host the first whose path fits answers. Written
down a second time on purpose, as `_hosts` is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from attrs import evolve, field, frozen

from . import _dialects as dialects
from ._dialects import Dialect
from ._hosts import DOMAINS
from .answers import Answer

if TYPE_CHECKING:
    from ._hosts import Place


def _pattern(text: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(text)


@frozen(eq=False)
class Site:
    """A product at its hosts; `path` is how its paths begin, `example` one of them."""

    product: str
    subdomain: str
    domain: Literal["gateway", "products"]
    dialect: Dialect = field(repr=False)
    path: re.Pattern[str] = field(converter=_pattern, repr=False)
    example: str
    segment: str = ""
    """First segment of paths that name the product, where one address stands for all."""
    also: tuple[str, ...] = ()
    """More subdomains of the products' domain."""
    exceptions: Mapping[str, str] = field(factory=dict)
    """Data center → host, where it is not what the others suggest."""

    def hosts(self, code: str) -> tuple[str, ...]:
        """Its hosts in a data center, the usual one first."""
        products, gateway = DOMAINS[code]
        usual = f"{self.subdomain}.{gateway if self.domain == 'gateway' else products}"
        return (self.exceptions.get(code, usual), *(f"{each}.{products}" for each in self.also))


_UPLOADS: Final = {"ca": "upload.zohocloud.ca", "sa": "files.zoho.sa"}


def _gateway(product: str, dialect: Dialect, path: str, example: str, *, at: str = "www") -> Site:
    return Site(product, at, "gateway", dialect, path, example, product.partition("-")[0])


def _own(
    product: str, at: str, dialect: Dialect, path: str, example: str, *also: str, segment: str = ""
) -> Site:
    return Site(product, at, "products", dialect, path, example, segment, also)


_CRM_PATH: Final = r"/crm/(?:bulk/)?v\d"
_CRM_EXAMPLE: Final = "/crm/v8/Leads"

SITES: Final = (
    _gateway("crm", dialects.CRM, _CRM_PATH, _CRM_EXAMPLE),
    _gateway("crm-sandbox", dialects.CRM, _CRM_PATH, _CRM_EXAMPLE, at="sandbox"),
    _gateway("crm-developer", dialects.CRM, _CRM_PATH, _CRM_EXAMPLE, at="developer"),
    evolve(
        _gateway("crm-upload", dialects.CRM, _CRM_PATH, "/crm/v8/upload", at="content"), exceptions=_UPLOADS
    ),
    _gateway("bigin", dialects.CRM, r"/bigin/v\d", "/bigin/v2/Contacts"),
    _gateway("phonebridge", dialects.CRM, r"/phonebridge/v\d", "/phonebridge/v3/calls"),
    _gateway("books", dialects.BOOKS, r"/books/v\d", "/books/v3/contacts"),
    _gateway("inventory", dialects.BOOKS, r"/inventory/v\d", "/inventory/v1/items"),
    _gateway("invoice", dialects.INVOICE, r"/invoice/v\d", "/invoice/v3/invoices"),
    _gateway("billing", dialects.BILLING, r"/billing/v\d", "/billing/v1/plans"),
    _gateway("expense", dialects.EXPENSE, r"/expense/v\d", "/expense/v1/reports"),
    _gateway("bookings", dialects.BOOKINGS, r"/bookings/v\d", "/bookings/v1/json/workspaces"),
    _gateway("workdrive", dialects.WORKDRIVE, r"/workdrive/api/v\d", "/workdrive/api/v1/users/me"),
    _gateway("creator-v2.1", dialects.CREATOR, r"/creator/v\d", "/creator/v2.1/meta/applications"),
    _gateway("social", dialects.SOCIAL, r"/social/v\d", "/social/v2/users"),
    _own(
        "recruit", "recruit", dialects.RECRUIT, r"/recruit/v\d", "/recruit/v2/Candidates", segment="recruit"
    ),
    _own("people", "people", dialects.PEOPLE, r"/(?:people/)?api/", "/people/api/forms", segment="people"),
    _own("creator", "creator", dialects.CREATOR, r"/(?:creator|api)/v\d", "/api/v2/applications"),
    _own("desk", "desk", dialects.DESK, r"/api/v\d", "/api/v1/tickets"),
    _own("analytics", "analyticsapi", dialects.ANALYTICS, r"/restapi/v\d", "/restapi/v2/workspaces"),
    _own("mail", "mail", dialects.MAIL, r"/api/", "/api/accounts"),
    _own("calendar", "calendar", dialects.CALENDAR, r"/api/v\d", "/api/v1/calendars"),
    # Either host serves both versions: live answers.
    _own("projects", "projects", dialects.PROJECTS, r"/api/v\d", "/api/v3/portals", "projectsapi"),
    _own("projects-v2", "projectsapi", dialects.PROJECTS_V2, r"/restapi/", "/restapi/portals/", "projects"),
    _own("sign", "sign", dialects.SIGN, r"/api/v\d", "/api/v1/requests"),
    _own("sheet", "sheet", dialects.SHEET, r"/api/v\d", "/api/v2/workbooks"),
    _own("campaigns", "campaigns", dialects.CAMPAIGNS, r"/api/v\d", "/api/v1.1/getmailinglists"),
    _own("cliq", "cliq", dialects.CLIQ, r"(?:/network/[^/]+)?/api/v\d", "/api/v2/channels"),
    _own("sprints", "sprintsapi", dialects.SPRINTS, r"/zsapi/", "/zsapi/teams/"),
    _own("catalyst", "api.catalyst", dialects.CATALYST, r"/\w+/v\d", "/baas/v1/project"),
    _own("workdrive-download", "download", dialects.WORKDRIVE, r"/", "/v1/workdrive/a", "download-accl"),
    _own("workdrive-upload", "upload", dialects.WORKDRIVE, r"/", "/workdrive-api/v1/a"),
    _own("books", "books", dialects.BOOKS, r"/(?:api|books)/v\d", "/api/v3/contacts"),
    _own("inventory", "inventory", dialects.BOOKS, r"/(?:api|inventory)/v\d", "/api/v1/items"),
    _own("invoice", "invoice", dialects.INVOICE, r"/(?:api|invoice)/v\d", "/api/v3/invoices"),
    _own("billing", "subscriptions", dialects.BILLING, r"/(?:api|billing)/v\d", "/api/v1/plans"),
    _own("expense", "expense", dialects.EXPENSE, r"/(?:api|expense)/v\d", "/api/v1/reports"),
    _own("workdrive", "workdrive", dialects.WORKDRIVE, r"/(?:workdrive/)?api/v\d", "/api/v1/users/me"),
    _own(
        "legacy",
        "crm",
        dialects.LEGACY,
        r"/crm/private/(?:json|xml)/",
        "/crm/private/json/Leads",
        segment="crm",
    ),
    _own(
        "legacy",
        "recruit",
        dialects.LEGACY,
        r"/recruit/private/(?:json|xml)/",
        "/recruit/private/json/Candidates",
        segment="recruit",
    ),
)
#: What `Rules.product` may be.
PRODUCTS: Final = frozenset(site.product for site in SITES)
#: What `FakeZoho.limit(code=…)` may be.
LIMITS: Final = frozenset(code for site in SITES for code in site.dialect.limits)

#: What the gateway says to products that are not there: live answers of Recruit and Sheet.
_NOT_HERE: Final = Site(
    "",
    "www",
    "gateway",
    evolve(
        dialects.CRM, wrong_path=Answer(404, b"API endpoint not found", (("content-type", "text/plain"),))
    ),
    r"(?!)",
    "",
)
_ANY_API: Final = r"/(?!oauth/)\w+/(?:api/)?v\d"


def _by_host() -> dict[str, tuple[Site, ...]]:
    found: dict[str, tuple[Site, ...]] = {}
    for site in SITES:
        for host in (host for code in DOMAINS for host in site.hosts(code)):
            found[host] = (*found.get(host, ()), site)
    return found


def _by_segment() -> dict[str, tuple[Site, ...]]:
    segments = {site.segment for site in SITES if site.segment}
    return {each: tuple(site for site in SITES if site.segment == each) for each in segments}


_BY_HOST: Final = _by_host()
_BY_SEGMENT: Final = _by_segment()
_NOT_AT_GATEWAY: Final = frozenset(site.product for site in SITES if site.domain == "products") - frozenset(
    site.product for site in SITES if site.domain == "gateway"
)


def site_at(place: Place, path: str, product: str) -> Site:
    """Who answers at this host and path; `product` where neither tells. What comes back may have no such path."""
    there = _BY_HOST.get(place.host) or _BY_SEGMENT.get(_segment(path), ())
    for site in there:
        if site.path.match(path):
            return site
    if place.is_gateway:
        return _at_gateway(there, path) or _by_rule(product, path)
    return there[0] if there else _by_rule(product, path)


def _segment(path: str) -> str:
    return path[1:].partition("/")[0]


def _at_gateway(there: tuple[Site, ...], path: str) -> Site | None:
    segment = _segment(path)
    named = next((site for site in there if site.segment == segment), None)
    return _NOT_HERE if named is None and segment in _NOT_AT_GATEWAY else named


def _by_rule(product: str, path: str) -> Site:
    own, lenient = _sites_of(product)
    return own if own.path.match(path) else lenient


@cache
def _sites_of(product: str) -> tuple[Site, Site]:
    own = next(site for site in SITES if site.product == product)
    return own, evolve(own, path=_ANY_API)
