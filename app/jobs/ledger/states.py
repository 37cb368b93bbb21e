"""Conditions on a job's state that the partial indexes can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import literal_column, or_

from app.jobs.ledger.models import Job

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from app.jobs.ledger.models import State


#: Of a partition, a ready job gets its first message by `app.jobs.publish.admission`, and is held until then.
NOT_HELD = or_(Job.partition.is_(None), Job.published_at.is_not(None))


def in_state(*states: State) -> ColumnElement[bool]:
    """Jobs in one of `states`.

    The states stand in the statement's text: SQLite never, and PostgreSQL not always, uses a partial
    index when they come as parameters.
    """
    written: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in states]
    return Job.state == written[0] if len(written) == 1 else Job.state.in_(written)


def is_still(state: State) -> ColumnElement[bool]:
    """Jobs that are known by their ids, if they are in `state`.

    Written so that no index of a state fits, and a job is found by its id. Mostly nothing waits when the
    planner takes its statistics: it takes such an index for empty, and would look through all that has come
    since, each time.
    """
    return (Job.state + "") == state.value
