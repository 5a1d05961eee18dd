"""
What error bodies of Zoho's products look like: one function per shape.

Bodies are as somebody saw them or as a page prints them; what is assumed is marked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, frozen

from .answers import Answer, json_answer

if TYPE_CHECKING:
    from ._asgi import Exchange

_QUOTED_PATH: Final = "{path}"


@frozen
class Quoting(Answer):
    """An answer that repeats the path of the request."""

    async def send_to(self, exchange: Exchange) -> None:
        """Send it."""
        path = json.dumps(exchange.path)[1:-1].encode()
        body = self.body.replace(_QUOTED_PATH.encode(), path)
        await Answer(self.status, body, self.headers).send_to(exchange)


def with_headers(answer: Answer, **headers: str) -> Answer:
    """The same with these headers; `_` stands for `-`."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return evolve(answer, headers=answer.headers + named)


def _quoting(value: Any, status: int) -> Answer:
    plain = json_answer(value, status)
    return Quoting(plain.status, plain.body, plain.headers)


def plain(status: int, word: str) -> Answer:
    """A word of the shared filter, in a shape that is assumed."""
    return json_answer({"code": word, "message": word}, status)


def crm(status: int, code: str, message: str) -> Answer:
    """CRM, Bigin, Recruit."""
    return json_answer({"code": code, "details": {}, "message": message, "status": "error"}, status)


def desk(status: int, code: str, message: str) -> Answer:
    """Desk."""
    return json_answer({"errorCode": code, "message": message}, status)


def analytics(status: int, summary: str, code: int | None, message: str) -> Answer:
    """Analytics."""
    data = {"errorMessage": message} if code is None else {"errorCode": code, "errorMessage": message}
    return json_answer({"status": "failure", "summary": summary, "data": data}, status)


def finance(status: int, code: int, message: str) -> Answer:
    """Books and its family."""
    return json_answer({"code": code, "message": message}, status)


def mail(status: int, code: str, more: str) -> Answer:
    """Mail."""
    # assumed: what stands in "status"
    return json_answer({"data": {"errorCode": code, "moreInfo": more}, "status": {"code": status}}, status)


def calendar(status: int, code: str, description: str) -> Answer:
    """Calendar."""
    return json_answer({"error": [{"description": description, "error_code": code, "message": code}]}, status)


def projects(status: int, title: str, message: str, *, quotes_path: bool = False) -> Answer:
    """Projects V3, whose `status_code` is a text."""
    path = {"instance": _QUOTED_PATH} if quotes_path else {}
    error = {"status_code": str(status), **path, "title": title, "details": [{"message": message}]}
    return _quoting({"error": error}, status)


def projects_v2(status: int, code: int, message: str) -> Answer:
    """Projects V2."""
    return json_answer({"error": {"code": code, "message": message}}, status)


def creator(status: int, code: int, description: str) -> Answer:
    """Creator."""
    return json_answer({"code": code, "description": description}, status)


def people(status: int, code: int, message: str) -> Answer:
    """People."""
    return json_answer({"response": {"errors": {"code": code, "message": message}, "status": 1}}, status)


def sign(status: int, code: int, message: str) -> Answer:
    """Sign."""
    return json_answer({"code": code, "message": message, "status": "failure"}, status)


def sheet(status: int, message: str) -> Answer:
    """Sheet, which has one code."""
    return json_answer({"error_message": message, "error_code": 2401}, status)


def campaigns(status: int, code: str, message: str) -> Answer:
    """Campaigns, with a capital `Code`."""
    return json_answer({"status": "error", "Code": code, "message": message}, status)


def bookings(status: int) -> Answer:
    """Bookings: a page."""
    return Answer(
        status,
        b"<!DOCTYPE html><html><head><title>Zoho Creator - Error Page</title></head><body>Something went wrong. "
        b"Please contact support@zohobookings.com</body></html>",
        (("content-type", "text/html;charset=UTF-8"),),
    )


def workdrive(status: int, code: str, title: str) -> Answer:
    """WorkDrive."""
    return json_answer({"errors": [{"id": code, "title": title}]}, status)


def social(status: int, word: str) -> Answer:
    """Social."""
    return _quoting({"error": {"code": status, "requestURI": _QUOTED_PATH, "message": word}}, status)


def legacy(status: int, code: str, message: str) -> Answer:
    """The APIs of the ticket age."""
    return _quoting({"response": {"error": {"message": message, "code": code}, "uri": _QUOTED_PATH}}, status)
