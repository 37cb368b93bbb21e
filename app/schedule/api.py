"""HTTP routes of the schedules: see, make, change and fire them."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.declaration import registry
from app.jobs.ledger.seal import MASK
from app.jobs.scopes import READ
from app.jobs.web import permissions
from app.schedule import history, service
from app.schedule.errors import NotPublic
from app.schedule.fire import fire_now
from app.schedule.models import ScheduleEntry
from app.schedule.scopes import WRITE
from app.schedule.views import RunView, ScheduleChange, ScheduleDraft, ScheduleView
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED
from app.values.strict_models import PlainInt

router = APIRouter(prefix="/api/v1/schedules", tags=["schedules"])
Reader = Annotated[Caller, Depends(require(READ, OPERATED))]
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
Name = Annotated[str, Path(max_length=200)]
Count = Annotated[PlainInt, Query(ge=1, le=100)]


class Fired(BaseModel):
    """The job of a schedule that was fired by hand."""

    id: str
    url: str


class Preview(BaseModel):
    """The next moments of a schedule, as if it were enabled."""

    moments: list[datetime]


@router.get("")
def list_schedules(caller: Reader) -> list[ScheduleView]:
    """Every schedule with the time it fired last and the time it fires next."""
    with reading() as session:
        return [_shown(entry, caller=caller) for entry in service.list_schedules(session)]


@router.post("", status_code=HTTPStatus.CREATED)
def create_schedule(body: ScheduleDraft, response: Response, caller: Writer) -> ScheduleView:
    """Make a schedule of a public task. Moments before now are not fired."""
    permissions.require_tasks({body.task}, caller=caller)
    if not registry.spec_of(body.task).public:
        raise NotPublic(task=body.task)
    with transaction() as session:
        view = _shown(service.create(session, body), caller=caller)
    response.headers["Location"] = f"{router.prefix}/{view.name}"
    return view


@router.get("/{name}")
def get_schedule(name: Name, caller: Reader) -> ScheduleView:
    """One schedule."""
    with reading() as session:
        return _shown(service.find(session, name), caller=caller)


@router.patch("/{name}")
def change_schedule(name: Name, body: ScheduleChange, caller: Writer) -> ScheduleView:
    """Change what is given; beat goes by it within seconds, and it stays over restarts and deploys."""
    with transaction() as session:
        _require(service.find(session, name), caller=caller)
        return _shown(service.change(session, name, body), caller=caller)


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT)
def delete_schedule(name: Name, caller: Writer) -> None:
    """Delete a schedule that no task declares."""
    with transaction() as session:
        _require(service.find(session, name), caller=caller)
        service.remove(session, name)


@router.post("/{name}/reset")
def reset_schedule(name: Name, caller: Writer) -> ScheduleView:
    """Take the edits of a default back."""
    with transaction() as session:
        _require(service.find(session, name), caller=caller)
        return _shown(service.reset(session, name), caller=caller)


@router.post("/{name}/fire", status_code=HTTPStatus.ACCEPTED)
def fire_schedule(name: Name, caller: Writer) -> Fired:
    """Accept a job now, beside those of the schedule's own moments."""
    with transaction() as session:
        entry = service.find(session, name)
        _require(entry, caller=caller)
        job_id = fire_now(session, entry)
    return Fired(id=job_id, url=f"/api/v1/jobs/{job_id}")


@router.get("/{name}/preview", dependencies=[Depends(require(READ, OPERATED))])
def preview_schedule(name: Name, count: Count = 10) -> Preview:
    """The next moments, in UTC."""
    with reading() as session:
        moments = service.preview(service.find(session, name), after=db_now(session), count=count)
    return Preview(moments=moments)


@router.get("/{name}/runs")
def list_runs(name: Name, caller: Reader, count: Count = 50) -> list[RunView]:
    """What came of the last moments, the newest first."""
    with reading() as session:
        task = service.find(session, name).task
        views = [RunView.of(run) for run in history.runs_of(session, name, limit=count)]
    for view in views:
        view.error = permissions.shown_error(view.error, task=task, caller=caller)
    return views


def _require(entry: ScheduleEntry, *, caller: Caller) -> None:
    permissions.require_tasks({entry.task}, caller=caller)


def _shown(entry: ScheduleEntry, *, caller: Caller) -> ScheduleView:
    """What a task is given belongs to its domain, as with its jobs."""
    view = ScheduleView.of(entry)
    if permissions.hidden_without(entry.task, caller=caller) is not None:
        view.arguments = dict.fromkeys(view.arguments, MASK)
    return view
