"""Users who sign in, and clients that have."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from app.db.sessions import transaction
from app.domains.accounts import administration, service
from app.domains.accounts.roles import Role
from tests.api_client import anonymous

if TYPE_CHECKING:
    from httpx import Response
    from starlette.testclient import TestClient

SIGN_IN = "/api/v1/auth/sign-in"
REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/auth/me"
PASSWORD = "wide rivers run slowly"
ANN = "ann@example.org"


def add_person(email: str = ANN, *, role: Role = Role.VIEWER, password: str = PASSWORD) -> int:
    """A user who signs in with `password`; the id."""
    with transaction() as session:
        new = service.NewUser(email=email, name="Ann")
        return administration.create_user(session, new, role=role, password_hash=hashed(password)).id


@cache
def hashed(password: str) -> str:
    return administration.hash_chosen(password, email="", name="")


def sign_in(client: TestClient, email: str = ANN, password: str = PASSWORD, **more: Any) -> Response:
    """Try to sign in."""
    headers = more.pop("headers", None)
    answer: Response = client.post(
        SIGN_IN, json={"email": email, "password": password, **more}, headers=headers
    )
    return answer


def client_of(email: str = ANN) -> TestClient:
    """A client that has signed in and shows its access token."""
    client = anonymous()
    token = sign_in(client, email).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client
