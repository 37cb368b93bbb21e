"""The HTTP route of messages."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from app.db.sessions import transaction
from app.domains.accounts.service import find_user
from app.domains.notifications.schemas import NotificationAccepted, NotifyIn
from app.domains.notifications.scopes import WRITE
from app.domains.notifications.service import SEND_TASK
from app.jobs.web.idempotency import IdempotencyKey, key_of
from app.jobs.web.schemas import JobRequest
from app.jobs.web.submit import Submission, submit
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

router = APIRouter(tags=["notifications"])
Sender = Annotated[Caller, Depends(require(WRITE, OPERATED))]


@router.post("/api/v1/notify", status_code=HTTPStatus.ACCEPTED)
def notify(body: NotifyIn, response: Response, key: IdempotencyKey, caller: Sender) -> NotificationAccepted:
    """Tell a user something, by the channels that the user chose: 202 with the job that does it.

    With an `Idempotency-Key` header the same request may be sent again safely: the user is told once.
    """
    request = JobRequest(task=SEND_TASK, arguments=body.model_dump())
    with transaction() as session:
        find_user(session, user_id=body.user_id)
        (answer,) = submit(session, [Submission(request=request, key=key_of(caller, key))])
    if not answer.created:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"/api/v1/jobs/{answer.id}"
    return NotificationAccepted(job_id=answer.id)
