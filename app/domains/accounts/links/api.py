"""HTTP routes of mailed links: what asks for one, and what uses it."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.accounts import service as users
from app.domains.accounts.links import confirming, schemas, service
from app.domains.accounts.links.errors import RegistrationClosed
from app.domains.accounts.links.requests import EMAIL_CHANGE_TASK, PASSWORD_RESET_TASK, ask_for_mail
from app.domains.accounts.links.service import Target
from app.domains.accounts.models import Purpose, User
from app.domains.accounts.scopes import OWN
from app.domains.accounts.sessions.credentials import signed_in
from app.domains.accounts.sessions.signing_in import check_current_password, hash_of_chosen
from app.http.client_addresses import address_of, network_of
from app.settings.config import settings
from app.tokens.callers import Caller, require
from app.tokens.open_paths import open_to_strangers
from app.tokens.owners import SELF

router = APIRouter(prefix="/api/v1", tags=["auth"])
RESET = f"{router.prefix}/auth/password-reset"
for _path in (
    RESET,
    f"{RESET}/confirm",
    f"{router.prefix}/auth/email/confirm",
    f"{router.prefix}/users/register/confirm",
):
    open_to_strangers(_path)
Somebody = Annotated[Caller, Depends(require(OWN, SELF))]


@router.post("/auth/password-reset", status_code=HTTPStatus.ACCEPTED)
def ask_for_password_reset(body: schemas.ResetRequest, request: Request) -> schemas.Mailed:
    """Have a link mailed to whoever signs in with this address; a second one makes the first void."""
    network = network_of(address_of(request.scope))
    ask_for_mail(PASSWORD_RESET_TASK, {"mailbox": body.email}, email=body.email, network=network)
    return schemas.Mailed()


@router.post("/auth/password-reset/confirm", status_code=HTTPStatus.NO_CONTENT)
async def reset_password(body: schemas.ConfirmationWithPassword) -> None:
    """Choose another password with the token of a mail. All sessions of the user end."""
    email, name = await run_in_threadpool(_user_of, body.token)
    hashed = await hash_of_chosen(body.password.get_secret_value(), email=email, name=name)
    await run_in_threadpool(_within, confirming.reset_password, token=body.token, password_hash=hashed)


@router.post("/auth/email", status_code=HTTPStatus.ACCEPTED)
async def ask_for_email_change(
    body: schemas.EmailChange, caller: Somebody, request: Request
) -> schemas.Mailed:
    """Have a link mailed to another address of one's own, which it confirms; the present one is told."""
    user_id, _ = signed_in(caller)
    network = network_of(address_of(request.scope))
    user = await run_in_threadpool(_find_user, user_id)
    password = body.current_password.get_secret_value()
    await check_current_password(email=user.email, password=password, network=network)
    arguments = {"user_id": user_id, "mailbox": body.email}
    await run_in_threadpool(ask_for_mail, EMAIL_CHANGE_TASK, arguments, email=body.email, network=network)
    return schemas.Mailed()


@router.post("/auth/email/confirm", status_code=HTTPStatus.NO_CONTENT)
def change_email(body: schemas.Confirmation) -> None:
    """Have the address to which the token was mailed from now on."""
    _within(confirming.change_email, token=body.token)


@router.post("/users/register/confirm", status_code=HTTPStatus.NO_CONTENT)
async def confirm_registration(body: schemas.ConfirmationWithPassword) -> None:
    """Become a user who signs in, as a viewer, with the token of a mail."""
    if not settings().open_registration:
        raise RegistrationClosed
    target = await run_in_threadpool(_target_of, Purpose.REGISTRATION, body.token)
    name = (target.details or {}).get("name", "")
    hashed = await hash_of_chosen(body.password.get_secret_value(), email=target.email, name=name)
    await run_in_threadpool(_within, confirming.register, token=body.token, password_hash=hashed)


def _user_of(token: str) -> tuple[str, str]:
    with reading() as session:
        user = confirming.owner_of(session, token=token)
        return user.email, user.name


def _target_of(purpose: Purpose, token: str) -> Target:
    with reading() as session:
        return service.find(session, purpose=purpose, token=token)


def _find_user(user_id: int) -> User:
    with reading() as session:
        return users.find_user(session, user_id=user_id)


def _within(confirm: Callable[..., None], **given: str) -> None:
    with transaction() as session:
        confirm(session, **given)
