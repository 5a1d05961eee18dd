"""Programs run in interpreters of their own: limits, forks and kills stay there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(program: str, *args: object) -> list[str]:
    # Python 3.12 warns of forks beside threads; the programs below fork with care.
    return [sys.executable, "-W", "ignore", "-c", program, *map(str, args)]


def run_program(program: str, *args: object) -> list[str]:
    """The lines that it printed."""
    ran = subprocess.run(
        command(program, *args), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def run_together(program: str, *args: object, processes: int) -> list[str]:
    """The lines that several of them printed, all started at once."""
    running = [
        subprocess.Popen(command(program, *args), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    printed = [program.communicate(timeout=120)[0] for program in running]
    assert [program.returncode for program in running] == [0] * processes
    return "".join(printed).splitlines()
