"""`Secret`: a string that does not print itself."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn


def fingerprint(*parts: str) -> str:
    """16 hex digits that name `parts` without giving them away."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:16]


class Secret:
    """
    A token, code, verifier or client secret. `reveal()` is the only way to its text.

    repr, str and format show 8 hex digits of its SHA-256; it refuses to be pickled or copied into JSON.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the wire and for nothing else."""
        return self._text

    @property
    def fingerprint(self) -> str:
        """8 hex digits to recognise the secret by."""
        return fingerprint(self._text)[:8]

    def __repr__(self) -> str:
        return f"Secret(<{self.fingerprint}>)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (text.encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Secret is not pickled: pass the owner's name and let the other process load the token"
        )


def wrapped(text: str | Secret) -> Secret:
    """`text` as a secret. A frame that can raise rebinds its argument with this: tracebacks show locals."""
    return Secret(text) if isinstance(text, str) else text
