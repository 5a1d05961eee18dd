"""
The error codes of Zoho's APIs, and what each says about the token.

Rules for editors: a row is an answer that somebody saw or a page that says so, named in `source`; nothing is a row
because it would make sense. A row that calls for a refresh names every status it comes with: 400 and 500 answers are
read for these only.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from attrs import Attribute, field, frozen

from ._bodies import REJECTING
from ._meanings import Family, calls_for_refresh
from ._products import Product
from .errors import ConfigurationError

#: For rows that cause no refresh, where the status makes no difference.
ANY_STATUS: Final[frozenset[int]] = frozenset()


def _text(given: object) -> str:
    return str(given).strip()


def _a_text(_: ErrorCode, attribute: Attribute[str], given: object) -> None:
    if not isinstance(given, str):
        raise ConfigurationError(f"ErrorCode({attribute.name}=…): a text is needed.")


def _present(_: ErrorCode, attribute: Attribute[str], text: str) -> None:
    if not text:
        raise ConfigurationError(f"ErrorCode({attribute.name}=…) is empty.")


def _a_family(_: ErrorCode, __: Attribute[Family], family: object) -> None:
    if not isinstance(family, Family):
        raise ConfigurationError("ErrorCode(family=…): a member of Family is needed.")


def _statuses(given: int | Collection[int]) -> frozenset[int]:
    return frozenset((given,) if isinstance(given, int) else given)


def _of_errors(row: ErrorCode, _: Attribute[frozenset[int]], statuses: frozenset[int]) -> None:
    if not all(isinstance(each, int) and 400 <= each <= 599 for each in statuses):
        raise ConfigurationError("ErrorCode(statuses=…): 400 to 599; answers of success are never read.")
    if row.calls_for_refresh and not (statuses and statuses <= REJECTING):
        raise ConfigurationError("ErrorCode(statuses=…): tokens are rejected with 400, 401 and 500.")


def _products(given: str | Product | Collection[str | Product]) -> tuple[str, ...]:
    codes = (given,) if isinstance(given, str | Product) else given
    return tuple(Product.get(each).code for each in codes)


@frozen(kw_only=True)
class ErrorCode:
    """
    What one error code of an API says about the token; yours go to `ZohoOAuth(error_codes=[…])`.

    `at` is where the code stands in the JSON body: `"data.errorCode"`, or `"errors.*.id"` in a list. The case of a
    code does not matter, and numbers are given as text. Yours are asked before the library's.
    """

    code: str = field(converter=_text, validator=_present)
    at: str = field(validator=[_a_text, _present])
    family: Family = field(validator=_a_family)
    products: tuple[str, ...] = field(default=(), converter=_products)
    """Codes of products; empty: any, and hosts that are not Zoho's."""
    statuses: frozenset[int] = field(default=frozenset({401}), converter=_statuses, validator=_of_errors)
    """The statuses it comes with; empty: any error status."""
    message: str = field(default="", validator=_a_text)
    """A part of any text in the body that makes the difference, where one code stands for several things."""
    is_ambiguous: bool = False
    """Whether the same answer is given for something else, too."""
    hint: str = ""
    source: str = field(default="", repr=False)

    @property
    def calls_for_refresh(self) -> bool:
        """Whether another token may help."""
        return calls_for_refresh(self.family, is_ambiguous=self.is_ambiguous)


_CRM: Final = ("crm", "crm-sandbox", "crm-developer", "crm-upload", "bigin", "phonebridge")
_LIKE_CRM: Final = (*_CRM, "recruit")
_FINANCE: Final = ("books", "inventory", "invoice", "billing", "expense")
_PROJECTS: Final = ("projects", "projects-v2")  # both hosts serve both
_WORKDRIVE: Final = ("workdrive", "workdrive-download", "workdrive-upload")

_LIVE: Final = "live answers"
_CRM_SPECIFICATION: Final = "github.com/zoho/crm-oas, v8.0"
_DESK_SPECIFICATION: Final = "Desk's OpenAPI files"
_ANALYTICS_PAGES: Final = "github.com/zoho/analytics-okf, v2.0/foundations"
_PEOPLE_PAGE: Final = "zoho.com/people/api/error-codes.html"
_LEGACY_PAGE: Final = "zoho.com/developer/help/api/error-messages.html"

_MAY_BE_THE_DATA_CENTER: Final = "CRM says the same to a token of another data center."
_MAY_BE_THE_SCOPE: Final = "It says the same where a scope is missing."


def _row(
    code: str, at: str, family: Family, products: str | tuple[str, ...] = (), **more: object
) -> ErrorCode:
    return ErrorCode(code=code, at=at, family=family, products=products, **more)  # type: ignore[arg-type]


def _token(code: str, at: str, products: str | tuple[str, ...], *statuses: int, **more: object) -> ErrorCode:
    return _row(code, at, Family.TOKEN, products, statuses=statuses or (401,), **more)


