"""What `import zoho_oauth` adds to a program that has httpx, anyio and attrs already; fresh interpreters in turn."""

from __future__ import annotations

import statistics

from .measures import Effort, Figure, progress
from .programs import answer_of

BEFORE = "import httpx, anyio, attrs"
PROGRAM = """
import json, sys, time
begun = time.process_time()
{imports}
took = time.process_time() - begun
names = [name for name in sys.modules if name.partition(".")[0] != "zoho_oauth"]
print(json.dumps([took * 1e3, len(names)]))
"""


def measure(effort: Effort) -> list[Figure]:
    """Milliseconds of CPU time and modules of others."""
    progress("imports")
    arms = [BEFORE, f"{BEFORE}; from zoho_oauth import ZohoAuth, ZohoOAuth", BEFORE]
    rounds = [[answer_of("-c", PROGRAM.format(imports=each)) for each in arms] for _ in range(effort.imports)]
    added = statistics.median(ours[0] - (one[0] + two[0]) / 2 for one, ours, two in rounds)
    noise = abs(statistics.median(two[0] - one[0] for one, _, two in rounds))
    modules = rounds[0][1][1] - rounds[0][0][1]
    return [
        Figure(name="import adds", value=added, limit=30.0, noise=noise, unit="ms"),
        Figure(name="import adds, modules of others", value=modules, limit=10, unit=""),
    ]
