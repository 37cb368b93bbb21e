"""HTTP routes of accounts: register a user, see one, change one."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Response

from app.db.sessions import reading, transaction
from app.domains.accounts import schemas, service
from app.domains.accounts.facts import OF_USER
from app.domains.accounts.scopes import READ, WRITE
from app.http.path_parameters import Id
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE

router = APIRouter(prefix="/api/v1/users", tags=["users"])
may_register = Depends(require(WRITE, BY_SCOPE))
may_read = Depends(require(READ, OF_USER))
may_write = Depends(require(WRITE, OF_USER))


@router.post("/register", status_code=HTTPStatus.CREATED, dependencies=[may_register])
def register_user(body: schemas.Registration, response: Response) -> schemas.UserView:
    """Create a user and welcome them by mail. 409 when the address is already registered."""
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
