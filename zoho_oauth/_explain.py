"""`explain`: what an API's answer that was handed back says about the token, and what to do about it."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve

from ._bodies import content_of
from ._clock import SystemClock
from ._data_centers import OWNERS
from ._meanings import Family, Meaning
from ._messages import read_retry_after
from ._rejections import ApiAnswer, read_rejection

#: Where `httpx.Response.extensions` keeps what the auth found out.
EXTENSION: Final = "zoho_oauth"

_HINTS: Final = {
    Family.CREDENTIAL: "A token was sent and did not arrive: does a proxy take the Authorization header away?",
    Family.SCOPE: "The owner has to consent to more scopes; another token of this consent does not help.",
    Family.PERMISSION: "Another token does not help: look at the user's rights and at the organization's id.",
    Family.RATE_LIMIT: "Wait, and send fewer requests; another token does not help.",
}
#: How a hint about a rejected token begins.
FRESH: Final = "The token is fresh: suspect the data center or the scope."
IF_FRESH: Final = "If the token is fresh, suspect the data center or the scope."
RENEWED: Final = "A new token is asked for."
_NO_HEADER: Final = "This request carried no Authorization header."


def explain(response: Any) -> Meaning:
    """
    What an error answer of one of Zoho's APIs means, for a response of httpx or httpx2 that you were given.

    Nothing is read from the network: of a streamed answer that was not read yet only the status is known, unless
    `ZohoAuth` has looked at it. An answer of success is `Family.OTHER`.
    """
    told = response.extensions.get(EXTENSION)
    meaning = told if isinstance(told, Meaning) else _explained(response)
    return evolve(meaning, retry_after=wait_of(response))


def _explained(response: Any) -> Meaning:
    request = _request_of(response)
    meaning = read_rejection(answer_of(response, request, content_of(response)))
    is_about_token = meaning.family in (Family.TOKEN, Family.CREDENTIAL)
    if is_about_token and request is not None and "Authorization" not in request.headers:
        return evolve(meaning, family=Family.CREDENTIAL, is_ambiguous=False, hint=_NO_HEADER)
    return with_hint(meaning)


def with_hint(meaning: Meaning, begin: str = IF_FRESH, *, host: str = "", home: str = "") -> Meaning:
    """The meaning with all that can be said; `home` is the account's data center."""
    if meaning.family is not Family.TOKEN:
        return evolve(meaning, hint=meaning.hint or _HINTS.get(meaning.family, ""))
    return evolve(meaning, hint=" ".join(filter(None, (begin, _places(host, home), meaning.hint))))


def _places(host: str, home: str) -> str:
    asked = OWNERS.get(host)
    if not home or asked is None:
        return ""
    if asked == home:
        return f"This account lives in {home}, and the request went there."
    return f"This account lives in {home}, the request went to {asked}."


def answer_of(response: Any, request: Any, body: bytes | None) -> ApiAnswer:
    """What `read_rejection` looks at; of a body that is too long nothing."""
    host, path = ("", "") if request is None else place_of(request.url)
    return ApiAnswer(
        host=host,
        path=path,
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        body=body or b"",
    )


def place_of(url: Any) -> tuple[str, str]:
    """Host and path as they go on the wire: decoded ones raise for malformed names."""
    return url.raw_host.decode("ascii", "replace"), url.raw_path.decode("ascii", "replace")


def _request_of(response: Any) -> Any:
    try:
        return response.request
    except RuntimeError:  # made by hand, without one
        return None


def wait_of(response: Any) -> float | None:
    """Seconds by the `Retry-After` header; None if it names no time."""
    return read_retry_after(response.headers.get("Retry-After"), now=SystemClock().wall())
