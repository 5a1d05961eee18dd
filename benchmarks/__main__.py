"""
`python -m benchmarks`: measure, print the table, write it into docs/benchmarks.md and draw docs/img/benchmarks.svg.

    python -m benchmarks requests herds --quick --check

A run of some parts, or with --quick or --tiny, leaves the docs alone.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

from . import measures, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .measures import Figure

PARTS: Final = ("requests", "herds", "gaps", "imports", "memory", "fast_path")
EFFORTS: Final = {"full": measures.FULL, "quick": measures.QUICK, "tiny": measures.TINY}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 if a limit is missed and --check was given."""
    wanted = _arguments().parse_args(arguments)
    parts = wanted.parts or PARTS
    figures: list[Figure] = []
    for number, part in enumerate(parts, start=1):
        measures.progress(f"[{number}/{len(parts)}] {part}")
        figures += import_module(f".{part}", __package__).measure(EFFORTS[wanted.effort])
    print(f"{report.machine()}; medians; figures in × are multiples of the control\n")
    print(report.table(figures))
    if wanted.effort == "full" and not wanted.parts:
        report.write(figures)
    missed = [each.name for each in figures if not each.is_met]
    print(f"\n{len(missed)} limits missed" if missed else "\nevery limit kept")
    return 1 if missed and wanted.check else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="part", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--quick", dest="effort", action="store_const", const="quick", help="a tenth of it")
    parser.add_argument(
        "--tiny", dest="effort", action="store_const", const="tiny", help="only to see it run"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a limit is missed")
    parser.set_defaults(effort="full")
    return parser


if __name__ == "__main__":
    sys.exit(main())
