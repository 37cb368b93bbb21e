"""A client of the API's application in this process, with a token of its own."""

from __future__ import annotations

import itertools

from starlette.testclient import TestClient

from app.api import app
from app.db.sessions import transaction
from app.tokens.service import NewToken, create_token

_NUMBERS = itertools.count(1)


def new_token(*scopes: str) -> NewToken:
    """A fresh token with `scopes`; without any, one for everything."""
    with transaction() as session:
        return create_token(session, name=f"test-{next(_NUMBERS)}", scopes=scopes or ("*",))


def anonymous() -> TestClient:
    """A client without a token. The application is made once, and counts anew what callers ask of it."""
    app.middleware_stack = app.openapi_schema = None
    return TestClient(app, raise_server_exceptions=False)


def client_for(*scopes: str) -> TestClient:
    """A client whose token has `scopes`; without any, all of them."""
    client = anonymous()
    client.headers["Authorization"] = f"Bearer {new_token(*scopes).secret}"
    return client