def _credential(code: str, at: str, products: str | tuple[str, ...], **more: object) -> ErrorCode:
    return _row(code, at, Family.CREDENTIAL, products, statuses=ANY_STATUS, **more)


def _scope(code: str, at: str, products: str | tuple[str, ...], **more: object) -> ErrorCode:
    return _row(code, at, Family.SCOPE, products, statuses=ANY_STATUS, **more)


def _permission(code: str, at: str, products: str | tuple[str, ...], **more: object) -> ErrorCode:
    return _row(code, at, Family.PERMISSION, products, statuses=ANY_STATUS, **more)


def _rate(code: str, at: str, products: str | tuple[str, ...], **more: object) -> ErrorCode:
    return _row(code, at, Family.RATE_LIMIT, products, statuses=ANY_STATUS, **more)


ERROR_CODES: Final = (
    # CRM and what is built like it
    _token(
        "INVALID_TOKEN",
        "code",
        _CRM,
        400,
        401,
        is_ambiguous=True,
        hint=_MAY_BE_THE_DATA_CENTER,
        source=f"trufflehog's verifier (401); a PhoneBridge log (400); {_CRM_SPECIFICATION} (400)",
    ),
    _token("INVALID_TOKEN", "code", "recruit", source=_LIVE),
    _row(
        "AUTHENTICATION_FAILURE",
        "code",
        Family.CREDENTIAL,
        _LIKE_CRM,
        is_ambiguous=True,
        hint="Said to requests without a token, and now and then to a dead one.",
        source="pages of CRM v8; live answers of Recruit; github.com/rikas/zoho_hub issue 34",
    ),
    _scope("OAUTH_SCOPE_MISMATCH", "code", _LIKE_CRM, source=_CRM_SPECIFICATION),
    _permission("NO_PERMISSION", "code", _LIKE_CRM, source=_CRM_SPECIFICATION),
    _rate("TOO_MANY_REQUESTS", "code", _LIKE_CRM, source=f"{_CRM_SPECIFICATION} (429; bulk read 400)"),
    # Desk
    _token("INVALID_OAUTH", "errorCode", "desk", source=f"{_DESK_SPECIFICATION}; {_LIVE}"),
    _credential("UNAUTHORIZED", "errorCode", "desk", source=f"{_DESK_SPECIFICATION}; {_LIVE}"),
    _scope("SCOPE_MISMATCH", "errorCode", "desk", source=_DESK_SPECIFICATION),
    _permission(
        "OAUTH_ORG_MISMATCH",
        "errorCode",
        "desk",
        hint="The token is good; the header orgId names another organization.",
        source=_DESK_SPECIFICATION,
    ),
    _permission("FORBIDDEN", "errorCode", "desk", source=_DESK_SPECIFICATION),
    _permission("LICENSE_ACCESS_LIMITED", "errorCode", "desk", source=_DESK_SPECIFICATION),
    _rate("THRESHOLD_EXCEEDED", "errorCode", "desk", source=_DESK_SPECIFICATION),
    _rate("TOO_MANY_REQUESTS", "errorCode", "desk", source=_DESK_SPECIFICATION),
    # Analytics
    _token(
        "8535",
        "data.errorCode",
        "analytics",
        is_ambiguous=True,
        hint="Analytics says the same for a missing scope and for another data center.",
        source=f"{_ANALYTICS_PAGES}; {_LIVE}",
    ),
    _credential("8518", "data.errorCode", "analytics", source=_LIVE),
    _permission(
        "7103",
        "data.errorCode",
        "analytics",
        hint="The organization is not visible.",
        source="published clients",
    ),
    _permission("7301", "data.errorCode", "analytics", source=_ANALYTICS_PAGES),
    _permission(
        "8083",
        "data.errorCode",
        "analytics",
        hint="The header ZANALYTICS-ORGID is missing.",
        source=_ANALYTICS_PAGES,
    ),
    # Books, Inventory, Invoice, Billing, Expense
    _token("57", "code", _FINANCE, is_ambiguous=True, hint=_MAY_BE_THE_SCOPE, source=_LIVE),
    _credential("14", "code", _FINANCE, source=_LIVE),
    _rate(
        "44",
        "code",
        _FINANCE,
        hint="A minute's quota of the organization.",
        source="Inventory's introduction",
    ),
    _rate(
        "45", "code", _FINANCE, hint="A day's quota of the organization.", source="Inventory's introduction"
    ),
    _rate("1070", "code", _FINANCE, hint="Too many requests at a time.", source="Inventory's introduction"),
    # Mail, Calendar, Projects, Catalyst: the words of Zoho's shared filter, each in a place of its own
    _token("INVALID_OAUTHTOKEN", "data.errorCode", "mail", source=_LIVE),
    _credential("INVALID_TICKET", "data.errorCode", "mail", source=_LIVE),
    _token("INVALID_OAUTHTOKEN", "error.*.error_code", "calendar", source=_LIVE),
    _credential("INVALID_TICKET", "error.*.error_code", "calendar", source=_LIVE),
    _token(
        "INVALID_OAUTHTOKEN",
        "error.title",
        _PROJECTS,
        400,
        401,
        source=f"{_LIVE} (401); Projects' table (400)",
    ),
    _credential("INVALID_TICKET", "error.title", _PROJECTS, source=_LIVE),
    _rate("URL_ROLLING_THROTTLES_LIMIT_EXCEEDED", "error.title", _PROJECTS, source="published clients (400)"),
    _credential("6890", "error.code", _PROJECTS, source=_LIVE),
    # Creator
    _token(
        "1030", "code", ("creator", "creator-v2.1"), source="zoho.com/creator/help/api/v2.1/status-codes.html"
    ),
    _rate("4000", "code", ("creator", "creator-v2.1"), hint="A day's quota.", source="Creator's page of v2"),
    # People
    _token("7202", "response.errors.code", "people", is_ambiguous=True, source=_LIVE),
    _token("7213", "response.errors.code", "people", is_ambiguous=True, source=_LIVE),
    *(
        _permission(str(code), "response.errors.code", "people", source=_PEOPLE_PAGE)
        for code in range(7037, 7042)
    ),
    # Sign
    _token("9041", "code", "sign", source=_LIVE),
    _credential("9031", "code", "sign", source=_LIVE),
    # Sheet: one code for both
    _token("2401", "error_code", "sheet", is_ambiguous=True, source=_LIVE),
    _credential("2401", "error_code", "sheet", message="[authorization ticket]", source=_LIVE),
    # Campaigns: one answer for both
    _token(
        "1007",
        "Code",
        "campaigns",
        is_ambiguous=True,
        hint="Campaigns says the same to a request without a token.",
        source=_LIVE,
    ),
    # WorkDrive
    _token("F7003", "errors.*.id", _WORKDRIVE, 401, 500, source=_LIVE),
    _scope("F7004", "errors.*.id", _WORKDRIVE, source="tests of published clients"),
    _row(
        "F000",
        "errors.*.id",
        Family.OTHER,
        _WORKDRIVE,
        statuses=ANY_STATUS,
        hint="A parameter is missing or wrong.",
        source="tests of published clients",
    ),
    # Cliq, Social, Sprints
    _token("oauthtoken_invalid", "code", "cliq", source=_LIVE),
    _scope("oauthtoken_scope_invalid", "code", "cliq", source="published clients"),
    _token("INVALID_OAUTHTOKEN", "error.message", (), source="zoho.com/social/api/oauth-authentication.html"),
    _scope("INVALID_OAUTHSCOPE", "error.message", (), source="zoho.com/social/api/oauth-authentication.html"),
    _scope("7601", "code", "sprints", source="published clients"),
    _permission("7401.14", "code", "sprints", source="published clients"),
    # The APIs of the ticket age
    _token("4834", "response.error.code", (), is_ambiguous=True, source=_LEGACY_PAGE),
    _permission("4001", "response.error.code", (), source="zoho.com.cn/crm/help/api/error-messages.html"),
    _rate("4820", "response.error.code", (), source=_LEGACY_PAGE),
    _rate("4421", "response.error.code", (), source=_LEGACY_PAGE),
    # RFC 6750 §3.1
    _scope("insufficient_scope", "error", (), source="RFC 6750 section 3.1"),
)

