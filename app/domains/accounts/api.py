"""HTTP routes of accounts: register a user, see one, change one."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.db.sessions import reading, transaction
from app.domains.accounts import schemas, service
from app.domains.accounts.facts import OF_USER
from app.domains.accounts.links.requests import REGISTRATION_TASK, ask_for_mail
from app.domains.accounts.links.schemas import Mailed
from app.domains.accounts.scopes import READ, WRITE
from app.http.client_addresses import address_of, network_of
from app.settings.config import settings
from app.tokens.callers import Caller, require
from app.tokens.open_paths import open_without_token
from app.tokens.owners import OPERATED
from app.values.path_parameters import Id
from app.values.timezones import check_timezone

router = APIRouter(prefix="/api/v1/users", tags=["users"])
open_without_token(f"{router.prefix}/register", scope=WRITE, when=lambda: settings().open_registration)
may_read = Depends(require(READ, OF_USER))
may_write = Depends(require(WRITE, OF_USER))


@router.post(
    "/register",
    status_code=HTTPStatus.CREATED,
    responses={HTTPStatus.ACCEPTED: {"model": Mailed}},
)
def register_user(
    body: schemas.Registration,
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(require(WRITE, OPERATED))],
) -> schemas.UserView | Mailed:
    """Create a user and welcome them by mail. 409 when the address is already registered.

    Without a token, where that is open: 202, and a link by mail, with which the user is created.
    """
    if caller.is_stranger:
        check_timezone(body.timezone)
        network = network_of(address_of(request.scope))
        arguments = {"registrant": body.model_dump()}
        ask_for_mail(REGISTRATION_TASK, arguments, email=body.email, network=network)
        response.status_code = HTTPStatus.ACCEPTED
        return Mailed()
    with transaction() as session:
        user = service.register(session, service.NewUser(**body.model_dump()))
        view = schemas.UserView.model_validate(user)
    response.headers["Location"] = f"{router.prefix}/{view.id}"
    return view


@router.get("/{user_id}", dependencies=[may_read])
def get_user(user_id: Id) -> schemas.UserView:
    """One user."""
    with reading() as session:
        return schemas.UserView.model_validate(service.find_user(session, user_id=user_id))


@router.patch("/{user_id}", dependencies=[may_write])
def change_user(user_id: Id, body: schemas.UserChange) -> schemas.UserView:
    """Change name, time zone, locale or preferences of a user."""
    with transaction() as session:
        user = service.change_user(
            session,
            user_id=user_id,
            name=body.name,
            timezone=body.timezone,
            locale=body.locale,
            preferences=body.preferences,
        )
        return schemas.UserView.model_validate(user)
