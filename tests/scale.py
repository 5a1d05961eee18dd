"""
How much of the heavy tests runs: all of it with ZOHO_OAUTH_COUNTS=full, otherwise a tenth.

With ZOHO_OAUTH_COUNTS=whole every combination of the herd is a whole herd, too: about ten minutes more.
"""

import os

WHOLE = os.environ.get("ZOHO_OAUTH_COUNTS") == "whole"
FULL = WHOLE or os.environ.get("ZOHO_OAUTH_COUNTS") == "full"


def count(full: int, *, least: int = 1) -> int:
    """`full`, or a tenth of it, but never below `least`."""
    return full if FULL else max(full // 10, least)
