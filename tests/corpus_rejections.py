"""
What Zoho's APIs answer when they turn a request down: as live answers and pages of each product have it.

Written down a second time on purpose: a corpus made from the library's table could not find its mistakes. Where only
the code is known, the rest of the body is made up.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import field, frozen

from zoho_oauth import Family

TOKEN, CREDENTIAL, SCOPE, PERMISSION, RATE_LIMIT, OTHER = Family

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=UTF-8"


@frozen
class Rejection:
    """One answer, what it means, and whether the request is sent again with another token."""

    product: str | None
    url: str
    status: int
    body: bytes = field(repr=False)
    family: Family
    code: str | None = None
    refreshes: bool = False
    content_type: str = JSON

    def __str__(self) -> str:
        """A name for the test."""
        return f"{self.product}-{self.status}-{self.family.name}-{self.code}"

    @property
    def place(self) -> tuple[str, str]:
        """Host and path."""
        host, slash, path = self.url.partition("/")
        return host, slash + path


def _answer(product: str | None, url: str, status: int, value: Any, family: Family, *rest: Any) -> Rejection:
    return Rejection(product, url, status, json.dumps(value).encode(), family, *rest)


# --- CRM and what is built like it -----------------------------------------------------------------------

_CRM_BODIES = {
    "AUTHENTICATION_FAILURE": (
        b'{"code":"AUTHENTICATION_FAILURE","details":{},"message":"Authentication failed","status":"error"}'
    ),
    "INVALID_TOKEN": b'{"code":"INVALID_TOKEN","details":{},"message":"invalid oauth token","status":"error"}',
    "OAUTH_SCOPE_MISMATCH": (
        b'{"code":"OAUTH_SCOPE_MISMATCH","details":{},"message":"Unauthorized","status":"error"}'
    ),
    "NO_PERMISSION": (
        b'{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_View_Leads"]},'
        b'"message":"permission denied","status":"error"}'
    ),
    "TOO_MANY_REQUESTS": (
        b'{"code":"TOO_MANY_REQUESTS","details":{},"message":"limit reached","status":"error"}'
    ),
}
_CRM_PLACES = (
    ("crm", "www.zohoapis.eu/crm/v8/Leads"),
    ("crm-sandbox", "sandbox.zohoapis.eu/crm/v8/Leads"),
    ("crm-developer", "developer.zohoapis.eu/crm/v8/Leads"),
    ("crm-upload", "content.zohoapis.eu/crm/v8/upload"),
    ("bigin", "www.zohoapis.eu/bigin/v2/Contacts"),
    ("phonebridge", "www.zohoapis.eu/phonebridge/v3/integrate"),
    ("recruit", "recruit.zoho.eu/recruit/v2/Candidates"),
)


def _crm(
    product: str, url: str, status: int, code: str, family: Family, *, refreshes: bool = False
) -> Rejection:
    return Rejection(product, url, status, _CRM_BODIES[code], family, code, refreshes)


_LIKE_CRM = tuple(
    answer
    for product, url in _CRM_PLACES
    for answer in (
        _crm(product, url, 401, "AUTHENTICATION_FAILURE", CREDENTIAL, refreshes=True),
        _crm(product, url, 401, "INVALID_TOKEN", TOKEN, refreshes=True),
        _crm(product, url, 401, "OAUTH_SCOPE_MISMATCH", SCOPE),
        _crm(product, url, 403, "NO_PERMISSION", PERMISSION),
        _crm(product, url, 429, "TOO_MANY_REQUESTS", RATE_LIMIT),
    )
) + tuple(
    answer
    for product, url in _CRM_PLACES[:-1]  # nobody saw Recruit do this
    for answer in (
        _crm(product, url, 400, "INVALID_TOKEN", TOKEN, refreshes=True),
        _crm(product, url, 400, "TOO_MANY_REQUESTS", RATE_LIMIT),
        Rejection(product, url, 200, _CRM_BODIES["INVALID_TOKEN"], OTHER),
        Rejection(product, url, 201, _CRM_BODIES["INVALID_TOKEN"], OTHER),
    )
)

# --- Desk, Analytics -------------------------------------------------------------------------------------


def _desk(status: int, code: str, message: str, family: Family, *, refreshes: bool = False) -> Rejection:
    value = {"errorCode": code, "message": message}
    return _answer("desk", "desk.zoho.eu/api/v1/tickets", status, value, family, code, refreshes)


def _analytics(status: int, summary: str, code: int, family: Family, *, refreshes: bool = False) -> Rejection:
    data = {"errorCode": code, "errorMessage": summary.capitalize()}
    value = {"status": "failure", "summary": summary, "data": data}
    url = "analyticsapi.zoho.eu/restapi/v2/orgs"
    return _answer("analytics", url, status, value, family, str(code), refreshes)


_DESK_AND_ANALYTICS = (
    _desk(401, "UNAUTHORIZED", "You are not authenticated to perform this operation.", CREDENTIAL),
    _desk(401, "UNAUTHORIZED", "You are not authorized to perform this operation.", CREDENTIAL),
    _desk(401, "INVALID_OAUTH", "The OAuth Token you provided is invalid.", TOKEN, refreshes=True),
    _desk(401, "SCOPE_MISMATCH", "The scope does not cover this.", SCOPE),
    _desk(403, "SCOPE_MISMATCH", "The scope does not cover this.", SCOPE),
    _desk(401, "OAUTH_ORG_MISMATCH", "The organization is another one.", PERMISSION),
    _desk(403, "FORBIDDEN", "You do not have the permission.", PERMISSION),
    _desk(403, "LICENSE_ACCESS_LIMITED", "Not in this edition.", PERMISSION),
    _desk(429, "THRESHOLD_EXCEEDED", "You have exceeded the limit.", RATE_LIMIT),
    _desk(429, "TOO_MANY_REQUESTS", "Too many at a time.", RATE_LIMIT),
    _analytics(400, "INVALID_TICKET", 8518, CREDENTIAL),
    _analytics(401, "INVALID_OAUTHTOKEN", 8535, TOKEN, refreshes=True),
    _analytics(403, "PERMISSION_DENIED", 7301, PERMISSION),
    _analytics(400, "ORG_NOT_VISIBLE", 7103, PERMISSION),
    _analytics(400, "ORGID_NOT_PRESENT", 8083, PERMISSION),
)

# --- Books and its family --------------------------------------------------------------------------------

_FINANCE_PLACES = (
    ("books", "www.zohoapis.eu/books/v3/contacts"),
    ("inventory", "www.zohoapis.eu/inventory/v1/items"),
    ("invoice", "www.zohoapis.eu/invoice/v3/invoices"),
    ("billing", "www.zohoapis.eu/billing/v1/plans"),
    ("expense", "www.zohoapis.eu/expense/v1/trips"),
    ("books", "books.zoho.eu/api/v3/contacts"),
)
_ENTER_A_VALID_ONE = (
    "The request could not be authenticated as the authentication value you entered is invalid. Enter a valid "
    "authentication value and try again."
)
_BLOCKED = (
    "For security reasons your organization has been blocked as it have exceeded the maximum number of requests "
    "per minute that can originate from an organization."
)
_EXCEEDED = "The API call for this organization has exceeded the maximum call rate limit of 1000."
_IN_PROCESS = (
    "You have reached the maximum number of in process requests allowed. Kindly try again after some time."
)
_FINANCE_ANSWERS = (
    (401, 14, _ENTER_A_VALID_ONE, CREDENTIAL),
    (401, 57, "You are not authorized to perform this operation", TOKEN),
    (429, 44, _BLOCKED, RATE_LIMIT),
    (429, 45, _EXCEEDED, RATE_LIMIT),
    (429, 1070, _IN_PROCESS, RATE_LIMIT),
)
_FINANCE = tuple(
    _answer(product, url, status, {"code": code, "message": message}, family, str(code), family is TOKEN)
    for product, url in _FINANCE_PLACES
    for status, code, message, family in _FINANCE_ANSWERS
) + tuple(
    _answer(product, url, 400, {"code": 6041, "message": "This user is not associated with it."}, OTHER)
    for product, url in _FINANCE_PLACES
)

# --- the words of the shared filter, each product in a place of its own ----------------------------------

_MAIL = "mail.zoho.eu/api/accounts"
_CALENDAR = "calendar.zoho.eu/api/v1/calendars"
_V3 = "projects.zoho.eu/api/v3/portals"
_THROTTLED = "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"
_V3_AT_V2 = "projectsapi.zoho.eu/api/v3/portals"
_V2 = "projectsapi.zoho.eu/restapi/portals/"
_CATALYST = "api.catalyst.zoho.eu/baas/v1/project"


def _calendar(status: int, description: str, word: str, *rest: Any) -> Rejection:
    error = {"description": description, "error_code": word, "message": word}
    return _answer("calendar", _CALENDAR, status, {"error": [error]}, *rest)


def _v3(product: str, url: str, status: int, word: str, *rest: Any) -> Rejection:
    error = {
        "status_code": str(status),
        "instance": "/api/v3/portals",
        "title": word,
        "details": [{"message": "Invalid OAuth access token."}] if "OAUTH" in word else [],
    }
    return _answer(product, url, status, {"error": error}, *rest)


def _v2(status: int, error: dict[str, Any], *rest: Any) -> Rejection:
    return _answer("projects-v2", _V2, status, {"error": error}, *rest)


_SHARED_FILTER = (
    Rejection(
        "mail",
        _MAIL,
        400,
        b'{"data":{"errorCode":"INVALID_TICKET","moreInfo":"Invalid ticket"},'
        b'"status":{"code":400,"description":"Invalid Input"}}',
        CREDENTIAL,
        "INVALID_TICKET",
    ),
    Rejection(
        "mail",
        _MAIL,
        401,
        b'{"data":{"errorCode":"INVALID_OAUTHTOKEN"},"status":{"code":401,"description":"Unauthorized"}}',
        TOKEN,
        "INVALID_OAUTHTOKEN",
        True,
    ),
    Rejection(
        "mail", _MAIL, 200, b'{"data":{"errorCode":"INVALID_OAUTHTOKEN"},"status":{"code":401}}', OTHER
    ),
    _calendar(400, "Invalid ticket.", "INVALID_TICKET", CREDENTIAL, "INVALID_TICKET"),
    _calendar(401, "Invalid OAuth token.", "INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _v3("projects", _V3, 401, "INVALID_TICKET", CREDENTIAL, "INVALID_TICKET"),
    _v3("projects", _V3, 401, "INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _v3("projects", _V3, 400, "INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _v3("projects-v2", _V3_AT_V2, 401, "INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _v3("projects-v2", _V3_AT_V2, 400, "INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _v3("projects", _V3, 400, _THROTTLED, RATE_LIMIT, _THROTTLED),
    Rejection("projects", _V3, 429, b"", RATE_LIMIT),
    _v2(401, {"code": 6890, "message": "Invalid Ticket"}, CREDENTIAL, "6890"),
    _v2(401, {"code": 6401, "message": "Invalid OAuth AccessToken"}, TOKEN, None, True),
    _v2(404, {"code": 6404, "message": "Resource not found"}, OTHER),
    _v2(400, {"code": 6504, "message": "Wrong portal"}, OTHER),
    # Of Catalyst only the words are known.
    _answer("catalyst", _CATALYST, 400, {"data": {"error_code": "INVALID_TICKET"}}, CREDENTIAL),
    _answer("catalyst", _CATALYST, 401, {"data": {"error_code": "INVALID_OAUTHTOKEN"}}, TOKEN, None, True),
)

# --- Creator, People, Sign, Sheet, Campaigns, Bookings ---------------------------------------------------

_CREATOR = "creator.zoho.eu/api/v2/owner/app/report/All"
_CREATOR_2_1 = "www.zohoapis.eu/creator/v2.1/data/owner/app/report/All"
_FAILED = "Authorization Failure. The access token is either invalid or has expired."
_PEOPLE = "people.zoho.eu/people/api/forms"
_SIGN = "sign.zoho.eu/api/v1/requests"
_SHEET = "sheet.zoho.eu/api/v2/workbooks"
_CAMPAIGNS = "campaigns.zoho.eu/api/v1.1/getmailinglists"
_UNAUTHORIZED = {"status": "error", "Code": "1007", "message": "Unauthorized request."}
_BOOKINGS = "www.zohoapis.eu/bookings/v1/json/services"
_PAGE = b"<!DOCTYPE html><html><head><title>Zoho Creator - Error Page</title></head><body></body></html>"


def _people(status: int, error: dict[str, Any], *rest: Any) -> Rejection:
    return _answer("people", _PEOPLE, status, {"response": {"errors": error, "status": 1}}, *rest)


def _sign(value: dict[str, Any], *rest: Any) -> Rejection:
    return _answer("sign", _SIGN, 401, value, *rest)


def _sheet(status: int, what: str, *rest: Any) -> Rejection:
    message = f"Valid [{what}] is required for processing the request."
    value = {"status": "failure", "error_code": 2401, "error_message": message}
    return _answer("sheet", _SHEET, status, value, *rest)


_OTHERS = (
    _answer("creator", _CREATOR, 401, {"code": 1030, "description": _FAILED}, TOKEN, "1030", True),
    _answer("creator-v2.1", _CREATOR_2_1, 401, {"code": 1030, "message": _FAILED}, TOKEN, "1030", True),
    _answer("creator", _CREATOR, 200, {"code": 4000, "message": "You have reached your limit."}, OTHER),
    _answer("creator", _CREATOR, 429, {"code": 4000, "message": "A limit."}, RATE_LIMIT, "4000"),
    _people(401, {"code": 7202, "message": "Invalid"}, TOKEN, "7202", True),
    _people(401, {"code": 7213, "message": "Invalid"}, TOKEN, "7213", True),
    _people(401, {"message": "The provided OAuth token is invalid."}, TOKEN, None, True),
    *(
        _people(status, {"code": code, "message": "Permission denied"}, PERMISSION, str(code))
        for code in (7037, 7038, 7039, 7040, 7041)
        for status in (400, 401, 403)
    ),
    _sign({"code": 9031, "message": "Ticket invalid", "status": "failure"}, CREDENTIAL, "9031"),
    _sign({"code": 9041, "message": "Invalid Oauth token", "status": "failure"}, TOKEN, "9041", True),
    _sheet(401, "authorization ticket", CREDENTIAL, "2401"),
    _sheet(401, "OAUTHTOKEN", TOKEN, "2401", True),
    _answer("campaigns", _CAMPAIGNS, 401, _UNAUTHORIZED, TOKEN, "1007", True),
    Rejection("bookings", _BOOKINGS, 400, _PAGE, OTHER, content_type=HTML),
    Rejection("bookings", _BOOKINGS, 401, _PAGE, TOKEN, None, True, content_type=HTML),
)

# --- WorkDrive, Cliq, Social, Sprints, Zoho One ----------------------------------------------------------

_WORKDRIVE_PLACES = (
    ("workdrive", "www.zohoapis.eu/workdrive/api/v1/files"),
    ("workdrive", "workdrive.zoho.eu/api/v1/files"),
    ("workdrive-download", "download.zoho.eu/v1/workdrive/download/1"),
)
_WORKDRIVE = tuple(
    _answer(product, url, status, {"errors": [{"id": identity, "title": title}]}, family, *rest)
    for product, url in _WORKDRIVE_PLACES
    for status, identity, title, family, *rest in (
        (500, "", "INVALID_TICKET", CREDENTIAL),
        (401, "F7003", "Invalid OAuth token.", TOKEN, "F7003", True),
        (500, "F7003", "Invalid OAuth token.", TOKEN, "F7003", True),
        (401, "F7004", "Invalid OAuth scope.", SCOPE, "F7004"),
        (500, "F7004", "Invalid OAuth scope.", SCOPE, "F7004"),
        (500, "F000", "LESS_THAN_MIN_OCCURANCE", OTHER, "F000"),
    )
)
_CLIQ = "cliq.zoho.eu/api/v2/channels"
_SOCIAL = "social.zoho.eu/social/v2/users"
_SPRINTS = "sprintsapi.zoho.eu/zsapi/teams/"
_NO_RIGHT = "Doesn't have permission in item"
_ONE = "one.zoho.eu/api/v2/users"


def _social(word: str, *rest: Any) -> Rejection:
    error = {"code": 401, "requestURI": "/social/v2/users", "message": word}
    return _answer(None, _SOCIAL, 401, {"error": error}, *rest)


_YOUNGER = (
    Rejection("cliq", _CLIQ, 401, b"", TOKEN, None, True, content_type=""),
    _answer("cliq", _CLIQ, 401, {"code": "oauthtoken_invalid"}, TOKEN, "oauthtoken_invalid", True),
    _answer("cliq", _CLIQ, 401, {"code": "oauthtoken_scope_invalid"}, SCOPE, "oauthtoken_scope_invalid"),
    _social("INVALID_OAUTHTOKEN", TOKEN, "INVALID_OAUTHTOKEN", True),
    _social("INVALID_OAUTHSCOPE", SCOPE, "INVALID_OAUTHSCOPE"),
    _answer("sprints", _SPRINTS, 401, {"code": 7601, "message": "Invalid oauthscope"}, SCOPE, "7601"),
    _answer("sprints", _SPRINTS, 401, {"code": "7401.14", "message": _NO_RIGHT}, PERMISSION, "7401.14"),
    _answer(None, _ONE, 401, {"message": "Invalid OAuthToken"}, TOKEN, None, True),
    Rejection(None, _ONE, 401, b"Invalid OAuthToken", TOKEN, None, True, content_type="text/plain"),
    Rejection(None, _ONE, 403, b"", PERMISSION, content_type=""),
)

# --- what belongs to no product --------------------------------------------------------------------------

_LEGACY = "crm.zoho.eu/crm/private/json/Leads/getRecords"
_NEW = "www.zohoapis.eu/newproduct/v1/things"


def _legacy(code: str, message: str, *rest: Any) -> Rejection:
    value = {"response": {"error": {"message": message, "code": code}, "uri": "/"}}
    return _answer("crm", _LEGACY, 401, value, *rest)


_WRAPPINGS = (
    lambda word: word,
    lambda word: [word],
    lambda word: {"code": word},
    lambda word: {"error": {"code": 1, "message": word}},
    lambda word: {"errors": [{"reason": {"title": word.lower()}}]},
    lambda word: {"status": "failure", "data": {"moreInfo": word.replace("_", " ").capitalize() + "."}},
)
_NOBODYS = (
    _legacy("4834", "Invalid Ticket Id", TOKEN, "4834", True),
    _legacy("4834", "Invalid ticket. Also check if ticket has expired.", TOKEN, "4834", True),
    _legacy("4820", "Rate limit", RATE_LIMIT, "4820"),
    _legacy("4421", "Crossed the limit", RATE_LIMIT, "4421"),
    _legacy("4001", "No API permission", PERMISSION, "4001"),
    _answer(None, _NEW, 401, {"error": "insufficient_scope"}, SCOPE, "insufficient_scope"),
    *(_answer(None, _NEW, 401, wrap("INVALID_OAUTHTOKEN"), TOKEN, None, True) for wrap in _WRAPPINGS[:3]),
    *(_answer(None, _NEW, 401, wrap("INVALID_OAUTHTOKEN"), TOKEN, None, True) for wrap in _WRAPPINGS[4:]),
    *(_answer(None, _NEW, 401, wrap("INVALID_TICKET"), CREDENTIAL) for wrap in _WRAPPINGS),
    *(_answer(None, _NEW, 400, wrap("INVALID_TICKET"), CREDENTIAL) for wrap in _WRAPPINGS),
    *(_answer(None, _NEW, 401, wrap("INVALID_OAUTHSCOPE"), SCOPE) for wrap in _WRAPPINGS[:3]),
    _answer(None, _NEW, 400, {"word": "INVALID_OAUTHTOKEN"}, OTHER),
    _answer(None, _NEW, 500, {"word": "INVALID_OAUTHTOKEN"}, OTHER),
    Rejection(None, _NEW, 429, b"<html></html>", RATE_LIMIT, content_type=HTML),
)

REJECTIONS = (
    *_LIKE_CRM,
    *_DESK_AND_ANALYTICS,
    *_FINANCE,
    *_SHARED_FILTER,
    *_OTHERS,
    *_WORKDRIVE,
    *_YOUNGER,
    *_NOBODYS,
)
