"""
What an API's answer says about the token. The body decides before the status, and a row of `_error_codes` before all.

Rules for editors: any bytes have a meaning and none raises; no text of the body goes into a meaning; an unreadable 401
blames the token, an unreadable answer of another status never does; no body takes long.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from ._data_centers import products_at
from ._error_codes import ERROR_CODES, WORDS
from ._meanings import Family, Meaning
from ._policy import LONGEST_ANSWER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ._error_codes import ErrorCode
    from ._products import Product

#: Bodies are searched this deep.
DEEPEST: Final = 6
#: No word of Zoho's is longer; sentences are not looked at.
LONGEST_WORD: Final = 64
_LETTERS: Final = re.compile(r"[^A-Z]+")
_VALUES: Final = (str, int, float)

_BY_STATUS: Final = {401: Family.TOKEN, 403: Family.PERMISSION, 429: Family.RATE_LIMIT}


@frozen(kw_only=True)
class ApiAnswer:
    """An API's answer, as it came: `host` as it went on the wire, `body` decoded."""

    host: str
    path: str
    status: int
    content_type: str = ""
    body: bytes = b""


def statuses_to_read(host: str, path: str, error_codes: Sequence[ErrorCode] = ()) -> Collection[int]:
    """The statuses with which the products at this host are known to reject a token; always with 401."""
    products = _codes(products_at(host, path))
    rows = (*error_codes, *(ERROR_CODES if products else ()))
    known = (each.statuses for each in rows if each.calls_for_refresh and _is_of(each, products))
    return frozenset({401}).union(*known)


def read_rejection(answer: ApiAnswer, error_codes: Sequence[ErrorCode] = ()) -> Meaning:
    """What `answer` means; `error_codes` are asked before the library's own."""
    products = _codes(products_at(answer.host, answer.path))
    product = products[0] if products else None
    body = _Body(_parsed(answer))
    row = _row(_fitting(error_codes, products, answer.status), body) or _row(
        _known(products, answer.status), body
    )
    if row is not None:
        return Meaning(
            family=row.family, product=product, code=row.code, hint=row.hint, is_ambiguous=row.is_ambiguous
        )
    family = _family(answer.status, body)
    return Meaning(family=family, product=product, is_ambiguous=family is Family.TOKEN)


# --- rows ------------------------------------------------------------------------------------------------


def _row(rows: Iterable[ErrorCode], body: _Body) -> ErrorCode | None:
    """The row that fits; of several, one that looks at the message and then one that causes no refresh."""
    found = [each for each in rows if each.code.upper() in body.codes_at(each.at) and body.says(each.message)]
    return min(found, key=_rank, default=None)


def _fitting(rows: Iterable[ErrorCode], products: tuple[str, ...], status: int) -> tuple[ErrorCode, ...]:
    """Those that these products give with this status."""
    return tuple(
        each for each in rows if (not each.statuses or status in each.statuses) and _is_of(each, products)
    )


@cache
def _known(products: tuple[str, ...], status: int) -> tuple[ErrorCode, ...]:
    return _fitting(ERROR_CODES, products, status)


def _rank(row: ErrorCode) -> tuple[bool, bool]:
    return (not row.message, row.calls_for_refresh)


def _is_of(row: ErrorCode, products: tuple[str, ...]) -> bool:
    return not row.products or not products or any(each in row.products for each in products)


def _codes(products: Iterable[Product]) -> tuple[str, ...]:
    return tuple(each.code for each in products)


# --- words -----------------------------------------------------------------------------------------------


def _family(status: int, body: _Body) -> Family:
    """By the words, or else by the status; of all statuses only 401 blames the token without a row."""
    found = _family_by_words(body.texts)
    if found is None or (found is Family.TOKEN and status != 401):
        return _BY_STATUS.get(status, Family.OTHER)
    return found


def _family_by_words(texts: Iterable[str]) -> Family | None:
    """What is not about the token decides, since another token cannot help."""
    words = (_LETTERS.sub("", text) for text in texts if len(text) <= LONGEST_WORD)
    found = [WORDS[word] for word in words if word in WORDS]
    return next((each for each in found if each is not Family.TOKEN), found[0] if found else None)


# --- bodies ----------------------------------------------------------------------------------------------


@define
class _Body:
    """A body as JSON. Each place is looked at once, however many rows ask: a body can be made to be slow."""

    _parsed: object
    _codes: dict[str, frozenset[str]] = field(factory=dict)

    def codes_at(self, at: str) -> frozenset[str]:
        """All codes at this place, in capitals."""
        if at not in self._codes:
            self._codes[at] = frozenset(str(each).strip().upper() for each in _values_at(self._parsed, at))
        return self._codes[at]

    def says(self, message: str) -> bool:
        """Whether a text has this in it."""
        return not message or message.upper() in self._joined

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """All texts that do not lie too deep, in capitals."""
        return tuple(each.upper() for each in _texts(self._parsed))

    @cached_property
    def _joined(self) -> str:
        return "\0".join(self.texts)


def _values_at(parsed: object, at: str) -> Iterable[object]:
    found = [parsed]
    for step in at.split("."):
        found = [inner for each in found for inner in _inner(each, step)]
    return (each for each in found if isinstance(each, _VALUES))


def _inner(value: object, step: str) -> Iterable[object]:
    if step == "*":
        return value if isinstance(value, list) else ()
    return (value[step],) if isinstance(value, dict) and step in value else ()


def _texts(parsed: object) -> Iterator[str]:
    level = [parsed]
    for _ in range(DEEPEST + 1):
        yield from (each for each in level if isinstance(each, str))
        lists = chain.from_iterable(each for each in level if isinstance(each, list))
        objects = chain.from_iterable(each.values() for each in level if isinstance(each, dict))
        level = [*lists, *objects]


def _parsed(answer: ApiAnswer) -> object:
    """The body of an error as JSON; a 401 may call it what it likes."""
    if answer.status < 400 or len(answer.body) > LONGEST_ANSWER:
        return None
    if answer.status != 401 and "json" not in answer.content_type.lower():
        return None
    try:
        parsed: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return parsed
