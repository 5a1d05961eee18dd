"""Other Python programs, each in a fresh process: what they print is one line of JSON."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]
#: A program that takes longer is stuck (seconds).
PATIENCE = 900


def answer_of(*arguments: str, environment: dict[str, str] | None = None) -> Any:
    """What `python ARGUMENTS` printed."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        env={**_surroundings(), **(environment or {})},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=PATIENCE,
        check=True,
    )
    return json.loads(ended.stdout)


def _surroundings() -> dict[str, str]:
    """The environment, but compiled modules are kept as they are anywhere else: else imports compile each time."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def serving(*arguments: str) -> Iterator[Any]:
    """The first line that `python ARGUMENTS` prints; the program ends when its stdin is closed."""
    program = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with program:
        yield json.loads(program.stdout.readline())
        program.stdin.close()
        program.wait(PATIENCE)
