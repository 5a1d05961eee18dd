"""
Zoho's products: where each answers, and what it wants besides the token.

Rules for editors: one row per product, with where it was seen; the rows are also the list of hosts that may carry a
token, so a host without a row is a stranger. What a product wants is told to people here and done nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from attrs import field, frozen

from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen(kw_only=True)
class Product:
    """
    One of Zoho's products, as `Product.get("desk")`: where it answers and what its requests need.

    `code` is what `DataCenter.base_url` takes. The rest tells you how to write requests; nothing is done by it.
    """

    code: str
    name: str
    path: str = ""
    """How paths of its current API begin, for instance `/crm/v8`; empty if no page said."""
    organization: str = ""
    """The header, parameter or part of the path that names the organization; empty if none was seen."""
    note: str = ""
    """What surprises people."""
    source: str = field(repr=False)
    """Where the row comes from."""
    subdomain: str = field(repr=False)
    domain: Literal["gateway", "products"] = field(default="products", repr=False)
    also: tuple[str, ...] = field(default=(), repr=False)
    """More subdomains of the products' domain that answer, or did."""
    exceptions: Mapping[str, str] = field(factory=dict, repr=False, hash=False)
    """Data center → host, where it is not what the others suggest."""

    @classmethod
    def get(cls, code: str | Product) -> Product:
        """
        The product of this code, in any case; a `Product` comes back as it is.

        `Product.all()` has the codes; another one is a `ConfigurationError`.
        """
        if isinstance(code, Product):
            return code
        known = _BY_CODE.get(code.strip().lower()) if isinstance(code, str) else None
        if known is None:
            raise ConfigurationError(f"There is no such product; the codes are {', '.join(_BY_CODE)}.")
        return known

    @classmethod
    def all(cls) -> tuple[Product, ...]:
        """Every product, by code."""
        return tuple(_BY_CODE.values())

    def host(self, data_center: str, *, gateway: str, products: str) -> str:
        """Its host in a data center whose domains are these, for instance zohoapis.eu and zoho.eu."""
        usual = f"{self.subdomain}.{gateway if self.domain == 'gateway' else products}"
        return self.exceptions.get(data_center, usual)


_ORGANIZATION_ID: Final = "parameter `organization_id`, but not for `/organizations`"
_NONE_NEEDED: Final = "none: the token belongs to one organization"
_MEASURED: Final = "live answers, recorded in github.com/w6w-io/w6w-apps"
_PYTHON_SDK: Final = "github.com/zoho/zohocrm-python-sdk-8.0"
_BY_THE_SDK: Final = {"organization": _NONE_NEEDED, "source": _PYTHON_SDK}
_FILES_INSTEAD: Final = "in ae and sa some clients use files.zoho.ae and files.zoho.sa"
_UPLOADS: Final = {"ca": "upload.zohocloud.ca", "sa": "files.zoho.sa"}


def _gateway(code: str, name: str, path: str = "", *, at: str = "www", **more: object) -> Product:
    return Product(code=code, name=name, path=path, subdomain=at, domain="gateway", **more)  # type: ignore[arg-type]


def _own(code: str, name: str, path: str = "", *, at: str = "", **more: object) -> Product:
    return Product(code=code, name=name, path=path, subdomain=at or code, **more)  # type: ignore[arg-type]


