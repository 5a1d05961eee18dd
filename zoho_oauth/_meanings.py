"""What an API's answer can mean for the token."""

from __future__ import annotations

import enum

from attrs import frozen


class Family(enum.Enum):
    """What an error answer is about."""

    TOKEN = "the token is not good"  # noqa: S105
    CREDENTIAL = "no usable token arrived"
    SCOPE = "the token's scope does not cover this"
    PERMISSION = "the user or the organization may not do this"
    RATE_LIMIT = "there were too many requests"
    OTHER = "this is not about the token"

    def __repr__(self) -> str:
        return str(self)


def calls_for_refresh(family: Family, *, is_ambiguous: bool) -> bool:
    """Whether another token may help."""
    return family is Family.TOKEN or (family is Family.CREDENTIAL and is_ambiguous)


@frozen(kw_only=True)
class Meaning:
    """
    What an API's answer says about the token.

    `product` is the code of a `Product` and `code` the API's own code, each None where it is not known: text that
    is not in the library's table is never repeated. `is_ambiguous`: the same answer is also given for another
    reason. `retry_after` is in seconds.
    """

    family: Family
    product: str | None = None
    code: str | None = None
    hint: str = ""
    is_ambiguous: bool = False
    retry_after: float | None = None

    @property
    def calls_for_refresh(self) -> bool:
        """Whether another token may help."""
        return calls_for_refresh(self.family, is_ambiguous=self.is_ambiguous)
