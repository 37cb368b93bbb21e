"""The buckets that run and wait times are counted in."""

from __future__ import annotations

import math

#: Upper bounds in seconds; what takes longer than the last has a bucket of its own.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)


def name_of(bound: float) -> str:
    """How the tables call the bucket up to `bound`."""
    return f"{bound:g}"


#: The place of each bucket in a list of all.
PLACES = {name_of(bound): place for place, bound in enumerate((*BOUNDS, math.inf))}