_ROWS: Final = (
    _own(
        "analytics",
        "Analytics",
        "/restapi/v2",
        at="analyticsapi",
        organization="header `ZANALYTICS-ORGID`",
        source="github.com/zoho/analytics-okf, v2.0/foundations/data-centers.md",
    ),
    _own("assist", "Assist", "/api/v2", source="zoho.com/assist/api/multidc.html"),
    _gateway(
        "bigin",
        "Bigin",
        "/bigin/v2",
        organization=_NONE_NEEDED,
        source="bigin.com/developer/docs/apis/multi-dc.html",
    ),
    _gateway(
        "billing",
        "Billing, once Subscriptions",
        "/billing/v1",
        organization="header `X-com-zoho-subscriptions-organizationid`",
        also=("subscriptions",),
        source="published clients",
    ),
    _gateway("bookings", "Bookings", "/bookings", note="errors are HTML pages", source=_MEASURED),
    _gateway(
        "books",
        "Books",
        "/books/v3",
        organization=_ORGANIZATION_ID,
        also=("books",),
        source=f"zoho.com/books/api/v3; {_MEASURED}",
    ),
    _own("calendar", "Calendar", "/api/v1", source=_MEASURED),
    _own(
        "campaigns",
        "Campaigns",
        "/api/v1.1",
        note="every parameter goes into the query string",
        source=f"zoho.com/campaigns/help/developers/data-centers.html; {_MEASURED}",
    ),
    _own(
        "catalyst",
        "Catalyst",
        at="api.catalyst",
        organization="project id in the path",
        source="docs.catalyst.zoho.com, multi-dc-support",
    ),
    _own("cliq", "Cliq", "/api/v2", source=f"{_MEASURED}, uk and cn among them"),
    _own("commerce", "Commerce", source="zoho.com/commerce/api/create-store.html"),
    _own(
        "creator",
        "Creator",
        "/api/v2",
        organization="owner and application in the path",
        note="its page says that `api_domain` names the gateway, and to use this host",
        source="zoho.com/creator/help/api/v2/refresh-the-access-token.html; newhelp/account-setup/base-url.html",
    ),
    _gateway(
        "creator-v2.1",
        "Creator v2.1",
        "/creator/v2.1",
        organization="owner and application in the path",
        note="header `environment` (development, stage or production)",
        source="published clients",
    ),
    _gateway(
        "crm",
        "CRM",
        "/crm/v8",
        organization=_NONE_NEEDED,
        source="zoho.com/crm/developer/docs/api/v8/multi-dc.html",
    ),
    _gateway("crm-developer", "CRM, developer edition", "/crm/v8", at="developer", **_BY_THE_SDK),
    _gateway("crm-sandbox", "CRM, sandbox", "/crm/v8", at="sandbox", **_BY_THE_SDK),
    _gateway(
        "crm-upload",
        "CRM, file uploads",
        "/crm/v8",
        at="content",
        exceptions=_UPLOADS,
        note="in ca and sa on a host of another name",
        **_BY_THE_SDK,
    ),
    _own(
        "desk",
        "Desk",
        "/api/v1",
        organization="header `orgId`, but not for `/organizations`",
        note="no page lists a host in uk",
        source=f"Desk's OpenAPI files; {_MEASURED}",
    ),
    _gateway(
        "expense",
        "Expense",
        "/expense",
        organization="a header as Invoice's and Billing's; not checked",
        also=("expense",),
        source="published clients",
    ),
    _own(
        "files",
        "Files of several products",
        note="CRM's uploads in sa; downloads of Meeting",
        source=f"{_PYTHON_SDK} (sa); published clients",
    ),
    _gateway(
        "inventory",
        "Inventory",
        "/inventory/v1",
        organization=_ORGANIZATION_ID,
        also=("inventory",),
        source="zoho.com/inventory/api/v1/introduction",
    ),
    _gateway(
        "invoice",
        "Invoice",
        "/invoice/v3",
        organization="header `X-com-zoho-invoice-organizationid`; some pages show the parameter `organization_id`",
        also=("invoice",),
        source=_MEASURED,
    ),
    _own(
        "mail",
        "Mail",
        "/api",
        organization="account id in the path",
        source=f"{_MEASURED}, of eight data centers",
    ),
    _own("meeting", "Meeting", "/api/v2", source="zoho.com/meeting/api-integration/multi-dc.html"),
    _own("people", "People", note="not at the gateway", source=_MEASURED),
    _gateway("phonebridge", "PhoneBridge", "/phonebridge", source="published clients"),
    _own(
        "projects",
        "Projects V3",
        "/api/v3",
        organization="portal id in the path",
        note="answers at the host of V2 as well",
        source="published notes, measured with a token; github.com/w6w-io/w6w-apps, which lists eleven data centers",
    ),
    _own(
        "projects-v2",
        "Projects V2",
        "/restapi",
        at="projectsapi",
        organization="portal id in the path",
        note="ends on 2026-12-31; answers at the host of V3 as well",
        source="published notes, measured with a token",
    ),
    _own(
        "recruit",
        "Recruit",
        "/recruit/v2",
        organization=_NONE_NEEDED,
        note="its pages name the gateway, which answers 404",
        source=f"{_MEASURED}, of ten data centers",
    ),
    _own(
        "salesiq", "SalesIQ", "/api/v2", organization="screen name in the path", source="links on its pages"
    ),
    _own("sheet", "Sheet", source=f"{_MEASURED}, of seven data centers"),
    _own("sign", "Sign", source=_MEASURED),
    _own(
        "sprints",
        "Sprints",
        "/zsapi",
        at="sprintsapi",
        organization="team id in the path",
        source="published clients",
    ),
    _own(
        "thrive", "Thrive", "/thrive-publicapi/v1", source="zoho.com/thrive/resources/api/data-centers.html"
    ),
    _own("webinar", "Webinar", "/api/v2", source="zoho.com/webinar/api-integration/multi-dc-page.html"),
    _gateway(
        "workdrive",
        "WorkDrive",
        "/workdrive/api/v1",
        also=("workdrive",),
        note="a dead token is answered with 401 or 500",
        source=f"workdrive.zoho.com/apidocs; {_MEASURED}",
    ),
    _own(
        "workdrive-download",
        "WorkDrive, file downloads",
        at="download",
        also=("download-accl",),
        note=_FILES_INSTEAD,
        source="published clients",
    ),
    _own(
        "workdrive-upload",
        "WorkDrive, large uploads",
        "/workdrive-api/v1",
        at="upload",
        note=_FILES_INSTEAD,
        source="published clients",
    ),
    _gateway("writer", "Writer", "/writer", source="published clients"),
)
_BY_CODE: Final = {product.code: product for product in _ROWS}
