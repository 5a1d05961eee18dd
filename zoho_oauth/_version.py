"""The version, also for pyproject.toml: reading it from the installed metadata costs 5 ms."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
