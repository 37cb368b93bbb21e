"""The HTTP route of what a job has logged."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from app.db.sessions import reading
from app.http.parsed import ParsedRoute
from app.jobs import service
from app.jobs.logged.reading import lines_of
from app.jobs.scopes import READ
from app.jobs.web import permissions
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

router = APIRouter(tags=["jobs"], route_class=ParsedRoute)


class LogLineView(BaseModel):
    """What was logged at one time."""

    model_config = ConfigDict(from_attributes=True)

    fence: int = Field(description="That of its attempt.")
    at: datetime | None
    level: str
    logger: str
    message: str
    left_out: int = Field(description="How many lines before it were not kept.")


class LogView(BaseModel):
    """What a job has logged, from its first attempt to its last."""

    lines: list[LogLineView]
    hidden_without: str | None = Field(description="The scope whose lack hides the lines.")


@router.get("/api/v1/jobs/{job_id}/log")
def get_log(
    job_id: Annotated[str, Path(max_length=200, description="The id the job was accepted with.")],
    caller: Annotated[Caller, Depends(require(READ, OPERATED))],
) -> LogView:
    """What the attempts of a job have logged; of each, the first and the last lines are kept."""
    with reading() as session:
        task = service.find_job(session, job_id=job_id).task
        hidden = permissions.hidden_without(task, caller=caller)
        kept = [] if hidden else lines_of(session, job_id=job_id)
    return LogView(lines=[LogLineView.model_validate(line) for line in kept], hidden_without=hidden)
