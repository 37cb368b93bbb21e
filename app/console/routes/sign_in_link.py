"""Signing in with a link that was made on the host.

To open it does nothing: a browser that looks ahead, or whoever scans a message, would use it up. The page's
button does.
"""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse
from starlette.types import Scope

from app.console.forms import form_of
from app.console.pages import page
from app.console.places import ROOT, SIGN_IN_LINK
from app.db.sessions import reading, transaction
from app.domains.accounts.links import signing_in
from app.domains.accounts.links.errors import UnusableSignInLink
from app.domains.accounts.sessions import cookies, login_log, service
from app.http.client_addresses import address_of, network_of

router = APIRouter()
TEMPLATE = "sign_in_link.html.j2"


@router.get(SIGN_IN_LINK)
def sign_in_link_page(request: Request) -> Response:
    """Who would sign in, and the button; without a token, a field to paste it into."""
    token = request.query_params.get("token", "")
    if not token:
        return page(request.scope, TEMPLATE, token="", email=None, sentence=None)
    try:
        with reading() as session:
            email = signing_in.whose(session, token=token).email
    except UnusableSignInLink as error:
        return _again(request, error)
    return page(request.scope, TEMPLATE, token=token, email=email, sentence=None)


@router.post(SIGN_IN_LINK)
async def sign_in_by_link(request: Request) -> Response:
    """Begin a session for whom the link was made, once."""
    token = (await form_of(request)).get("token", "").strip()
    try:
        secret = await run_in_threadpool(_begin, request.scope, token)
    except UnusableSignInLink as error:
        return _again(request, error)
    response = RedirectResponse(ROOT, status_code=HTTPStatus.SEE_OTHER)
    cookies.put(response, request.scope, secret=secret)
    return response


def _begin(scope: Scope, token: str) -> str:
    with transaction() as session:
        user = signing_in.use(session, token=token)
        login_log.note_success(
            session, scope, email=user.email, user_id=user.id, message="With a link made on the host."
        )
        return service.start_for_browser(session, user_id=user.id, address=network_of(address_of(scope)))


def _again(request: Request, error: UnusableSignInLink) -> Response:
    request.state.problem_code = error.code  # for whoever observes the request
    return page(request.scope, TEMPLATE, status=error.status, token="", email=None, sentence=str(error))
