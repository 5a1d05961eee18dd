"""
What to say to Zoho's token endpoint, and what it said.

Rules for editors:
- Bytes in, one frozen value out. Nothing else leaves `read_token_response`, whatever the bytes are.
- The body decides before the status does: Zoho sends errors with status 200 and throttles with status 400.
- Nothing from the wire is repeated but the `error` code, sanitised. `detail` is always ours.
- A throttle must never read as bad credentials, in no language: the caller would ask again and prolong it.
"""

from __future__ import annotations

import json
import math
import re
import sys
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlencode

from attrs import evolve, field, frozen

from . import _policy
from ._data_centers import url_of
from ._failures import Refusal
from ._secrets import Secret

if TYPE_CHECKING:
    from ._data_centers import DataCenter

_GRANT_CODES: Final = frozenset({"invalid_code", "invalid_grant", "invalid_token"})
_CLIENT_CODES: Final = frozenset({"invalid_client", "invalid_client_secret", "unauthorized_client"})
# The first two are those of RFC 6749 §4.1.2.1, the third is known to Zoho's mobile SDKs.
_PASSING_CODES: Final = frozenset({"server_error", "temporarily_unavailable", "general_error"})

_CODE: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_LONGEST_CODE: Final = 200
_NOT_IN_A_CODE: Final = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")  # RFC 6749 §5.2
_LIKE_A_TOKEN: Final = re.compile(r"100[0-9]\.|[A-Za-z0-9._~+/=-]{16,}")
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")  # RFC 6750 §2.1
_TOKEN_TYPES: Final = frozenset({"bearer", "zoho-oauthtoken"})
_SCOPES: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e\s]*", re.ASCII)  # RFC 6749 §3.3
_LIKE_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[{\[\"0-9-]|(?:null|true|false)\s*\Z)")
_HTTP_DATE: Final = re.compile(  # RFC 9110 §5.6.7, all three forms
    r"[A-Z][a-z]{2,8}, [0-9]{2}[ -][A-Z][a-z]{2}[ -][0-9]{2,4} [0-9:]{8} GMT"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}"
)


@frozen(kw_only=True)
class TokenRequest:
    """A token request: where it goes, and its form. Always POST."""

    url: str
    form: tuple[tuple[str, str | Secret], ...] = field(repr=False)

    def body(self) -> bytes:
        """The form as `application/x-www-form-urlencoded`. It holds secrets in clear."""
        texts = [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in self.form]
        # A UnicodeEncodeError would carry the secret it could not encode.
        return urlencode(texts, encoding="utf-8", errors="surrogatepass").encode("ascii")


@frozen(kw_only=True)
class TokenResponse:
    """What came back: status, whole body (capped by whoever read it), `Retry-After`."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Granted:
    """
    A token that was granted.

    `expires_in` is in seconds, counted by the caller from before the request. `scope` is separated by spaces.
    `api_domain` is None unless it is an origin of the data center that was asked.
    """

    access_token: Secret
    expires_in: float
    refresh_token: Secret | None = None
    scope: str | None = None
    api_domain: str | None = None
    is_life_assumed: bool = False
    """Whether the answer left `expires_in` out, so that it is Zoho's usual hour."""


class _Malformed(Exception):
    """Our own words on what is wrong with a member."""


def refresh_request(
    *, client_id: str, client_secret: Secret | None, refresh_token: Secret, data_center: DataCenter
) -> TokenRequest:
    """RFC 6749 §6, with the secrets in the form (§2.3.1) and not in the URL as in Zoho's samples."""
    secret = () if client_secret is None else (("client_secret", client_secret),)
    form = (
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        *secret,
        ("refresh_token", refresh_token),
    )
    return TokenRequest(url=f"{data_center.accounts}/oauth/v2/token", form=form)


def read_token_response(
    response: TokenResponse, *, grant_type: str, data_center: DataCenter, now: float
) -> Granted | Refusal:
    """
    Read the answer to a token request. Never raises.

    `now` is in seconds since 1970 and matters only to a `Retry-After` that is a date.
    """
    outcome = _outcome(response, grant_type, data_center)
    if isinstance(outcome, Granted) or not (outcome.kind == "throttled" or response.status >= 500):
        return outcome
    return evolve(outcome, retry_after=read_retry_after(response.retry_after, now=now))


def read_retry_after(text: str | None, *, now: float) -> float | None:
    """Seconds to wait by a `Retry-After` header, from 0 to 3600; None if it names no time."""
    if text is None:
        return None
    named = text.strip(" \t")
    seconds = float(named) if re.fullmatch(r"[0-9]+", named) else _until(named, now)
    return None if seconds is None else min(max(seconds, 0.0), _policy.LONGEST_RETRY_AFTER)


def _until(date: str, now: float) -> float | None:
    if _HTTP_DATE.fullmatch(date) is None:
        return None
    try:
        moment = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # RFC 9110 §5.6.7: the asctime form names no zone and means UTC.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now


def _outcome(response: TokenResponse, grant_type: str, data_center: DataCenter) -> Granted | Refusal:
    if response.status == 429:
        return Refusal(kind="throttled", detail="Status 429.")
    answer = _read_object(response.body)
    if answer is None:
        return _without_object(response)
    return _read_refusal(answer, response.status, grant_type) or _read_grant(answer, data_center)


def _read_object(body: bytes) -> dict[str, object] | None:
    if len(body) > _policy.LONGEST_ANSWER:
        return None
    try:
        answer = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
        _check_text(answer)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name is repeated")
    return members


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("out of range")
    return number


def _check_text(answer: object) -> None:
    """Lone surrogates pass `json.loads` and break whoever encodes them later; NUL ends strings elsewhere."""
    written = json.dumps(answer, ensure_ascii=False)
    written.encode("utf-8")
    if "\\u0000" in written:
        raise ValueError("NUL")


def _without_object(response: TokenResponse) -> Refusal:
    start = response.body[: _policy.LONGEST_ANSWER]
    if _says_too_many(start.decode("utf-8", "replace")):
        return Refusal(kind="throttled", detail="The answer speaks of too many requests.")
    if response.status < 500 and _LIKE_JSON.match(start):
        return Refusal(kind="malformed", detail="The answer is not a JSON object.")
    return Refusal(kind="unavailable", detail=f"Status {response.status}, and no JSON.")


def _read_refusal(answer: dict[str, object], status: int, grant_type: str) -> Refusal | None:
    error = _text(answer, "error")
    if _is_throttle(answer, status):
        return Refusal(kind="throttled", code=_sanitised(error))
    if "error" in answer:
        return Refusal(kind=_kind(error.strip().lower(), status, grant_type), code=_sanitised(error))
    if status >= 500 or 300 <= status < 400:
        return Refusal(kind="unavailable", detail=f"Status {status}.")
    if not 200 <= status < 300:
        return Refusal(kind="malformed", detail=f"Status {status}, and no error is named.")
    return None


def _kind(code: str, status: int, grant_type: str) -> str:
    if code in _GRANT_CODES and grant_type == "refresh_token":
        return "grant"
    if code in _CLIENT_CODES:
        return "client"
    if status >= 500 or code in _PASSING_CODES:
        return "unavailable"
    return "refused" if code else "malformed"


def _is_throttle(answer: dict[str, object], status: int) -> bool:
    error, description = _text(answer, "error").strip(), _text(answer, "error_description").strip()
    # `Access Denied` is the throttle, `access_denied` is an owner who said no.
    if " ".join(error.lower().split()) == "access denied" or _says_too_many(f"{error}\n{description}"):
        return True
    # In other languages `error` is a word of that language, and no code.
    named = bool(error and description) and not _CODE.fullmatch(error.lower())
    return named and _text(answer, "status").lower() == "failure" and status < 500


def _says_too_many(text: str) -> bool:
    return "too many requests" in " ".join(text.lower().replace("_", " ").split())


def _text(answer: dict[str, object], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _sanitised(code: str) -> str | None:
    kept = _NOT_IN_A_CODE.sub("", code).strip()
    return None if _is_like_a_token(kept) else kept[:_LONGEST_CODE] or None


def _is_like_a_token(text: str) -> bool:
    return any(any(map(str.isdigit, run)) for run in _LIKE_A_TOKEN.findall(text))


def _read_grant(answer: dict[str, object], data_center: DataCenter) -> Granted | Refusal:
    try:
        _check_token_type(answer.get("token_type"))
        return Granted(
            access_token=_read_token(answer, "access_token"),
            expires_in=_read_life(answer),
            refresh_token=_read_token(answer, "refresh_token") if answer.get("refresh_token") else None,
            scope=_read_scope(_text(answer, "scope")),
            api_domain=_read_api_domain(_text(answer, "api_domain"), data_center),
            is_life_assumed=_named_life(answer) is None,
        )
    except _Malformed as error:
        return Refusal(kind="malformed", detail=str(error))


def _check_token_type(value: object) -> None:
    # RFC 6749 §7.1: a token of a type that is not understood is not used.
    if value is not None and (not isinstance(value, str) or value.lower() not in _TOKEN_TYPES):
        raise _Malformed("The token_type is unknown.")


def _read_token(answer: dict[str, object], name: str) -> Secret:
    secret = Secret(_text(answer, name))
    if not _TOKEN.fullmatch(secret.reveal()):
        raise _Malformed(f"The {name} is missing or not a token.")
    return secret


def _named_life(answer: dict[str, object]) -> object:
    # Beside `expires_in_sec`, `expires_in` is in milliseconds: answers before 2019, and Zoho's own SDKs.
    return next((answer[n] for n in ("expires_in_sec", "expires_in") if answer.get(n) is not None), None)


def _read_life(answer: dict[str, object]) -> float:
    given = _named_life(answer)
    if given is None:
        return _policy.DEFAULT_LIFE
    number = _read_number(given)
    if number < 1:  # below the grain of a clock, a life would be no span of time
        raise _Malformed("The expires_in is not a second long.")
    if number > _policy.LONGEST_LIFE and number % 1000 == 0:
        number = number // 1000 if number // 1000 <= _policy.LONGEST_LIFE else number
    return float(min(number, _policy.LONGEST_LIFE))


def _read_number(value: object) -> int | float:
    # int("٣٦٠٠") is 3600, and True is an int.
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value.strip()):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _Malformed("The expires_in is not a number of seconds.")


def _read_scope(text: str) -> str | None:
    """Zoho asks for commas and answers with spaces; unusable is unknown, not an error."""
    if not _SCOPES.fullmatch(text) or re.search(r"100[0-9]\.", text):
        return None
    return sys.intern(" ".join(re.split(r"[\s,]+", text)).strip()) or None


def _read_api_domain(text: str, data_center: DataCenter) -> str | None:
    # RFC 9700 §4.9.1: an API address learned at run time may be a counterfeit one.
    named = text.removesuffix("/")
    return next((sys.intern(url) for url in map(url_of, data_center.origins) if url == named), None)
