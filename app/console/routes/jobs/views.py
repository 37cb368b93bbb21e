"""Saved views of the list of jobs: everybody's own, and those that are shared.

Who sees jobs may save one, for it changes nothing that others have; to share one needs more.
"""

from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.acts import note
from app.console.forms import form_of
from app.console.jobs.asked import asked
from app.console.pages import page
from app.console.places import VIEWS
from app.console.questions import looking
from app.console.routes.callers import Reader
from app.console.views import service
from app.db.sessions import transaction
from app.jobs.scopes import READ, WRITE
from app.tokens.callers import Caller, MissingScope
from app.values.path_parameters import Id

AT = f"{VIEWS}/{{view_id}}"

router = APIRouter()


@router.get(VIEWS)
def list_views(request: Request, caller: Reader) -> Response:
    """Those that somebody sees."""
    with looking() as session:
        found = service.seen_by(session, caller.user_id)
    described = [(view, parse_qsl(view.query)) for view in found]
    return page(request.scope, "views.html.j2", views=described, most=service.MAX_NAME)


@router.post(VIEWS)
async def save_view(request: Request, caller: Reader) -> Response:
    """Save a list under a name, once however often the form is sent."""
    form = await form_of(request)
    await run_in_threadpool(_save, form, caller=caller)
    return _back()


@router.post(f"{AT}/rename")
async def rename_view(request: Request, view_id: Id, caller: Reader) -> Response:
    """Give one's own view another name."""
    form = await form_of(request)
    await run_in_threadpool(_rename, view_id, form, caller=caller)
    return _back()


@router.post(f"{AT}/delete")
async def delete_view(request: Request, view_id: Id, caller: Reader) -> Response:
    """Delete one's own view."""
    await form_of(request)
    await run_in_threadpool(_delete, view_id, caller=caller)
    return _back()


def _save(form: dict[str, str], *, caller: Caller) -> None:
    shared = bool(form.get("shared"))
    if shared and not caller.may(WRITE):
        raise MissingScope(scope=WRITE)
    name, query = (
        service.name_of(form.get("name", "")),
        urlencode(asked(parse_qsl(form.get("filters", ""))).pairs),
    )
    with transaction() as session:
        made = service.save(
            session, user_id=_me(caller), user_name=caller.name, name=name, query=query, shared=shared
        )
        if made is not None:
            path = f"{VIEWS}/{made.id}"
            note(session, caller, title="Save a view", path=path, name=name, filters=query, shared=shared)


def _rename(view_id: int, form: dict[str, str], *, caller: Caller) -> None:
    name = service.name_of(form.get("name", ""))
    with transaction() as session:
        before = service.rename(session, view_id, user_id=_me(caller), name=name)
        if before != name:
            path = f"{VIEWS}/{view_id}/rename"
            note(session, caller, title="Rename a view", path=path, before=before, after=name)


def _delete(view_id: int, *, caller: Caller) -> None:
    with transaction() as session:
        view = service.own(session, view_id, user_id=_me(caller))
        note(session, caller, title="Delete a view", path=f"{VIEWS}/{view_id}/delete", before=view.name)
        session.delete(view)


def _me(caller: Caller) -> int:
    """Nobody comes here but people who have signed in."""
    if caller.user_id is None:
        raise MissingScope(scope=READ)
    return caller.user_id


def _back() -> Response:
    return RedirectResponse(VIEWS, status_code=HTTPStatus.SEE_OTHER)
