"""The lists of a broker: for each queue, one for each step of urgency."""

from __future__ import annotations

from app.topology import Priority, Queue

#: What kombu's Redis transport puts between a queue's name and a priority other than 0.
PRIORITY_SEPARATOR = "\x06\x16"


def step_of(priority: int) -> Priority:
    """The step that a number counts as."""
    return max(step for step in Priority if step <= max(priority, 0))


def list_of(*, queue: str, priority: int) -> str:
    """The name of the list that holds a queue's messages of one priority: Redis's, without the prefix."""
    step = step_of(priority)
    return queue if step == Priority.URGENT else f"{queue}{PRIORITY_SEPARATOR}{step.value}"


def all_lists() -> list[str]:
    """The names of all lists."""
    return [list_of(queue=queue, priority=step) for queue in Queue for step in Priority]