#: Words of Zoho's shared filter and of its products, wherever an error of an unknown product holds them as a whole
#: text; letters only, since each product writes them its own way ("Invalid OAuth token."). Those of `Family.TOKEN`
#: count in a 401 only.
WORDS: Final = {
    "INVALIDOAUTHTOKEN": Family.TOKEN,  # the shared filter; Zoho One; Catalyst
    "INVALIDOAUTHACCESSTOKEN": Family.TOKEN,  # Projects V2 and V3
    "INVALIDOAUTH": Family.TOKEN,  # Desk
    "INVALIDTOKEN": Family.TOKEN,  # CRM
    "OAUTHTOKENINVALID": Family.TOKEN,  # Cliq
    "THEPROVIDEDOAUTHTOKENISINVALID": Family.TOKEN,  # People
    "THEOAUTHTOKENYOUPROVIDEDISINVALID": Family.TOKEN,  # Desk
    "INVALIDTICKET": Family.CREDENTIAL,  # the shared filter
    "TICKETINVALID": Family.CREDENTIAL,  # Sign
    "INVALIDOAUTHSCOPE": Family.SCOPE,  # the shared filter; Sprints; Social
    "OAUTHSCOPEMISMATCH": Family.SCOPE,  # CRM
    "SCOPEMISMATCH": Family.SCOPE,  # Desk
    "INSUFFICIENTSCOPE": Family.SCOPE,  # RFC 6750 §3.1
    "NOPERMISSION": Family.PERMISSION,  # CRM
    "OAUTHORGMISMATCH": Family.PERMISSION,  # Desk
}
