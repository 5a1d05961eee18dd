"""The page of error codes, from the library's own table; `python -m docs.generate` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoho_oauth import Family, Meaning
from zoho_oauth._error_codes import ERROR_CODES, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from zoho_oauth import ErrorCode

PAGE = Path(__file__).parent / "reference" / "error-codes.md"

HEAD = """\
# Error codes

Which answers of Zoho's APIs count as a dead token, and which look like one and do not.
Every product has its own words for it, so the code in the body decides before the status does.

This page is made from the library's own table by `python -m docs.generate`.
A code that is not on it can be [added](../how-to/add-an-error-code.md).

## From an answer to a decision

```text
 an answer to a request that carried the token
    │
    ├── a success, 403, 404, 429, or any other status ─────────► handed back, not looked at
    │
    ├── 400 or 500, unless it says that it is JSON, and a row
    │   of TOKEN, yours or the library's, has this product
    │   and this status ───────────────────────────────────────► handed back, not looked at
    ▼
 the body, up to 64 KiB: looked at, and left for you to read
    │
    ├── a row has this product, this status and this code ─────► the row's family
    │       your rows first, then the library's; of several,
    │       one that asks for a message, then one that causes
    │       no refresh
    │
    ├── a 401 with a word that products share (last table) ────► the word's family
    │
    ├── another 401: HTML, empty, longer, an unknown code ─────► TOKEN, ambiguous
    │
    └── another 400 or 500 ────────────────────────────────────► OTHER
    ▼
 the family
    │
    ├── TOKEN, or CREDENTIAL that is ambiguous ────────────────► a new token, and the request once more
    │
    └── SCOPE, PERMISSION, RATE_LIMIT, OTHER, and every other
        CREDENTIAL ────────────────────────────────────────────► handed back, no token request
```

The product is told by the host, or by the path where several share one: `/books/…` at the gateway.
At a host that is not Zoho's it is the path alone.
Where that says nothing, the rows of all products are asked, and 400 and 500 are left alone but for your own rows.

What comes back to the second send is handed back, whatever it says.
If the request's body cannot be sent again whole, or a 401 is longer than 64 KiB, the 401 is handed back at once.
A new token is then on its way for the next request.

## Ambiguous codes

Some products give one answer for a dead token and for something else:
a missing scope, another data center, no token at all.
Such a code is worth one try: one refresh and one more send per request.

If a token that was minted just for this is rejected as well, the token was not the cause.
Then rejections of this host cause no refresh for this owner until

- the host answers a request of this owner with anything but a token rejection,
- or the token is renewed for another reason,
- or ten minutes are over.

So a program that meets one wrong answer in a loop does not spend Zoho's quota of token requests.

## What is never done

- A 403, 404 or 429 never causes a refresh, nor does any answer of success: their bodies are not read.
- A 400 or 500 never does by itself; only by a code below that is known to come with it.
- A request is never sent a third time.
- Nothing waits and sends again after a 429.
"""

RENEWED = """
## What asks for a new token

"Where" is the place of the code in the JSON body; `*` stands for each item of a list.
The products are named by the codes that [`base_url`](data-centers.md) takes.

"""

HANDED_BACK = """
## What is handed back

No token request is spent on these.
What was looked at is told by the event `TokenRejected`, but for OTHER.
Of all else `explain(response)` says what it means.

"""

SHARED = """
## Words that products share

A 401 without a row, of an unknown product or with a new code, is searched for these,
as a whole text anywhere in the JSON.
Only letters count, so `Invalid OAuth token.` is the first of them.
If several are there, one that is not about the token decides.

"""

_COLUMNS = ("products", "code", "where", "status", "family", "ambiguous", "source")


def error_codes(rows: Iterable[ErrorCode] = ERROR_CODES) -> str:
    """The page `reference/error-codes.md`."""
    rows = tuple(rows)
    renewed = [each for each in rows if calls_for_refresh(each)]
    handed_back = [each for each in rows if not calls_for_refresh(each)]
    tables = (RENEWED, table(renewed), HANDED_BACK, table(handed_back), SHARED, words())
    return HEAD + "".join(tables)


def calls_for_refresh(row: ErrorCode) -> bool:
    """Whether an answer of this row asks for a new token."""
    return Meaning(family=row.family, is_ambiguous=row.is_ambiguous).calls_for_refresh


def table(rows: Iterable[ErrorCode]) -> str:
    """Rows as a table, in the order of the code."""
    head = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}\n"
    return head + "".join(f"| {' | '.join(cells(each))} |\n" for each in rows)


def cells(row: ErrorCode) -> tuple[str, ...]:
    """What the page says about one row."""
    return (
        listed(row.products) or "any",
        f"`{row.code}`" + (f" with `{row.message}` in a text" if row.message else ""),
        f"`{row.at}`",
        ", ".join(str(each) for each in sorted(row.statuses)) or "any error",
        row.family.name,
        "yes" if row.is_ambiguous else "",
        row.source,
    )


def listed(codes: Iterable[str]) -> str:
    """`crm`, `desk`: in backticks."""
    return ", ".join(f"`{each}`" for each in codes)


def words() -> str:
    """The shared words by their family."""
    head = "| words | family |\n|---|---|\n"
    found = ((family, [word for word, known in WORDS.items() if known is family]) for family in Family)
    return head + "".join(f"| {listed(each)} | {family.name} |\n" for family, each in found if each)
