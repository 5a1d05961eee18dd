"""The table on the terminal, the same table in the docs, and the plot."""

from __future__ import annotations

import os
import pathlib
import platform
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .measures import Figure

DOCS: Final = pathlib.Path(__file__).parents[1] / "docs"
HEADINGS: Final = ("what", "figure", "limit", "A/A", "")
BEGIN: Final = "<!-- figures: written by `python -m benchmarks` -->"
END: Final = "<!-- end of figures -->"


def machine() -> str:
    """Where the figures come from: `2 cores, CPython 3.13`."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{os.cpu_count()} cores, {platform.python_implementation()} {version}"


def table(figures: Sequence[Figure]) -> str:
    """In columns, for the terminal."""
    rows = [HEADINGS, *(each.cells for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(_aligned(row, widths) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    shown = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *shown]).rstrip()


def write(figures: Sequence[Figure], docs: pathlib.Path = DOCS) -> None:
    """Put the table into docs/benchmarks.md and, where matplotlib is installed, the plot beside it."""
    page = docs / "benchmarks.md"
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    figured = f"{BEGIN}\n\nOn {machine()}:\n\n{_markdown(figures)}\n\n{END}"
    page.write_text(f"{before}{figured}{after}", "utf-8")
    plot(figures, docs / "img" / "benchmarks.svg")


def _markdown(figures: Sequence[Figure]) -> str:
    rows = [HEADINGS, ("---", "--:", "--:", "--:", "---"), *(each.cells for each in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def plot(figures: Sequence[Figure], path: pathlib.Path) -> bool:
    """Each figure as a share of its limit; False without matplotlib."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    # No date and no random ids: the file changes when a figure does.
    mpl.rcParams.update({"svg.hashsalt": "zoho_oauth", "svg.fonttype": "none", "font.size": 9})
    from matplotlib.figure import Figure as Canvas

    limited = [each for each in reversed(figures) if each.limit]
    canvas = Canvas(figsize=(9, 0.27 * len(limited) + 1), layout="constrained")
    axes = canvas.subplots()
    bars = axes.barh(
        [each.name for each in limited],
        [each.value / each.limit for each in limited if each.limit],
        color=["#4878a8" if each.is_met else "#c44e52" for each in limited],
    )
    axes.bar_label(bars, [each.cells[1] for each in limited], padding=4)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set(xlabel="share of the limit", xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15, y=0.01)
    path.parent.mkdir(exist_ok=True)
    canvas.savefig(path, metadata={"Date": None})
    return True
