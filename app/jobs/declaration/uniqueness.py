"""What a task declares about jobs that ask for the same: until when the one that there is stands for all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, get_args

from app.jobs.declaration.options import HORIZON
from app.jobs.errors import UnusableUniqueness
from app.jobs.ledger.models import State

if TYPE_CHECKING:
    from collections.abc import Mapping

While = Literal["queued", "running"]
_QUEUED = frozenset({State.SCHEDULED, State.READY})
_STATES: Mapping[str, frozenset[State]] = {"queued": _QUEUED, "running": _QUEUED | {State.RUNNING}}


@dataclass(frozen=True, kw_only=True)
class Unique:
    """Jobs of a task with the same arguments are one job, while it is in `states` or for a `window`."""

    window: timedelta | None
    states: frozenset[State]


def declared(*, task: str, durable: bool, window: object = None, while_: object = None) -> Unique | None:
    """What `unique_for` and `unique_while` ask for. Raises `UnusableUniqueness` at import."""
    if window is None and while_ is None:
        return None
    if not durable:
        raise UnusableUniqueness(task=task, problem="is not durable, and only the ledger knows other jobs")
    if window is not None and not (isinstance(window, timedelta) and timedelta() < window <= HORIZON):
        problem = f"declares unique_for={window!r:.80}, no timedelta of up to {HORIZON.days} days"
        raise UnusableUniqueness(task=task, problem=problem)
    if while_ is not None and while_ not in get_args(While):
        problem = f"declares unique_while={while_!r:.80}, which is neither 'queued' nor 'running'"
        raise UnusableUniqueness(task=task, problem=problem)
    states = _STATES[str(while_)] if while_ else frozenset[State]()
    return Unique(window=window if isinstance(window, timedelta) else None, states=states)
