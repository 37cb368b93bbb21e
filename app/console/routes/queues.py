"""Queues, the workers that drain them, and what they put into quarantine."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console import acts, queues
from app.console.forms import form_of, times_ahead
from app.console.live import shared
from app.console.pages import page
from app.console.places import DISCARD, QUARANTINE, QUEUES, WORKERS
from app.console.routes.callers import Reader, Writer
from app.db.sessions import transaction
from app.errors import Unavailable
from app.jobs.broker.current import broker
from app.jobs.quarantine import quarantine
from app.jobs.scopes import METRICS
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE

router = APIRouter()


class BrokerAway(Unavailable):
    """Raised when the broker does not say that it has done what was asked."""

    code = "broker_away"

    def __init__(self, *, place: str) -> None:
        super().__init__(f"{place} does not answer. Look at the quarantine again before you repeat this.")


@router.get(QUEUES, dependencies=[Depends(require(METRICS, BY_SCOPE))])
def queues_page(request: Request) -> Response:
    """What waits where, for how long, and who drains it."""
    return page(
        request.scope,
        "queues.html.j2",
        queues=shared(request.scope, queues.queues),
        until=times_ahead(),
        most_of_reason=acts.MAX_REASON,
    )


@router.get(WORKERS, dependencies=[Depends(require(METRICS, BY_SCOPE))])
def workers_page(request: Request) -> Response:
    """Who takes jobs, and what each runs now."""
    found = shared(request.scope, queues.workers)
    return page(request.scope, "workers.html.j2", workers=found, most=queues.MAX_WORKERS)


@router.get(QUARANTINE)
def quarantine_page(request: Request, caller: Reader) -> Response:
    """What workers took from queues and could not read."""
    return page(
        request.scope,
        "quarantine.html.j2",
        entries=queues.quarantined(),
        most=queues.MAX_ENTRIES,
        # Garbage may hold what somebody gave a task, whoever that was.
        shows_head=caller.only_user is None,
    )


@router.post(DISCARD)
async def discard(request: Request, caller: Writer) -> Response:
    """Forget one entry of the quarantine; one that is gone already stays so."""
    form = await form_of(request)
    await run_in_threadpool(_discard, form.get("entry", ""), acts.reason_of(form), caller=caller)
    return RedirectResponse(QUARANTINE, status_code=HTTPStatus.SEE_OTHER)


def _discard(entry_id: str, reason: str, *, caller: Caller) -> None:
    try:
        with transaction() as session:
            if quarantine.forget(entry_id):
                title = "Discard what is in quarantine"
                acts.note(session, caller, title=title, path=DISCARD, entry=entry_id, reason=reason)
    except broker().failures:
        raise BrokerAway(place=broker().place) from None
