"""
What an API's error says about the token.

The body decides before the status: Zoho's products wrap three shared words (INVALID_OAUTHTOKEN, INVALID_TICKET,
INVALID_OAUTHSCOPE) in shapes of their own, and a 401 is as often about scope or organization as about the token.
"""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Final

from ._policy import LONGEST_ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Meaning(enum.Enum):
    """What a 401 is about."""

    TOKEN = "the token is not good"  # noqa: S105
    CREDENTIAL = "no usable token arrived"
    SCOPE = "the token's scope does not cover this"
    PERMISSION = "the user or organization may not do this"

    @property
    def calls_for_refresh(self) -> bool:
        """Whether another token can help."""
        return self in (Meaning.TOKEN, Meaning.CREDENTIAL)


#: Zoho's words, with where they were seen.
WORDS: Final[Mapping[str, Meaning]] = {
    "INVALID_TOKEN": Meaning.TOKEN,  # CRM, Bigin, Recruit
    "INVALID_OAUTHTOKEN": Meaning.TOKEN,  # Mail, Calendar, Projects, Analytics, Social, Catalyst
    "INVALID_OAUTH": Meaning.TOKEN,  # Desk
    "AUTHENTICATION_FAILURE": Meaning.CREDENTIAL,  # CRM, Recruit; now and then for a dead token
    "INVALID_TICKET": Meaning.CREDENTIAL,  # shared filter
    "OAUTH_SCOPE_MISMATCH": Meaning.SCOPE,  # CRM, Recruit
    "INVALID_OAUTHSCOPE": Meaning.SCOPE,  # Social, Sprints
    "SCOPE_MISMATCH": Meaning.SCOPE,  # Desk
    "F7004": Meaning.SCOPE,  # WorkDrive
    "INSUFFICIENT_SCOPE": Meaning.SCOPE,  # RFC 6750 section 3.1
    "NO_PERMISSION": Meaning.PERMISSION,  # CRM
    "OAUTH_ORG_MISMATCH": Meaning.PERMISSION,  # Desk
    "FORBIDDEN": Meaning.PERMISSION,  # Desk
}
DEEPEST: Final = 6


def read_rejection(status: int, body: bytes) -> Meaning | None:
    """What the answer says about the token; None if it is not a rejection. An unreadable 401 blames the token."""
    if status != 401:
        return None
    found = [WORDS[text] for text in _texts(_parsed(body), DEEPEST) if text in WORDS]
    blamed = [meaning for meaning in found if not meaning.calls_for_refresh]
    return (blamed or found or [Meaning.TOKEN])[0]


def _parsed(body: bytes) -> object:
    if len(body) > LONGEST_ANSWER:
        return None
    try:
        parsed: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip().upper()
    elif depth and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner, depth - 1)
