"""
How each product refuses a request: status, body and headers.

Rules for editors: one row per product. Bodies are as somebody saw them or as a page prints them; what is assumed was
seen nowhere and is marked. The words are those of Zoho's shared filter, which most products wrap or rename. The
library's table of error codes is not imported: one shared with it could not find its mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from . import _dialect_bodies as said
from . import answers
from .answers import Answer, json_answer

_TICKET: Final = "INVALID_TICKET"
_TOKEN: Final = "INVALID_OAUTHTOKEN"  # noqa: S105 - a word of Zoho's
_SCOPE: Final = "INVALID_OAUTHSCOPE"
_THROTTLED: Final = "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED"
_FORBIDDEN: Final = "FORBIDDEN"
# Assumed, all three: for products of which nobody told.
_SCOPE_REFUSED: Final = said.plain(401, _SCOPE)
_PERMISSION_REFUSED: Final = said.plain(403, _FORBIDDEN)
_LIMITED: Final = said.plain(429, _THROTTLED)


@frozen
class Selector:
    """How requests name the organization that they mean; paths that end with `not_for` need not."""

    header: bytes = b""
    parameter: str = ""
    not_for: str = "/organizations"


@frozen(kw_only=True)
class Dialect:
    """What one product says."""

    no_token: Answer
    dead_token: Answer
    other_dead_token: Answer | None = None
    """What it was seen to say to a dead token elsewhere."""
    scope: Answer = _SCOPE_REFUSED
    permission: Answer = _PERMISSION_REFUSED
    limits: Mapping[str, Answer] = field(default={_THROTTLED: _LIMITED}, hash=False)
    """Its rate limits by its own code, the usual one first."""
    wrong_path: Answer = answers.WRONG_PATH
    selector: Selector | None = None
    """None: the organization is in the path or in the token."""
    no_organization: Answer = answers.NO_PERMISSION
    wrong_organization: Answer = answers.NO_PERMISSION

    def dead(self, *, other: bool) -> Answer:
        """The answer to a dead token; the `other` one if the product has one."""
        return (self.other_dead_token if other else None) or self.dead_token


_MINUTE: Final = (
    "For security reasons your organization has been blocked as it have exceeded the maximum number of requests per "
    "minute that can originate from an organization."
)
_DAY: Final = "The API call for this organization has exceeded the maximum call rate limit of 1000."
_AT_A_TIME: Final = (
    "You have reached the maximum number of in process requests allowed. Kindly try again after some time."
)
_ANOTHER_COMPANY: Final = "This user is not associated with the CompanyID/CompanyName:0."

# Pages of CRM v8; 400: a log of PhoneBridge, github.com/zoho/crm-oas.
CRM: Final = Dialect(
    no_token=answers.NO_TOKEN,
    dead_token=answers.DEAD_TOKEN,
    other_dead_token=said.crm(400, "INVALID_TOKEN", "invalid oauth token"),
    scope=answers.SCOPE_MISMATCH,
    permission=answers.NO_PERMISSION,
    # assumed: the message
    limits={"TOO_MANY_REQUESTS": said.crm(429, "TOO_MANY_REQUESTS", "too many requests")},
)
# Live answers, 401 only; the rest as CRM.
RECRUIT: Final = Dialect(
    no_token=answers.NO_TOKEN,
    dead_token=answers.DEAD_TOKEN,
    scope=answers.SCOPE_MISMATCH,
    permission=answers.NO_PERMISSION,
    limits=CRM.limits,
)
# Live answers; Desk's OpenAPI files; 403 and its texts: published clients.
_DESK_MISMATCH: Final = said.desk(
    403, "OAUTH_ORG_MISMATCH", "The OAuthToken is not valid for specified organization."
)
DESK: Final = Dialect(
    no_token=said.desk(401, "UNAUTHORIZED", "You are not authenticated to perform this operation."),
    dead_token=said.desk(401, "INVALID_OAUTH", "The OAuth Token you provided is invalid."),
    scope=said.desk(
        403, "SCOPE_MISMATCH", "The OAuth Token does not contain the scope to perform this operation."
    ),
    # assumed: the messages from here on, the numbers, and that a missing orgId is another one
    permission=said.desk(403, _FORBIDDEN, "You do not have permission to perform this operation."),
    selector=Selector(header=b"orgid"),
    no_organization=_DESK_MISMATCH,
    wrong_organization=_DESK_MISMATCH,
    limits={
        "THRESHOLD_EXCEEDED": said.with_headers(
            said.desk(429, "THRESHOLD_EXCEEDED", "The API credits of this day are used up."),
            x_rate_limit_remaining_v3="0",
            x_rate_limit_request_weight_v3="1",
            retry_after="3600",
        ),
        "TOO_MANY_REQUESTS": said.with_headers(
            said.desk(429, "TOO_MANY_REQUESTS", "Too many requests at a time."),
            x_rate_limit_remaining_v3="4999",
            x_rate_limit_request_weight_v3="1",
        ),
    },
)
# Live answers; github.com/zoho/analytics-okf: one code for a dead token and for a missing scope.
_ANALYTICS_DEAD: Final = said.analytics(401, _TOKEN, 8535, "Invalid Oauthtoken")
ANALYTICS: Final = Dialect(
    # assumed: the message
    no_token=said.analytics(400, _TICKET, 8518, "Invalid ticket"),
    dead_token=_ANALYTICS_DEAD,
    scope=_ANALYTICS_DEAD,
    # assumed: the messages from here on, and the whole rate limit
    permission=said.analytics(403, "SECURITY_NOT_PERMITTED", 7301, "Operation not permitted"),
    selector=Selector(header=b"zanalytics-orgid", not_for="/orgs"),
    no_organization=said.analytics(
        400, "ORGID_NOT_PRESENT_IN_THE_HEADER", 8083, "ZANALYTICS-ORGID is missing in the header"
    ),
    wrong_organization=said.analytics(404, "META_OBJECT_NOT_PRESENT", 7103, "Organization not found"),
    limits={_THROTTLED: said.analytics(429, _THROTTLED, None, _THROTTLED)},
)


def _finance_row(selector: Selector) -> Dialect:
    # Live answers of Books, Invoice and Inventory; 6041: published clients; limits: Inventory's introduction.
    unauthorized = said.finance(401, 57, "You are not authorized to perform this operation")
    return Dialect(
        no_token=said.finance(
            401,
            14,
            "The request could not be authenticated as the authentication value you entered is invalid. "
            "Enter a valid authentication value and try again.",
        ),
        dead_token=unauthorized,
        scope=unauthorized,
        permission=unauthorized,  # assumed: its text fits
        selector=selector,
        no_organization=said.finance(400, 6041, _ANOTHER_COMPANY),  # assumed: the code
        wrong_organization=said.finance(400, 6041, _ANOTHER_COMPANY),
        limits={
            "44": said.finance(429, 44, _MINUTE),
            "45": said.finance(429, 45, _DAY),
            "1070": said.finance(429, 1070, _AT_A_TIME),
        },
    )


BOOKS: Final = _finance_row(Selector(parameter="organization_id"))
INVOICE: Final = _finance_row(Selector(b"x-com-zoho-invoice-organizationid", "organization_id"))
BILLING: Final = _finance_row(Selector(b"x-com-zoho-subscriptions-organizationid"))
# assumed: the name of the header
EXPENSE: Final = _finance_row(Selector(b"x-com-zoho-expense-organizationid"))
# Live answers; assumed: from scope on.
MAIL: Final = Dialect(
    no_token=said.mail(400, _TICKET, "Invalid ticket"),
    dead_token=said.mail(401, _TOKEN, "Invalid OAuth token"),
    scope=said.mail(401, _SCOPE, "Invalid OAuth scope"),
    permission=said.mail(403, _FORBIDDEN, _FORBIDDEN),
    limits={_THROTTLED: said.mail(429, _THROTTLED, _THROTTLED)},
)
# Live answers; assumed: from scope on.
CALENDAR: Final = Dialect(
    no_token=said.calendar(400, _TICKET, "Invalid ticket."),
    dead_token=said.calendar(401, _TOKEN, "Invalid OAuth token."),
    scope=said.calendar(401, _SCOPE, "Invalid OAuth scope."),
    permission=said.calendar(403, _FORBIDDEN, _FORBIDDEN),
    limits={_THROTTLED: said.calendar(429, _THROTTLED, _THROTTLED)},
)
# Live answers with a token; 400: Projects' own table; the throttle with 400: published clients.
PROJECTS: Final = Dialect(
    no_token=said.projects(401, _TICKET, "Invalid ticket.", quotes_path=True),
    dead_token=said.projects(401, _TOKEN, "Invalid OAuth access token."),
    other_dead_token=said.projects(400, _TOKEN, "Invalid OAuth access token."),
    # assumed: scope and permission, and the numbers in the headers
    scope=said.projects(401, _SCOPE, "Invalid OAuth scope."),
    permission=said.projects(403, _FORBIDDEN, _FORBIDDEN),
    limits={
        _THROTTLED: said.with_headers(
            said.projects(400, _THROTTLED, "Cannot execute more than 200 requests per API in 2 minutes."),
            ratelimit="200",
            ratelimit_remaining="0",
            ratelimit_window="2",
            ratelimit_window_unit="MINUTES",
            retry_after="600",
        )
    },
)
# Live answers and Projects' questions and answers; assumed: 6401, permission.
PROJECTS_V2: Final = Dialect(
    no_token=said.projects_v2(401, 6890, "Invalid Ticket"),
    dead_token=said.projects_v2(401, 6401, "Invalid OAuth AccessToken"),
    scope=said.projects_v2(401, 6401, "Invalid OAuth Scope"),
    permission=said.projects_v2(403, 6403, "Forbidden"),
    wrong_path=said.projects_v2(404, 6404, "Not Found"),
)
# Creator's page of status codes; 4000 with HTTP 200: its page of v2. Assumed: the first, and 4000's text.
CREATOR: Final = Dialect(
    no_token=said.plain(401, _TICKET),
    dead_token=said.creator(
        401, 1030, "Authorization Failure. The access token is either invalid or has expired."
    ),
    limits={"4000": said.creator(200, 4000, "The API limit of this day is reached.")},
)
# Live answers, which do not say which code is which; assumed: the statuses, and 7037's text.
_PEOPLE_DEAD: Final = "The provided OAuth token is invalid."
PEOPLE: Final = Dialect(
    no_token=said.people(401, 7202, "Invalid ticket."),
    dead_token=said.people(401, 7213, _PEOPLE_DEAD),
    other_dead_token=said.people(401, 7202, _PEOPLE_DEAD),
    permission=said.people(403, 7037, "Permission denied."),
)
# Live answers.
SIGN: Final = Dialect(
    no_token=said.sign(401, 9031, "Ticket invalid"),
    dead_token=said.sign(401, 9041, "Invalid Oauth token"),
)
# Live answers.
SHEET: Final = Dialect(
    no_token=said.sheet(401, "Valid [authorization ticket] is required for processing the request."),
    dead_token=said.sheet(401, "Valid [OAUTHTOKEN] is required for processing the request."),
)
# Live answers: the same twice.
CAMPAIGNS: Final = Dialect(
    no_token=said.campaigns(401, "1007", "Unauthorized request."),
    dead_token=said.campaigns(401, "1007", "Unauthorized request."),
)
# Live answers: one page for both; assumed: that it is everybody's.
BOOKINGS: Final = Dialect(
    no_token=said.bookings(400),
    dead_token=said.bookings(401),
    scope=said.bookings(401),
    permission=said.bookings(403),
    wrong_path=said.bookings(404),
    limits={"429": said.bookings(429)},
)
# Live answers; 500: tests of published clients. Assumed: the first's shape, F7004's status and text.
WORKDRIVE: Final = Dialect(
    no_token=said.plain(500, _TICKET),
    dead_token=said.workdrive(401, "F7003", "Invalid OAuth token."),
    other_dead_token=said.workdrive(500, "F7003", "Invalid OAuth token."),
    scope=said.workdrive(401, "F7004", "Invalid OAuth scope."),
)
# Live answers; scope: published clients.
CLIQ: Final = Dialect(
    no_token=Answer(401),
    dead_token=json_answer({"code": "oauthtoken_invalid"}, 401),
    scope=json_answer({"code": "oauthtoken_scope_invalid"}, 401),
)
# Social's page; assumed: the first and the last two.
SOCIAL: Final = Dialect(
    no_token=said.social(401, _TICKET),
    dead_token=said.social(401, _TOKEN),
    scope=said.social(401, _SCOPE),
    permission=said.social(403, _FORBIDDEN),
    limits={_THROTTLED: said.social(429, _THROTTLED)},
)
# Published clients; assumed: the first two.
SPRINTS: Final = Dialect(
    no_token=said.plain(400, _TICKET),
    dead_token=said.plain(401, _TOKEN),
    scope=json_answer({"code": 7601, "message": "Invalid oauthscope"}, 401),
    permission=json_answer({"code": "7401.14", "message": "Doesn't have permission in item"}, 401),
)
# Statuses and words: published clients; assumed: the shape.
CATALYST: Final = Dialect(
    no_token=said.plain(400, _TICKET),
    dead_token=said.plain(401, _TOKEN),
)
# zoho.com/developer/help/api/error-messages.html; assumed: the statuses, the limits' texts.
LEGACY: Final = Dialect(
    no_token=said.legacy(401, "4834", "Invalid Ticket Id"),
    dead_token=said.legacy(401, "4834", "Invalid ticket. Also check if ticket has expired."),
    limits={
        "4820": said.legacy(429, "4820", "API call limit exceeded"),
        "4421": said.legacy(429, "4421", "API call limit exceeded"),
    },
)
