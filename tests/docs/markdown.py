"""The fenced blocks of README and docs, read from Markdown."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)

_BLOCK = re.compile(r"^([ \t]*)```([^\n]*)\n(.*?)^\1```[ \t]*$", re.MULTILINE | re.DOTALL)


@frozen
class Block:
    """A fenced block; `words` is what stands after the three backticks."""

    line: int
    words: tuple[str, ...]
    text: str

    @property
    def is_python(self) -> bool:
        return self.words[:1] == ("python",)

    @property
    def is_output(self) -> bool:
        return self.words == ("text", "output")

    @property
    def fixtures(self) -> tuple[str, ...]:
        return tuple(word.removeprefix("fixture:") for word in self.words if word.startswith("fixture:"))

    @property
    def holds_tests(self) -> bool:
        return bool(re.search(r"^(async )?def test_|^class Test", self.text, re.MULTILINE))


def blocks(page: Path) -> list[Block]:
    source = page.read_text(encoding="utf-8")
    return [
        Block(source.count("\n", 0, found.start()) + 2, tuple(found[2].split()), textwrap.dedent(found[3]))
        for found in _BLOCK.finditer(source)
    ]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
