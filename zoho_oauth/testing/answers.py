"""What the fake can be told to answer: `fake.fail_next(…)` and `fake.answer_next(…)` take any of these."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from ._asgi import Exchange


class Reply(Protocol):
    """An answer or a fault: it has the whole exchange to itself."""

    async def send_to(self, exchange: Exchange) -> None:
        """Answer the request, or fail to."""
        ...


@frozen
class Answer:
    """A status, a body and headers, sent as they are; Content-Length is added."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    async def send_to(self, exchange: Exchange) -> None:
        """Send it."""
        await exchange.start(self.status, (*self.headers, ("content-length", str(len(self.body)))))
        await exchange.write(self.body)


_JSON: Final = (("content-type", "application/json;charset=UTF-8"),)
_HTML: Final = (("content-type", "text/html;charset=UTF-8"),)


def json_answer(value: Any, status: int = 200) -> Answer:
    """`value` as JSON, in UTF-8 and unescaped as Zoho does."""
    return Answer(status, json.dumps(value, ensure_ascii=False).encode(), _JSON)


def html_page(status: int = 500) -> Answer:
    """The page of a proxy or of a server that is unwell; with 200 also of a login page in between."""
    return Answer(status, b"<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>", _HTML)


def truncated_json(status: int = 200) -> Answer:
    """A token answer that stops in the middle of the token."""
    return Answer(status, b'{"access_token": "1000.fake-acc', _JSON)


def redirect(url: str, status: int = 302) -> Answer:
    """Go elsewhere; 307 and 308 ask for the body there, too."""
    return Answer(status, b"", (("location", url),))


def _crm_error(status: int, code: str, message: str) -> Answer:
    return json_answer({"code": code, "details": {}, "message": message, "status": "error"}, status)


#: What CRM says (pages of v8): the header is missing or is not the right scheme;
NO_TOKEN: Final = _crm_error(401, "AUTHENTICATION_FAILURE", "Authentication failed")
#: the token is expired, evicted, revoked, made up or of another data center;
DEAD_TOKEN: Final = _crm_error(401, "INVALID_TOKEN", "invalid oauth token")
#: the token is fine and does not reach this far;
SCOPE_MISMATCH: Final = _crm_error(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized")
#: the owner may not do this, whatever the token;
NO_PERMISSION: Final = _crm_error(403, "NO_PERMISSION", "permission denied")
#: there is nothing at this path.
WRONG_PATH: Final = _crm_error(
    404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"
)

#: A POST without grant_type and every other method get no JSON at all.
BAD_REQUEST: Final = Answer(400, b"Bad Request", (("content-type", "text/plain"),))
