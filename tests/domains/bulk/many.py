"""Jobs that somebody has chosen, and steps of what is done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.db.sessions import reading, transaction
from app.domains.bulk import service
from app.jobs.chosen import Act, choose_these

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.bulk.models import BulkAct
    from app.domains.bulk.pace import Pace

ANN: dict[str, Any] = {"user_name": "user:1", "user_id": 1}
WHY = "The provider is back."


def chosen(ids: Sequence[str], act: Act = Act.RETRY) -> int:
    with transaction() as session:
        jobs = choose_these(session, act, ids=ids, within=None)
        by = [("state", state.value) for state in act.states]
        return service.choose(session, act, jobs, chosen_by=by, place="/console/jobs", **ANN).id


def begin(act_id: int, *, pace: Pace | None = None) -> bool:
    with transaction() as session:
        return service.begin(session, act_id, reason=WHY, pace=pace, **ANN)


def begun(ids: Sequence[str], act: Act = Act.RETRY, *, pace: Pace | None = None) -> int:
    act_id = chosen(ids, act)
    assert begin(act_id, pace=pace)
    return act_id


def find(act_id: int) -> BulkAct:
    with reading() as session:
        return service.find(session, act_id)


def step(act_id: int) -> dict[str, int]:
    """Do in this process what the job of the next step does."""
    job_id = str(find(act_id).step_job_id)
    with transaction() as session:
        return service.go_on(session, act_id, job_id=job_id)


def run(act_id: int) -> BulkAct:
    """Do all that is left."""
    while find(act_id).runs:
        step(act_id)
    return find(act_id)


def problems(act_id: int) -> dict[str, str]:
    """Why which of its jobs were left as they are."""
    with reading() as session:
        return {one.job_id: one.problem or "" for one in service.left_alone(session, act_id)}
