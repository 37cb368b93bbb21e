"""The names of workers.

While one worker takes over from another both are alive, and Celery wants names that differ: the second
generation is `standard@host+2`. A generation that is free again is used again, so that names stay few.
"""

from __future__ import annotations

GENERATION = "+"


def node_of(pool: str, *, generation: int = 1) -> str:
    """What Celery is to call a worker; it puts the host in."""
    return f"{pool}@%h" if generation == 1 else f"{pool}@%h{GENERATION}{generation}"


def without_generation(node: str) -> str:
    """The name that all generations of a worker have in common."""
    return node.partition(GENERATION)[0]


def generation_of(node: str) -> int:
    """Which generation of its worker this is."""
    return int(node.partition(GENERATION)[2] or 1)
