"""HTTP routes of signing in and out."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts import service as users
from app.domains.accounts.models import User
from app.domains.accounts.roles import Role
from app.domains.accounts.schemas import UserView
from app.domains.accounts.scopes import OWN
from app.domains.accounts.sessions import (
    access_tokens,
    cookies,
    credentials,
    schemas,
    service,
)
from app.domains.accounts.sessions.credentials import signed_in
from app.domains.accounts.sessions.errors import ReusedRefreshToken
from app.domains.accounts.sessions.opening import open_session
from app.domains.accounts.sessions.signing_in import check_current_password, hash_of_chosen
from app.http.client_addresses import address_of, network_of
from app.http.credentials import also_accept
from app.tokens.callers import Caller, require
from app.tokens.open_paths import open_to_strangers
from app.tokens.owners import SELF

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
SIGN_IN, REFRESH = f"{router.prefix}/sign-in", f"{router.prefix}/refresh"
open_to_strangers(SIGN_IN)
open_to_strangers(REFRESH)
also_accept(credentials.find)
Somebody = Annotated[Caller, Depends(require(OWN, SELF))]


@router.post("/sign-in")
async def sign_in(
    body: schemas.SignIn, request: Request, response: Response
) -> schemas.TokensView | schemas.CookieView:
    """Sign in with a password. 401 whatever is wrong, 429 with a pause after several wrong passwords."""
    typed = {"email": body.email, "password": body.password.get_secret_value()}
    if body.keep == "cookie":
        secret = await open_session(request.scope, **typed, start=service.start_for_browser)
        cookies.put(response, request.scope, secret=secret)
        return schemas.CookieView(csrf_token=cookies.csrf_token(secret))
    return _view(await open_session(request.scope, **typed, start=service.start_for_client))


@router.post("/refresh")
def refresh(body: schemas.Refresh) -> schemas.TokensView:
    """The next tokens. A refresh token that comes a second time ends its session."""
    with transaction() as session:
        pair = service.renew(session, refresh_token=body.refresh_token)
    if pair is None:
        raise ReusedRefreshToken
    return _view(pair)


@router.post("/sign-out", status_code=HTTPStatus.NO_CONTENT)
def sign_out(caller: Somebody, request: Request, response: Response) -> None:
    """End this session: its cookie or all of its tokens are refused within a second."""
    _, session_id = signed_in(caller)
    with transaction() as session:
        service.end(session, session_id=session_id)
    cookies.remove(response, request.scope)


@router.post("/sign-out-everywhere", status_code=HTTPStatus.NO_CONTENT)
def sign_out_everywhere(caller: Somebody, request: Request, response: Response) -> None:
    """End all sessions of whoever asks, this one included."""
    user_id, _ = signed_in(caller)
    with transaction() as session:
        service.end_all(session, user_id=user_id)
    cookies.remove(response, request.scope)


@router.post("/password", status_code=HTTPStatus.NO_CONTENT)
async def change_password(body: schemas.PasswordChange, caller: Somebody, request: Request) -> None:
    """Choose another password, knowing the current one. All other sessions of the user end."""
    user_id, session_id = signed_in(caller)
    user = await run_in_threadpool(_find_user, user_id)
    network = network_of(address_of(request.scope))
    current = body.current_password.get_secret_value()
    await check_current_password(email=user.email, password=current, network=network)
    hashed = await hash_of_chosen(body.new_password.get_secret_value(), email=user.email, name=user.name)
    await run_in_threadpool(_set_password, user_id, hashed, session_id)


@router.get("/me")
def me(caller: Somebody, request: Request) -> schemas.MeView:
    """Who is signed in."""
    user_id, _ = signed_in(caller)
    secret = cookies.secret_in(request.scope)
    user = _find_user(user_id)
    return schemas.MeView(
        user=UserView.model_validate(user),
        role=Role(user.role or ""),
        csrf_token=cookies.csrf_token(secret) if secret else None,
    )


def _find_user(user_id: int) -> User:
    with reading() as session:
        return users.find_user(session, user_id=user_id)


def _set_password(user_id: int, password_hash: str, this_session: str) -> None:
    with transaction() as session:
        administration.set_password(session, user_id=user_id, password_hash=password_hash, but=this_session)


def _view(pair: service.Pair) -> schemas.TokensView:
    return schemas.TokensView(
        access_token=pair.access_token,
        expires_in=int(access_tokens.lifetime().total_seconds()),
        refresh_token=pair.refresh_token,
    )
