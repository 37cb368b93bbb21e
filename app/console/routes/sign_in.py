"""Signing in to the console and out of it, by the same checks, pauses and log as for the API."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.errors import refuse
from app.console.forms import form_of
from app.console.pages import page
from app.console.places import SIGN_IN, SIGN_OUT, page_or_root
from app.db.sessions import transaction
from app.domains.accounts.scopes import OWN
from app.domains.accounts.sessions import cookies, service
from app.domains.accounts.sessions.credentials import signed_in
from app.domains.accounts.sessions.opening import open_session
from app.domains.accounts.sessions.schemas import SignIn
from app.errors import GroundworkError, InvalidInput
from app.http.problems import RETRY_AFTER
from app.tokens.callers import Caller, require
from app.tokens.owners import SELF

router = APIRouter()
Somebody = Annotated[Caller, Depends(require(OWN, SELF))]


class NotTyped(InvalidInput):
    """Raised for a form without an address and a password that could be ones."""

    code = "not_typed"

    def __init__(self) -> None:
        super().__init__("Type the address and the password with which you sign in.")


@router.get(SIGN_IN)
def sign_in_page(request: Request) -> Response:
    """The form."""
    wanted = page_or_root(request.query_params.get("next", ""))
    return page(request.scope, "sign_in.html.j2", email="", next=wanted, sentence=None)


@router.post(SIGN_IN)
async def sign_in(request: Request) -> Response:
    """Begin a session, and go to the page that was asked for."""
    typed = await form_of(request)
    wanted = page_or_root(typed.get("next", ""))
    try:
        body = _typed(typed)
        secret = await open_session(
            request.scope,
            email=body.email,
            password=body.password.get_secret_value(),
            start=service.start_for_browser,
        )
    except GroundworkError as error:
        return _again(request, error, email=typed.get("email", ""), wanted=wanted)
    response = RedirectResponse(wanted, status_code=HTTPStatus.SEE_OTHER)
    cookies.put(response, request.scope, secret=secret)
    return response


@router.post(SIGN_OUT)
async def sign_out(caller: Somebody, request: Request) -> Response:
    """End this session."""
    _, session_id = signed_in(caller)
    await run_in_threadpool(_end, session_id)
    response = RedirectResponse(SIGN_IN, status_code=HTTPStatus.SEE_OTHER)
    cookies.remove(response, request.scope)
    return response


def _typed(form: dict[str, str]) -> SignIn:
    fields = {name: form[name] for name in ("email", "password") if form.get(name)}
    try:
        return SignIn.model_validate(fields)
    except ValidationError:
        raise NotTyped from None


def _again(request: Request, error: GroundworkError, *, email: str, wanted: str) -> Response:
    if error.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return refuse(request.scope, error)
    request.state.problem_code = error.code  # for whoever observes the request
    shown = page(
        request.scope,
        "sign_in.html.j2",
        status=error.status,
        email=email[:1_000],
        next=wanted,
        sentence=str(error),
    )
    if error.status in RETRY_AFTER:
        shown.headers["Retry-After"] = str(error.retry_after or RETRY_AFTER[error.status])
    return shown


def _end(session_id: str) -> None:
    with transaction() as session:
        service.end(session, session_id=session_id)
