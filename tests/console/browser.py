"""People in front of the console, and the forms that their browsers send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.accounts.roles import Role
from tests.api_client import anonymous
from tests.domains.accounts.people import ANN, PASSWORD, add_person

if TYPE_CHECKING:
    from httpx import Response
    from starlette.testclient import TestClient

OVERVIEW, SIGN_IN, SIGN_OUT = "/console", "/console/sign-in", "/console/sign-out"
HERE = {"Sec-Fetch-Site": "same-origin"}


def browser() -> TestClient:
    """One in which nobody has signed in; it shows where it is led and goes nowhere by itself."""
    client = anonymous()
    client.follow_redirects = False
    return client


def sign_in(client: TestClient, email: str = ANN, password: str = PASSWORD, **more: str) -> Response:
    """What the form of the page sends."""
    answer: Response = client.post(SIGN_IN, data={"email": email, "password": password, **more}, headers=HERE)
    return answer


def signed_in(role: Role = Role.OPERATOR) -> TestClient:
    """The browser of somebody who has signed in."""
    email = f"{role}@example.org"
    add_person(email, role=role)
    client = browser()
    assert sign_in(client, email).status_code == 303
    return client
