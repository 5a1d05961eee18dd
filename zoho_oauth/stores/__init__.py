"""Where tokens are kept: the contract, and the stores that need no extra package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import ListsOwners, Record, TokenStore
from .memory import MemoryStore

if TYPE_CHECKING:
    from .file import FileStore

__all__ = ["FileStore", "ListsOwners", "MemoryStore", "Record", "TokenStore"]


def __getattr__(name: str) -> Any:
    if name == "FileStore":  # with its modules for threads and file locks
        from .file import FileStore

        return FileStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
