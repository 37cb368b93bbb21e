"""Tells a job that is asked for again from another one under the same id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.jobs.declaration import registry
from app.jobs.errors import JobIdReused
from app.jobs.ledger.seal import unseal
from app.values.typed_json import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.jobs.ledger.new_job import NewJob


def refuse_other(job: NewJob, row: Any) -> None:
    """Raise unless `row` in the ledger asks for what `job` does, however it was sealed and passed."""
    if row.run_at is None:
        return  # made in advance for the end of a canvas, and called off before its job came
    args, kwargs = from_json(job.args), from_json(job.kwargs)
    if job.task == row.task:
        if (args, kwargs) == (row.args, row.kwargs):
            return
        if _opened(job.task, args, kwargs) == _opened(row.task, row.args, row.kwargs):
            return
    raise JobIdReused(job_id=job.id, task=row.task)


def _opened(task: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    try:
        found = registry.spec_of(task).named(args, kwargs)
    except TypeError:
        found = {"*": args, "**": kwargs}
    return {name: unseal(value) for name, value in found.items()}
